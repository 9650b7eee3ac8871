/* The log is not played change by change over the whole text, which would cost as much for each as
 * the text is long, but composed first. Composing costs as much as the two sets have parts, so that
 * sets of like sizes are composed with each other: two of one change, two of two, and so on. `open`
 * holds what waits for its like, the largest first, as the digits of a binary number do when it is
 * counted up. */
#include "server/core/note/note_replay.h"

#include "server/core/note/note_log.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"

/* One digit for each power of two up to as many entries as there ever are between two snapshots. */
#define DIGITS 40u

struct replay {
    struct change_set open[DIGITS];
    unsigned rank[DIGITS]; /* power of two of the entries in each */
    unsigned count;
    struct note_runs runs, spare_runs;
    uint64_t units; /* of the text so far */
};

static void replay_release(struct replay *replay)
{
    for (unsigned i = 0; i < DIGITS; i++)
        change_set_release(&replay->open[i]);
    note_runs_release(&replay->runs);
    note_runs_release(&replay->spare_runs);
}

/* Composes the newest two into one. */
static enum status carry(struct replay *replay)
{
    struct change_set *first = &replay->open[replay->count - 2];
    struct change_set *next = &replay->open[replay->count - 1];
    struct change_set both = {0};
    const enum status status = change_set_compose(first, next, &both, NULL);
    if (status != STATUS_OK) {
        change_set_release(&both);
        return status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
    }
    change_set_release(first);
    change_set_release(next);
    *first = both;
    replay->count--;
    replay->rank[replay->count - 1]++;
    return STATUS_OK;
}

static enum status add_entry(struct replay *replay, const struct note_entry *entry)
{
    if (replay->count == DIGITS)
        return STATUS_CORRUPT;
    const struct change_set *set = entry->set;
    enum status status = change_set_copy(set, &replay->open[replay->count]);
    if (status == STATUS_OK && replay->units != set->before)
        status = STATUS_CORRUPT;
    if (status != STATUS_OK)
        return status;
    note_runs_change(&replay->runs, set, entry->by, entry->at_ms, &replay->spare_runs);
    replay->units = set->after;
    if (replay->runs.failed)
        return STATUS_NO_MEMORY;
    replay->rank[replay->count++] = 0;
    while (status == STATUS_OK && replay->count > 1 &&
           replay->rank[replay->count - 1] == replay->rank[replay->count - 2])
        status = carry(replay);
    return status;
}

static enum status add_entries(const struct state *state, struct id note, uint64_t after,
                               uint64_t version, struct replay *replay)
{
    enum status status = STATUS_OK;
    struct note_log log;
    note_log_begin(&log, state, note);
    while (after < version && status == STATUS_OK) {
        struct note_entry entry;
        status = note_log_at(&log, ++after, &entry);
        if (status == STATUS_OK)
            status = add_entry(replay, &entry);
        else if (status == STATUS_NOT_FOUND)
            status = STATUS_CORRUPT;
    }
    note_log_release(&log);
    while (status == STATUS_OK && replay->count > 1)
        status = carry(replay);
    return status;
}

static enum status finish(const struct replay *replay, struct bytes from, struct buffer *text,
                          struct buffer *runs)
{
    enum status status = STATUS_OK;
    if (replay->count == 0)
        buffer_append(text, from.data, from.size);
    else
        status = change_set_apply(&replay->open[0], from, text, NULL);
    if (status == STATUS_OK)
        note_runs_write(&replay->runs, runs);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
}

enum status note_replay_from(const struct state *state, struct id note, uint64_t from,
                             uint64_t version, struct buffer *text, struct buffer *runs)
{
    struct bytes row;
    struct note_snapshot snapshot;
    struct replay replay = {.count = 0};
    enum status status = state->ops->note_row(state->self, NOTE_SNAPSHOT, note, from, &row);
    if (status == STATUS_OK)
        status = note_snapshot_decode(row, &snapshot);
    if (status == STATUS_OK)
        status = note_runs_read(snapshot.runs, &replay.runs);
    replay.units = note_runs_length(&replay.runs);
    if (status == STATUS_OK)
        status = add_entries(state, note, from, version, &replay);
    if (status == STATUS_OK)
        status = finish(&replay, snapshot.text, text, runs);
    replay_release(&replay);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

enum status note_replay(const struct state *state, struct id note, uint64_t version,
                        struct buffer *text, struct buffer *runs)
{
    struct bytes row;
    uint64_t from;
    const enum status status =
        state->ops->note_before(state->self, NOTE_SNAPSHOT, note, version + 1, &from, &row);
    if (status == STATUS_NOT_FOUND)
        return STATUS_CORRUPT; /* the oldest version has one */
    return status == STATUS_OK ? note_replay_from(state, note, from, version, text, runs) : status;
}
