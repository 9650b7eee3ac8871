/* Reading: the newest version, any other, and the log between them. */
#include "server/core/access/access.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/core/note/note_text.h"

#include <assert.h>

#include "protocol/utf16.h"

/* Version 0 of a note that was never edited live: the text, and behind it its one run. */
static enum status make_up(const struct record *record, struct buffer *scratch,
                           struct note_head *out)
{
    const struct record_field *field = record_field(record, "text");
    const struct stamp *stamp = field ? &record->stamps[field->stamp] : &record->created;
    struct note_runs runs = {0};
    buffer_clear(scratch);
    note_text_normalise(record_text(record, "text"), scratch);
    const size_t size = scratch->size;
    const size_t units = utf16_length(buffer_bytes(scratch));
    if (units > CHANGE_TEXT_MAX)
        return STATUS_CORRUPT;
    note_runs_add(&runs, (uint32_t)units, stamp->by, stamp->at_ms);
    note_runs_write(&runs, scratch);
    note_runs_release(&runs);
    if (scratch->failed)
        return STATUS_NO_MEMORY;
    *out = (struct note_head){.changed_ms = stamp->at_ms,
                              .by = stamp->by,
                              .text = bytes_of(scratch->data, size),
                              .runs = bytes_of(scratch->data + size, scratch->size - size)};
    return STATUS_OK;
}

enum status note_read_head(const struct state *state, const struct record *record,
                           struct buffer *scratch, struct note_head *out)
{
    struct bytes row;
    const enum status status = state->ops->note_head(state->self, record->id, &row);
    if (status == STATUS_NOT_FOUND)
        return make_up(record, scratch, out);
    return status == STATUS_OK ? note_head_decode(row, out) : status;
}

/* A text with its runs, and room to make the next one of it. */
struct replay {
    struct buffer text, next_text;
    struct note_runs runs, next_runs;
    struct change_set set;
};

static void replay_release(struct replay *replay)
{
    buffer_release(&replay->text);
    buffer_release(&replay->next_text);
    note_runs_release(&replay->runs);
    note_runs_release(&replay->next_runs);
    change_set_release(&replay->set);
}

static enum status replay_entry(struct replay *replay, const struct note_entry *entry)
{
    struct fault fault;
    enum status status = change_set_read(entry->changes, &replay->set, &fault);
    buffer_clear(&replay->next_text);
    if (status == STATUS_OK)
        status =
            change_set_apply(&replay->set, buffer_bytes(&replay->text), &replay->next_text, &fault);
    if (status == STATUS_OK && note_runs_length(&replay->runs) != replay->set.before)
        status = STATUS_CORRUPT;
    if (status != STATUS_OK)
        return status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
    note_runs_apply(&replay->runs, &replay->set, entry->by, entry->at_ms, &replay->next_runs);
    const struct buffer text = replay->text;
    const struct note_runs runs = replay->runs;
    replay->text = replay->next_text;
    replay->runs = replay->next_runs;
    replay->next_text = text;
    replay->next_runs = runs;
    return replay->runs.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status replay_from(const struct state *state, struct id note, uint64_t after,
                               uint64_t version, struct replay *replay)
{
    enum status status = STATUS_OK;
    while (after < version && status == STATUS_OK) {
        struct note_entry entry;
        status = note_entry_next(state, note, after, &entry);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && entry.version != after + 1))
            status = STATUS_CORRUPT;
        if (status == STATUS_OK)
            status = replay_entry(replay, &entry);
        after++;
    }
    return status;
}

/* From the newest snapshot that is not behind it. */
static enum status replay_version(const struct state *state, struct id note, uint64_t version,
                                  struct replay *replay)
{
    struct bytes row;
    struct note_snapshot snapshot;
    uint64_t from;
    enum status status =
        state->ops->note_before(state->self, NOTE_SNAPSHOT, note, version + 1, &from, &row);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_CORRUPT; /* the oldest version has one */
    if (status == STATUS_OK)
        status = note_snapshot_decode(row, &snapshot);
    if (status == STATUS_OK)
        status = note_runs_read(snapshot.runs, &replay->runs);
    if (status != STATUS_OK)
        return status;
    buffer_append(&replay->text, snapshot.text.data, snapshot.text.size);
    status = replay->text.failed ? STATUS_NO_MEMORY : STATUS_OK;
    return status == STATUS_OK ? replay_from(state, note, from, version, replay) : status;
}

enum status note_read_version(const struct state *state, const struct record *record,
                              uint64_t version, struct buffer *text, struct buffer *runs)
{
    struct note_head head;
    struct buffer scratch = {0};
    struct replay replay = {.text = {0}};
    enum status status = note_read_head(state, record, &scratch, &head);
    if (status == STATUS_OK && (version < head.oldest || version > head.version))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && version == head.version) {
        buffer_append(text, head.text.data, head.text.size);
        buffer_append(runs, head.runs.data, head.runs.size);
    } else if (status == STATUS_OK) {
        status = replay_version(state, record->id, version, &replay);
        if (status == STATUS_OK) {
            buffer_append(text, replay.text.data, replay.text.size);
            note_runs_write(&replay.runs, runs);
        }
    }
    buffer_release(&scratch);
    replay_release(&replay);
    return status == STATUS_OK && (text->failed || runs->failed) ? STATUS_NO_MEMORY : status;
}

enum status note_entry_next(const struct state *state, struct id note, uint64_t after,
                            struct note_entry *out)
{
    struct bytes row;
    uint64_t version;
    const enum status status =
        state->ops->note_next(state->self, NOTE_LOG, note, after, &version, &row);
    return status == STATUS_OK ? note_entry_decode(row, version, out) : status;
}

enum status note_entry_before(const struct state *state, struct id note, uint64_t before,
                              struct note_entry *out)
{
    struct bytes row;
    uint64_t version;
    const enum status status =
        state->ops->note_before(state->self, NOTE_LOG, note, before, &version, &row);
    return status == STATUS_OK ? note_entry_decode(row, version, out) : status;
}

/* The version that was the newest when the change `seq` was made: the log's seqs never fall. */
static enum status version_at(const struct state *state, struct id note,
                              const struct note_head *head, uint64_t seq, uint64_t *out)
{
    uint64_t low = head->oldest, high = head->version;
    while (low < high) {
        const uint64_t middle = high - (high - low) / 2;
        struct note_entry entry;
        struct bytes row;
        enum status status = state->ops->note_row(state->self, NOTE_LOG, note, middle, &row);
        if (status == STATUS_OK)
            status = note_entry_decode(row, middle, &entry);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
        if (entry.seq < seq)
            low = middle;
        else
            high = middle - 1;
    }
    *out = low;
    return STATUS_OK;
}

enum status note_oldest_for(const struct state *state, const struct principal *who,
                            const struct record *record, const struct note_head *head,
                            uint64_t *oldest)
{
    struct opening opening;
    *oldest = head->oldest;
    if (!who->partner)
        return STATUS_OK;
    const enum status status = access_opening(state, who, record->scope, &opening);
    if (status != STATUS_OK)
        return status;
    const uint64_t shared = access_audience_since(who, record);
    const uint64_t since = shared > opening.since ? shared : opening.since;
    return version_at(state, record->id, head, since, oldest);
}
