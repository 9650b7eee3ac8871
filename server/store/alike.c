/* Records that share the value of a unique field but for the case of letters.
 *
 * In the index such rows stand beside each other: they have the same key. Where the key may be cut
 * the values are compared in full; rows that share it stand in order of their ids, so each is
 * compared with those that follow. Damage is passed over: store_check() is for that.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "protocol/fold.h"
#include "protocol/memory.h"
#include "server/core/record/record.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"

/* Rows that each is compared with, at most: values of which so many begin with the same 96 bytes
 * are not names that people gave. */
#define MOST_AHEAD 100u

struct search {
    struct txn *txn;
    store_tell *tell;
    void *context;
    uint64_t count;
    const char *entity, *field;
    struct key list;               /* what rows of the field begin with */
    struct record *record, *other; /* scratch */
};

static struct id id_of(const struct key *row)
{
    struct id id;
    memcpy(id.octet, row->data + row->size - ID_SIZE, ID_SIZE);
    return id;
}

static enum status load(struct search *search, const struct key *row, struct record *out)
{
    struct bytes stored;
    const enum status status = table_record(search->txn, id_of(row), &stored);
    return status == STATUS_OK ? record_decode(stored, out) : status;
}

/* The next row behind `row`, which begins with `prefix`; NOT_FOUND when there is none. */
static enum status step(struct search *search, struct bytes prefix, const struct key *row,
                        struct key *next)
{
    struct bytes found;
    const enum status status =
        txn_behind(search->txn, TABLE_INDEX, key_bytes(row), false, &found, NULL);
    if (status != STATUS_OK)
        return status;
    if (!bytes_begin_with(found, prefix) || found.size < search->list.size + ID_SIZE ||
        found.size > sizeof next->data)
        return STATUS_NOT_FOUND;
    struct key copy = {0};
    key_add(&copy, found);
    *next = copy;
    return STATUS_OK;
}

static enum status compare(struct search *search, const struct key *row, const struct key *next,
                           bool *same)
{
    *same = row->size < search->list.size + ORDERED_MAX + ID_SIZE;
    if (*same)
        return STATUS_OK;
    enum status status = load(search, row, search->record);
    if (status == STATUS_OK)
        status = load(search, next, search->other);
    *same = status == STATUS_OK && fold_compare(record_text(search->record, search->field),
                                                record_text(search->other, search->field)) == 0;
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}

static void tell_of(struct search *search, struct id one, struct id other)
{
    char line[256], first[ID_TEXT_SIZE], second[ID_TEXT_SIZE];
    search->count++;
    if (search->tell == NULL)
        return;
    snprintf(line, sizeof line, "%s %s and %s have the same %s but for capitals", search->entity,
             id_to_text(one, first), id_to_text(other, second), search->field);
    search->tell(search->context, line);
}

/* The first behind `row` that is like it. */
static enum status search_behind(struct search *search, const struct key *row)
{
    const struct bytes key = bytes_of(row->data, row->size - ID_SIZE);
    struct key next = *row;
    for (unsigned i = 0; i < MOST_AHEAD; i++) {
        bool same = false;
        enum status status = step(search, key, &next, &next);
        if (status == STATUS_OK)
            status = compare(search, row, &next, &same);
        if (status == STATUS_OK && same)
            tell_of(search, id_of(row), id_of(&next));
        if (status != STATUS_OK || same)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return STATUS_OK;
}

static enum status search_field(struct search *search)
{
    enum status status = STATUS_OK;
    const bool fits =
        key_begin_index(&search->list, bytes_text(search->entity), bytes_text(search->field));
    assert(fits);
    struct key row = search->list;
    while (status == STATUS_OK) {
        status = step(search, key_bytes(&search->list), &row, &row);
        if (status == STATUS_OK)
            status = search_behind(search, &row);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status search_entity(struct search *search, const struct entity_def *entity)
{
    enum status status = STATUS_OK;
    search->entity = entity->name;
    for (size_t i = 0; i < entity->field_count && status == STATUS_OK; i++) {
        search->field = entity->fields[i].name;
        if ((entity->fields[i].flags & FIELD_UNIQUE) != 0)
            status = search_field(search);
    }
    return status;
}

enum status alike_find(struct txn *txn, store_tell *tell, void *context, uint64_t *count)
{
    struct search search = {.txn = txn, .tell = tell, .context = context};
    enum status status = STATUS_NO_MEMORY;
    search.record = memory_new(sizeof *search.record);
    search.other = memory_new(sizeof *search.other);
    if (search.record != NULL && search.other != NULL)
        status = STATUS_OK;
    for (size_t i = 0; i < schema_entity_count() && status == STATUS_OK; i++)
        status = search_entity(&search, schema_entity_at(i));
    memory_free(search.record);
    memory_free(search.other);
    if (count != NULL)
        *count = search.count;
    return status;
}

enum status store_alike(struct store *store, store_tell *tell, void *context, uint64_t *count)
{
    assert(store->magic == STORE_MAGIC);
    if (count != NULL)
        *count = 0;
    if (store->format < STORE_FORMAT)
        return STATUS_OK;
    struct txn txn = {.magic = TXN_MAGIC, .tables = store->tables};
    enum status status = txn_status(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn.handle));
    if (status == STATUS_OK)
        status = alike_find(&txn, tell, context, count);
    txn_close_walkers(&txn);
    mdb_txn_abort(txn.handle);
    return status;
}
