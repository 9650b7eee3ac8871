#include "server/net/connection_table.h"

#include <assert.h>

#include "protocol/memory.h"

#define FIRST_CAPACITY 64u
#define MOST_PLACES (1u << CONNECTION_PLACE_BITS)

void connection_table_release(struct connection_table *table)
{
    memory_free(table->places);
    *table = (struct connection_table){.places = NULL};
}

static bool grow(struct connection_table *table)
{
    uint32_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    if (capacity > MOST_PLACES)
        return false;
    struct connection_place *places =
        memory_resize(table->places, capacity * sizeof *places);
    if (!places)
        return false;
    for (uint32_t i = table->capacity; i < capacity; i++)
        places[i] = (struct connection_place){.next_free = i + 1};
    table->first_free = table->capacity;
    table->places = places;
    table->capacity = capacity;
    return true;
}

uint64_t connection_table_add(struct connection_table *table, struct connection *connection)
{
    if (table->first_free == table->capacity && !grow(table))
        return 0;
    uint32_t place = table->first_free;
    struct connection_place *free_place = &table->places[place];
    table->first_free = free_place->next_free;
    table->count++;
    if (table->count > table->most)
        table->most = table->count;
    free_place->connection = connection;
    free_place->uses++;
    return free_place->uses << CONNECTION_PLACE_BITS | place;
}

void connection_table_remove(struct connection_table *table, uint64_t number)
{
    assert(connection_table_find(table, number));
    uint32_t place = (uint32_t)(number & (MOST_PLACES - 1));
    table->places[place].connection = NULL;
    table->places[place].next_free = table->first_free;
    table->first_free = place;
    table->count--;
}

bool connection_table_emptied(struct connection_table *table)
{
    uint32_t left = table->most - table->count;
    if (left < CONNECTION_TABLE_CROWD || left < table->count)
        return false;
    table->most = table->count;
    return true;
}

struct connection *connection_table_find(const struct connection_table *table, uint64_t number)
{
    uint32_t place = (uint32_t)(number & (MOST_PLACES - 1));
    if (place >= table->capacity || table->places[place].uses != number >> CONNECTION_PLACE_BITS)
        return NULL;
    return table->places[place].connection;
}
