/* Lists: the index of fields and the timelines of accounts.
 *
 * A place is the key of the last entry given. It travels to clients and back, so nothing in it is
 * believed: it must have exactly the shape of a key of the list it is used on. It may name an
 * entry that never was; the walk then begins where that entry would be, inside the same list.
 */
#include <string.h>

#include "server/store/tables.h"

static struct id last_id(struct bytes key)
{
    struct id id;
    memcpy(id.octet, key.data + key.size - ID_SIZE, ID_SIZE);
    return id;
}

static enum status set_place(struct buffer *place, struct bytes key, struct id *id)
{
    buffer_clear(place);
    buffer_append(place, key.data, key.size);
    if (place->failed)
        return STATUS_NO_MEMORY;
    *id = last_id(key);
    return STATUS_OK;
}

struct list {
    struct bytes prefix;
    bool ordered; /* an ordered value stands between the prefix and the id */
};

static bool is_of_list(const struct list *list, struct bytes key)
{
    if (!bytes_begin_with(key, list->prefix))
        return false;
    const struct bytes tail = bytes_of(key.data + list->prefix.size, key.size - list->prefix.size);
    if (!list->ordered)
        return tail.size == ID_SIZE;
    const size_t size = ordered_size(tail);
    return size > 0 && tail.size - size == ID_SIZE;
}

enum status table_index_next(void *self, struct bytes entity, struct bytes field,
                             struct bytes exact, bool descending, struct buffer *place,
                             struct id *id)
{
    struct txn *txn = txn_from(self);
    struct key prefix;
    if (!key_begin_index(&prefix, entity, field) || exact.size > SCHEMA_KEY_MAX ||
        (exact.size > 0 && field.size == 0))
        return STATUS_INVALID_VALUE;
    if (exact.size > 0)
        key_add_ordered(&prefix, exact);
    const struct list list = {key_bytes(&prefix), field.size > 0 && exact.size == 0};
    const struct bytes from = buffer_bytes(place);
    if (from.size > 0 && !is_of_list(&list, from))
        return STATUS_INVALID_VALUE;

    struct bytes found;
    enum status status;
    if (descending) {
        /* A prefix ends in a separator or in a count: never 0xff. */
        struct key end = prefix;
        end.data[end.size - 1]++;
        status = txn_before(txn, TABLE_INDEX, from.size > 0 ? from : key_bytes(&end), &found, NULL);
    } else {
        status =
            txn_behind(txn, TABLE_INDEX, from.size > 0 ? from : list.prefix, false, &found, NULL);
    }
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, list.prefix))
        return STATUS_NOT_FOUND;
    return is_of_list(&list, found) ? set_place(place, found, id) : STATUS_CORRUPT;
}

enum status table_timeline_next(void *self, struct scope scope, struct buffer *place, struct id *id)
{
    struct txn *txn = txn_from(self);
    struct key end = {0};
    key_add_scope(&end, scope);
    const struct bytes prefix = bytes_of(end.data, end.size);
    const struct bytes from = buffer_bytes(place);
    if (from.size > 0 && (from.size != LAYOUT_TIMELINE_SIZE || !bytes_begin_with(from, prefix)))
        return STATUS_INVALID_VALUE;
    /* One byte longer than any key of the scope, so that the very last is before it too. */
    memset(end.data + end.size, 0xff, LAYOUT_TIMELINE_SIZE - SCOPE_SIZE + 1);
    end.size = LAYOUT_TIMELINE_SIZE + 1;

    struct bytes found;
    const enum status status =
        txn_before(txn, TABLE_TIMELINE, from.size > 0 ? from : key_bytes(&end), &found, NULL);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, prefix))
        return STATUS_NOT_FOUND;
    return found.size == LAYOUT_TIMELINE_SIZE ? set_place(place, found, id) : STATUS_CORRUPT;
}
