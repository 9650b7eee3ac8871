#include "client-lib/base/id_table.h"

#include <assert.h>

#include "protocol/memory.h"

#define FIRST_SIZE 16u

/* Ids begin with a time and end with random bytes; those a hostile server makes up are no worse
 * than a list. */
static size_t home_of(const struct id_table *table, struct id id)
{
    uint64_t mixed = get_u64(id.octet) ^ get_u64(id.octet + 8) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(mixed ^ mixed >> 32) & (table->size - 1);
}

static size_t next_of(const struct id_table *table, size_t slot)
{
    return (slot + 1) & (table->size - 1);
}

/* The slot of the id, or the free one where it belongs. */
static size_t find(const struct id_table *table, struct id id)
{
    size_t slot = home_of(table, id);
    while (table->slots[slot].scope.kind != 0 && !id_equal(table->slots[slot].id, id))
        slot = next_of(table, slot);
    return slot;
}

void id_table_release(struct id_table *table)
{
    memory_free(table->slots);
    *table = (struct id_table){0};
}

bool id_table_has(const struct id_table *table, struct id id)
{
    return table->count > 0 && table->slots[find(table, id)].scope.kind != 0;
}

static bool grow(struct id_table *table)
{
    struct id_table larger = {.size = table->size == 0 ? FIRST_SIZE : table->size * 2};
    larger.slots = memory_new(larger.size * sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].scope.kind != 0)
            larger.slots[find(&larger, table->slots[i].id)] = table->slots[i];
    larger.count = table->count;
    memory_free(table->slots);
    *table = larger;
    return true;
}

bool id_table_put(struct id_table *table, struct id id, struct scope scope)
{
    assert(scope.kind != 0);
    /* At most three quarters full, so that there is always a free slot to stop at. */
    if (!id_table_has(table, id)) {
        if ((table->count + 1) * 4 > table->size * 3 && !grow(table))
            return false;
        table->count++;
    }
    table->slots[find(table, id)] = (struct id_table_slot){id, scope};
    return true;
}

/* What is behind the freed slot moves up, where it could not be found otherwise. */
static void close_gap(struct id_table *table, size_t gap)
{
    const size_t mask = table->size - 1;
    for (size_t slot = next_of(table, gap); table->slots[slot].scope.kind != 0;
         slot = next_of(table, slot)) {
        size_t home = home_of(table, table->slots[slot].id);
        if (((slot - home) & mask) < ((slot - gap) & mask))
            continue;
        table->slots[gap] = table->slots[slot];
        gap = slot;
    }
    table->slots[gap] = (struct id_table_slot){0};
}

bool id_table_remove(struct id_table *table, struct id id)
{
    if (!id_table_has(table, id))
        return false;
    close_gap(table, find(table, id));
    table->count--;
    return true;
}

void id_table_list(const struct id_table *table, const struct scope *scope, struct buffer *out)
{
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].scope.kind != 0 &&
            (scope == NULL || scope_equal(table->slots[i].scope, *scope)))
            buffer_append(out, table->slots[i].id.octet, ID_SIZE);
}
