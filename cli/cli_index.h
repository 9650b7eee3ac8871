/* Records that the server already has, by the value of one field: which row of a file is which
 * record. Letters are compared regardless of case, as the server's look-ups do. */
#ifndef TANDEM_CLI_INDEX_H
#define TANDEM_CLI_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "tandem/tandem.h"

struct index_entry {
    char *key;
    char id[TANDEM_ID_TEXT];
    unsigned long line;  /* of the file's row with this key, 0 before one came */
    bool ambiguous;      /* several records have the key */
    char by[72];         /* who changed the record last, and when */
    int64_t at_ms;
    size_t value_count;
    char **values;       /* texts of the fields the caller compares, "" when not set */
};

struct index {
    struct index_entry **slots; /* open addressing; the size is a power of two */
    size_t size;
    size_t count;
};

void index_init(struct index *index);
void index_release(struct index *index);
struct index_entry *index_find(const struct index *index, const char *key);
/* A new entry, or the one that has the key, then with *fresh false. NULL when out of memory. */
struct index_entry *index_add(struct index *index, const char *key, bool *fresh);
/* Gives the entry room for `count` values. False when out of memory. */
bool index_make_values(struct index_entry *entry, size_t count);

#endif
