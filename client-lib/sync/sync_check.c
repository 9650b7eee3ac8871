/* Whether the replica is as the server has it, scope by scope, and mending one that is not.
 *
 *     a job (on demand, or our own) -> a batch of scopes -> check
 *                                            ^                 |
 *            the next batch, or the end <----+---- sums: compare, clear what differs, subscribe
 * anew
 *
 * `sums` has its place among the data: when it is handled, the replica has applied exactly what the
 * server made the sums of, so nothing needs to be held still meanwhile. Changes that still wait in
 * the outbox are not in the replica and therefore not in its sums.
 *
 * A scope that the server leaves out is one that was changed too often, or is not open to the user
 * at all; it is asked for again. On demand, one that is left out each time is fetched anew as if it
 * differed: if it is not open, nothing may be held of it. */
#include "client-lib/sync/sync_internal.h"

#include <string.h>

#include "client-lib/sync/sync_note.h"
#include "client-lib/sync/sync_settle.h"
#include "protocol/memory.h"
#include "protocol/sum.h"
#include "protocol/wire.h"

/* A mark in the replica: who uses it. */
#define MARK_USE "use"
#define IN_USE TANDEM_VERSION
#define LEFT_WELL "closed " TANDEM_VERSION

struct sync_job {
    struct sync_job *next;
    bool own; /* of our own accord */
    bool all; /* scopes held, behind `place`; else the one in `place` */
    bool placed;
    struct scope place;
    uint64_t left; /* scopes it may still look at */
    sync_checked_fn *done;
    void *context;
    uint64_t request;
};

/* ---- Jobs ---- */

static void forget_batch(struct sync_check *check)
{
    check->count = 0;
    check->tries = 0;
    check->asked = false;
}

void sync_check_forget(struct sync *sync)
{
    forget_batch(&sync->check);
    while (sync->check.jobs != NULL) {
        struct sync_job *job = sync->check.jobs;
        sync->check.jobs = job->next;
        memory_free(job);
    }
    sync->check.offered = 0;
}

void sync_check_interrupt(struct sync *sync)
{
    sync->check.asked = false;
}

static void finish(struct sync *sync, enum status status)
{
    struct sync_job *job = sync->check.jobs;
    forget_batch(&sync->check);
    sync->check.jobs = job->next;
    if (job->done != NULL)
        job->done(job->context, job->request, status);
    memory_free(job);
}

void sync_check_cancel(struct sync *sync, uint64_t request)
{
    for (struct sync_job *job = sync->check.jobs; job != NULL; job = job->next)
        if (!job->own && job->request == request)
            job->done = NULL;
}

static enum status add_job(struct sync *sync, const struct sync_job *model)
{
    struct sync_job **end = &sync->check.jobs;
    struct sync_job *job = memory_new(sizeof *job);
    if (job == NULL)
        return STATUS_NO_MEMORY;
    *job = *model;
    while (*end != NULL)
        end = &(*end)->next;
    *end = job;
    return STATUS_OK;
}

enum status sync_check(struct sync *sync, const struct scope *scope, sync_checked_fn *done,
                       void *context, uint64_t request)
{
    struct sync_job job = {.all = scope == NULL, .left = UINT64_MAX, .done = done};
    if (!sync->wanted)
        return STATUS_USAGE;
    if (scope != NULL)
        job.place = *scope;
    job.context = context;
    job.request = request;
    enum status status = add_job(sync, &job);
    return status == STATUS_OK ? sync_check_on(sync) : status;
}

/* ---- Asking ---- */

static bool was_repaired(const struct sync_check *check, struct scope scope)
{
    for (size_t i = 0; i < check->repaired_count; i++)
        if (scope_equal(check->repaired[i], scope))
            return true;
    return false;
}

/* The next scopes of the job into the batch; none when it has looked at all. */
static enum status fill_batch(struct sync *sync, struct sync_job *job)
{
    struct sync_check *check = &sync->check;
    enum status status = STATUS_OK;
    if (!job->all && job->left > 0) {
        check->batch[check->count++] = job->place;
        job->left = 0;
    }
    while (job->all && job->left > 0 && check->count < check->offered) {
        struct scope scope;
        status = sync->store->next_scope(sync->replica, job->placed ? &job->place : NULL, &scope);
        if (status != STATUS_OK)
            break;
        job->place = scope;
        job->placed = true;
        job->left--;
        if (!job->own || !was_repaired(check, scope))
            check->batch[check->count++] = scope;
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    job->left = 0;
    if (job->own) { /* the next begins at the front again */
        job->placed = false;
        check->thorough = false;
    }
    return STATUS_OK;
}

static enum status ask(struct sync *sync)
{
    struct sync_check *check = &sync->check;
    struct message message = {.type = MESSAGE_CHECK};
    struct buffer scopes = {0};
    check->number = SYNC_CHECK_BIT | (check->number + 1);
    wire_put_array(&scopes, (uint32_t)check->count);
    for (size_t i = 0; i < check->count; i++) {
        uint8_t octets[SCOPE_SIZE];
        scope_put(check->batch[i], octets);
        wire_put_bin(&scopes, bytes_of(octets, sizeof octets));
    }
    message.as.check.request = check->number;
    message.as.check.scopes = buffer_bytes(&scopes);
    check->asked = true;
    enum status status =
        scopes.failed ? STATUS_NO_MEMORY : sync->port.send(sync->port.context, &message);
    buffer_release(&scopes);
    return status;
}

static enum status put_place(struct sync *sync, const void *argument)
{
    const struct sync_job *job = argument;
    uint8_t octets[SCOPE_SIZE];
    scope_put(job->place, octets);
    return sync->store->set_mark(sync->replica, REPLICA_CHECKED,
                                 bytes_of(octets, job->placed ? sizeof octets : 0));
}

enum status sync_check_leave(struct sync *sync, struct scope scope)
{
    struct buffer place = {0};
    struct scope checked;
    enum status status = sync->store->mark(sync->replica, REPLICA_CHECKED, &place);
    if (status == STATUS_OK && scope_from_bytes(buffer_bytes(&place), &checked) &&
        scope_equal(checked, scope))
        status = sync->store->set_mark(sync->replica, REPLICA_CHECKED, (struct bytes){0});
    buffer_release(&place);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The first job has nothing more to ask for. */
static enum status end_job(struct sync *sync)
{
    enum status status = STATUS_OK;
    if (sync->check.jobs->own)
        status = sync_transact(sync, sync->check.jobs, put_place);
    finish(sync, status);
    return status;
}

enum status sync_check_on(struct sync *sync)
{
    struct sync_check *check = &sync->check;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && check->jobs != NULL && !check->asked &&
           sync->state == SYNC_LIVE && sync->caught_up) {
        if (check->offered == 0) {
            finish(sync, STATUS_UNKNOWN_MESSAGE);
            continue;
        }
        if (check->count == 0) {
            check->tries = 0;
            status = fill_batch(sync, check->jobs);
        }
        if (status == STATUS_OK)
            status = check->count > 0 ? ask(sync) : end_job(sync);
    }
    return status;
}

bool sync_refused(struct sync *sync, uint64_t request, enum status why, enum status *status)
{
    if ((request & SYNC_CHECK_BIT) == 0)
        return false;
    *status = STATUS_OK;
    if (sync->check.asked && request == sync->check.number && sync->check.jobs != NULL) {
        finish(sync, why);
        *status = sync_check_on(sync);
    }
    return true;
}

/* ---- Comparing ---- */

struct adding {
    struct scope scope;
    struct sum sum;
    bool readable;
};

/* One under the wrong scope is no part of it, though it adds up to the same. */
static bool add_record(void *context, struct bytes encoded)
{
    struct adding *adding = context;
    struct record_view view;
    adding->readable = record_view_read(encoded, &view) && scope_equal(view.scope, adding->scope) &&
                       sum_add_encoded(&adding->sum, encoded);
    return adding->readable;
}

static enum status differs(struct sync *sync, struct scope scope, const struct sum *theirs,
                           bool *out)
{
    struct adding ours = {.scope = scope, .readable = true};
    enum status status = sync->store->each_in(sync->replica, scope, add_record, &ours);
    *out = !ours.readable || !sum_equal(&ours.sum, theirs);
    return status;
}

static bool read_sum(struct bytes entry, struct scope *scope, struct sum *sum)
{
    struct bytes octets, value;
    uint64_t count;
    return wire_map_bin(entry, "scope", &octets) && scope_from_bytes(octets, scope) &&
           wire_map_uint(entry, "count", &count) && wire_map_bin(entry, "sum", &value) &&
           sum_from_bytes(count, value, sum);
}

/* What is to be done about a batch. */
struct findings {
    struct scope differ[LIMIT_CHECK];
    size_t count;
};

/* Takes the scope out of the batch; false when it was not asked for. */
static bool take(struct sync_check *check, struct scope scope)
{
    for (size_t i = 0; i < check->count; i++)
        if (scope_equal(check->batch[i], scope)) {
            check->count--;
            memmove(check->batch + i, check->batch + i + 1,
                    (check->count - i) * sizeof *check->batch);
            return true;
        }
    return false;
}

static enum status compare(struct sync *sync, struct bytes sums, struct findings *findings)
{
    struct wire_reader reader = wire_read(sums);
    uint32_t count = 0;
    if (!wire_get_array(&reader, &count))
        return STATUS_MALFORMED;
    while (count-- > 0) {
        struct bytes entry;
        struct scope scope;
        struct sum theirs;
        bool other = false;
        if (!wire_skip(&reader, &entry) || !read_sum(entry, &scope, &theirs))
            return STATUS_MALFORMED;
        if (!take(&sync->check, scope))
            continue;
        enum status status = differs(sync, scope, &theirs, &other);
        if (status != STATUS_OK)
            return status;
        if (other)
            findings->differ[findings->count++] = scope;
    }
    return STATUS_OK;
}

static bool note_any(void *context, struct bytes encoded)
{
    (void)encoded;
    *(bool *)context = true;
    return false;
}

/* What was left out is asked for again, and not for ever. Where nothing is held, as of a scope that
 * was purged meanwhile, there is nothing to compare. */
static enum status consider_left_out(struct sync *sync, struct findings *findings)
{
    struct sync_check *check = &sync->check;
    size_t kept = 0;
    for (size_t i = 0; i < check->count; i++) {
        bool held = false;
        enum status status = sync->store->each_in(sync->replica, check->batch[i], note_any, &held);
        if (status != STATUS_OK)
            return status;
        if (held)
            check->batch[kept++] = check->batch[i];
    }
    check->count = kept;
    if (kept == 0 || ++check->tries < SYNC_CHECK_TRIES)
        return STATUS_OK;
    for (size_t i = 0; i < kept && !check->jobs->own; i++)
        findings->differ[findings->count++] = check->batch[i];
    check->count = 0;
    return STATUS_OK;
}

/* ---- Mending ---- */

static enum status repair(struct sync *sync, const void *argument)
{
    const struct findings *findings = argument;
    const uint64_t cursor = sync->store->cursor(sync->replica);
    for (size_t i = 0; i < findings->count; i++) {
        const struct replica_backfill backfill = {findings->differ[i], 0, cursor};
        enum status status = sync->store->clear(sync->replica, backfill.scope);
        if (status == STATUS_OK && cursor != 0)
            status = sync->store->put_backfill(sync->replica, &backfill);
        if (status != STATUS_OK)
            return status;
        struct sync_note *note = sync_note_add(sync, TANDEM_EVENT_REPAIRED, cursor);
        if (note == NULL)
            return STATUS_NO_MEMORY;
        note->event.scope = backfill.scope;
    }
    return STATUS_OK;
}

/* If what both ends count differently is no damage, fetching it each minute would not help. */
static void remember(struct sync_check *check, const struct findings *findings)
{
    const size_t most = sizeof check->repaired / sizeof *check->repaired;
    for (size_t i = 0; i < findings->count && check->repaired_count < most; i++)
        check->repaired[check->repaired_count++] = findings->differ[i];
}

enum status sync_on_sums(struct sync *sync, const struct msg_sums *sums)
{
    struct sync_check *check = &sync->check;
    struct findings findings = {.count = 0};
    if (!check->asked || sums->request != check->number || check->jobs == NULL)
        return sync_applied(sync);
    check->asked = false;
    enum status status = compare(sync, sums->sums, &findings);
    if (status == STATUS_OK)
        status = consider_left_out(sync, &findings);
    if (status == STATUS_OK && findings.count > 0)
        status = sync_transact(sync, &findings, repair);
    if (status != STATUS_OK)
        return status;
    if (check->jobs->own)
        remember(check, &findings);
    status = sync_applied(sync);
    if (status == STATUS_OK && findings.count > 0 && sync->state == SYNC_LIVE)
        status = sync_resubscribe(sync);
    return status == STATUS_OK ? sync_check_on(sync) : status;
}

/* ---- Of our own accord ---- */

static enum status put_use(struct sync *sync, const void *text)
{
    return sync->store->set_mark(sync->replica, MARK_USE, bytes_text(text));
}

/* What was not left in good order, or by another library, is checked as a whole. */
static enum status note_use(struct sync *sync)
{
    struct buffer use = {0};
    enum status status = sync->store->mark(sync->replica, MARK_USE, &use);
    if (status == STATUS_OK)
        sync->check.thorough = !bytes_is(buffer_bytes(&use), LEFT_WELL);
    buffer_release(&use);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = sync_transact(sync, IN_USE, put_use);
    sync->check.marked = status == STATUS_OK;
    sync->check.due_ms = sync->now_ms + (sync->check.thorough ? 0 : SYNC_CHECK_MS);
    return status;
}

void sync_close(struct sync *sync)
{
    if (sync->check.marked && !sync->check.thorough)
        (void)sync_transact(sync, LEFT_WELL, put_use);
    sync->check.marked = false;
    sync_settle_close(sync); /* last: what it notes holds until the next commit */
}

static bool may_check(const struct sync *sync)
{
    return sync->state == SYNC_LIVE && sync->caught_up && sync->check.jobs == NULL &&
           sync->check.offered > 0;
}

static uint64_t check_due(const struct sync *sync)
{
    const uint64_t idle_ms = sync->heard_ms + SYNC_IDLE_MS;
    if (sync->state == SYNC_LIVE && !sync->check.marked)
        return sync->now_ms;
    if (!may_check(sync))
        return UINT64_MAX;
    return sync->check.due_ms > idle_ms ? sync->check.due_ms : idle_ms;
}

uint64_t sync_due(const struct sync *sync)
{
    const uint64_t check_ms = check_due(sync), settle_ms = sync_settle_due(sync);
    return check_ms < settle_ms ? check_ms : settle_ms;
}

static enum status check_some(struct sync *sync)
{
    struct sync_job job = {.own = true, .all = true};
    struct buffer place = {0};
    job.left = sync->check.thorough ? UINT64_MAX : SYNC_CHECK_SCOPES;
    enum status status = sync->store->mark(sync->replica, REPLICA_CHECKED, &place);
    if (status == STATUS_OK && !sync->check.thorough)
        job.placed = scope_from_bytes(buffer_bytes(&place), &job.place);
    buffer_release(&place);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    sync->check.due_ms = sync->now_ms + SYNC_CHECK_MS;
    status = add_job(sync, &job);
    return status == STATUS_OK ? sync_check_on(sync) : status;
}

enum status sync_run(struct sync *sync)
{
    enum status status = sync_settle(sync);
    if (status != STATUS_OK || check_due(sync) > sync->now_ms)
        return status;
    if (!sync->check.marked)
        status = note_use(sync);
    if (status == STATUS_OK && check_due(sync) <= sync->now_ms)
        status = check_some(sync);
    return status;
}
