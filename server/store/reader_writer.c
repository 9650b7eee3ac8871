/* Snapshots for reading, the one transaction for writing, and the room they need. */
#include <assert.h>
#include <errno.h>
#include <sys/statvfs.h>

#include "protocol/memory.h"
#include "server/store/entries.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"

#define ROOM_ASK_MS 1000u

#define READING                                                                                    \
    .meta = table_meta, .record = table_record, .access = table_access,                            \
    .access_next = table_access_next, .access_change_next = table_access_change_next,              \
    .feed_next = table_feed_next, .lane_next = table_lane_next, .index_next = table_index_next,    \
    .timeline_next = table_timeline_next, .history_next = table_history_next,                      \
    .client = table_client, .credential = table_credential, .due_first = table_due_first,          \
    .credential_next = table_credential_next, .client_next = table_client_next,                    \
    .note_head = table_note_head, .note_row = table_note_row, .note_before = table_note_before,    \
    .note_next = table_note_next

static const struct state_ops reading_ops = {READING};

static const struct state_ops writing_ops = {
    READING,
    .put_record = table_put_record,
    .forget_record = table_forget_record,
    .put_history = table_put_history,
    .put_access = table_put_access,
    .put_client = table_put_client,
    .put_credential = table_put_credential,
    .put_note_head = table_put_note_head,
    .put_note_row = table_put_note_row,
    .put_due = table_put_due,
    .audit = table_audit,
    .put_meta = table_put_meta,
};

struct store_reader {
    struct txn txn;
    bool open;
};

enum status store_reader_new(struct store *store, struct store_reader **out)
{
    assert(store->magic == STORE_MAGIC);
    *out = NULL;
    struct store_reader *reader = memory_new(sizeof *reader);
    if (reader == NULL)
        return STATUS_NO_MEMORY;
    const int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn.handle);
    if (code != MDB_SUCCESS) {
        memory_free(reader);
        return txn_status(code);
    }
    mdb_txn_reset(reader->txn.handle);
    reader->txn.magic = TXN_MAGIC;
    reader->txn.tables = store->tables;
    *out = reader;
    return STATUS_OK;
}

void store_reader_free(struct store_reader *reader)
{
    if (reader == NULL)
        return;
    assert(reader->txn.magic == TXN_MAGIC && !reader->open);
    txn_close_walkers(&reader->txn);
    mdb_txn_abort(reader->txn.handle);
    reader->txn.magic = 0;
    memory_free(reader);
}

enum status store_read_begin(struct store_reader *reader, struct state *out)
{
    assert(reader->txn.magic == TXN_MAGIC && !reader->open);
    const enum status status = txn_status(mdb_txn_renew(reader->txn.handle));
    if (status != STATUS_OK)
        return status;
    reader->open = true;
    reader->txn.snapshot++;
    *out = (struct state){.self = &reader->txn, .ops = &reading_ops};
    return STATUS_OK;
}

void store_read_end(struct store_reader *reader)
{
    assert(reader->txn.magic == TXN_MAGIC && reader->open);
    mdb_txn_reset(reader->txn.handle);
    reader->open = false;
}

static enum status has_reserve(const struct store *store, bool *enough)
{
    struct statvfs disk;
    if (statvfs(store->path, &disk) != 0)
        return STATUS_IO;
    *enough = (uint64_t)disk.f_bavail * disk.f_frsize >= store->reserve_bytes;
    return STATUS_OK;
}

bool store_has_room(struct store *store, uint64_t now_ms)
{
    assert(store->magic == STORE_MAGIC);
    struct room *room = &store->asked;
    const uint64_t asked_ms = atomic_load_explicit(&room->asked_ms, memory_order_relaxed);
    bool enough;
    /* A clock that was set back gives a huge difference. */
    if (asked_ms != 0 && now_ms - asked_ms < ROOM_ASK_MS)
        return atomic_load_explicit(&room->enough, memory_order_relaxed);
    if (has_reserve(store, &enough) != STATUS_OK)
        return false;
    atomic_store_explicit(&room->enough, enough, memory_order_relaxed);
    atomic_store_explicit(&room->asked_ms, now_ms, memory_order_relaxed);
    return enough;
}

enum status writer_init(struct store *store)
{
    struct txn *writer = &store->writer;
    writer->magic = TXN_MAGIC;
    writer->writable = true;
    writer->tables = store->tables;
    writer->before = memory_new(sizeof *writer->before);
    writer->after = memory_new(sizeof *writer->after);
    return writer->before != NULL && writer->after != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void writer_release(struct store *store)
{
    struct txn *writer = &store->writer;
    if (writer->before != NULL)
        entries_release(writer->before);
    if (writer->after != NULL)
        entries_release(writer->after);
    memory_free(writer->before);
    memory_free(writer->after);
    buffer_release(&writer->scratch);
}

enum status writer_begin(struct store *store)
{
    struct txn *writer = &store->writer;
    assert(writer->handle == NULL);
    writer->snapshot++;
    writer->failed = STATUS_OK;
    return txn_status(mdb_txn_begin(store->env, NULL, 0, &writer->handle));
}

/* Asks each time: in a second, fast writers could use up the whole reserve. */
enum status store_write_begin(struct store *store, struct state *out)
{
    assert(store->magic == STORE_MAGIC);
    if (store->poisoned)
        return STATUS_IO;
    if (store->format != STORE_FORMAT)
        return STATUS_FORMAT_VERSION;
    bool enough;
    enum status status = has_reserve(store, &enough);
    if (status == STATUS_OK && !enough)
        status = STATUS_READ_ONLY;
    if (status == STATUS_OK)
        status = writer_begin(store);
    if (status == STATUS_OK)
        *out = (struct state){.self = &store->writer, .ops = &writing_ops};
    return status;
}

/* What mdb_txn_commit failed with. MAP_FULL and ENOMEM come before it writes. ENOSPC may as well
 * come from the flush, after which nobody knows what the disk holds. */
static enum status commit_status(int code)
{
    return code == MDB_SUCCESS || code == MDB_MAP_FULL || code == ENOMEM ? txn_status(code)
                                                                         : STATUS_IO;
}

enum status store_write_commit(struct store *store)
{
    struct txn *writer = &store->writer;
    assert(store->magic == STORE_MAGIC && writer->handle != NULL);
    if (store->poisoned || writer->failed != STATUS_OK) {
        const enum status failed = store->poisoned ? STATUS_IO : writer->failed;
        store->poisoned = failed != STATUS_READ_ONLY && failed != STATUS_NO_MEMORY;
        store_write_abort(store);
        return failed;
    }
    txn_close_walkers(writer);
    const enum status status = commit_status(mdb_txn_commit(writer->handle));
    writer->handle = NULL;
    store->poisoned = status == STATUS_IO;
    return status;
}

void store_write_abort(struct store *store)
{
    struct txn *writer = &store->writer;
    assert(store->magic == STORE_MAGIC && writer->handle != NULL);
    txn_close_walkers(writer);
    mdb_txn_abort(writer->handle);
    writer->handle = NULL;
}
