/* A live note's document and the folder: filling it, writing rows, taking over those of others. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/client/client_find.h"
#include "protocol/memory.h"

/* ---- From the folder ---- */

struct reading {
    struct tandem_note *note;
    struct note_doc *doc; /* to be filled anew; NULL: the note's own, by rows */
    bool whole;           /* what was saved is needed */
    size_t *places, count;
    bool applied;
};

static enum status take_saved(void *context, struct bytes saved)
{
    struct reading *reading = context;
    if (reading->doc != NULL)
        return note_doc_load(reading->doc, saved);
    reading->whole = true;
    return STATUS_BEHIND;
}

static void move_places(struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++)
        reading->places[i] = note_doc_shown_place(reading->note->doc, reading->places[i], i == 0);
}

static enum status take_row(void *context, struct bytes row)
{
    struct reading *reading = context;
    struct tandem_note *note = reading->note;
    if (reading->doc != NULL)
        return note_doc_apply(reading->doc, row, NOTE_DOC_ELSEWHERE);
    enum status status = note_doc_apply(note->doc, row, NOTE_DOC_ELSEWHERE);
    if (status != STATUS_OK)
        return status;
    reading->applied = true;
    note_news_shown(note, false);
    move_places(reading);
    return STATUS_OK;
}

/* A document of what is in the folder; *head is of it. */
static enum status read_whole(struct tandem_note *note, struct note_head *head,
                              struct note_doc **out)
{
    struct reading reading = {.note = note, .doc = note_doc_new()};
    const struct note_reader reader = {&reading, take_saved, take_row};
    *out = NULL;
    if (reading.doc == NULL)
        return STATUS_NO_MEMORY;
    enum status status = note_store_read(note->client->store, note->id, 0, head, &reader);
    if (status == STATUS_OK)
        *out = reading.doc;
    else
        note_doc_free(reading.doc);
    return status;
}

/* ---- From the record ---- */

struct record_text {
    struct tandem_note *note;
    struct note_doc *doc;
    enum status status;
    bool found;
};

/* A live note's lines end with \n; in a text that was written before it was live they may not. */
static bool put_lines(struct bytes text, struct buffer *out)
{
    bool same = true;
    for (size_t i = 0; i < text.size; i++) {
        bool returns = text.data[i] == '\r';
        if (returns && i + 1 < text.size && text.data[i + 1] == '\n')
            i++;
        same = same && !returns;
        buffer_append_byte(out, returns ? '\n' : text.data[i]);
    }
    return same;
}

static enum status begin_with(struct note_doc *doc, uint64_t version, struct bytes text, bool *same)
{
    struct buffer lines = {0};
    *same = put_lines(text, &lines);
    enum status status =
        lines.failed ? STATUS_NO_MEMORY : note_doc_begin(doc, version, buffer_bytes(&lines));
    buffer_release(&lines);
    return status;
}

static bool take_record(void *context, struct bytes encoded)
{
    struct record_text *taken = context;
    struct note_head *head = &taken->note->head;
    struct record_view view;
    struct bytes text = {0};
    uint64_t version = 0;
    bool same = false;
    if (!record_view_read(encoded, &view) || !bytes_is(view.entity, "note"))
        return false;
    taken->found = true;
    (void)wire_map_str(view.fields, "text", &text);
    if (!wire_map_uint(view.fields, "version", &version) || version > NOTE_VERSION_MOST)
        version = 0;
    taken->status = begin_with(taken->doc, version, text, &same);
    *head = (struct note_head){.version = version, .held = true, .scope = view.scope};
    if (same)
        head->epoch = replica_epoch(taken->note->client->replica);
    return false;
}

/* A note that was made here and is not at the server yet. Its version there is not known. */
static bool take_pending(void *context, const tandem_record *record)
{
    struct record_text *taken = context;
    const char *text = tandem_record_text(record, "text");
    bool same = false;
    if (strcmp(tandem_record_entity(record), "note") != 0)
        return false;
    taken->found = true;
    taken->note->pending = true;
    taken->note->head = (struct note_head){.scope = record->view.scope};
    taken->status = begin_with(taken->doc, 0, bytes_text(text), &same);
    return false;
}

static enum status read_record(struct tandem_note *note, struct note_doc **out)
{
    struct record_text taken = {.note = note, .doc = note_doc_new(), .status = STATUS_OK};
    tandem_client *client = note->client;
    *out = NULL;
    if (taken.doc == NULL)
        return STATUS_NO_MEMORY;
    note->pending = false;
    enum status status = STATUS_NOT_FOUND;
    if (client->replica != NULL)
        status = replica_get(client->replica, note->id, take_record, &taken);
    if (status == STATUS_NOT_FOUND && client->replica != NULL)
        status = find_one(client, note->id, take_pending, &taken);
    if (status == STATUS_OK)
        status = taken.found ? taken.status : STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = taken.doc;
    else
        note_doc_free(taken.doc);
    return status;
}

/* ---- Filling ---- */

static void use(struct tandem_note *note, struct note_doc *doc)
{
    note_doc_free(note->doc);
    note->doc = doc;
    note->ended = note->head.ended;
}

/* What is kept although everything is saved is of use until the record shows it, and to other
 * processes. */
static bool record_is_as_new(struct tandem_note *note, const struct note_head *kept)
{
    struct note_doc *doc = NULL;
    bool newer = kept->waiting == 0 && kept->ended == STATUS_OK &&
                 !note_is_wanted(note->client, kept) && read_record(note, &doc) == STATUS_OK &&
                 note->head.held && id_equal(note->head.epoch, kept->epoch) &&
                 note->head.version >= kept->version;
    if (newer)
        use(note, doc);
    else
        note_doc_free(doc);
    return newer;
}

/* In the folder, it may wait for its record to be taken. */
static void look_for_record(struct tandem_note *note)
{
    struct note_head head = note->head;
    struct note_doc *doc = NULL;
    if (!head.held && id_is_zero(head.epoch))
        (void)read_record(note, &doc);
    note_doc_free(doc);
    note->head = head;
}

enum status note_load(struct tandem_note *note)
{
    struct note_head head = {.next = 0};
    struct note_doc *doc = NULL;
    enum status status = STATUS_NOT_FOUND;
    if (note->client->store != NULL)
        status = read_whole(note, &head, &doc);
    if (status == STATUS_OK && record_is_as_new(note, &head)) {
        struct note_head of_record = note->head;
        note_doc_free(doc);
        note->head.next = head.next;
        (void)note_drop(note);
        note->head = of_record;
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        note->head = head;
        use(note, doc);
        look_for_record(note);
        return STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND)
        status = read_record(note, &doc);
    if (status == STATUS_OK)
        use(note, doc);
    return status;
}

struct bytes note_text_shown(const struct tandem_note *note)
{
    return note->stands ? buffer_bytes(&note->before) : note_doc_text(note->doc);
}

enum status note_read_again(struct tandem_note *note, size_t *places, size_t count)
{
    struct bytes text = note_text_shown(note);
    struct buffer before = {0};
    struct note_doc *doc = NULL;
    struct note_head head = {.next = 0};
    buffer_append(&before, text.data, text.size);
    enum status status = before.failed ? STATUS_NO_MEMORY : STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND && note->client->store != NULL)
        status = read_whole(note, &head, &doc);
    if (status == STATUS_OK)
        note->head = head;
    else if (status == STATUS_NOT_FOUND)
        status = read_record(note, &doc);
    if (status == STATUS_NOT_FOUND) {
        doc = note_doc_new();
        note->head = (struct note_head){.next = 0};
        status = doc != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status == STATUS_OK) {
        use(note, doc);
        note->reload = note->stands = false;
        note_news_difference(note, buffer_bytes(&before), places, count);
        note_reopen(note, note->anew);
    }
    buffer_release(&before);
    return status;
}

enum status note_drop(struct tandem_note *note)
{
    struct note_writing *writing = NULL;
    if (note->client->store == NULL || note->head.next == 0)
        return STATUS_OK;
    enum status status = note_store_begin(note->client->store, note->id, &note->head, &writing);
    if (status != STATUS_OK)
        return status;
    return note_store_end(writing, &note->head, note_store_drop(writing));
}

/* ---- Others' rows ---- */

/* They ended it, or it is open at a server by now. */
static void follow_head(struct tandem_note *note, const struct note_head *head)
{
    bool ends = head->ended != STATUS_OK && note->ended == STATUS_OK;
    note->head = *head;
    note->ended = head->ended != STATUS_OK ? head->ended : note->ended;
    if (ends)
        note_news(note, TANDEM_NOTE_ENDED, head->ended, status_text(head->ended));
}

/* Who leads has it open at the server, and has written what there was. */
static void hear_opened(struct tandem_note *note)
{
    if (client_leads(note->client) || note->opened || note->marked_ms == 0 ||
        note->head.acked_ms < note->marked_ms)
        return;
    note->opened = true;
    note_news(note, TANDEM_NOTE_OPENED, STATUS_OK, "");
}

/* Whether it is nobody's to see any more: who leads took it out of the folder although it is wanted
 * here, and there is no such record. */
static bool is_lost(struct tandem_note *note)
{
    struct note_head head = note->head;
    struct note_doc *doc = NULL;
    if (client_leads(note->client))
        return false; /* the server says so itself */
    enum status status = read_record(note, &doc);
    note_doc_free(doc);
    note->head = head;
    return status == STATUS_NOT_FOUND;
}

/* The server has turned it away on this connection, and is not asked again for others. */
static bool is_turned_away(const struct tandem_note *note)
{
    return note->ended == STATUS_NOT_FOUND && note->head.next == 0 && client_leads(note->client) &&
           note->generation == note->client->generation;
}

static enum status catch_up(struct tandem_note *note, size_t *places, size_t count)
{
    struct reading reading = {.note = note, .places = places, .count = count};
    const struct note_reader reader = {&reading, take_saved, take_row};
    struct note_head head;
    if (note->client->store == NULL || is_turned_away(note))
        return STATUS_OK;
    if (note->reload)
        return note_read_again(note, places, count);
    note->by[0] = '\0'; /* rows do not tell */
    uint64_t from = note->head.next;
    enum status status = note_store_read(note->client->store, note->id, from, &head, &reader);
    if (status == STATUS_OK)
        follow_head(note, &head);
    /* It was given up, or is nobody's to see any more; what has all been sent may go. */
    if (status == STATUS_NOT_FOUND && from != 0 && note->head.waiting == 0) {
        bool lost = is_lost(note);
        note->head = lost ? (struct note_head){.next = 0} : note->head;
        note->head.next = 0;
        return lost ? note_lose(note, STATUS_NOT_FOUND) : STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND && from == 0)
        return STATUS_OK;
    if (reading.whole || status == STATUS_NOT_FOUND || (status != STATUS_OK && reading.applied)) {
        bool ended = note->ended != STATUS_OK;
        status = note_read_again(note, places, count);
        if (status == STATUS_OK && !ended && note->ended != STATUS_OK)
            note_news(note, TANDEM_NOTE_ENDED, note->ended, status_text(note->ended));
    }
    return status;
}

enum status note_catch_up(struct tandem_note *note, size_t *places, size_t count)
{
    enum status status = catch_up(note, places, count);
    if (status == STATUS_OK)
        hear_opened(note);
    return status;
}

/* ---- Changing ---- */

static enum status save(struct tandem_note *note, struct note_writing *writing, bool seen)
{
    struct buffer saved = {0};
    note_doc_save(note->doc, &saved);
    enum status status =
        saved.failed ? STATUS_NO_MEMORY : note_store_save(writing, buffer_bytes(&saved), seen);
    buffer_release(&saved);
    return status;
}

enum status note_change_begin(struct tandem_note *note, bool keep, struct note_change *change)
{
    struct outbox_store *store = note->client->store;
    *change = (struct note_change){.note = note};
    bool fresh = note->head.next == 0;
    if (note->reload)
        return STATUS_BEHIND;
    if (store == NULL || (fresh && !keep))
        return STATUS_OK;
    enum status status = note_store_begin(store, note->id, &note->head, &change->writing);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_BEHIND;
    if (status == STATUS_OK && (fresh || note_store_is_outgrown(&note->head))) {
        status = save(note, change->writing, true);
        if (status != STATUS_OK)
            status = note_store_end(change->writing, &note->head, status);
    }
    return status;
}

/* An own edit is about to be made: the program is told at once, and not by events, whether it was.
 */
static enum status remember(struct note_change *change)
{
    struct tandem_note *note = change->note;
    struct bytes text = note_doc_text(note->doc);
    if (change->own || change->writing == NULL)
        return STATUS_OK;
    buffer_clear(&note->before);
    buffer_append(&note->before, text.data, text.size);
    if (note->before.failed)
        return STATUS_NO_MEMORY;
    change->own = true;
    change->news = note_news_mark(note);
    return STATUS_OK;
}

/* Of a note that is not in the folder nothing was typed before. */
static bool put_back(struct tandem_note *note)
{
    return note->head.next == 0 && !note_doc_catching_up(note->doc) &&
           note_doc_begin(note->doc, note_doc_version(note->doc), buffer_bytes(&note->before)) ==
               STATUS_OK;
}

/* For the program it was not, while the document has it until it is read from the folder again. */
static void take_back(struct note_change *change)
{
    struct tandem_note *note = change->note;
    if (change->own)
        note_news_take_back(note, &change->news);
    note->reload = !change->own || !put_back(note);
    note->stands = change->own && note->reload;
}

enum status note_change_apply(struct note_change *change, struct bytes row,
                              enum note_doc_origin origin, bool own)
{
    enum status status = STATUS_OK;
    if (row.size == 0)
        return STATUS_OK;
    if (own)
        status = remember(change);
    if (status == STATUS_OK && change->writing != NULL && note_doc_row_is_large(row))
        change->whole = true;
    else if (status == STATUS_OK && change->writing != NULL && !change->whole)
        status = note_store_add(change->writing, row);
    if (status == STATUS_OK)
        status = note_doc_apply(change->note->doc, row, origin);
    if (status != STATUS_OK)
        return status;
    change->applied = true;
    if (origin != NOTE_DOC_TYPED || !own)
        note_news_shown(change->note, own);
    return STATUS_OK;
}

enum status note_change_end(struct note_change *change, enum status status)
{
    struct tandem_note *note = change->note;
    note->head.version = note_doc_version(note->doc);
    note->head.waiting = note_doc_waiting(note->doc);
    note_stir(note->client);
    if (change->writing == NULL)
        return status;
    if (status == STATUS_OK && change->whole)
        status = save(note, change->writing, false);
    status = note_store_end(change->writing, &note->head, status);
    if (status != STATUS_OK && change->applied)
        take_back(change);
    return status;
}

enum status note_keep(struct tandem_note *note)
{
    struct note_change change;
    enum status status = STATUS_BEHIND;
    for (int i = 0; i < NOTE_TRIES && status == STATUS_BEHIND; i++) {
        status = note_change_begin(note, true, &change);
        if (status == STATUS_OK)
            return note_change_end(&change, STATUS_OK);
        if (status == STATUS_BEHIND && note_catch_up(note, NULL, 0) != STATUS_OK)
            return STATUS_IO;
    }
    return status;
}
