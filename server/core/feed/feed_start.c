/* What a client asks for when it subscribes, and whether its replica can be continued. */
#include "server/core/feed/feed_internal.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

/* Each record a feed looks at is compared with every name, so that a long list would hold up the
 * other clients of the thread. */
#define MOST_ENTITIES 256u

static enum status read_scopes(struct feed *feed, struct bytes encoded, struct fault *fault)
{
    struct bytes field = bytes_text("scopes");
    struct wire_reader reader = wire_read(encoded);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, field, "must be an array of scopes");
    }
    if (count > LIMIT_SCOPES) {
        return fault_set(fault, STATUS_LIMIT, field, "at most %u scopes can be named",
                         LIMIT_SCOPES);
    }
    feed->wanted = memory_new(count * sizeof *feed->wanted);
    if (feed->wanted == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes;
        struct scope scope;
        if (!wire_get_bin(&reader, &bytes) || !scope_from_bytes(bytes, &scope)) {
            return fault_set(fault, STATUS_INVALID_VALUE, field, "element %u is not a scope", i);
        }
        if (!feed_wants_scope(feed, scope)) {
            feed->wanted[feed->wanted_count++] = scope;
        }
    }
    return STATUS_OK;
}

static enum status read_entities(struct feed *feed, struct bytes encoded, struct fault *fault)
{
    struct wire_reader reader = wire_read(encoded);
    uint32_t count = 0;
    struct bytes name;
    bool array = wire_get_array(&reader, &count);
    if (array && count > MOST_ENTITIES) {
        return fault_set(fault, STATUS_LIMIT, bytes_text("entities"),
                         "at most %u entities can be named", MOST_ENTITIES);
    }
    while (array && count > 0 && wire_get_str(&reader, &name)) {
        count--;
    }
    if (!array || count > 0) {
        return fault_set(fault, STATUS_WRONG_KIND, bytes_text("entities"),
                         "must be an array of entity names");
    }
    buffer_append(&feed->entities, encoded.data, encoded.size);
    return feed->entities.failed ? STATUS_NO_MEMORY : STATUS_OK;
}

static bool read_resume_entry(struct bytes entry, struct backfill *out)
{
    struct bytes scope;
    return wire_map_bin(entry, "scope", &scope) && scope_from_bytes(scope, &out->scope) &&
           wire_map_uint(entry, "from", &out->from) && wire_map_uint(entry, "until", &out->until) &&
           out->from <= out->until;
}

/* A backfill goes on only where the scope is wanted and still open: what is closed would be given
 * up anyway, and only so many are open as the access table has rows. Without that, a list made to
 * be long would cost its square. Staff, to whom any id is an open account, may name no more than
 * anybody may subscribe to. */
static enum status resume_one(struct feed *feed, const struct feed_context *context,
                              struct backfill backfill, struct fault *fault)
{
    struct opening opening;
    if (!feed_wants_scope(feed, backfill.scope)) {
        return STATUS_OK;
    }
    enum status status = access_opening(context->state, context->who, backfill.scope, &opening);
    if (status != STATUS_OK || !opening.open) {
        return status;
    }
    feed_drop_backfill(feed, backfill.scope);
    if (!context->who->partner && feed->backfill_count >= LIMIT_SCOPES) {
        return fault_set(fault, STATUS_LIMIT, bytes_text("resume"),
                         "at most %u backfills can be named", LIMIT_SCOPES);
    }
    return feed_add_backfill(feed, backfill) ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status read_resume(struct feed *feed, const struct feed_context *context,
                               const struct msg_subscribe *request, struct fault *fault)
{
    struct bytes encoded = request->resume;
    uint64_t cursor = request->cursor;
    struct bytes field = bytes_text("resume");
    struct wire_reader reader = wire_read(encoded);
    uint32_t count;
    if (!wire_get_array(&reader, &count)) {
        return fault_set(fault, STATUS_WRONG_KIND, field, "must be an array");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes entry;
        struct backfill backfill;
        if (!wire_skip(&reader, &entry) || !read_resume_entry(entry, &backfill) ||
            backfill.until > cursor) {
            return fault_set(fault, STATUS_INVALID_VALUE, field,
                             "element %u is not a backfill below the cursor", i);
        }
        enum status status = resume_one(feed, context, backfill, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* FNV-1a over what was asked for: equal requests share frames. */
static uint64_t fingerprint(const struct msg_subscribe *request, bool scopes, bool entities)
{
    struct bytes parts[2] = {scopes ? request->scopes : bytes_of("*", 1),
                             entities ? request->entities : bytes_of("*", 1)};
    uint64_t hash = 14695981039346656037u;
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < parts[part].size; i++) {
            hash = (hash ^ parts[part].data[i]) * 1099511628211u;
        }
        hash = (hash ^ 0xff) * 1099511628211u;
    }
    return hash;
}

static const char *why_reset(const struct feed_context *context,
                             const struct msg_subscribe *request)
{
    const struct meta *meta = context->meta;
    if (request->cursor == 0) {
        return NULL;
    }
    if (!id_equal(request->epoch, meta->epoch)) {
        return "epoch";
    }
    if (request->cursor > meta->seq) {
        return "ahead";
    }
    if (request->cursor < meta->horizon) {
        return "horizon";
    }
    return context->who->since > request->cursor ? "access" : NULL;
}

static enum status read_request(struct feed *feed, const struct feed_context *context,
                                const struct msg_subscribe *request, struct fault *fault)
{
    enum status status = STATUS_OK;
    if (!feed->all_scopes) {
        status = read_scopes(feed, request->scopes, fault);
    }
    if (status == STATUS_OK && !feed->all_entities) {
        status = read_entities(feed, request->entities, fault);
    }
    if (status == STATUS_OK && request->resume.size > 0) {
        status = read_resume(feed, context, request, fault);
    }
    return status;
}

enum status feed_start(struct feed *feed, const struct feed_context *context,
                       const struct msg_subscribe *request, const char **reset, struct fault *fault)
{
    feed_stop(feed);
    *reset = why_reset(context, request);
    if (*reset != NULL) {
        return STATUS_OK;
    }
    feed->all_scopes = request->scopes.size == 0;
    feed->all_entities = request->entities.size == 0;
    feed->everything = feed->all_scopes && !context->who->partner;
    feed->client_cursor = feed->scan = feed->access_told = request->cursor;
    feed->unheld = context->who->since; /* replicas from before were reset */
    feed->asked = fingerprint(request, !feed->all_scopes, !feed->all_entities);
    enum status status = read_request(feed, context, request, fault);
    if (status == STATUS_OK) {
        status = feed_list_lanes(feed, context);
    }
    if (status != STATUS_OK) {
        feed_stop(feed);
        return status;
    }
    feed->active = feed->due = true;
    return STATUS_OK;
}
