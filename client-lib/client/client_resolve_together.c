/* Several values of one's own for the same fields, all in conflict with what others made of them:
 * one question, with one answer. The values are sent once more in the order in which they were
 * typed, in one commit: the newest stands in the end, and the history tells of each. */
#include "client-lib/client/client_resolve.h"

#include "client-lib/base/fault.h"
#include "protocol/memory.h"

struct member {
    struct queue_copy copy;
    struct buffer changes, seen;
};

static enum status copy_all(tandem_client *client, const struct resolve_one *ones, size_t count,
                            struct member *members)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct queue_copy *copy = &members[i].copy;
        bool other = false;
        enum status status = queue_copy(client, ones[i].order, copy);
        if (status == STATUS_OK && copy->from.state != TANDEM_ENTRY_CONFLICT)
            status = STATUS_NOT_FOUND; /* another process was first */
        if (status != STATUS_OK)
            return resolve_refuse(client, status);
        status = resolve_renew(client, copy, &other);
        if (status != STATUS_OK)
            return status;
        any = any || other;
    }
    return any ? STATUS_CONFLICT : STATUS_OK; /* to be looked at once more */
}

/* What the member is queued again as. */
static enum status make(tandem_client *client, struct bytes own, struct member *member,
                        struct outbox_item *out)
{
    struct resolve resolve = {.item = &member->copy.from,
                              .seen_now = resolve_seen_now,
                              .is_created = resolve_is_created,
                              .context = client,
                              .own = own};
    enum status status = resolve_mine(&resolve, &member->changes);
    if (status != STATUS_OK)
        return resolve_refuse(client, status);
    return resolve_item(client, &member->copy, buffer_bytes(&member->changes), &member->seen, out);
}

static enum status make_all(tandem_client *client, struct member *members, size_t count,
                            struct outbox_item *items)
{
    struct buffer own = {0};
    enum status status = STATUS_OK;
    if (outbox_store_user_name(client->store, &own) == STATUS_NO_MEMORY)
        status = resolve_refuse(client, STATUS_NO_MEMORY);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = make(client, buffer_bytes(&own), &members[i], &items[i]);
    buffer_release(&own);
    return status;
}

static enum status replace_all(tandem_client *client, const struct resolve_one *ones, size_t count,
                               const struct member *members, const struct outbox_item *items,
                               uint64_t entry)
{
    uint64_t *before = memory_new(2 * count * sizeof *before);
    if (before == NULL)
        return resolve_refuse(client, STATUS_NO_MEMORY);
    uint64_t *now = before + count;
    for (size_t i = 0; i < count; i++) {
        before[i] = ones[i].order;
        client_share_drop(client, &members[i].copy.from);
    }
    enum status status = outbox_store_replace_all(client->store, before, items, count, now);
    if (status != STATUS_OK)
        resolve_refuse(client, status);
    else
        settle_follow(client);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        client_outbox_changed(client, &members[i].copy.from);
        queue_tell(client, now[i]);
    }
    if (status == STATUS_OK)
        settle_send(client);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        if (before[i] == entry)
            client->last_entry = now[i];
    memory_free(before);
    return status;
}

enum status resolve_together(tandem_client *client, const struct resolve_one *ones, size_t count,
                             uint64_t entry)
{
    struct member *members = memory_new(count * sizeof *members);
    struct outbox_item *items = memory_new(count * sizeof *items);
    enum status status = STATUS_NO_MEMORY;
    if (members == NULL || items == NULL)
        resolve_refuse(client, status);
    else
        status = copy_all(client, ones, count, members);
    if (status == STATUS_OK)
        status = make_all(client, members, count, items);
    if (status == STATUS_OK)
        status = replace_all(client, ones, count, members, items, entry);
    for (size_t i = 0; members != NULL && i < count; i++) {
        queue_copy_release(&members[i].copy);
        buffer_release(&members[i].changes);
        buffer_release(&members[i].seen);
    }
    memory_free(members);
    memory_free(items);
    return status;
}
