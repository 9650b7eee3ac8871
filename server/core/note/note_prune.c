#include "server/core/note/note_prune.h"

#include "server/core/note/note_row.h"

/* Rows that one command drops, about. */
#define MOST_PRUNED 200u
#define MOST_ERASED 200u

static const struct id horizon_id = {{0}};
static const struct bytes none = {NULL, 0};

enum status note_horizon(const struct state *state, uint64_t *before_ms)
{
    struct bytes row;
    const enum status status = state->ops->note_head(state->self, horizon_id, &row);
    if (status == STATUS_OK && note_horizon_decode(row, before_ms) == STATUS_OK)
        return STATUS_OK;
    *before_ms = 0;
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}

enum status note_remember_horizon(const struct state *state, uint64_t before_ms)
{
    struct buffer row = {0};
    uint64_t known;
    enum status status = note_horizon(state, &known);
    if (status != STATUS_OK || before_ms <= known)
        return status;
    note_horizon_encode(&row, before_ms);
    status = row.failed ? STATUS_NO_MEMORY
                        : state->ops->put_note_head(state->self, horizon_id, buffer_bytes(&row));
    buffer_release(&row);
    return status;
}

/* The oldest snapshot behind `after`, and whether it is older than the horizon. */
static enum status next_snapshot(const struct state *state, struct id note, uint64_t after,
                                 uint64_t before_ms, uint64_t *version, bool *old)
{
    struct bytes row;
    struct note_snapshot snapshot;
    enum status status =
        state->ops->note_next(state->self, NOTE_SNAPSHOT, note, after, version, &row);
    *old = false;
    if (status == STATUS_OK)
        status = note_snapshot_decode(row, &snapshot);
    if (status == STATUS_OK)
        *old = snapshot.at_ms < before_ms;
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}

/* The first row of the log behind `after`, also when it is damaged: then it counts for nothing. */
static enum status next_row(const struct state *state, struct id note, uint64_t after,
                            uint64_t *first, uint64_t *bytes)
{
    struct bytes row;
    *first = after;
    const enum status status =
        state->ops->note_next(state->self, NOTE_LOG, note, after, first, &row);
    *bytes = status == STATUS_OK ? row.size : 0;
    return status == STATUS_CORRUPT && *first > after ? STATUS_OK : status;
}

enum status note_drop_versions(const struct state *state, struct id note, uint64_t from,
                               uint64_t to, unsigned *dropped, uint64_t *bytes)
{
    enum status status = state->ops->put_note_row(state->self, NOTE_SNAPSHOT, note, from, none);
    while (status == STATUS_OK) {
        uint64_t first, size;
        status = next_row(state, note, from, &first, &size);
        if (status != STATUS_OK || first > to)
            break;
        status = state->ops->put_note_row(state->self, NOTE_LOG, note, first, none);
        from = first;
        *bytes += size;
        ++*dropped;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The rows between two snapshots come to about as many bytes as a text has, so that a step over one
 * is bounded; what is left goes with the next snapshot. */
enum status note_prune(const struct state *state, struct id note, struct note_head *head,
                       unsigned *dropped, bool *done)
{
    const unsigned most = *dropped + MOST_PRUNED;
    uint64_t before_ms, next, bytes = 0;
    bool old = true;
    enum status status = note_horizon(state, &before_ms);
    while (status == STATUS_OK && *dropped < most) {
        status = next_snapshot(state, note, head->oldest, before_ms, &next, &old);
        if (status != STATUS_OK || !old)
            break;
        status = note_drop_versions(state, note, head->oldest, next, dropped, &bytes);
        head->oldest = next;
    }
    *done = !old;
    return status;
}

enum status note_is_kept(const struct state *state, struct id note, bool *kept)
{
    struct bytes row;
    const enum status status = state->ops->note_head(state->self, note, &row);
    *kept = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Drops the newest row; NOT_FOUND when there is none. */
static enum status drop_newest(const struct state *state, struct id note, enum note_rows rows)
{
    struct bytes row;
    uint64_t version = UINT64_MAX;
    const enum status status =
        state->ops->note_before(state->self, rows, note, UINT64_MAX, &version, &row);
    const bool damaged = status == STATUS_CORRUPT && version != UINT64_MAX;
    return status == STATUS_OK || damaged
               ? state->ops->put_note_row(state->self, rows, note, version, none)
               : status;
}

enum status note_erase(const struct state *state, struct id note, bool *done)
{
    static const enum note_rows kinds[] = {NOTE_LOG, NOTE_SNAPSHOT};
    unsigned dropped = 0;
    *done = false;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        enum status status = STATUS_OK;
        while (status == STATUS_OK && dropped++ < MOST_ERASED)
            status = drop_newest(state, note, kinds[i]);
        if (status != STATUS_NOT_FOUND)
            return status;
    }
    *done = true;
    return state->ops->put_note_head(state->self, note, none);
}
