#include "server/net/arrivals.h"

#include <assert.h>

#include "protocol/memory.h"

#define FIRST_CAPACITY 16u

static bool grow(struct arrivals *arrivals)
{
    uint32_t capacity = arrivals->capacity > 0 ? 2 * arrivals->capacity : FIRST_CAPACITY;
    struct arrival *items = memory_new(capacity * sizeof *items);
    if (!items)
        return false;
    for (uint32_t i = 0; i < arrivals->count; i++)
        items[i] = arrivals->items[(arrivals->first + i) % arrivals->capacity];
    memory_free(arrivals->items);
    arrivals->items = items;
    arrivals->capacity = capacity;
    arrivals->first = 0;
    return true;
}

bool arrivals_add(struct arrivals *arrivals, struct arrival arrival)
{
    if (arrivals->count == arrivals->capacity && !grow(arrivals))
        return false;
    arrivals->items[(arrivals->first + arrivals->count++) % arrivals->capacity] = arrival;
    return true;
}

bool arrivals_take(struct arrivals *arrivals, struct arrival *out)
{
    if (arrivals->count == 0)
        return false;
    *out = arrivals->items[arrivals->first];
    arrivals->first = (arrivals->first + 1) % arrivals->capacity;
    arrivals->count--;
    return true;
}

void arrivals_release(struct arrivals *arrivals)
{
    assert(arrivals->count == 0);
    memory_free(arrivals->items);
    *arrivals = (struct arrivals){.items = NULL};
}
