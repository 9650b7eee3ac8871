/* What programs call of live notes. */
#include "client-lib/client/client.h"

#include <assert.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/note/note_doc_whole.h"
#include "protocol/memory.h"

/* ---- Opening and closing ---- */

static size_t count_open(const tandem_client *client)
{
    size_t count = 0;
    for (struct tandem_note *note = client->notes.first; note != NULL; note = note->next)
        count += note->program;
    return count;
}

/* One that is there, or a new one, filled. */
static enum status find_or_load(tandem_client *client, struct id id, struct tandem_note **out)
{
    *out = note_find(client, id);
    if (*out != NULL && (*out)->ended != STATUS_CORRUPT)
        return (*out)->program ? STATUS_LOCKED : STATUS_OK;
    if (count_open(client) >= TANDEM_NOTES_OPEN)
        return STATUS_LIMIT;
    if (*out == NULL)
        *out = note_new(client, id);
    if (*out == NULL)
        return STATUS_NO_MEMORY;
    enum status status = note_load(*out);
    bool may_ask = client->state == CLIENT_ONLINE && client->notes.offered;
    return status == STATUS_NOT_FOUND && may_ask ? STATUS_OK : status;
}

static void open_for(struct tandem_note *note, tandem_note_event_fn *on_event, void *context)
{
    note->program = true;
    note->on_event = on_event;
    note->context = context;
    note->opened = false;
    if (note->link != NOTE_LIVE)
        note->read_only = note_is_for_reading(note);
    note->waits = note_doc_waiting(note->doc) > 0;
    note->shown_size = note_text_shown(note).size;
    /* One that is open at the server is told to be with the answer to this. */
    if (note->link == NOTE_LIVE)
        note_reopen(note, note->anew);
}

tandem_code tandem_note_open(tandem_client *client, const char *id, tandem_note_event_fn *on_event,
                             void *context, tandem_note **out)
{
    struct tandem_note *note = NULL;
    struct id parsed;
    *out = NULL;
    if (client->foreign)
        return client_not_theirs(client);
    if (!id_from_text(bytes_text(id), &parsed))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "id", "this is no id");
    note_enter(client);
    enum status status = find_or_load(client, parsed, &note);
    if (status == STATUS_OK) {
        open_for(note, on_event, context);
        *out = note;
    } else if (status == STATUS_LOCKED) {
        trouble(&client->fault, status, "", "this note is open already");
    } else if (status == STATUS_CORRUPT) {
        trouble(&client->fault, status, "", "what was typed in this note cannot be read");
    } else {
        trouble(&client->fault, status, "", "%s", status_text(status));
    }
    note_stir(client);
    note_leave(client);
    return (tandem_code)status;
}

void tandem_note_close(tandem_note *note)
{
    if (note == NULL)
        return;
    assert(note->magic == NOTE_MAGIC && note->program);
    tandem_client *client = note->client;
    note_enter(client);
    note->program = false;
    note->on_event = NULL;
    if (note->generation == client->generation)
        note_present_gone(client, note->id, &note->presence);
    note->presence.has_cursor = false;
    note_stir(client);
    note_leave(client);
}

/* ---- Reading ---- */

const char *tandem_note_text(const tandem_note *note, size_t *size)
{
    struct bytes text = note_text_shown(note);
    if (size != NULL)
        *size = text.size;
    return (const char *)text.data;
}

uint64_t tandem_note_version(const tandem_note *note)
{
    return note_doc_version(note->doc);
}

size_t tandem_note_waiting(const tandem_note *note)
{
    return note->ended == STATUS_NOT_FOUND ? 0 : note_doc_waiting(note->doc);
}

tandem_code tandem_note_code(const tandem_note *note)
{
    return (tandem_code)note->ended;
}

bool tandem_note_read_only(const tandem_note *note)
{
    return note->read_only;
}

/* ---- Editing ---- */

struct edit {
    enum note_doc_origin origin;
    size_t place[2]; /* where it begins and ends */
    struct bytes text;
    bool whole; /* the text is the note's from then on, and there is no place */
};

static enum status make_row(struct tandem_note *note, const struct edit *edit, struct buffer *row)
{
    buffer_clear(row);
    if (edit->origin == NOTE_DOC_UNDO)
        return note_doc_row_undo(note->doc, row);
    if (edit->origin == NOTE_DOC_REDO)
        return note_doc_row_redo(note->doc, row);
    if (edit->whole)
        return note_doc_row_whole(note->doc, edit->text, row);
    if (edit->place[1] < edit->place[0])
        return STATUS_INVALID_VALUE;
    return note_doc_row_edit(note->doc, edit->place[0], edit->place[1] - edit->place[0], edit->text,
                             row);
}

/* When it can be pushed at once it is on its way with the same commit. */
static enum status take_too(struct note_change *change)
{
    struct tandem_note *note = change->note;
    struct buffer row = {0};
    enum status status = STATUS_OK;
    if (!note_may_push(note) || !note_doc_can_send(note->doc))
        return STATUS_OK;
    note->head.client = note->client->id;
    note_doc_row_take(note->doc, &row);
    if (!row.failed)
        status = note_change_apply(change, buffer_bytes(&row), NOTE_DOC_TYPED, true);
    buffer_release(&row);
    return status;
}

/* Once, where the folder is as it was when we looked last; BEHIND where it is not. */
static enum status try_edit(struct tandem_note *note, const struct edit *edit, struct buffer *row)
{
    struct note_change change;
    enum status status = make_row(note, edit, row);
    if (status != STATUS_OK || row->failed)
        return status != STATUS_OK ? status : STATUS_NO_MEMORY;
    if (row->size == 0)
        return STATUS_OK;
    status = note_change_begin(note, true, &change);
    if (status != STATUS_OK)
        return status;
    status = note_change_apply(&change, buffer_bytes(row), edit->origin, true);
    if (status == STATUS_OK && change.writing != NULL)
        status = take_too(&change);
    return note_change_end(&change, status);
}

/* Another process has typed in between: the places are moved along. */
static enum status edit_note(struct tandem_note *note, struct edit *edit)
{
    struct buffer row = {0};
    enum status status = STATUS_BEHIND;
    for (int i = 0; i < NOTE_TRIES && status == STATUS_BEHIND; i++) {
        status = try_edit(note, edit, &row);
        if (status != STATUS_BEHIND)
            break;
        enum status caught = note_catch_up(note, edit->place, 2);
        if (caught != STATUS_OK)
            status = caught;
        if (edit->place[1] < edit->place[0])
            edit->place[1] = edit->place[0];
        if (note->ended != STATUS_OK)
            status = note->ended;
    }
    buffer_release(&row);
    return status;
}

static tandem_code edit(tandem_note *note, struct edit *what)
{
    tandem_client *client = note->client;
    assert(note->magic == NOTE_MAGIC && note->program);
    if (client->foreign)
        return client_not_theirs(client);
    if (note->telling)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "a note cannot be edited from within its own event");
    if (note->ended != STATUS_OK)
        return (tandem_code)trouble(&client->fault, note->ended, "",
                                    "this note cannot be edited any more: %s",
                                    status_text(note->ended));
    if (note->read_only)
        return (tandem_code)trouble(&client->fault, STATUS_DENIED, "",
                                    "you may read this note, but not change it");
    uint64_t now = client_now(client);
    if (now > note->edited_ms + NOTE_TYPING_PAUSE)
        note_doc_pause(note->doc);
    note->edited_ms = now;
    note_enter(client);
    enum status status = edit_note(note, what);
    if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    note_tell(note);
    note_stir(client);
    note_leave(client);
    return (tandem_code)status;
}

tandem_code tandem_note_replace(tandem_note *note, size_t from, size_t removed, const char *text,
                                size_t size)
{
    size_t end = from + removed < from ? SIZE_MAX : from + removed;
    struct edit replacement = {NOTE_DOC_TYPED, {from, end}, bytes_of(text, size), false};
    return edit(note, &replacement);
}

tandem_code tandem_note_insert(tandem_note *note, size_t at, const char *text, size_t size)
{
    return tandem_note_replace(note, at, 0, text, size);
}

tandem_code tandem_note_delete(tandem_note *note, size_t from, size_t size)
{
    return tandem_note_replace(note, from, size, NULL, 0);
}

tandem_code tandem_note_set_text(tandem_note *note, const char *text, size_t size)
{
    struct edit replacement = {NOTE_DOC_TYPED, {0, 0}, bytes_of(text, size), true};
    note_doc_pause(note->doc);
    return edit(note, &replacement);
}

tandem_code tandem_note_undo(tandem_note *note)
{
    struct edit undo = {.origin = NOTE_DOC_UNDO};
    return edit(note, &undo);
}

tandem_code tandem_note_redo(tandem_note *note)
{
    struct edit redo = {.origin = NOTE_DOC_REDO};
    return edit(note, &redo);
}

/* ---- Giving up ---- */

static enum status drop_stored(tandem_client *client, struct id id)
{
    struct note_writing *writing = NULL;
    struct note_head head;
    if (client->store == NULL)
        return STATUS_NOT_FOUND;
    enum status status = note_store_head(client->store, id, &head);
    if (status == STATUS_OK || status == STATUS_CORRUPT)
        status = note_store_begin(client->store, id, NULL, &writing);
    if (status == STATUS_OK)
        status = note_store_end(writing, NULL, note_store_drop(writing));
    return status;
}

tandem_code tandem_note_discard(tandem_client *client, const char *id)
{
    struct id parsed;
    if (client->foreign)
        return client_not_theirs(client);
    if (!id_from_text(bytes_text(id), &parsed))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "id", "this is no id");
    struct tandem_note *note = note_find(client, parsed);
    if (note != NULL && note->telling)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                    "not from within an event of the note");
    note_enter(client);
    enum status status = drop_stored(client, parsed);
    if (note != NULL && (status == STATUS_OK || status == STATUS_NOT_FOUND)) {
        note->anew = true;
        status = note_read_again(note, NULL, 0);
        note->waits = false;
        note_tell(note);
    }
    if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    note_leave(client);
    return (tandem_code)status;
}

struct work {
    tandem_client *client;
    tandem_note_work_fn *each;
    void *context;
};

static bool tell_work(void *context, struct id id, const struct note_head *head)
{
    const struct work *work = context;
    char text[ID_TEXT_SIZE];
    /* Of what was turned away by this connection the folder does not tell. */
    const struct tandem_note *note = note_find(work->client, id);
    bool turned_away = head->ended == STATUS_OK && note != NULL;
    const tandem_note_work told = {id_to_text(id, text), (size_t)head->waiting,
                                   (tandem_code)(turned_away ? note->ended : head->ended)};
    return (head->waiting == 0 && head->ended == STATUS_OK) || work->each(work->context, &told);
}

tandem_code tandem_each_note_work(tandem_client *client, tandem_note_work_fn *each, void *context)
{
    struct work work = {client, each, context};
    if (client->foreign)
        return client_not_theirs(client);
    if (client->store == NULL)
        return TANDEM_OK;
    return client_read_done(client, note_store_each(client->store, tell_work, &work));
}
