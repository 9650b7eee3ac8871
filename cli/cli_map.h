/* How the columns of a file become the fields of a record.
 *
 *     name=CompanyName                   a column
 *     name="{FirstName} {LastName}"      a template: columns in braces, the rest as it is
 *     billingAddress.city=City           one part of an address
 *     account by externalId=CustomerID   the record whose externalId is the column's value
 *     type:=Customer                     the same for every row (--set)
 *
 * Specifications are separated by commas; "\," is a comma in a column's name.
 */
#ifndef TANDEM_CLI_MAP_H
#define TANDEM_CLI_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/bytes.h"

#define MAP_MOST 128u
#define MAP_NAME 72u
#define MAP_COLUMN 256u

enum map_source {
    MAP_COLUMN_VALUE, /* a column or template */
    MAP_LOOKUP,       /* a reference, found by a field of its target */
    MAP_CONSTANT
};

struct map_entry {
    enum map_source source;
    char field[MAP_NAME];
    char part[16];          /* of an address: street, city, ...; else "" */
    char by[MAP_NAME];      /* of a lookup: the target's field */
    char column[MAP_COLUMN]; /* a column's name, a template, or the constant */
    int index;              /* of the column; -1 for a template or constant */
};

struct map {
    struct map_entry entries[MAP_MOST];
    size_t count;
};

/* Adds the entries of one specification. False when it cannot be read, with a sentence. */
bool map_add(struct map *map, const char *specification, char problem[256]);
bool map_add_constant(struct map *map, const char *assignment, char problem[256]);
/* "externalId=CustomerID" with reference "account"; or with reference NULL "account.externalId=..." */
bool map_add_lookup(struct map *map, const char *reference, const char *specification,
                    char problem[256]);

/* Finds the columns by the file's header, ignoring the case of letters. False when one is missing
 * or a heading that is used is there twice, with a sentence that says which there are. */
bool map_resolve(struct map *map, const char *const *header, size_t count, char problem[512]);
/* Whether a column of the header is used. */
bool map_uses(const struct map *map, const char *const *header, size_t count, size_t column);
/* Index of a column, -1 when there is none, -2 when several are called so. */
int map_column(const char *const *header, size_t count, const char *name);

/* The entry's text for one row, appended: a cell, a filled template or the constant. A template of
 * which every column is empty is empty. */
void map_text(const struct map_entry *entry, const char *const *header, const char *const *cells,
              size_t count, struct buffer *out);

#endif
