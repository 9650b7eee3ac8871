/* The scrub: everything that can be known to be wrong with a store, found in one snapshot.
 *
 * Records come first: each must have its checksum, decode, and be present in every row that
 * entries_of says. The rows found so are counted; a table that holds more than those holds
 * strangers, and only then is it walked to name them. What has no record behind it (access,
 * clients, audit, ...) is checked for itself; live notes in check_notes.c.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/memory.h"
#include "server/store/check_internal.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"

#define KEY_TEXT_BYTES 48u

__attribute__((format(printf, 2, 3))) static void finding(struct check *check, const char *format,
                                                          ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check->findings++;
    if (check->report != NULL)
        check->report(check->context, text);
}

/* The key as hex digits, cut where it is long. */
void check_finding_at(struct check *check, enum table table, struct bytes key, const char *what)
{
    char text[2 * KEY_TEXT_BYTES + 1] = "";
    for (size_t i = 0; i < key.size && i < KEY_TEXT_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", key.data[i]);
    finding(check, "%s %s%s: %s", table_name(table), text, key.size > KEY_TEXT_BYTES ? "..." : "",
            what);
}

enum status check_each_row(struct check *check, enum table table, check_visit *visit)
{
    struct bytes key = {0}, value;
    enum status status;
    while ((status = txn_behind(&check->txn, table, key, false, &key, &value)) == STATUS_OK) {
        status = visit(check, table, key, value);
        if (status != STATUS_OK)
            return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_entries(struct check *check, struct bytes id)
{
    for (size_t i = 0; i < check->entries.count; i++) {
        const struct entry *entry = &check->entries.entry[i];
        struct bytes value;
        const enum status status =
            txn_get(&check->txn, entry->table, key_bytes(&entry->key), &value);
        if (status == STATUS_OK)
            check->present[entry->table]++;
        else if (status == STATUS_NOT_FOUND)
            check_finding_at(check, entry->table, key_bytes(&entry->key), "missing");
        else
            return status;
        if (status == STATUS_OK && value.size != 0)
            check_finding_at(check, TABLE_RECORD, id, "one of its rows has a value");
    }
    return STATUS_OK;
}

static enum status check_record(struct check *check, enum table table, struct bytes key,
                                struct bytes value)
{
    struct bytes stored;
    check->records++;
    if (sealed_open(key, value, &stored) != STATUS_OK)
        check_finding_at(check, table, key, "fails its checksum");
    else if (record_decode(stored, &check->record) != STATUS_OK)
        check_finding_at(check, table, key, "cannot be decoded");
    else if (!bytes_equal(key, bytes_of(check->record.id.octet, ID_SIZE)))
        check_finding_at(check, table, key, "holds another record");
    else if (check->record.seq > check->meta.seq)
        check_finding_at(check, table, key, "is newer than the store");
    else {
        const enum status status = entries_of(&check->record, &check->entries);
        if (status == STATUS_NO_MEMORY)
            return status;
        if (status == STATUS_OK)
            return check_entries(check, key);
        check_finding_at(check, table, key, status_text(status));
    }
    return STATUS_OK;
}

/* Whether a record says that it stands in this row. */
static enum status row_is_expected(struct check *check, enum table table, struct bytes key,
                                   bool *expected)
{
    struct bytes stored;
    *expected = false;
    if (key.size < ID_SIZE || key.size > LAYOUT_KEY_MAX)
        return STATUS_OK;
    struct entry entry = {.table = table};
    key_add(&entry.key, key);
    const struct bytes id = bytes_of(key.data + key.size - ID_SIZE, ID_SIZE);
    enum status status = txn_get_sealed(&check->txn, TABLE_RECORD, id, &stored);
    if (status == STATUS_OK)
        status = record_decode(stored, &check->record);
    if (status == STATUS_OK)
        status = entries_of(&check->record, &check->entries);
    if (status == STATUS_OK)
        *expected = entries_have(&check->entries, &entry);
    return status == STATUS_IO || status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status check_stranger(struct check *check, enum table table, struct bytes key,
                                  struct bytes value)
{
    (void)value;
    bool expected;
    const enum status status = row_is_expected(check, table, key, &expected);
    if (status == STATUS_OK && !expected)
        check_finding_at(check, table, key, "belongs to no record");
    return status;
}

enum status check_strangers(struct check *check, enum table table, check_visit *visit)
{
    MDB_stat stat;
    const enum status status =
        txn_status(mdb_stat(check->txn.handle, check->txn.tables[table], &stat));
    if (status != STATUS_OK || stat.ms_entries == check->present[table])
        return status;
    return check_each_row(check, table, visit);
}

static enum status check_sealed(struct check *check, enum table table, struct bytes key,
                                struct bytes value)
{
    struct bytes payload;
    if (sealed_open(key, value, &payload) != STATUS_OK)
        check_finding_at(check, table, key, "fails its checksum");
    return STATUS_OK;
}

static enum status check_history(struct check *check, enum table table, struct bytes key,
                                 struct bytes value)
{
    struct bytes found;
    if (key.size != ID_SIZE + 8) {
        check_finding_at(check, table, key, "is no key of this table");
        return STATUS_OK;
    }
    const enum status status =
        txn_get(&check->txn, TABLE_RECORD, bytes_of(key.data, ID_SIZE), &found);
    if (status == STATUS_NOT_FOUND)
        check_finding_at(check, table, key, "belongs to no record");
    else if (status != STATUS_OK)
        return status;
    return check_sealed(check, table, key, value);
}

static enum status check_access(struct check *check, enum table table, struct bytes key,
                                struct bytes value)
{
    struct bytes payload, change;
    struct access_row row;
    struct scope scope;
    if (key.size != ID_SIZE + SCOPE_SIZE ||
        !scope_from_bytes(bytes_of(key.data + ID_SIZE, SCOPE_SIZE), &scope)) {
        check_finding_at(check, table, key, "is no key of this table");
        return STATUS_OK;
    }
    if (sealed_open(key, value, &payload) != STATUS_OK ||
        access_row_decode(payload, &row) != STATUS_OK) {
        check_finding_at(check, table, key, "fails its checksum");
        return STATUS_OK;
    }
    if (access_row_seq(&row) == 0)
        return STATUS_OK;
    struct key at = {0};
    key_add(&at, bytes_of(key.data, ID_SIZE));
    key_add_u64(&at, access_row_seq(&row));
    key_add_scope(&at, scope);
    const enum status status = txn_get(&check->txn, TABLE_ACCESS_CHANGE, key_bytes(&at), &change);
    if (status == STATUS_NOT_FOUND)
        check_finding_at(check, TABLE_ACCESS_CHANGE, key_bytes(&at), "missing");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_change(struct check *check, enum table table, struct bytes key,
                                struct bytes value)
{
    (void)value;
    struct bytes payload;
    struct access_row row;
    if (key.size != ID_SIZE + 8 + SCOPE_SIZE) {
        check_finding_at(check, table, key, "is no key of this table");
        return STATUS_OK;
    }
    struct key at = {0};
    key_add(&at, bytes_of(key.data, ID_SIZE));
    key_add(&at, bytes_of(key.data + ID_SIZE + 8, SCOPE_SIZE));
    enum status status = txn_get_sealed(&check->txn, TABLE_ACCESS, key_bytes(&at), &payload);
    if (status == STATUS_OK)
        status = access_row_decode(payload, &row);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && access_row_seq(&row) != get_u64(key.data + ID_SIZE)))
        check_finding_at(check, table, key, "belongs to no row of access");
    return status == STATUS_IO ? status : STATUS_OK;
}

static enum status check_due(struct check *check, enum table table, struct bytes key,
                             struct bytes value)
{
    (void)value;
    if (key.size != 8 + ID_SIZE)
        check_finding_at(check, table, key, "is no key of this table");
    return STATUS_OK;
}

static enum status check_audit(struct check *check, enum table table, struct bytes key,
                               struct bytes value)
{
    if (key.size != 8 || value.size < AUDIT_HASH_SIZE) {
        check_finding_at(check, table, key, "is no audit entry");
        return STATUS_OK;
    }
    if (get_u64(key.data) != check->audit_number + 1)
        check_finding_at(check, table, key, "an entry before it is missing");
    else if (memcmp(value.data, check->audit_hash, AUDIT_HASH_SIZE) != 0)
        check_finding_at(check, table, key, "the entry before it was changed");
    check->audit_number = get_u64(key.data);
    return audit_hash(&check->scratch, key, value, check->audit_hash);
}

static enum status check_all(struct check *check)
{
    static const struct {
        enum table table;
        check_visit *visit;
    } visits[] = {
        {TABLE_RECORD, check_record},
        {TABLE_ACCESS, check_access},
        {TABLE_ACCESS_CHANGE, check_change},
        {TABLE_HISTORY, check_history},
        {TABLE_CLIENT, check_sealed},
        {TABLE_CREDENTIAL, check_sealed},
        {TABLE_DUE, check_due},
        {TABLE_AUDIT, check_audit},
    };
    static const enum table derived[] = {TABLE_FEED, TABLE_LANE, TABLE_INDEX, TABLE_TIMELINE};
    enum status status = table_meta(&check->txn, &check->meta);
    if (status == STATUS_CORRUPT) {
        finding(check, "meta: fails its checksum");
        check->meta.seq = UINT64_MAX;
        status = STATUS_OK;
    }
    for (size_t i = 0; i < sizeof visits / sizeof *visits && status == STATUS_OK; i++)
        status = check_each_row(check, visits[i].table, visits[i].visit);
    for (size_t i = 0; i < sizeof derived / sizeof *derived && status == STATUS_OK; i++)
        status = check_strangers(check, derived[i], check_stranger);
    if (status == STATUS_OK && check->has_notes)
        status = check_notes(check);
    return status;
}

enum status store_check(struct store *store, void (*report)(void *context, const char *text),
                        void *context, uint64_t *records)
{
    assert(store->magic == STORE_MAGIC);
    struct check *check = memory_new(sizeof *check);
    if (check == NULL)
        return STATUS_NO_MEMORY;
    check->report = report;
    check->context = context;
    check->has_notes = store->format >= 2;
    check->entries.ascii = store->format < 3;
    check->txn = (struct txn){.magic = TXN_MAGIC, .tables = store->tables};
    enum status status =
        txn_status(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &check->txn.handle));
    if (status == STATUS_OK)
        status = check_all(check);
    if (status == STATUS_OK && check->findings > 0)
        status = STATUS_CORRUPT;
    if (records != NULL)
        *records = check->records;
    txn_close_walkers(&check->txn);
    mdb_txn_abort(check->txn.handle);
    entries_release(&check->entries);
    buffer_release(&check->scratch);
    memory_free(check);
    return status;
}
