/* Which history the outbox's bases are of, and what of others it may keep. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client_queue.h"
#include "client-lib/outbox/outbox_entry.h"

/* ---- Another history ---- */

struct judging {
    tandem_client *client;
    const struct outbox_item *item;
    struct outbox_change change;
    struct outbox_seen seen;
    struct buffer *conflicts;
    uint32_t count; /* of conflicts */
    bool held;
    bool unseen; /* it changes a record of which the author had seen nothing */
};

static void put_conflict(struct judging *judging, struct bytes field, struct bytes theirs,
                         const struct record_view *view)
{
    const struct outbox_conflict conflict = {.id = judging->change.id,
                                             .field = field,
                                             .theirs = theirs,
                                             .by = view != NULL ? view->modified_by
                                                                : (struct bytes){0},
                                             .at_ms = view != NULL ? view->modified_at : 0,
                                             .seq = view != NULL ? view->seq : 0};
    outbox_conflict_put(judging->conflicts, &conflict);
    judging->count++;
}

static bool find_value(struct bytes fields, struct bytes name, struct bytes *out)
{
    char key[RECORD_NAME_MAX + 1];
    *out = (struct bytes){0};
    return name.size <= RECORD_NAME_MAX && fields.size > 0 &&
           wire_map_find(fields, bytes_to_text(name, key, sizeof key), out);
}

/* One field that the author set, or would delete: has it the value that they saw? */
static void judge_field(struct judging *judging, struct bytes name, struct bytes mine,
                        const struct record_view *view)
{
    struct bytes now, before;
    (void)find_value(view->fields, name, &now);
    (void)find_value(judging->seen.fields, name, &before);
    if (!bytes_equal(now, before) && !(mine.size > 0 && bytes_equal(now, mine)))
        put_conflict(judging, name, now, view);
}

static bool judge_held(void *context, struct bytes encoded)
{
    struct judging *judging = context;
    struct record_view view;
    uint32_t count = 0;
    judging->held = true;
    if (!record_view_read(encoded, &view))
        return false;
    bool removes = bytes_is(judging->change.op, "remove");
    struct bytes fields = removes ? view.fields : judging->change.fields;
    struct wire_reader reader = wire_read(fields);
    if (fields.size == 0 || !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name, value;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value))
            break;
        judge_field(judging, name, removes ? (struct bytes){0} : value, &view);
    }
    return false;
}

static void judge_change(struct judging *judging)
{
    judging->held = false;
    if (bytes_is(judging->change.op, "create") || bytes_is(judging->change.op, "share"))
        return;
    /* Of a record that its author could not see there is nothing to compare, also when it is one
     * that an earlier entry made: what is in it by now can be somebody else's. */
    if (!outbox_seen_find(judging->item->seen, judging->change.id, &judging->seen) ||
        judging->seen.seq == 0) {
        judging->unseen = true;
        return;
    }
    (void)replica_get(judging->client->replica, judging->change.id, judge_held, judging);
    if (!judging->held && bytes_is(judging->change.op, "update"))
        put_conflict(judging, (struct bytes){0}, (struct bytes){0}, NULL);
}

/* By value: what the author saw, against what there is now. */
static bool judge(void *context, const struct outbox_item *item, uint64_t *base,
                  struct buffer *conflicts)
{
    struct judging judging = {.client = context, .item = item, .conflicts = conflicts};
    tandem_client *client = context;
    struct wire_reader reader = outbox_list(item->changes);
    struct buffer seen = {0};
    size_t begin = wire_begin_array(conflicts);
    while (client->sync.wanted && outbox_change_next(&reader, &judging.change))
        judge_change(&judging);
    wire_end(conflicts, begin, judging.count);
    (void)queue_look(client, item->changes, &seen, base);
    buffer_release(&seen);
    /* Of a record that an earlier entry makes nothing was seen; all that is done to it is newer. */
    if (*base == 0 && item->base != 0)
        *base = replica_cursor(client->replica) > 0 ? replica_cursor(client->replica) : 1;
    /* Whatever anybody else has done is newer than what cannot be compared, or differs. */
    if (*base > 0 && (judging.count > 0 || judging.unseen || !client->sync.wanted))
        *base = 1;
    return judging.count == 0 || item->overwrite;
}

static bool tell_conflict(void *context, const struct outbox_item *item)
{
    settle_tell(context, item);
    return true;
}

static void rebase(tandem_client *client)
{
    enum status status = outbox_store_rebase(client->store, judge, tell_conflict, client);
    if (status != STATUS_OK)
        client_break(client, 1011, status, "the outbox cannot be written");
    else
        settle_send(client);
}

/* ---- The welcome ---- */

bool settle_welcome(tandem_client *client, const struct msg_welcome *welcome)
{
    unsigned generation = client->generation;
    settle_connected(client);
    if (!client_settle_user(client, welcome))
        return false;
    if (!client_leads(client))
        return true;
    enum status status = outbox_store_set_epoch(client->store, welcome->epoch);
    if (status == STATUS_OK)
        status = outbox_store_start(client->store, welcome->last_number);
    if (status != STATUS_OK)
        client_break(client, 1011, status, "the outbox cannot be written");
    else if (outbox_store_rebasing(client->store) && !client->sync.wanted)
        rebase(client); /* no subscription will bring what there is now */
    return generation == client->generation;
}

/* ---- Access that ended ---- */

struct lost_ids {
    tandem_client *client;
    bool holds_all; /* the replica holds all that its user may see */
    struct buffer ids;
    enum status status;
};

static void look_at(struct lost_ids *lost, struct id id)
{
    bool held;
    enum status status = client_holds(lost->client, id, &held);
    if (status != STATUS_OK)
        lost->status = status;
    else if (!held)
        buffer_append(&lost->ids, &id, sizeof id);
}

/* Of a record that its author never held, the server may have told a value all the same, and then
 * closed its scope: nothing of what is kept says which that was. */
static void look_at_conflicts(struct lost_ids *lost, struct bytes conflicts)
{
    struct wire_reader reader = outbox_list(conflicts);
    struct outbox_conflict conflict;
    while (lost->holds_all && outbox_conflict_next(&reader, &conflict))
        if (conflict.theirs.size > 0)
            look_at(lost, conflict.id);
}

/* Notes the records that were held when an entry was queued, or of which a conflict tells, and that
 * are not held any more. */
static bool look_for_lost(void *context, const struct outbox_item *item)
{
    struct lost_ids *lost = context;
    struct wire_reader reader = outbox_list(item->seen);
    struct outbox_seen seen;
    while (outbox_seen_next(&reader, &seen))
        if (seen.seq != 0 && !seen.lost)
            look_at(lost, seen.id);
    look_at_conflicts(lost, item->conflicts);
    return lost->status == STATUS_OK;
}

static bool holds_all(const tandem_client *client)
{
    const struct sync *sync = &client->sync;
    return sync->wanted && sync->wish.all && sync->wish.entities.size == 0;
}

/* A removal that was committed to the replica, and not to the outbox before the process died, is
 * not told again; nor is what was lost when the replica started over. */
static enum status forget_what_is_not_held(tandem_client *client)
{
    struct lost_ids lost = {.client = client, .holds_all = holds_all(client)};
    enum status status = outbox_store_each(client->store, 0, look_for_lost, &lost);
    if (status == STATUS_OK)
        status = lost.ids.failed ? STATUS_NO_MEMORY : lost.status;
    if (status == STATUS_OK)
        status = outbox_store_forget_records(client->store, (void *)lost.ids.data,
                                             lost.ids.size / sizeof(struct id));
    buffer_release(&lost.ids);
    return status;
}

static void caught_up(tandem_client *client)
{
    struct settling *settling = &client->settling;
    /* First the comparison by value, which needs what was seen. */
    if (outbox_store_rebasing(client->store) &&
        id_equal(replica_epoch(client->replica), outbox_store_epoch(client->store)))
        rebase(client);
    if (!settling->looked_for_lost) {
        settling->looked_for_lost = forget_what_is_not_held(client) == STATUS_OK;
        settle_purge_lost(client);
    }
    client_notes_caught_up(client);
}

void settle_queued(tandem_client *client, uint64_t order)
{
    struct lost_ids lost = {.client = client};
    enum status status = outbox_store_get(client->store, order, look_for_lost, &lost);
    if (status == STATUS_OK && lost.status == STATUS_OK && !lost.ids.failed)
        (void)outbox_store_forget_records(client->store, (void *)lost.ids.data,
                                          lost.ids.size / sizeof(struct id));
    buffer_release(&lost.ids);
}

enum status settle_losing(void *context, const struct sync_event *event)
{
    tandem_client *client = context;
    if (client->store == NULL)
        return STATUS_OK;
    enum status status = client_notes_losing(client, event);
    if (status != STATUS_OK)
        return status;
    if (event->kind == TANDEM_EVENT_PURGED)
        return outbox_store_forget_scope(client->store, event->scope);
    /* After any other reset the values are needed, to compare them with what comes. */
    return strcmp(event->detail, "access") == 0 ? outbox_store_forget_all(client->store)
                                                : STATUS_OK;
}

void settle_conflicts_came(tandem_client *client, const struct outbox_answer *answers, size_t count)
{
    struct lost_ids lost = {.client = client, .holds_all = holds_all(client)};
    for (size_t i = 0; i < count; i++)
        if (answers[i].status == STATUS_CONFLICT)
            look_at_conflicts(&lost, answers[i].conflicts);
    if (lost.ids.size > 0 || lost.ids.failed || lost.status != STATUS_OK)
        client->settling.looked_for_lost = false;
    buffer_release(&lost.ids);
    if (!client->settling.looked_for_lost && client->sync.state == SYNC_LIVE &&
        client->sync.caught_up)
        caught_up(client);
}

/* What is kept of others' values in entries about a record that is gone goes too. */
static void forget(tandem_client *client, const struct sync_event *event)
{
    if (outbox_store_count(client->store, 0) == 0)
        return;
    /* The next time that all has come it is looked for again. */
    if (outbox_store_forget_record(client->store, event->id) != STATUS_OK)
        client->settling.looked_for_lost = false;
}

void settle_sync_event(void *context, const struct sync_event *event)
{
    tandem_client *client = context;
    if (client->store != NULL) {
        if (event->kind == TANDEM_EVENT_REMOVED) {
            forget(client, event);
            client_notes_removed(client, event->id);
        } else if (event->kind == TANDEM_EVENT_RESET)
            client->settling.looked_for_lost = false;
        else if (event->kind == TANDEM_EVENT_CAUGHT_UP)
            caught_up(client);
    }
    client_sync_event(client, event);
}
