/* Any bytes as a stored entry of the outbox: none, or one that is written again as the same, can be
 * looked at by a program, is settled into changes that a server can read, and can be rid of what it
 * keeps of others. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/client/client.h"
#include "client-lib/client/entry_view.h"
#include "client-lib/outbox/outbox_entry.h"
#include "client-lib/outbox/outbox_store_tables.h"
#include "client-lib/outbox/resolve.h"

static void compare(struct bytes a, struct bytes b)
{
    MUST(bytes_equal(a, b));
}

/* Unknown keys are kept: the same entry has the same bytes from the second time on. */
static void write_again(struct bytes value, const struct outbox_item *item)
{
    struct buffer first = {0}, second = {0};
    struct outbox_item again;
    outbox_entry_encode(&first, item, value);
    MUST(!first.failed && outbox_entry_decode(buffer_bytes(&first), item->order, &again));
    MUST(again.state == item->state && again.number == item->number && again.base == item->base);
    MUST(again.seq == item->seq && again.behind == item->behind && again.at_ms == item->at_ms);
    MUST(again.status == item->status && again.access_ended == item->access_ended);
    compare(again.changes, item->changes);
    compare(again.seen, item->seen);
    if (item->status != STATUS_OK)
        compare(again.conflicts, item->conflicts);
    outbox_entry_encode(&second, &again, buffer_bytes(&first));
    compare(buffer_bytes(&first), buffer_bytes(&second));
    buffer_release(&first);
    buffer_release(&second);
}

static void look_at(const struct outbox_item *item)
{
    static struct tandem_client client;
    struct entry_view view = {.failed = false};
    client.source = (struct field_source){&client, client_find_field};
    MUST(entry_view_make(&client, item, &view) == STATUS_OK);
    MUST(view.entry.change_count > 0 || item->changes.size <= 5);
    for (size_t i = 0; i < view.entry.change_count; i++) {
        const tandem_entry_change *change = &view.entry.changes[i];
        MUST(change->op != NULL && change->entity != NULL && change->by != NULL);
        MUST(strlen(change->id) == ID_TEXT_SIZE - 1);
    }
    MUST(view.entry.json[0] == '{');
    entry_view_release(&view);
}

static uint64_t seen_now(void *context, struct id id)
{
    (void)context;
    return id.octet[0];
}

static bool is_created(void *context, const struct outbox_item *item, struct id id)
{
    (void)context;
    (void)item;
    return id.octet[1] > 0xf0;
}

/* What is left of a conflict are changes again. */
static void read_changes(struct bytes changes, uint32_t count)
{
    struct wire_reader reader = outbox_list(changes);
    struct outbox_change change;
    uint32_t found = 0;
    MUST(wire_validate(changes, NULL) == STATUS_OK);
    while (outbox_change_next(&reader, &change))
        found++;
    MUST(wire_at_end(&reader) && found == count);
}

static void settle(const struct outbox_item *item)
{
    struct resolve mine = {.item = item, .seen_now = seen_now, .is_created = is_created};
    struct resolve theirs = {.item = item};
    struct buffer changes = {0};
    mine.new_id.octet[0] = 1;
    if (resolve_mine(&mine, &changes) == STATUS_OK)
        read_changes(buffer_bytes(&changes), mine.count);
    buffer_clear(&changes);
    MUST(resolve_theirs(&theirs, &changes) == STATUS_OK);
    read_changes(buffer_bytes(&changes), theirs.count);
    buffer_release(&changes);
}

/* Everything that was seen is taken away, or what was seen in one scope, and nothing else. */
static void take_away(const struct outbox_item *item, const struct outbox_lost *lost)
{
    struct outbox_item stripped = *item;
    struct outbox_item again;
    struct outbox_seen before, seen;
    struct buffer list = {0}, value = {0};
    outbox_strip_seen(item->seen, lost, &list);
    MUST(!list.failed && wire_validate(buffer_bytes(&list), NULL) == STATUS_OK);
    stripped.seen = buffer_bytes(&list);
    outbox_entry_encode(&value, &stripped, (struct bytes){0});
    MUST(!value.failed && outbox_entry_decode(buffer_bytes(&value), item->order, &again));
    struct wire_reader was = outbox_list(item->seen), is = outbox_list(again.seen);
    while (outbox_seen_next(&was, &before)) {
        MUST(outbox_seen_next(&is, &seen) && id_equal(seen.id, before.id));
        if (lost->all || scope_equal(before.scope, lost->scope))
            MUST(seen.lost && seen.fields.size == 0);
        else
            MUST(seen.lost == before.lost && bytes_equal(seen.fields, before.fields));
    }
    MUST(!outbox_seen_next(&is, &seen));
    buffer_release(&list);
    buffer_release(&value);
}

static void take_away_each(const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->seen);
    struct outbox_seen seen;
    take_away(item, &(const struct outbox_lost){.all = true});
    if (outbox_seen_next(&reader, &seen) && seen.scope.kind != 0)
        take_away(item, &(const struct outbox_lost){.by_scope = true, .scope = seen.scope});
}

static bool count_id(void *context, struct id id)
{
    (void)id;
    return ++*(unsigned *)context < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes value = bytes_of(data, size);
    struct outbox_item item;
    unsigned ids = 0;
    if (!outbox_entry_decode(value, 7, &item))
        return 0;
    write_again(value, &item);
    outbox_ids(item.changes, count_id, &ids);
    /* Why one waits that was never refused, only a handle with a folder can tell. */
    if (item.state != TANDEM_ENTRY_WAITING || item.status != STATUS_OK)
        look_at(&item);
    settle(&item);
    take_away_each(&item);
    return 0;
}
