/* Which scopes a feed reads, which have entered, and which have left.
 *
 * The access table remembers for each (subject, scope) the seq of the newest grant and of the
 * newest revocation. So a client that was away gets what one that watched got: a scope open now
 * whose grant is newer than its cursor has entered, whatever happened between; one that is closed
 * now and was revoked after its cursor may be held and is purged, unless the replica was empty when
 * that happened: the cursor of one that catches up from nothing lies far behind what it was filled
 * with. */
#include "server/core/feed/feed_internal.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/access/open_scopes.h"

bool feed_wants_scope(const struct feed *feed, struct scope scope)
{
    if (feed->all_scopes) {
        return true;
    }
    for (uint32_t i = 0; i < feed->wanted_count; i++) {
        if (scope_equal(feed->wanted[i], scope)) {
            return true;
        }
    }
    return false;
}

enum status feed_opening(const struct feed_context *context, struct scope scope,
                         struct opening *out)
{
    enum status status = access_opening(context->state, context->who, scope, out);
    if (status == STATUS_OK && scope.kind == SCOPE_ACCOUNT && !context->who->partner) {
        struct bytes account;
        status = context->state->ops->record(context->state->self, scope.id, &account);
        if (status == STATUS_NOT_FOUND) {
            *out = (struct opening){0};
            status = STATUS_OK;
        }
    }
    return status;
}

bool feed_add_backfill(struct feed *feed, struct backfill backfill)
{
    if (feed->backfill_count == feed->backfill_capacity) {
        uint32_t capacity = feed->backfill_capacity > 0 ? 2 * feed->backfill_capacity : 8;
        struct backfill *larger = memory_resize(feed->backfills, capacity * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        feed->backfills = larger;
        feed->backfill_capacity = capacity;
    }
    feed->backfills[feed->backfill_count++] = backfill;
    feed->unordered = true;
    return true;
}

void feed_drop_backfill(struct feed *feed, struct scope scope)
{
    for (uint32_t i = 0; i < feed->backfill_count; i++) {
        if (scope_equal(feed->backfills[i].scope, scope)) {
            memmove(&feed->backfills[i], &feed->backfills[i + 1],
                    (feed->backfill_count - i - 1) * sizeof *feed->backfills);
            feed->backfill_count--;
            feed->backfill_open = feed->backfill_open && i > 0;
            return;
        }
    }
}

/* FNV-1a, going on from `hash`. */
static uint64_t hash_scope(uint64_t hash, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    for (size_t i = 0; i < sizeof octets; i++) {
        hash = (hash ^ octets[i]) * 1099511628211u;
    }
    return hash;
}

static bool add_scope(struct feed *feed, const struct feed_context *context, struct scope scope)
{
    const struct principal *who = context->who;
    if (scope.kind == SCOPE_USER) {
        feed->own_first = feed->lanes.count;
        feed->own_count = who->tag_count;
    } else {
        feed->fingerprint = hash_scope(feed->fingerprint, scope);
    }
    for (unsigned i = 0; i < who->tag_count; i++) {
        uint32_t index = feed->lanes.count;
        if (!lanes_add(&feed->lanes, scope, who->tags[i]) ||
            !interest_lane(context->interest, context->session, scope, who->tags[i], index)) {
            return false;
        }
    }
    return true;
}

static enum status add_wanted(struct feed *feed, const struct feed_context *context)
{
    for (uint32_t i = 0; i < feed->wanted_count; i++) {
        struct opening opening;
        enum status status =
            access_opening(context->state, context->who, feed->wanted[i], &opening);
        if (status == STATUS_OK && opening.open && !add_scope(feed, context, feed->wanted[i])) {
            status = STATUS_NO_MEMORY;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

struct adding {
    struct feed *feed;
    const struct feed_context *context;
};

static bool add_open(void *context, struct scope scope)
{
    const struct adding *adding = context;
    return add_scope(adding->feed, adding->context, scope);
}

enum status feed_list_lanes(struct feed *feed, const struct feed_context *context)
{
    const struct principal *who = context->who;
    interest_forget_feed(context->interest, context->session);
    lanes_clear(&feed->lanes);
    feed->fingerprint = feed->asked;
    feed->own_count = 0;
    bool registered = interest_user(context->interest, context->session, who->user);
    for (unsigned i = 0; i < who->subject_count; i++) {
        registered =
            interest_subject(context->interest, context->session, who->subjects[i]) && registered;
    }
    enum status status = STATUS_OK;
    if (feed->everything) {
        registered = interest_everything(context->interest, context->session) && registered;
    } else if (feed->all_scopes) {
        status = open_scopes_each(context->state, who, add_open, &(struct adding){feed, context});
    } else {
        status = add_wanted(feed, context);
    }
    feed->seeded = context->meta->seq;
    feed->rebuild = status != STATUS_OK || !registered;
    return status == STATUS_OK && !registered ? STATUS_NO_MEMORY : status;
}

static void put_scope(struct buffer *out, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static enum status take_scope(struct feed *feed, const struct feed_context *context,
                              struct scope scope, struct feed_batch *batch)
{
    struct opening opening;
    enum status status = access_opening(context->state, context->who, scope, &opening);
    if (status != STATUS_OK || !feed_wants_scope(feed, scope)) {
        return status;
    }
    uint64_t cursor = feed->client_cursor;
    if (opening.open && opening.since > cursor) {
        put_scope(&context->cache->entered, scope);
        batch->entered++;
        feed_drop_backfill(feed, scope);
        struct backfill backfill = {scope, 0, cursor};
        if (cursor > 0 && !feed_add_backfill(feed, backfill)) {
            return STATUS_NO_MEMORY;
        }
    } else if (!opening.open && cursor > 0 && opening.closed > cursor &&
               opening.closed > feed->unheld) {
        put_scope(&context->cache->purged, scope);
        batch->purged++;
        feed_drop_backfill(feed, scope);
    }
    return STATUS_OK;
}

/* Whether an earlier subject's changes already spoke of this scope: its row for that subject
 * changed after the cursor too. */
static enum status told_before(const struct feed_context *context, unsigned subject,
                               struct scope scope, uint64_t cursor, bool *told)
{
    *told = false;
    for (unsigned i = 0; i < subject && !*told; i++) {
        struct access_row row;
        enum status status = context->state->ops->access(context->state->self,
                                                         context->who->subjects[i], scope, &row);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        *told = status == STATUS_OK && (row.granted > cursor || row.revoked > cursor);
    }
    return STATUS_OK;
}

enum status feed_collect_scopes(struct feed *feed, const struct feed_context *context,
                                struct feed_batch *batch)
{
    const struct principal *who = context->who;
    uint64_t cursor = feed->client_cursor;
    for (unsigned i = 0; i < who->subject_count; i++) {
        uint64_t seq = cursor;
        struct scope scope = {.kind = UINT8_MAX};
        memset(scope.id.octet, 0xff, sizeof scope.id.octet);
        enum status status;
        while ((status = context->state->ops->access_change_next(
                    context->state->self, who->subjects[i], &seq, &scope)) == STATUS_OK) {
            bool told;
            status = told_before(context, i, scope, cursor, &told);
            if (status == STATUS_OK && !told) {
                status = take_scope(feed, context, scope, batch);
            }
            if (status != STATUS_OK) {
                return status;
            }
        }
        if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}
