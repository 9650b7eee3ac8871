/* How far a first sync, or a long catch-up, has come.
 *
 * Seqs say how much of the way is behind: the records that came so far are to the seqs they came
 * from as all of them are to all seqs. So the total is an estimate, which gets better with time.
 * Of backfills that have not begun nothing is known: they count as those that have. */
#include "client-lib/sync/sync_internal.h"

/* Noted backfills that are counted; the estimate of more is no better. */
#define WAITING_MOST 2048u

/* `count` of the way from `from` to `to`, on the way to `end`: of all of it. */
static uint64_t estimate(uint64_t count, uint64_t from, uint64_t to, uint64_t end)
{
    if (to <= from || end <= to)
        return count;
    const double whole = (double)count * ((double)(end - from) / (double)(to - from));
    return whole < 1e15 ? (uint64_t)whole : count;
}

/* Backfills that are noted and not the one under way. */
static uint64_t waiting(const struct sync *sync)
{
    struct replica_backfill backfill;
    struct scope last;
    const struct scope *after = NULL;
    uint64_t count = 0;
    while (count < WAITING_MOST &&
           sync->store->next_backfill(sync->replica, after, &backfill) == STATUS_OK) {
        last = backfill.scope;
        after = &last;
        count++;
    }
    return count > 0 && sync->progress.filling ? count - 1 : count;
}

static void tell(struct sync *sync, bool ended)
{
    struct sync_progress *progress = &sync->progress;
    struct sync_event event = {.kind = TANDEM_EVENT_PROGRESS, .detail = ""};
    const uint64_t filled = progress->filled + progress->fill_records;
    event.seq = sync->store->cursor(sync->replica);
    event.done = event.total = progress->changed + filled;
    if (!ended) {
        const uint64_t current = estimate(progress->fill_records, progress->fill.from,
                                          progress->fill_to, progress->fill.until);
        const uint64_t begun = progress->filled_count + progress->filling;
        const uint64_t all = progress->filled + current;
        event.total = estimate(progress->changed, progress->from, progress->to, progress->head);
        event.total += begun > 0 ? all + waiting(sync) * (all / begun) : all;
    }
    progress->told = true;
    progress->told_ms = sync->now_ms;
    sync->port.event(sync->port.context, &event);
}

static void tell_if_due(struct sync *sync)
{
    const struct sync_progress *progress = &sync->progress;
    if (!progress->told || sync->now_ms - progress->told_ms >= SYNC_PROGRESS_MS)
        tell(sync, false);
}

void sync_progress_changes(struct sync *sync, const struct msg_changes *changes)
{
    struct sync_progress *progress = &sync->progress;
    if (progress->to == 0)
        progress->from = changes->from;
    progress->to = changes->to;
    progress->changed += message_count(changes->records);
    if (changes->head != 0)
        progress->head = changes->head;
    if (changes->more && changes->head != 0)
        tell_if_due(sync);
}

static void leave_fill(struct sync_progress *progress)
{
    progress->filled += progress->fill_records;
    progress->filled_count += progress->filling;
    progress->fill_records = 0;
    progress->filling = false;
}

void sync_progress_backfill(struct sync *sync, const struct msg_backfill *backfill)
{
    struct sync_progress *progress = &sync->progress;
    if (progress->filling && !scope_equal(progress->fill.scope, backfill->scope))
        leave_fill(progress);
    if (!progress->filling) {
        progress->fill =
            (struct replica_backfill){backfill->scope, backfill->from, backfill->until};
        progress->filling = true;
    }
    progress->fill_to = backfill->to;
    progress->fill_records += message_count(backfill->records);
    if (backfill->done)
        leave_fill(progress);
    else
        tell_if_due(sync);
}

void sync_progress_end(struct sync *sync)
{
    if (sync->progress.told)
        tell(sync, true);
    sync->progress = (struct sync_progress){0};
}
