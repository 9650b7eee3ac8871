#include "server/core/note/note_log.h"

void note_log_begin(struct note_log *log, const struct state *state, struct id note)
{
    *log = (struct note_log){.state = state, .note = note};
}

void note_log_release(struct note_log *log)
{
    change_set_release(&log->set);
}

/* Stands before the first entry of the row that the store gave. */
static enum status enter(struct note_log *log, enum status found, uint64_t first, struct bytes row)
{
    if (found == STATUS_OK)
        found = note_block_begin(row, first, &log->block);
    log->stands = found == STATUS_OK;
    return found;
}

/* The newest row that begins below `before`. */
static enum status enter_before(struct note_log *log, uint64_t before)
{
    uint64_t first = 0;
    struct bytes row;
    const enum status found =
        log->state->ops->note_before(log->state->self, NOTE_LOG, log->note, before, &first, &row);
    return enter(log, found, first, row);
}

/* The oldest row that begins above `after`. */
static enum status enter_next(struct note_log *log, uint64_t after)
{
    uint64_t first = 0;
    struct bytes row;
    const enum status found =
        log->state->ops->note_next(log->state->self, NOTE_LOG, log->note, after, &first, &row);
    return enter(log, found, first, row);
}

static enum status read_next(struct note_log *log, struct note_entry *out)
{
    const enum status status = note_block_next(&log->block, out, &log->set);
    log->stands = log->stands && (status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status;
}

/* Goes on in the row to `version`, which is behind where it stands. */
static enum status read_on(struct note_log *log, uint64_t version, struct note_entry *out)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && log->block.version + 1 < version)
        status = note_block_next(&log->block, out, NULL);
    log->stands = log->stands && (status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK ? read_next(log, out) : status;
}

enum status note_log_at(struct note_log *log, uint64_t version, struct note_entry *out)
{
    if (version == 0 || version == UINT64_MAX)
        return STATUS_NOT_FOUND;
    if (!log->stands || log->block.version >= version) {
        const enum status status = enter_before(log, version + 1);
        return status == STATUS_OK ? read_on(log, version, out) : status;
    }
    const uint64_t ended = log->block.first;
    enum status status = read_on(log, version, out);
    if (status != STATUS_NOT_FOUND)
        return status;
    status = enter_before(log, version + 1);
    if (status == STATUS_OK && log->block.first == ended)
        return STATUS_NOT_FOUND;
    return status == STATUS_OK ? read_on(log, version, out) : status;
}

enum status note_log_next(struct note_log *log, uint64_t after, struct note_entry *out)
{
    if (after == UINT64_MAX)
        return STATUS_NOT_FOUND;
    enum status status = note_log_at(log, after + 1, out);
    if (status != STATUS_NOT_FOUND)
        return status;
    status = enter_next(log, after);
    return status == STATUS_OK ? read_next(log, out) : status;
}

/* The last entry of the row below `before`: there is one, unless the row is damaged. */
static enum status read_last(struct note_log *log, uint64_t before, struct note_entry *out)
{
    enum status status = STATUS_OK;
    struct note_block last = log->block;
    while (log->block.version + 1 < before) {
        const struct note_block here = log->block;
        status = note_block_next(&log->block, out, NULL);
        if (status != STATUS_OK)
            break;
        last = here;
    }
    log->block = last;
    log->stands = status == STATUS_OK || status == STATUS_NOT_FOUND;
    return log->stands ? read_next(log, out) : status;
}

enum status note_log_before(struct note_log *log, uint64_t before, struct note_entry *out)
{
    const enum status status = enter_before(log, before);
    return status == STATUS_OK ? read_last(log, before, out) : status;
}

size_t note_entry_size(const struct note_entry *entry)
{
    const size_t text = entry->set->text.size;
    return entry->by.size + ID_SIZE + 24u + 16u * entry->set->count + text + text / 16u;
}
