/* A set of records, each with the scope it was seen in: what an observer has told of. About 70
 * bytes a record at most. */
#ifndef TANDEM_CLIENT_LIB_ID_TABLE_H
#define TANDEM_CLIENT_LIB_ID_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"
#include "protocol/id.h"

struct id_table_slot {
    struct id id;
    struct scope scope; /* kind 0: the slot is free */
};

/* Zeroed storage is an empty table. */
struct id_table {
    struct id_table_slot *slots; /* open addressing; a power of two of them */
    size_t size, count;
};

void id_table_release(struct id_table *table);
bool id_table_has(const struct id_table *table, struct id id);
/* Adds the record or changes its scope. False, with nothing changed, when memory is short. */
bool id_table_put(struct id_table *table, struct id id, struct scope scope);
/* Whether it was there. */
bool id_table_remove(struct id_table *table, struct id id);
/* Appends the ids (ID_SIZE bytes each) of all, or of those in one scope. */
void id_table_list(const struct id_table *table, const struct scope *scope, struct buffer *out);

#endif
