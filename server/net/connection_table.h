/* Connections of one I/O thread by number. A number names a place and how often the place has
 * been used, so it is found in one step and never comes again. */
#ifndef TANDEM_NET_CONNECTION_TABLE_H
#define TANDEM_NET_CONNECTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

/*     63            24 23       0
 *     | times used    | place   |    the first connection of a place has 1 above bit 23 */
#define CONNECTION_PLACE_BITS 24

struct connection_place {
    struct connection *connection;
    uint64_t uses;
    uint32_t next_free;
};

struct connection_table {
    struct connection_place *places;
    uint32_t capacity;
    uint32_t count;
    uint32_t most; /* there were since it last emptied */
    uint32_t first_free; /* `capacity` when there is none */
};

void connection_table_release(struct connection_table *table);
/* The number, or 0 when out of memory or places. */
uint64_t connection_table_add(struct connection_table *table, struct connection *connection);
void connection_table_remove(struct connection_table *table, uint64_t number);
/* True once each time that half of the connections, and at least CONNECTION_TABLE_CROWD of them, have
 * left since there were most. */
#define CONNECTION_TABLE_CROWD 256u
bool connection_table_emptied(struct connection_table *table);
struct connection *connection_table_find(const struct connection_table *table, uint64_t number);

#endif
