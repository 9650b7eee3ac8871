/* What was in a note: any version of it with its authors, and the list of versions. */
#include "server/core/session/session_note.h"

#include "server/core/note/note_log.h"
#include "server/core/query/query.h"
#include "server/core/work.h"

#define DEFAULT_VERSIONS 100u
/* Bytes of log rows that one list looks through. */
#define VERSIONS_SCAN (1024u * 1024u)
/* What one version comes to, in bytes of work: replayed, where half of the bytes that say who wrote
 * what are gone through besides, and listed. */
#define REPLAYED_BYTES 2048u
#define LISTED_BYTES 1024u
/* More than there ever are between two snapshots. */
#define MOST_REPLAYED (1u << 20)

static void answer_read(struct session *session, const struct msg_note_read *read,
                        const struct note_look *look, uint64_t version, struct bytes text,
                        struct bytes authors)
{
    struct message message = {.type = MESSAGE_NOTE};
    struct msg_note *note = &message.as.note;
    note->request = read->request;
    note->note = read->note;
    note->version = version;
    note->newest = look->head.version;
    note->oldest = look->oldest;
    note->text = text;
    note->authors = authors;
    message_mark(&message, "text");
    message_mark(&message, "authors");
    session_reply(session, &message);
}

static size_t replayed_bytes(const struct state *state, const struct note_look *look,
                             uint64_t version)
{
    struct bytes row;
    uint64_t from;
    const struct id note = look->record->id;
    if (state->ops->note_before(state->self, NOTE_SNAPSHOT, note, version + 1, &from, &row) !=
        STATUS_OK) {
        return 0;
    }
    const uint64_t steps = version - from < MOST_REPLAYED ? version - from : MOST_REPLAYED;
    return row.size + (size_t)steps * (REPLAYED_BYTES + look->head.runs.size / 2);
}

static enum status read_version(struct session *session, const struct state *state,
                                const struct msg_note_read *read, const struct note_look *look)
{
    struct buffer text = {0}, authors = {0};
    enum status status =
        session_note_damage(session, read->note,
                            note_read_version(state, look->record, read->version, &text, &authors));
    if (status == STATUS_OK && (text.failed || authors.failed)) {
        status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        answer_read(session, read, look, read->version, buffer_bytes(&text),
                    buffer_bytes(&authors));
    }
    buffer_release(&text);
    buffer_release(&authors);
    return status;
}

static enum status read_note(struct session *session, const struct state *state,
                             const struct msg_note_read *read, bool named)
{
    struct note_look look;
    enum status status = session_note_look(session, state, read->note, &look);
    const bool replays = status == STATUS_OK && named && read->version >= look.oldest &&
                         read->version < look.head.version;
    session_note_weigh(session, &look, replays ? replayed_bytes(state, &look, read->version) : 0);
    if (status == STATUS_OK && (!named || read->version == look.head.version)) {
        answer_read(session, read, &look, look.head.version, look.head.text, look.head.runs);
    } else if (status == STATUS_OK && read->version < look.oldest) {
        status = STATUS_NOT_FOUND;
    } else if (status == STATUS_OK) {
        status = read_version(session, state, read, &look);
    }
    note_look_release(&look);
    return status;
}

void session_on_note_read(struct session *session, const struct msg_note_read *read, bool named)
{
    struct state state;
    struct meta meta;
    if (!session_look(session, &state, &meta)) {
        return;
    }
    enum status status = read_note(session, &state, read, named);
    session_look_away(session);
    if (status != STATUS_OK) {
        session_refuse(session, &read->request, status, NULL);
    }
}

static void put_version(struct buffer *out, const struct note_entry *entry)
{
    uint64_t removed = 0, inserted = 0;
    for (size_t i = 0; i < entry->set->count; i++) {
        if (!entry->set->parts[i].kept) {
            removed += entry->set->parts[i].length;
            inserted += entry->set->parts[i].inserted;
        }
    }
    wire_put_map(out, 5);
    wire_put_text(out, "version");
    wire_put_uint(out, entry->version);
    wire_put_text(out, "by");
    wire_put_str(out, entry->by);
    wire_put_text(out, "at");
    wire_put_uint(out, entry->at_ms);
    wire_put_text(out, "removed");
    wire_put_uint(out, removed);
    wire_put_text(out, "inserted");
    wire_put_uint(out, inserted);
}

static enum status list_versions(const struct state *state, const struct msg_note_versions *asked,
                                 const struct note_look *look, struct page *page)
{
    uint64_t before = asked->before != 0 ? asked->before : UINT64_MAX;
    uint64_t limit = asked->limit == 0           ? DEFAULT_VERSIONS
                     : asked->limit > LIMIT_PAGE ? LIMIT_PAGE
                                                 : asked->limit;
    struct note_log log;
    struct note_entry entry;
    enum status status = STATUS_OK;
    note_log_begin(&log, state, asked->note);
    for (size_t scanned = 0; page->count < limit && scanned < VERSIONS_SCAN;
         scanned += note_entry_size(&entry)) {
        status = note_log_before(&log, before, &entry);
        if (status != STATUS_OK || entry.version <= look->oldest) {
            break;
        }
        put_version(&page->items, &entry);
        page->count++;
        before = entry.version;
    }
    note_log_release(&log);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void answer_versions(struct session *session, uint64_t request, const struct page *page)
{
    struct buffer items = {0};
    struct message message = {.type = MESSAGE_ANSWER};
    wire_put_array(&items, page->count);
    wire_put_raw(&items, buffer_bytes(&page->items));
    message.as.answer.request = request;
    message.as.answer.entries = buffer_bytes(&items);
    message_mark(&message, "entries");
    if (items.failed || page->items.failed) {
        session_refuse(session, &request, STATUS_NO_MEMORY, NULL);
    } else {
        session_reply(session, &message);
    }
    buffer_release(&items);
}

void session_on_note_versions(struct session *session, const struct msg_note_versions *asked)
{
    struct state state;
    struct meta meta;
    struct note_look look;
    struct page page = {0};
    if (!session_look(session, &state, &meta)) {
        return;
    }
    enum status status = session_note_look(session, &state, asked->note, &look);
    if (status == STATUS_OK) {
        status =
            session_note_damage(session, asked->note, list_versions(&state, asked, &look, &page));
        if (status == STATUS_CORRUPT && page.count > 0) {
            status = STATUS_OK; /* what is older is asked for next */
        }
    }
    session_note_weigh(session, &look, page.items.size + page.count * (size_t)LISTED_BYTES);
    session_look_away(session);
    if (status == STATUS_OK) {
        answer_versions(session, asked->request, &page);
    } else {
        session_refuse(session, &asked->request, status, NULL);
    }
    note_look_release(&look);
    page_release(&page);
}
