#include "server/core/note/note_edit.h"

#include "server/core/note/note_prune.h"
#include "server/core/note/note_row.h"

/* There is a snapshot when the log behind the last has outgrown text and authors by so much, which
 * is for short texts; or has so many versions, so that it does not take long to read one. */
#define SNAPSHOT_SLACK 4096u
#define SNAPSHOT_VERSIONS 4096u

/* Keeps what is stored, since slices of the snapshot end with the first write. */
static enum status keep_stored(struct note_edit *edit, const struct state *state, bool *found)
{
    struct bytes row;
    enum status status = state->ops->note_head(state->self, edit->id, &row);
    *found = status == STATUS_OK;
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    buffer_append(&edit->stored, row.data, row.size);
    return edit->stored.failed ? STATUS_NO_MEMORY
                               : note_head_decode(buffer_bytes(&edit->stored), &edit->head);
}

/* Version 0 is the record's text; its names must outlive the record's bytes. */
static enum status begin_first(struct note_edit *edit, const struct state *state,
                               const struct record *record)
{
    struct buffer scratch = {0};
    struct note_head head;
    enum status status = note_read_head(state, record, &scratch, &head);
    if (status == STATUS_OK) {
        const struct note_snapshot snapshot = {head.changed_ms, head.text, head.runs};
        note_snapshot_encode(&edit->first, &snapshot);
        note_head_encode(&edit->stored, &head);
        status = edit->first.failed || edit->stored.failed
                     ? STATUS_NO_MEMORY
                     : note_head_decode(buffer_bytes(&edit->stored), &edit->head);
    }
    buffer_release(&scratch);
    return status;
}

enum status note_edit_begin(struct note_edit *edit, const struct state *state,
                            const struct record *record)
{
    bool found;
    *edit = (struct note_edit){.id = record->id};
    enum status status = keep_stored(edit, state, &found);
    if (status == STATUS_OK && !found)
        status = begin_first(edit, state, record);
    if (status == STATUS_OK)
        status = note_runs_read(edit->head.runs, &edit->runs);
    if (status == STATUS_OK)
        status = note_append_begin(&edit->log, state, edit->id, edit->head.snapshot,
                                   edit->head.version, (uint32_t)note_runs_length(&edit->runs));
    if (status != STATUS_OK)
        return status;
    buffer_append(&edit->text, edit->head.text.data, edit->head.text.size);
    edit->log_from = edit->head.version + 1;
    return edit->text.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

void note_edit_release(struct note_edit *edit)
{
    buffer_release(&edit->stored);
    buffer_release(&edit->text);
    buffer_release(&edit->next_text);
    buffer_release(&edit->first);
    note_append_release(&edit->log);
    note_runs_release(&edit->runs);
    note_runs_release(&edit->spare_runs);
}

enum status note_edit_add(struct note_edit *edit, const struct change_set *set,
                          const struct note_author *author, struct fault *fault)
{
    buffer_clear(&edit->next_text);
    enum status status = change_set_apply(set, buffer_bytes(&edit->text), &edit->next_text, fault);
    if (status != STATUS_OK)
        return status;
    if (edit->next_text.size > LIMIT_NOTE_TEXT)
        return fault_set(fault, STATUS_TOO_LARGE, bytes_text("changes"),
                         "a note has 192 KiB at most");
    if (note_runs_length(&edit->runs) != set->before)
        return STATUS_CORRUPT;
    note_runs_change(&edit->runs, set, author->by, author->at_ms, &edit->spare_runs);
    if (edit->runs.failed)
        return STATUS_NO_MEMORY;
    const struct buffer text = edit->text;
    edit->text = edit->next_text;
    edit->next_text = text;
    edit->head.version++;
    edit->head.by = author->by;
    edit->head.changed_ms = author->at_ms;
    if (edit->head.waiting_ms == 0)
        edit->head.waiting_ms = author->at_ms;
    const struct note_entry entry = {edit->head.version, author->client, author->by,
                                     author->at_ms,      author->seq,    set};
    return note_append_add(&edit->log, &entry);
}

struct bytes note_edit_text(const struct note_edit *edit)
{
    return buffer_bytes(&edit->text);
}

void note_edit_settled(struct note_edit *edit)
{
    edit->head.settled = edit->head.version;
    edit->head.waiting_ms = 0;
}

uint64_t note_settle_ms(const struct note_head *head)
{
    if (head->settled == head->version)
        return UINT64_MAX;
    const uint64_t paused = head->changed_ms + NOTE_PAUSE_MS;
    const uint64_t longest = head->waiting_ms + NOTE_LONGEST_MS;
    return paused < longest ? paused : longest;
}

static bool wants_snapshot(const struct note_head *head)
{
    return head->logged > head->text.size + head->runs.size + SNAPSHOT_SLACK ||
           head->version - head->snapshot > SNAPSHOT_VERSIONS;
}

static enum status write_snapshot(struct note_edit *edit, const struct state *state)
{
    struct buffer row = {0};
    const struct note_snapshot snapshot = {edit->head.changed_ms, edit->head.text, edit->head.runs};
    note_snapshot_encode(&row, &snapshot);
    enum status status = row.failed
                             ? STATUS_NO_MEMORY
                             : state->ops->put_note_row(state->self, NOTE_SNAPSHOT, edit->id,
                                                        edit->head.version, buffer_bytes(&row));
    buffer_release(&row);
    edit->head.snapshot = edit->head.version;
    edit->head.logged = 0;
    return status;
}

/* One row in the due table at most, and moved only when it stands too early for nothing: typing
 * that goes on is found when it comes. */
static enum status write_due(struct note_edit *edit, const struct state *state)
{
    const uint64_t wanted = note_settle_ms(&edit->head), stands = edit->head.due_ms;
    enum status status = STATUS_OK;
    if (wanted == UINT64_MAX && stands != 0) {
        status = state->ops->put_due(state->self, stands, edit->id, false);
        edit->head.due_ms = 0;
    } else if (wanted != UINT64_MAX && stands == 0) {
        status = state->ops->put_due(state->self, wanted, edit->id, true);
        edit->head.due_ms = wanted;
    }
    return status;
}

static enum status write_head(struct note_edit *edit, const struct state *state)
{
    struct buffer row = {0};
    note_head_encode(&row, &edit->head);
    const enum status status =
        row.failed ? STATUS_NO_MEMORY
                   : state->ops->put_note_head(state->self, edit->id, buffer_bytes(&row));
    buffer_release(&row);
    return status;
}

enum status note_edit_write(struct note_edit *edit, const struct state *state)
{
    struct buffer runs = {0};
    struct note_head *head = &edit->head;
    note_runs_write(&edit->runs, &runs);
    head->text = buffer_bytes(&edit->text);
    head->runs = buffer_bytes(&runs);
    unsigned dropped = 0;
    bool done;
    enum status status = runs.failed ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK && edit->first.size > 0)
        status = state->ops->put_note_row(state->self, NOTE_SNAPSHOT, edit->id, 0,
                                          buffer_bytes(&edit->first));
    if (status == STATUS_OK)
        status = note_append_write(&edit->log, state, edit->id);
    head->logged += edit->log.bytes;
    if (status == STATUS_OK && wants_snapshot(head)) {
        status = write_snapshot(edit, state);
        if (status == STATUS_OK)
            status = note_prune(state, edit->id, head, &dropped, &done);
    }
    if (status == STATUS_OK)
        status = write_due(edit, state);
    if (status == STATUS_OK)
        status = write_head(edit, state);
    buffer_release(&runs);
    head->text = (struct bytes){NULL, 0};
    head->runs = (struct bytes){NULL, 0};
    return status;
}
