/* Opening notes, writing in them, and what is sent of the open ones. */
#include "server/core/session/session_note.h"

#include <assert.h>

#include "protocol/memory.h"
#include "server/core/feed/feed_cache.h"
#include "server/core/note/note_runs.h"
#include "server/core/note/note_log.h"
#include "server/core/record/view.h"
#include "server/core/work.h"

/* Since the oldest placement that lives and meets them they have been among the audience. */
static uint64_t audience_since(const struct principal *who, const struct record *record)
{
    uint64_t since = UINT64_MAX;
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (placement->removed == 0 && scope_equal(placement->scope, record->scope) &&
            access_holds_tag(who, placement->tag) && placement->added < since) {
            since = placement->added;
        }
    }
    return since;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum status session_note_gate(const struct session *session, const struct state *state,
                              struct id note, struct note_look *out)
{
    const struct principal *who = &session->who;
    struct opening opening;
    *out = (struct note_look){.record = &session->cache->record};
    enum status status = view_load(state, who, note, out->record);
    if (status != STATUS_OK) {
        return status;
    }
    const struct record_field *text = record_field(out->record, "text");
    if (!bytes_is(out->record->entity, "note") ||
        (text != NULL && !access_sees_field(who, out->record, text))) {
        return STATUS_NOT_FOUND;
    }
    status = access_opening(state, who, out->record->scope, &opening);
    out->writes =
        status == STATUS_OK && access_judge(who, &opening, out->record, ACTION_COMMENT).allowed;
    /* Who changed their department or partner came to see it then, as far as they know. */
    out->since = later(later(opening.since, audience_since(who, out->record)), who->since);
    return status;
}

enum status session_note_look(const struct session *session, const struct state *state,
                              struct id note, struct note_look *out)
{
    enum status status = session_note_gate(session, state, note, out);
    if (status == STATUS_OK) {
        status = note_read_head(state, out->record, &out->scratch, &out->head);
    }
    if (status == STATUS_OK) {
        status = note_oldest_for(state, &session->who, out->record, &out->head, &out->oldest);
        if (session_note_damage(session, note, status) == STATUS_CORRUPT) {
            out->oldest = out->head.version; /* it cannot be told what else is theirs */
            status = STATUS_OK;
        }
    }
    return session_note_damage(session, note, status);
}

enum status session_note_damage(const struct session *session, struct id note, enum status status)
{
    if (status == STATUS_CORRUPT && session->port.damaged != NULL) {
        session->port.damaged(session->port.self, note);
    }
    return status;
}

void session_note_weigh(struct session *session, const struct note_look *look, size_t bytes)
{
    const size_t note = look->head.text.size + look->head.runs.size;
    session_work(session, (int32_t)(work_of(note) + work_of(bytes)));
}

void note_look_release(struct note_look *look)
{
    buffer_release(&look->scratch);
}

/* ---- The open ones --------------------------------------------------------------------------- */

static void set_due(struct session *session, struct note_slot *slot, bool due)
{
    if (slot->due != due) {
        slot->due = due;
        session->notes_due += due ? 1u : UINT32_MAX;
    }
}

static void close_slot(struct session *session, struct note_slot *slot)
{
    set_due(session, slot, false);
    interest_forget_note(session->interest, session, slot->note);
    slot->open = false;
}

static struct note_slot *find_slot(struct session *session, struct id note)
{
    for (uint32_t i = 0; session->notes != NULL && i < LIMIT_NOTES_OPEN; i++) {
        struct note_slot *slot = &session->notes->slots[i];
        if (slot->open && id_equal(slot->note, note)) {
            return slot;
        }
    }
    return NULL;
}

static struct note_slot *free_slot(struct session *session)
{
    for (uint32_t i = 0; i < LIMIT_NOTES_OPEN; i++) {
        if (!session->notes->slots[i].open) {
            return &session->notes->slots[i];
        }
    }
    return NULL;
}

static bool list_interests(struct session *session)
{
    struct session_notes *notes = session->notes;
    bool listed = true;
    interest_forget_notes(session->interest, session);
    for (unsigned i = 0; i < session->who.subject_count; i++) {
        listed =
            interest_note_subject(session->interest, session, session->who.subjects[i]) && listed;
    }
    for (uint32_t i = 0; i < LIMIT_NOTES_OPEN; i++) {
        if (notes->slots[i].open) {
            listed = interest_note(session->interest, session, notes->slots[i].note, i) && listed;
        }
    }
    notes->unlisted = !listed;
    return listed;
}

void session_mark_note(struct session *session, uint32_t slot)
{
    if (session->notes != NULL && slot < LIMIT_NOTES_OPEN && session->notes->slots[slot].open) {
        set_due(session, &session->notes->slots[slot], true);
    }
}

void session_mark_notes(struct session *session, bool principal_changed)
{
    if (session->notes == NULL) {
        return;
    }
    session->notes->unlisted = session->notes->unlisted || principal_changed;
    for (uint32_t i = 0; i < LIMIT_NOTES_OPEN; i++) {
        session_mark_note(session, i);
    }
}

void session_close_notes(struct session *session)
{
    interest_forget_notes(session->interest, session);
    memory_free(session->notes);
    session->notes = NULL;
    session->notes_due = 0;
}

/* ---- note-open, note-close ------------------------------------------------------------------- */

/* Whether the client can go on from `version`: they may still read it, could see everything that
 * came behind it, and it is not too much. */
static enum status can_go_on(const struct state *state, const struct note_look *look,
                             uint64_t version, bool *can)
{
    struct note_log log;
    struct note_entry entry;
    enum status status = STATUS_OK;
    size_t bytes = 0;
    note_log_begin(&log, state, look->record->id);
    *can = version >= look->oldest && version <= look->head.version;
    while (*can && version < look->head.version && status == STATUS_OK) {
        status = note_log_at(&log, ++version, &entry);
        if (status == STATUS_OK) {
            bytes += note_entry_size(&entry);
            *can = entry.seq >= look->since && bytes <= SESSION_NOTE_CATCH_UP;
        }
    }
    note_log_release(&log);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static enum status take_slot(struct session *session, struct id note, struct note_slot **out)
{
    if (session->notes == NULL) {
        session->notes = memory_new(sizeof *session->notes);
        if (session->notes == NULL) {
            return STATUS_NO_MEMORY;
        }
        session->notes->unlisted = true;
    }
    struct note_slot *slot = find_slot(session, note);
    *out = slot;
    if (slot != NULL) {
        return STATUS_OK;
    }
    *out = slot = free_slot(session);
    if (slot == NULL) {
        return STATUS_LIMIT;
    }
    *slot = (struct note_slot){.note = note, .open = true};
    bool listed = session->notes->unlisted
                      ? list_interests(session)
                      : interest_note(session->interest, session, note,
                                      (uint32_t)(slot - session->notes->slots));
    if (!listed) {
        close_slot(session, slot);
    }
    return listed ? STATUS_OK : STATUS_NO_MEMORY;
}

static void answer_open(struct session *session, const struct msg_note_open *open,
                        const struct note_look *look, bool go_on)
{
    struct message message = {.type = MESSAGE_NOTE};
    struct msg_note *note = &message.as.note;
    note->request = open->request;
    note->note = open->note;
    note->version = go_on ? open->version : look->head.version;
    note->newest = look->head.version;
    note->oldest = look->oldest;
    if (!go_on) {
        note->text = look->head.text;
        message_mark(&message, "text");
    }
    if (!look->writes) {
        note->read_only = true;
        message_mark(&message, "readOnly");
    }
    session_reply(session, &message);
}

static enum status open_note(struct session *session, const struct state *state,
                             const struct meta *meta, const struct msg_note_open *open, bool named)
{
    struct note_look look;
    struct note_slot *slot;
    bool go_on = false;
    enum status status = session_note_look(session, state, open->note, &look);
    session_note_weigh(session, &look, named ? SESSION_NOTE_CATCH_UP : 0);
    if (status == STATUS_OK && named) {
        status = can_go_on(state, &look, open->version, &go_on);
        if (session_note_damage(session, open->note, status) == STATUS_CORRUPT) {
            go_on = false; /* the text is there */
            status = STATUS_OK;
        }
    }
    if (status == STATUS_OK) {
        status = take_slot(session, open->note, &slot);
    }
    if (status == STATUS_OK) {
        slot->version = go_on ? open->version : look.head.version;
        slot->allowed = meta->seq;
        slot->writes = look.writes;
        set_due(session, slot, slot->version < look.head.version);
        answer_open(session, open, &look, go_on);
    }
    note_look_release(&look);
    return status;
}

void session_on_note_open(struct session *session, const struct msg_note_open *open, bool named)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return;
    }
    enum status status = open_note(session, &state, &meta, open, named);
    session_look_away(session);
    if (status != STATUS_OK) {
        session_refuse(session, &open->request, status, NULL);
    }
}

void session_on_note_close(struct session *session, const struct msg_note_close *close)
{
    struct note_slot *slot = find_slot(session, close->note);
    if (slot != NULL) {
        close_slot(session, slot);
    }
}

/* ---- note-push ------------------------------------------------------------------------------- */

/* A note as long as one can be. */
#define NOTE_BYTES_MOST (LIMIT_NOTE_TEXT + NOTE_RUNS_MAX * WORK_RUN_BYTES)

/* The most that a push can be. How long its note is nobody may find out who may not see it, so that
 * only who applies it knows better: what was paid too much comes back with the answer. */
static int32_t price_of(const struct msg_note_push *push, size_t size)
{
    const uint32_t sets = message_count(push->changes);
    const uint32_t looked_at = sets < LIMIT_NOTE_PUSH ? sets : LIMIT_NOTE_PUSH;
    return (int32_t)(work_of(size) + (1 + looked_at) * work_of(NOTE_BYTES_MOST));
}

bool session_on_note_push(struct session *session, const struct msg_note_push *push,
                          struct bytes frame)
{
    if (session->pending_count >= LIMIT_IN_FLIGHT ||
        !session_submit(session, COMMAND_NOTE, frame, THEN_NOTE, push->request)) {
        return false;
    }
    struct pending *pending = &session->pending[session->pending_count - 1];
    pending->note = push->note;
    pending->prepaid = price_of(push, frame.size);
    session_work(session, pending->prepaid);
    return true;
}

/* Nobody who makes change sets of the text they hold is told so. That there is no room for them can
 * be others' doing. */
static void charge_refusal(struct session *session, struct bytes answer)
{
    struct message message;
    if (message_decode(answer, &message, NULL) == STATUS_OK &&
        message.type == MESSAGE_NOTE_RESULT) {
        const enum status status = status_from_name(message.as.note_result.status);
        if (session_is_error(status) && status != STATUS_TOO_LARGE) {
            session_charge(session, 1);
        }
    }
}

/* The committer made the answer, unless the store failed it. */
void session_answer_push(struct session *session, const struct pending *pending, enum status status,
                         struct bytes answer)
{
    if (status == STATUS_OK && answer.size > 0) {
        session_reply_bytes(session, answer);
        charge_refusal(session, answer);
        return;
    }
    (void)session_note_damage(session, pending->note, status);
    struct message message = {.type = MESSAGE_NOTE_RESULT};
    message.as.note_result.request = pending->number;
    message.as.note_result.note = pending->note;
    message.as.note_result.status =
        bytes_text(status_name(status == STATUS_OK ? STATUS_INTERNAL : status));
    session_reply(session, &message);
}

/* ---- What is sent of the open ones ----------------------------------------------------------- */

static struct frame *encoded(struct feed_cache *cache, const struct message *message)
{
    buffer_clear(&cache->message);
    message_encode(&cache->message, message);
    return cache->message.failed ? NULL : frame_new(buffer_bytes(&cache->message));
}

static enum status end_note(struct session *session, struct note_slot *slot, enum status why,
                            struct frame **out)
{
    struct message message = {.type = MESSAGE_NOTE_ENDED};
    message.as.note_ended.note = slot->note;
    message.as.note_ended.status = bytes_text(status_name(why));
    close_slot(session, slot);
    *out = encoded(session->cache, &message);
    return *out != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* OK: they may have what is behind the slot's version. RESET_REQUIRED: not all of it, or they may
 * write in the note by now, or may not any more. */
static enum status ask_gate(const struct session *session, const struct state *state,
                            const struct meta *meta, struct note_slot *slot)
{
    struct note_look look;
    if (slot->allowed == meta->seq) {
        return STATUS_OK;
    }
    enum status status = session_note_gate(session, state, slot->note, &look);
    note_look_release(&look);
    if (status == STATUS_OK && (look.since > slot->allowed || look.writes != slot->writes)) {
        return STATUS_RESET_REQUIRED;
    }
    if (status == STATUS_OK) {
        slot->allowed = meta->seq;
    }
    return status;
}

static void put_entry(struct buffer *out, const struct note_entry *entry)
{
    wire_put_array(out, 4);
    wire_put_id(out, entry->client);
    wire_put_str(out, entry->by);
    wire_put_uint(out, entry->at_ms);
    change_set_write(entry->set, out);
}

/* Entries behind the slot's version into the cache's buffer, until a frame is full. `*to` becomes
 * the version they lead to. RESET_REQUIRED when some of them are forgotten. */
static enum status gather(const struct session *session, const struct state *state,
                          const struct note_slot *slot, uint64_t *to, bool *more)
{
    struct buffer *entries = &session->cache->records;
    struct note_log log;
    struct note_entry entry;
    enum status status;
    uint32_t count = 0;
    buffer_clear(entries);
    size_t begin = wire_begin_array(entries);
    *to = slot->version;
    *more = false;
    note_log_begin(&log, state, slot->note);
    while ((status = note_log_next(&log, *to, &entry)) == STATUS_OK) {
        if (entry.version != *to + 1) {
            status = STATUS_RESET_REQUIRED;
            break;
        }
        if (count > 0 && entries->size + note_entry_size(&entry) > LIMIT_FRAME_TARGET) {
            *more = true;
            break;
        }
        put_entry(entries, &entry);
        *to = entry.version;
        count++;
    }
    wire_end(entries, begin, count);
    note_log_release(&log);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* There is no row behind the version the client has: is it the newest? */
static enum status check_newest(const struct session *session, const struct state *state,
                                const struct note_slot *slot)
{
    struct note_look look;
    enum status status = session_note_look(session, state, slot->note, &look);
    if (status == STATUS_OK && look.head.version != slot->version) {
        status = STATUS_RESET_REQUIRED;
    }
    note_look_release(&look);
    return status;
}

static enum status changes_frame(struct session *session, struct note_slot *slot, uint64_t to,
                                 struct frame **out)
{
    struct message message = {.type = MESSAGE_NOTE_CHANGES};
    message.as.note_changes.note = slot->note;
    message.as.note_changes.from = slot->version;
    message.as.note_changes.entries = buffer_bytes(&session->cache->records);
    *out = session->cache->records.failed ? NULL : encoded(session->cache, &message);
    if (*out == NULL) {
        return STATUS_NO_MEMORY;
    }
    feed_cache_keep_note(session->cache, slot->note, slot->version, to, *out);
    return STATUS_OK;
}

/* Whether rows stand behind those that a frame made for somebody else holds. */
static enum status more_behind(const struct state *state, struct id note, uint64_t version,
                               bool *more)
{
    struct note_log log;
    struct note_entry entry;
    note_log_begin(&log, state, note);
    enum status status = note_log_next(&log, version, &entry);
    note_log_release(&log);
    *more = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status next_changes(struct session *session, const struct state *state,
                                struct note_slot *slot, struct frame **out)
{
    uint64_t to;
    bool more;
    enum status status;
    *out = feed_cache_find_note(session->cache, slot->note, slot->version, &to);
    if (*out != NULL) {
        frame_share(*out);
        status = more_behind(state, slot->note, to, &more);
    } else {
        status = gather(session, state, slot, &to, &more);
        if (status == STATUS_OK && to == slot->version) {
            status = check_newest(session, state, slot);
        } else if (status == STATUS_OK) {
            status = changes_frame(session, slot, to, out);
        }
    }
    if (status == STATUS_OK) {
        slot->version = to;
        set_due(session, slot, more);
    } else {
        frame_drop(*out);
        *out = NULL;
    }
    return status;
}

static enum status serve(struct session *session, const struct state *state,
                         const struct meta *meta, struct note_slot *slot, struct frame **out)
{
    enum status status = ask_gate(session, state, meta, slot);
    if (status == STATUS_OK) {
        status = next_changes(session, state, slot, out);
    }
    if (session_note_damage(session, slot->note, status) == STATUS_CORRUPT) {
        status = STATUS_RESET_REQUIRED; /* opening it tells more */
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_RESET_REQUIRED) {
        status = end_note(session, slot, status, out);
    }
    return status;
}

enum status session_next_note(struct session *session, const struct state *state,
                              const struct meta *meta, struct frame **out)
{
    struct session_notes *notes = session->notes;
    *out = NULL;
    if (notes != NULL && notes->unlisted && !list_interests(session)) {
        return STATUS_NO_MEMORY;
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0;
         session->notes_due > 0 && i < LIMIT_NOTES_OPEN && status == STATUS_OK && *out == NULL;
         i++) {
        struct note_slot *slot = &notes->slots[notes->turn];
        notes->turn = (notes->turn + 1) % LIMIT_NOTES_OPEN;
        if (slot->due) {
            status = serve(session, state, meta, slot, out);
        }
    }
    return status;
}
