/* Checksums of what a client holds, if it holds what it should.
 *
 * The sums have their place among the data: they are made when nothing else is owed, so that they
 * speak of the replica as it is when they arrive. Nothing is stored for them. The lanes of a scope
 * are walked, each record is judged by the gate and viewed as it would be sent, and what that says
 * is added up. That takes as long as there are entries in the lanes of this viewer, and nothing
 * that is not for them is among these; a call goes a short stretch, and the next goes on in another
 * snapshot.
 *
 *     begin at S, up to which the client has been told everything
 *       -> stretch -> stretch ... -> end: does anything in these lanes stand behind S by now?
 *          no: nothing of the scope has changed meanwhile, and the sum is that of one moment
 *          yes: wait until the change has been sent, and begin again; a few times
 *
 * A record that changes, moves or goes stands behind S afterwards, in each lane it was in. Access
 * is compared at both ends. Scopes are added up one after another, but all sums arrive at one
 * moment: before they go, each is looked at once more, and one that changed since is done again. A
 * scope that is not open, not wanted, not there, or that changes too often, is left out: the client
 * cannot tell one from the other. */
#include "server/core/feed/feed_internal.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/sum.h"
#include "protocol/wire.h"
#include "server/core/record/view.h"

/* Entries of lanes that one call looks at: about a millisecond. */
#define CHECK_BUDGET 250u
/* How often a scope is begun before it is left out. */
#define CHECK_ATTEMPTS 8u

struct checked {
    struct scope scope;
    enum { TO_DO, SUMMED, LEFT_OUT } state;
    unsigned attempts;
    uint64_t told;  /* all up to here had been sent when it was begun */
    uint64_t since; /* of its opening */
    uint64_t view_class;
    struct sum sum;
};

struct feed_check {
    uint64_t request;
    struct checked scopes[LIMIT_CHECK];
    uint32_t count, at;
    bool begun; /* the one at `at` is under way: */
    struct lanes lanes;
    uint64_t last_seq; /* the entry looked at last */
    struct id last_id;
};

void feed_forget_check(struct feed *feed)
{
    if (feed->check != NULL) {
        lanes_release(&feed->check->lanes);
        memory_free(feed->check);
    }
    feed->check = NULL;
    feed->check_waits = false;
}

static bool holds(const struct feed_check *check, struct scope scope)
{
    for (uint32_t i = 0; i < check->count; i++) {
        if (scope_equal(check->scopes[i].scope, scope)) {
            return true;
        }
    }
    return false;
}

static enum status read_scopes(struct feed_check *check, struct bytes encoded, struct fault *fault)
{
    struct bytes field = bytes_text("scopes");
    struct wire_reader reader = wire_read(encoded);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, field, "must be an array of scopes");
    }
    if (count > LIMIT_CHECK) {
        return fault_set(fault, STATUS_LIMIT, field, "at most %u scopes can be checked at a time",
                         LIMIT_CHECK);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes octets;
        struct scope scope;
        if (!wire_get_bin(&reader, &octets) || !scope_from_bytes(octets, &scope)) {
            return fault_set(fault, STATUS_INVALID_VALUE, field, "element %u is not a scope", i);
        }
        if (!holds(check, scope)) {
            check->scopes[check->count++].scope = scope;
        }
    }
    return STATUS_OK;
}

enum status feed_check(struct feed *feed, uint64_t request, struct bytes scopes,
                       struct fault *fault)
{
    if (!feed->active || feed->check != NULL) {
        return fault_set(fault, STATUS_UNEXPECTED, bytes_text("type"),
                         feed->active ? "a check is under way" : "there is no subscription");
    }
    feed->check = memory_new(sizeof *feed->check);
    if (feed->check == NULL) {
        return STATUS_NO_MEMORY;
    }
    feed->check->request = request;
    enum status status = read_scopes(feed->check, scopes, fault);
    if (status == STATUS_OK) {
        feed->check_waits = false;
    } else {
        feed_forget_check(feed);
    }
    return status;
}

/* ---- One scope ---- */

/* Whether anything in the viewer's lanes of the scope stands behind what the client was told. */
static enum status has_news(const struct feed_context *context, struct scope scope, uint64_t told,
                            bool *news)
{
    const struct state *state = context->state;
    *news = false;
    for (unsigned i = 0; i < context->who->tag_count && !*news; i++) {
        uint64_t seq = told;
        struct id id;
        memset(id.octet, 0xff, sizeof id.octet);
        enum status status =
            state->ops->lane_next(state->self, scope, context->who->tags[i], &seq, &id);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        *news = status == STATUS_OK;
    }
    return STATUS_OK;
}

/* The state of a scope at one moment, with which the other end must agree. */
static enum status look_at(const struct feed *feed, const struct feed_context *context,
                           struct scope scope, uint64_t told, struct opening *opening, bool *news)
{
    *opening = (struct opening){0};
    *news = false;
    if (!feed_wants_scope(feed, scope)) {
        return STATUS_OK;
    }
    enum status status = feed_opening(context, scope, opening);
    return status == STATUS_OK && opening->open ? has_news(context, scope, told, news) : status;
}

static enum status begin(struct feed *feed, const struct feed_context *context,
                         struct checked *checked)
{
    struct feed_check *check = feed->check;
    struct opening opening;
    bool news;
    enum status status = look_at(feed, context, checked->scope, feed->scan, &opening, &news);
    if (status != STATUS_OK) {
        return status;
    }
    if (!opening.open || checked->attempts++ == CHECK_ATTEMPTS) {
        checked->state = LEFT_OUT;
        return STATUS_OK;
    }
    if (news) {
        feed->check_waits = true; /* until it has been announced, and sent */
        return STATUS_OK;
    }
    checked->told = feed->scan;
    checked->since = opening.since;
    checked->view_class = context->view_class;
    checked->sum = (struct sum){0};
    check->last_seq = 0;
    check->begun = feed_open_lanes(&check->lanes, context, checked->scope);
    return check->begun ? STATUS_OK : STATUS_NO_MEMORY;
}

/* A record can stand in several lanes at different seqs, and counts where it stands first among
 * those by which this viewer sees it. */
static uint64_t place_of(const struct feed_context *context, const struct record *record)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (placement->removed == 0 && scope_equal(placement->scope, record->scope) &&
            access_holds_tag(context->who, placement->tag)) {
            uint64_t seq = record_lane_seq(record, placement);
            first = seq < first ? seq : first;
        }
    }
    return first;
}

static enum status add_entry(const struct feed *feed, const struct feed_context *context,
                             struct checked *checked, uint64_t seq, struct id id)
{
    struct feed_cache *cache = context->cache;
    const struct record *record = &cache->record;
    bool found;
    enum status status = feed_load(context, id, &found);
    if (status != STATUS_OK || !found || !scope_equal(record->scope, checked->scope) ||
        !feed_wants_entity(feed, record->entity) || place_of(context, record) != seq) {
        return status;
    }
    status = view_allowed(context->state, context->who, record);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    buffer_clear(&cache->records);
    view_encode(&cache->records, context->who, record);
    if (cache->records.failed) {
        return STATUS_NO_MEMORY;
    }
    return sum_add_encoded(&checked->sum, buffer_bytes(&cache->records)) ? STATUS_OK
                                                                         : STATUS_CORRUPT;
}

/* Whether the scope is as it was when it was begun. */
static enum status is_same(const struct feed *feed, const struct feed_context *context,
                           const struct checked *checked, bool *same)
{
    struct opening opening;
    bool news;
    enum status status = look_at(feed, context, checked->scope, checked->told, &opening, &news);
    *same = status == STATUS_OK && opening.open && opening.since == checked->since && !news &&
            context->view_class == checked->view_class;
    return status;
}

/* A stretch of the lanes; at their end the scope is summed, or to be begun again. */
static enum status walk(struct feed *feed, const struct feed_context *context,
                        struct checked *checked, uint32_t *budget)
{
    struct feed_check *check = feed->check;
    for (; *budget > 0; (*budget)--) {
        uint64_t seq;
        struct id id;
        enum status status = lanes_first(&check->lanes, context->state, 0, &seq, &id);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && seq > checked->told)) {
            bool same;
            status = is_same(feed, context, checked, &same);
            checked->state = same ? SUMMED : TO_DO;
            check->begun = false;
            return status;
        }
        if (status == STATUS_OK && (seq != check->last_seq || !id_equal(id, check->last_id))) {
            status = add_entry(feed, context, checked, seq, id);
        }
        check->last_seq = seq;
        check->last_id = id;
        if (status == STATUS_OK) {
            status = lanes_step(&check->lanes, context->state);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* The scope to go on with; false when there is none: then all sums are those of this moment. */
static enum status next_to_do(struct feed *feed, const struct feed_context *context, bool *any)
{
    struct feed_check *check = feed->check;
    while (check->at < check->count && check->scopes[check->at].state != TO_DO) {
        check->at++;
    }
    *any = check->at < check->count;
    for (uint32_t i = *any ? 0 : check->count; i-- > 0;) {
        struct checked *checked = &check->scopes[i];
        bool same = true;
        enum status status =
            checked->state == SUMMED ? is_same(feed, context, checked, &same) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
        if (!same) {
            checked->state = TO_DO;
            check->at = i;
            *any = true;
        }
    }
    return STATUS_OK;
}

/* ---- The answer ---- */

static void put_sum(struct buffer *out, const struct checked *checked)
{
    uint8_t octets[SUM_SIZE], scope[SCOPE_SIZE];
    scope_put(checked->scope, scope);
    sum_put(&checked->sum, octets);
    wire_put_map(out, 3);
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(scope, sizeof scope));
    wire_put_text(out, "count");
    wire_put_uint(out, checked->sum.count);
    wire_put_text(out, "sum");
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static enum status answer(struct feed *feed, const struct feed_context *context, struct frame **out)
{
    const struct feed_check *check = feed->check;
    struct message message = {.type = MESSAGE_SUMS};
    struct buffer *sums = &context->cache->records, *encoded = &context->cache->message;
    uint32_t count = 0;
    buffer_clear(sums);
    buffer_clear(encoded);
    size_t begin_at = wire_begin_array(sums);
    for (uint32_t i = 0; i < check->count; i++) {
        if (check->scopes[i].state == SUMMED) {
            put_sum(sums, &check->scopes[i]);
            count++;
        }
    }
    wire_end(sums, begin_at, count);
    message.as.sums.request = check->request;
    message.as.sums.sums = buffer_bytes(sums);
    message_encode(encoded, &message);
    *out = sums->failed || encoded->failed ? NULL : frame_new(buffer_bytes(encoded));
    if (*out == NULL) {
        return STATUS_NO_MEMORY;
    }
    feed->frames_sent++;
    feed_forget_check(feed);
    return STATUS_OK;
}

enum status feed_next_sums(struct feed *feed, const struct feed_context *context,
                           struct frame **out)
{
    struct feed_check *check = feed->check;
    uint32_t budget = CHECK_BUDGET;
    while (budget > 0 && !feed->check_waits) {
        bool any = true;
        enum status status = check->begun ? STATUS_OK : next_to_do(feed, context, &any);
        if (status == STATUS_OK && !any) {
            return answer(feed, context, out);
        }
        struct checked *checked = &check->scopes[check->at];
        if (status == STATUS_OK) {
            budget--; /* to begin costs something, too */
            status = check->begun ? walk(feed, context, checked, &budget)
                                  : begin(feed, context, checked);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
