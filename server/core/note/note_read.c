/* Reading: the newest version, any other, and the log between them. */
#include "protocol/utf16.h"
#include "server/core/access/access.h"
#include "server/core/note/note_log.h"
#include "server/core/note/note_replay.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/core/note/note_text.h"

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

enum status note_read_version(const struct state *state, const struct record *record,
                              uint64_t version, struct buffer *text, struct buffer *runs)
{
    struct note_head head;
    struct buffer scratch = {0};
    enum status status = note_read_head(state, record, &scratch, &head);
    if (status == STATUS_OK && (version < head.oldest || version > head.version))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && version == head.version) {
        buffer_append(text, head.text.data, head.text.size);
        buffer_append(runs, head.runs.data, head.runs.size);
    } else if (status == STATUS_OK) {
        status = note_replay(state, record->id, version, text, runs);
    }
    buffer_release(&scratch);
    return status == STATUS_OK && (text->failed || runs->failed) ? STATUS_NO_MEMORY : status;
}

/* The version that was the newest when the change `seq` was made: the log's seqs never fall. */
static enum status version_at(const struct state *state, struct id note,
                              const struct note_head *head, uint64_t seq, uint64_t *out)
{
    uint64_t low = head->oldest, high = head->version;
    struct note_log log;
    struct note_entry entry;
    enum status status = STATUS_OK;
    note_log_begin(&log, state, note);
    while (low < high && status == STATUS_OK) {
        const uint64_t middle = high - (high - low) / 2;
        status = note_log_at(&log, middle, &entry);
        if (status == STATUS_OK && entry.seq < seq)
            low = middle;
        else
            high = middle - 1;
    }
    note_log_release(&log);
    *out = low;
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
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
