/* Values of one's own for the same field. The newer is to be the last, in whatever order they are
 * settled. */
#include "client-lib/client/client_resolve.h"

#include <stdlib.h>

#include "client-lib/base/fault.h"

#define CONFLICT_STATE (1u << TANDEM_ENTRY_CONFLICT)

struct looking {
    const struct outbox_item *than;
    struct outbox_change change;
    unsigned states;
    bool later;
    uint64_t found;
};

/* Whether the map has this key. */
static bool sets(struct bytes fields, struct bytes field)
{
    char name[RECORD_NAME_MAX + 1];
    struct bytes value;
    return fields.size > 0 && field.size > 0 && field.size <= RECORD_NAME_MAX &&
           wire_map_find(fields, bytes_to_text(field, name, sizeof name), &value);
}

/* Whether the maps have a key in common. */
static bool shares_key(struct bytes one, struct bytes other)
{
    struct wire_reader reader = wire_read(one);
    struct bytes key;
    uint32_t count = 0;
    if (one.size == 0 || other.size == 0 || !wire_get_map(&reader, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_str(&reader, &key) || !wire_skip(&reader, NULL))
            return false;
        if (sets(other, key))
            return true;
    }
    return false;
}

/* Whether the entry sets a field that the change sets. */
static bool shares(const struct outbox_item *item, const struct outbox_change *with)
{
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    while (outbox_change_next(&reader, &change))
        if (id_equal(change.id, with->id) && shares_key(change.fields, with->fields))
            return true;
    return false;
}

static bool look(void *context, const struct outbox_item *item)
{
    struct looking *looking = context;
    const uint64_t than = outbox_typed(looking->than), typed = outbox_typed(item);
    if ((1u << item->state & looking->states) != 0 &&
        (looking->later ? typed > than : typed < than) && shares(item, &looking->change))
        looking->found = item->order;
    return looking->found == 0;
}

static enum status look_over(tandem_client *client, struct looking *looking, struct bytes changes)
{
    struct wire_reader reader = outbox_list(changes);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && looking->found == 0 &&
           outbox_change_next(&reader, &looking->change))
        status = outbox_store_over(client->store, looking->change.id, look, looking);
    return status == STATUS_OK ? STATUS_OK : resolve_refuse(client, status);
}

enum status resolve_check_newest(tandem_client *client, const struct outbox_item *item,
                                 struct bytes changes, unsigned states)
{
    struct looking later = {.than = item, .states = states, .later = true};
    enum status status = look_over(client, &later, changes);
    if (status == STATUS_OK && later.found != 0)
        status = trouble(&client->fault, STATUS_USAGE, "",
                         "entry %llu has a newer value of yours for the same field and is not "
                         "answered yet: wait for that, or drop it first",
                         (unsigned long long)later.found);
    return status;
}

static enum status older_first(tandem_client *client, uint64_t older)
{
    return trouble(&client->fault, STATUS_USAGE, "",
                   "settle entry %llu first: it is an older value for the same field",
                   (unsigned long long)older);
}

/* Settled last, it would put the older value back, when nothing is left that tells of the newer. */
enum status resolve_check_oldest(tandem_client *client, const struct outbox_item *item)
{
    struct looking earlier = {.than = item, .states = CONFLICT_STATE};
    enum status status = look_over(client, &earlier, item->changes);
    return status == STATUS_OK && earlier.found != 0 ? older_first(client, earlier.found) : status;
}

/* ---- Together ---- */

/* Whether it is about fields of records that are there, and is said to be. */
static bool is_about_fields(const struct outbox_item *item)
{
    struct wire_reader reader = outbox_list(item->conflicts);
    struct outbox_conflict conflict;
    bool any = false;
    for (; outbox_conflict_next(&reader, &conflict); any = true)
        if (conflict.field.size == 0)
            return false;
    reader = outbox_list(item->changes);
    struct outbox_change change;
    while (any && outbox_change_next(&reader, &change))
        any = bytes_is(change.op, "update");
    return any;
}

/* Whether all that it is in conflict about is set by the other as well. */
static bool is_covered(const struct outbox_item *item, const struct outbox_item *by)
{
    struct wire_reader conflicts = outbox_list(item->conflicts);
    struct outbox_conflict conflict;
    bool covered = is_about_fields(item);
    while (covered && outbox_conflict_next(&conflicts, &conflict)) {
        struct wire_reader reader = outbox_list(by->changes);
        struct outbox_change change;
        covered = false;
        while (!covered && outbox_change_next(&reader, &change))
            covered = id_equal(change.id, conflict.id) && sets(change.fields, conflict.field);
    }
    return covered;
}

struct grouping {
    const struct outbox_item *item;
    const struct outbox_change *change;
    struct buffer *out;
    uint64_t older; /* that stands in the way */
};

static bool has(const struct buffer *ones, uint64_t order)
{
    const struct resolve_one *one = (const void *)ones->data;
    for (size_t i = 0; i < ones->size / sizeof *one; i++)
        if (one[i].order == order)
            return true;
    return false;
}

static bool add(void *context, const struct outbox_item *item)
{
    struct grouping *grouping = context;
    const struct resolve_one one = {outbox_typed(item), item->order};
    if (item->state != TANDEM_ENTRY_CONFLICT || has(grouping->out, item->order) ||
        !shares(item, grouping->change))
        return true;
    if (is_covered(item, grouping->item))
        buffer_append(grouping->out, &one, sizeof one);
    else if (one.typed < outbox_typed(grouping->item))
        grouping->older = item->order;
    return grouping->older == 0;
}

static int by_typed(const void *a, const void *b)
{
    const struct resolve_one *left = a, *right = b;
    return (left->typed > right->typed) - (left->typed < right->typed);
}

enum status resolve_group(tandem_client *client, const struct outbox_item *item, struct buffer *out)
{
    const struct resolve_one self = {outbox_typed(item), item->order};
    struct wire_reader reader = outbox_list(item->changes);
    struct outbox_change change;
    struct grouping grouping = {.item = item, .change = &change, .out = out};
    enum status status = STATUS_OK;
    buffer_append(out, &self, sizeof self);
    if (!is_about_fields(item))
        return out->failed ? resolve_refuse(client, STATUS_NO_MEMORY)
                           : resolve_check_oldest(client, item);
    while (status == STATUS_OK && grouping.older == 0 && outbox_change_next(&reader, &change))
        status = outbox_store_over(client->store, change.id, add, &grouping);
    if (status == STATUS_OK && out->failed)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        return resolve_refuse(client, status);
    if (grouping.older != 0)
        return older_first(client, grouping.older);
    qsort(out->data, out->size / sizeof self, sizeof self, by_typed);
    return STATUS_OK;
}
