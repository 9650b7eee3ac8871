/* A head, numbers big-endian:
 *
 *     0     1       2       4       12     20      28      36        44        52       60
 *     | 1   | flags | ended | first | next | saved | rows  | version | waiting | wanted | ...
 *
 *     60      77      93       109     117
 *     | scope | epoch | client | acked |
 */
#include "client-lib/note/note_store.h"

#include <string.h>

#include "client-lib/outbox/outbox_store_tables.h"
#include "protocol/memory.h"

#define HEAD_LAYOUT 1
#define HEAD_SIZE 117
#define HEAD_HELD 1
#define ROW_KEY (ID_SIZE + 8)
/* Rows are numbered by commits of the file and, within one, by so many bits. */
#define ROWS_BITS 20
/* Numbers from a file that anybody may have written: far from where they could turn over. */
#define NUMBER_MOST (UINT64_MAX / 4)

struct note_writing {
    struct outbox_writing outbox;
    struct id note;
    struct note_head head; /* as it will be stored, but for what the caller sets */
    bool dropped;
};

bool note_store_is_outgrown(const struct note_head *head)
{
    return head->row_bytes > head->saved_bytes + NOTE_STORE_SLACK;
}

/* ---- Heads ---- */

static void head_put(const struct note_head *head, uint8_t out[HEAD_SIZE])
{
    out[0] = HEAD_LAYOUT;
    out[1] = head->held ? HEAD_HELD : 0;
    put_u16(out + 2, (uint16_t)head->ended);
    put_u64(out + 4, head->first);
    put_u64(out + 12, head->next);
    put_u64(out + 20, head->saved_bytes);
    put_u64(out + 28, head->row_bytes);
    put_u64(out + 36, head->version);
    put_u64(out + 44, head->waiting);
    put_u64(out + 52, head->wanted_ms);
    memset(out + 60, 0, SCOPE_SIZE);
    if (head->scope.kind != 0)
        scope_put(head->scope, out + 60);
    memcpy(out + 77, head->epoch.octet, ID_SIZE);
    memcpy(out + 93, head->client.octet, ID_SIZE);
    put_u64(out + 109, head->acked_ms);
}

static bool head_get(struct bytes value, struct note_head *out)
{
    *out = (struct note_head){.next = 0};
    if (value.size != HEAD_SIZE || value.data[0] != HEAD_LAYOUT)
        return false;
    out->held = (value.data[1] & HEAD_HELD) != 0;
    out->ended = (enum status)get_u16(value.data + 2);
    out->first = get_u64(value.data + 4);
    out->next = get_u64(value.data + 12);
    out->saved_bytes = get_u64(value.data + 20);
    out->row_bytes = get_u64(value.data + 28);
    out->version = get_u64(value.data + 36);
    out->waiting = get_u64(value.data + 44);
    out->wanted_ms = get_u64(value.data + 52);
    out->acked_ms = get_u64(value.data + 109);
    memcpy(out->epoch.octet, value.data + 77, ID_SIZE);
    memcpy(out->client.octet, value.data + 93, ID_SIZE);
    if (value.data[60] != 0 && !scope_from_bytes(bytes_slice(value, 60, SCOPE_SIZE), &out->scope))
        return false;
    return out->first > 0 && out->first <= out->next && out->next < NUMBER_MOST &&
           out->saved_bytes < NUMBER_MOST && out->row_bytes < NUMBER_MOST &&
           out->version < NUMBER_MOST && out->waiting < NUMBER_MOST;
}

static enum status head_read(const struct outbox_store *store, MDB_txn *txn, struct id note,
                             struct note_head *out)
{
    struct bytes value;
    enum status status = environment_get(txn, store->environment.table[OUTBOX_NOTES],
                                         bytes_of(note.octet, ID_SIZE), &value);
    *out = (struct note_head){.next = 0};
    if (status == STATUS_OK && !head_get(value, out))
        status = STATUS_CORRUPT;
    return status;
}

enum status note_store_head(struct outbox_store *store, struct id note, struct note_head *out)
{
    struct environment_reading reading;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = head_read(store, reading.txn, note, out);
    outbox_read_end(store, &reading);
    return status;
}

/* ---- Walking ---- */

/* Every note that is stored, as pairs of id and head appended to `out`. One whose head cannot be
 * read is passed over; whoever opens it hears of that. */
struct listed {
    struct id note;
    struct note_head head;
};

static enum status list(const struct outbox_store *store, MDB_txn *txn, struct buffer *out)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, data;
    int code = mdb_cursor_open(txn, store->environment.table[OUTBOX_NOTES], &cursor);
    if (code != 0)
        return environment_status(code);
    code = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) {
        struct listed listed;
        memset(&listed, 0, sizeof listed);
        if (id_from_bytes(bytes_of(key.mv_data, key.mv_size), &listed.note) &&
            head_get(bytes_of(data.mv_data, data.mv_size), &listed.head))
            buffer_append(out, &listed, sizeof listed);
    }
    mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND)
        return environment_status(code);
    return out->failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status note_store_each(struct outbox_store *store, note_store_head_fn *each, void *context)
{
    struct environment_reading reading;
    struct buffer found = {0};
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = list(store, reading.txn, &found);
    outbox_read_end(store, &reading);
    const struct listed *listed = (const void *)found.data;
    for (size_t i = 0; i < found.size / sizeof *listed && status == STATUS_OK; i++)
        if (!each(context, listed[i].note, &listed[i].head))
            break;
    buffer_release(&found);
    return status;
}

static void row_key(struct id note, uint64_t number, uint8_t out[ROW_KEY])
{
    memcpy(out, note.octet, ID_SIZE);
    put_u64(out + ID_SIZE, number);
}

/* Rows [from, next), each of which must be there. */
static enum status read_rows(const struct outbox_store *store, MDB_txn *txn, struct id note,
                             uint64_t from, uint64_t next, const struct note_reader *reader)
{
    enum status status = STATUS_OK;
    for (uint64_t n = from; n < next && status == STATUS_OK; n++) {
        uint8_t key[ROW_KEY];
        struct bytes row;
        row_key(note, n, key);
        status = environment_get(txn, store->environment.table[OUTBOX_NOTE_ROWS],
                                 bytes_of(key, sizeof key), &row);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_CORRUPT;
        if (status == STATUS_OK)
            status = reader->row(reader->context, row);
    }
    return status;
}

enum status note_store_read(struct outbox_store *store, struct id note, uint64_t from,
                            struct note_head *head, const struct note_reader *reader)
{
    struct environment_reading reading;
    struct bytes saved;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = head_read(store, reading.txn, note, head);
    if (status == STATUS_OK && (from < head->first || from > head->next)) {
        status = environment_get(reading.txn, store->environment.table[OUTBOX_NOTE_SAVED],
                                 bytes_of(note.octet, ID_SIZE), &saved);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_CORRUPT;
        if (status == STATUS_OK)
            status = reader->saved(reader->context, saved);
        from = head->first;
    }
    if (status == STATUS_OK)
        status = read_rows(store, reading.txn, note, from, head->next, reader);
    outbox_read_end(store, &reading);
    return status;
}

/* ---- Writing ---- */

static enum status check_room(struct outbox_writing *writing)
{
    MDB_stat stat = {0};
    MDB_dbi table = writing->store->environment.table[OUTBOX_NOTES];
    enum status status = environment_status(mdb_stat(writing->txn, table, &stat));
    return status == STATUS_OK && stat.ms_entries >= NOTE_STORE_MOST ? STATUS_LIMIT : status;
}

static enum status compare(struct note_writing *writing, const struct note_head *head)
{
    struct note_head *stored = &writing->head;
    enum status status =
        head_read(writing->outbox.store, writing->outbox.txn, writing->note, stored);
    if (status == STATUS_NOT_FOUND && head->next == 0)
        return check_room(&writing->outbox);
    return status == STATUS_OK && stored->next != head->next ? STATUS_BEHIND : status;
}

enum status note_store_begin(struct outbox_store *store, struct id note, struct note_head *head,
                             struct note_writing **out)
{
    struct note_writing *writing = memory_new(sizeof *writing);
    *out = NULL;
    if (writing == NULL)
        return STATUS_NO_MEMORY;
    writing->note = note;
    enum status status = outbox_begin(store, &writing->outbox);
    if (status != STATUS_OK) {
        memory_free(writing);
        return status;
    }
    if (head != NULL)
        status = compare(writing, head);
    if (status != STATUS_OK) {
        (void)outbox_end(&writing->outbox, status);
        memory_free(writing);
        return status;
    }
    /* Of what is not stored yet the caller knows all that there is to know. */
    if (head != NULL && writing->head.next == 0)
        writing->head = *head;
    if (head != NULL)
        *head = writing->head;
    *out = writing;
    return STATUS_OK;
}

enum status note_store_add(struct note_writing *writing, struct bytes row)
{
    uint8_t key[ROW_KEY];
    struct note_head *head = &writing->head;
    row_key(writing->note, head->next, key);
    enum status status = environment_put(writing->outbox.txn,
                                         writing->outbox.store->environment.table[OUTBOX_NOTE_ROWS],
                                         bytes_of(key, sizeof key), row, 0);
    if (status != STATUS_OK)
        return status;
    head->next++;
    head->row_bytes += row.size;
    return STATUS_OK;
}

/* Whatever rows the note has, also such as the head does not speak of. */
static enum status delete_rows(struct note_writing *writing)
{
    MDB_cursor *cursor = NULL;
    uint8_t first[ROW_KEY];
    row_key(writing->note, 0, first);
    MDB_val key = environment_val(first, sizeof first), data;
    MDB_dbi table = writing->outbox.store->environment.table[OUTBOX_NOTE_ROWS];
    int code = mdb_cursor_open(writing->outbox.txn, table, &cursor);
    if (code != 0)
        return environment_status(code);
    code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (code == 0 && key.mv_size == ROW_KEY &&
           memcmp(key.mv_data, writing->note.octet, ID_SIZE) == 0) {
        code = mdb_cursor_del(cursor, 0);
        writing->outbox.stale = true;
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

/* An older library would keep what it does not know of when access ends. */
static enum status raise_format(struct outbox_writing *writing)
{
    uint8_t format[4];
    put_u32(format, OUTBOX_FORMAT);
    return outbox_meta_put(writing, "format", bytes_of(format, sizeof format));
}

enum status note_store_save(struct note_writing *writing, struct bytes saved, bool seen)
{
    struct note_head *head = &writing->head;
    bool fresh = head->next == 0;
    enum status status = fresh ? raise_format(&writing->outbox) : delete_rows(writing);
    if (status == STATUS_OK)
        status = environment_put(writing->outbox.txn,
                                 writing->outbox.store->environment.table[OUTBOX_NOTE_SAVED],
                                 bytes_of(writing->note.octet, ID_SIZE), saved, 0);
    writing->outbox.stale = writing->outbox.stale || !fresh;
    /* Above all that anybody has seen of this note, should it have been kept before. */
    if (fresh)
        head->next = (uint64_t)mdb_txn_id(writing->outbox.txn) << ROWS_BITS;
    else if (!seen)
        head->next++;
    head->first = head->next;
    head->row_bytes = 0;
    head->saved_bytes = saved.size;
    writing->dropped = false;
    return status;
}

static enum status delete_from(struct note_writing *writing, enum outbox_table table)
{
    enum status status =
        environment_del(writing->outbox.txn, writing->outbox.store->environment.table[table],
                        bytes_of(writing->note.octet, ID_SIZE));
    if (status == STATUS_OK)
        writing->outbox.stale = true;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status note_store_drop(struct note_writing *writing)
{
    enum status status = delete_rows(writing);
    if (status == STATUS_OK)
        status = delete_from(writing, OUTBOX_NOTE_SAVED);
    if (status == STATUS_OK)
        status = delete_from(writing, OUTBOX_NOTES);
    writing->dropped = true;
    return status;
}

void note_store_lose(struct note_writing *writing)
{
    writing->outbox.counters.purges++;
}

/* What the caller may have set; the rest is what was done. */
static void take_over(struct note_head *stored, const struct note_head *head)
{
    stored->version = head->version;
    stored->waiting = head->waiting;
    stored->wanted_ms = head->wanted_ms;
    stored->acked_ms = head->acked_ms;
    stored->ended = head->ended;
    stored->held = head->held;
    stored->scope = head->scope;
    stored->epoch = head->epoch;
    stored->client = head->client;
}

static enum status write_head(struct note_writing *writing)
{
    uint8_t value[HEAD_SIZE];
    if (writing->dropped || writing->head.next == 0)
        return STATUS_OK;
    head_put(&writing->head, value);
    return environment_put(
        writing->outbox.txn, writing->outbox.store->environment.table[OUTBOX_NOTES],
        bytes_of(writing->note.octet, ID_SIZE), bytes_of(value, sizeof value), 0);
}

enum status note_store_end(struct note_writing *writing, struct note_head *head, enum status status)
{
    if (head != NULL)
        take_over(&writing->head, head);
    if (status == STATUS_OK)
        status = write_head(writing);
    status = outbox_end(&writing->outbox, status);
    if (status == STATUS_OK && head != NULL) {
        *head = writing->head;
        if (writing->dropped)
            head->next = head->first = 0;
    }
    memory_free(writing);
    return status;
}
