/* The outbox's file: opening it, its counters, its transactions.
 *
 * The happy path: open the environment, make or read the meta entries, look through the entries
 * once. A file that cannot be what it must be is set aside under another name and a new one begun;
 * one that a newer library wrote is left alone, and the opening fails. */
#include "client-lib/outbox/outbox_store_tables.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/storage/folder.h"
#include "protocol/memory.h"

/* An entry is at most a message and what was seen; this many fit a hundred times over. */
#define MAP_BYTES ((size_t)1 << 30)

/* Names of notes are apart from those of the meta entries. */
#define NOTE_PREFIX "note "

static const char *const table_names[OUTBOX_TABLES] = {
    "meta", "entries", "touched", "states", "notes", "note saved", "note rows"};
static const struct environment_layout layout = {.file = "outbox.mdb",
                                                 .tables = table_names,
                                                 .table_count = OUTBOX_TABLES,
                                                 .map_bytes = MAP_BYTES,
                                                 .only_copy = true};

/* ---- Meta entries ---- */

static enum status meta_get(const struct outbox_store *store, MDB_txn *txn, const char *name,
                            struct bytes *value)
{
    return environment_get(txn, store->environment.table[OUTBOX_META], bytes_text(name), value);
}

enum status outbox_meta_put(struct outbox_writing *writing, const char *name, struct bytes value)
{
    return environment_put(writing->txn, writing->store->environment.table[OUTBOX_META],
                           bytes_text(name), value, 0);
}

static void counters_put(const struct outbox_counters *counters, uint8_t out[OUTBOX_COUNTERS_SIZE])
{
    put_u64(out, counters->next_order);
    put_u64(out + 8, counters->next_number);
    put_u64(out + 16, counters->purges);
    for (size_t i = 0; i < TANDEM_ENTRY_STATES; i++)
        put_u64(out + 24 + 8 * i, counters->counts[i]);
}

/* Numbers from a file that anybody may have written: far from where they could turn over. */
#define COUNTER_MOST (UINT64_MAX / 4)

static bool counters_get(struct bytes value, struct outbox_counters *out)
{
    if (value.size != OUTBOX_COUNTERS_SIZE)
        return false;
    out->next_order = get_u64(value.data);
    out->next_number = get_u64(value.data + 8);
    out->purges = get_u64(value.data + 16);
    bool sane = out->next_order > 0 && out->next_order < COUNTER_MOST &&
                out->next_number < COUNTER_MOST && out->purges < COUNTER_MOST;
    for (size_t i = 0; i < TANDEM_ENTRY_STATES; i++) {
        out->counts[i] = get_u64(value.data + 24 + 8 * i);
        sane = sane && out->counts[i] < UINT32_MAX;
    }
    return sane;
}

/* Reads what the handle keeps. CORRUPT when something is missing or of the wrong size. */
static enum status read_meta(struct outbox_store *store, MDB_txn *txn)
{
    struct bytes counters, client, user, epoch, paused, rebase;
    struct outbox_counters read;
    const struct {
        const char *name;
        struct bytes *value;
    } entries[] = {{"counters", &counters}, {"client", &client}, {"user", &user},
                   {"epoch", &epoch},       {"paused", &paused}, {"rebase", &rebase}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        enum status status = meta_get(store, txn, entries[i].name, entries[i].value);
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    }
    if (!counters_get(counters, &read) || !id_from_bytes(client, &store->client) ||
        !id_from_bytes(user, &store->user) || !id_from_bytes(epoch, &store->epoch) ||
        paused.size != 1 || rebase.size != 1)
        return STATUS_CORRUPT;
    store->counters = read;
    struct bytes stale;
    enum status found = meta_get(store, txn, OUTBOX_STALE, &stale);
    store->stale = found != STATUS_OK || stale.size != 1 || stale.data[0] != 0;
    store->paused = paused.data[0] != 0;
    store->rebasing = rebase.data[0] != 0;
    return STATUS_OK;
}

static uint64_t last_txn(const struct outbox_store *store)
{
    MDB_envinfo info = {0};
    if (store->environment.replaced)
        return store->txn; /* nothing in it is to be trusted, or may be there at all */
    if (store->environment.env == NULL || mdb_env_info(store->environment.env, &info) != 0)
        return 0;
    return info.me_last_txnid;
}

/* ---- Transactions ---- */

enum status outbox_make_usable(struct outbox_store *store)
{
    if ((!store->reopen && store->environment.env != NULL) || store->holds > 0)
        return store->environment.env != NULL ? STATUS_OK : STATUS_IO;
    enum status status = environment_reopen(&store->environment);
    if (status == STATUS_OK)
        store->reopen = false;
    return status;
}

enum status outbox_read_begin(struct outbox_store *store, struct environment_reading *reading)
{
    if (store->holds > 0) {
        *reading = store->held;
        return STATUS_OK;
    }
    enum status status = outbox_make_usable(store);
    return status == STATUS_OK ? environment_read(&store->environment, reading) : status;
}

void outbox_read_end(struct outbox_store *store, struct environment_reading *reading)
{
    if (store->holds == 0)
        environment_read_end(&store->environment, reading);
}

enum status outbox_store_hold(struct outbox_store *store)
{
    enum status status = STATUS_OK;
    if (store->holds == 0)
        status = outbox_read_begin(store, &store->held);
    if (status == STATUS_OK)
        store->holds++;
    return status;
}

void outbox_store_release(struct outbox_store *store)
{
    if (--store->holds == 0)
        environment_read_end(&store->environment, &store->held);
}

/* A transaction whose buffers hold nothing that another process has had scrubbed meanwhile; inside
 * a read they may, and its commit says so in the file. */
static enum status begin_clean(struct outbox_store *store, MDB_txn **txn)
{
    for (int attempt = 0;; attempt++) {
        enum status status = outbox_make_usable(store);
        if (status == STATUS_OK)
            status = environment_write(&store->environment, txn);
        if (status == STATUS_OK)
            status = read_meta(store, *txn);
        if (status != STATUS_OK || store->counters.purges == store->purges || attempt > 0)
            return status;
        store->reopen = true;
        if (store->holds > 0) {
            /* Those who read go first. What this change writes may carry what was scrubbed. */
            store->doubtful = true;
            return STATUS_OK;
        }
        mdb_txn_abort(*txn);
        *txn = NULL;
        store->purges = store->counters.purges;
    }
}

enum status outbox_begin(struct outbox_store *store, struct outbox_writing *writing)
{
    *writing = (struct outbox_writing){.store = store};
    enum status status = begin_clean(store, &writing->txn);
    if (status != STATUS_OK && writing->txn != NULL)
        mdb_txn_abort(writing->txn);
    if (status != STATUS_OK)
        return status;
    writing->counters = store->counters;
    writing->client = store->client;
    writing->user = store->user;
    writing->epoch = store->epoch;
    writing->paused = store->paused;
    writing->rebasing = store->rebasing;
    return STATUS_OK;
}

static enum status write_meta(struct outbox_writing *writing)
{
    const struct outbox_store *store = writing->store;
    uint8_t counters[OUTBOX_COUNTERS_SIZE];
    const uint8_t paused = writing->paused, rebasing = writing->rebasing;
    enum status status = STATUS_OK;
    counters_put(&writing->counters, counters);
    status = outbox_meta_put(writing, "counters", bytes_of(counters, sizeof counters));
    if (status == STATUS_OK && !id_equal(writing->client, store->client))
        status = outbox_meta_put(writing, "client", bytes_of(writing->client.octet, ID_SIZE));
    if (status == STATUS_OK && !id_equal(writing->user, store->user))
        status = outbox_meta_put(writing, "user", bytes_of(writing->user.octet, ID_SIZE));
    if (status == STATUS_OK && !id_equal(writing->epoch, store->epoch))
        status = outbox_meta_put(writing, "epoch", bytes_of(writing->epoch.octet, ID_SIZE));
    if (status == STATUS_OK && writing->paused != store->paused)
        status = outbox_meta_put(writing, "paused", bytes_of(&paused, 1));
    if (status == STATUS_OK && writing->rebasing != store->rebasing)
        status = outbox_meta_put(writing, "rebase", bytes_of(&rebasing, 1));
    return status == STATUS_OK ? outbox_note_stale(writing) : status;
}

/* What the file holds now, whatever became of the commit. */
static void read_again(struct outbox_store *store)
{
    struct environment_reading reading;
    store->reopen = true;
    if (outbox_read_begin(store, &reading) != STATUS_OK)
        return;
    if (store->holds == 0)
        (void)read_meta(store, reading.txn);
    outbox_read_end(store, &reading);
}

enum status outbox_end(struct outbox_writing *writing, enum status status)
{
    struct outbox_store *store = writing->store;
    if (status == STATUS_OK)
        status = write_meta(writing);
    buffer_release(&writing->encoded);
    if (status != STATUS_OK) {
        buffer_release(&writing->written);
        mdb_txn_abort(writing->txn);
        return status;
    }
    uint64_t txn = mdb_txn_id(writing->txn);
    status = environment_commit(writing->txn);
    if (status != STATUS_OK) {
        store->doubtful = true;
        buffer_release(&writing->written);
        read_again(store);
        return status;
    }
    /* What is missing for want of memory is told once more. */
    buffer_append(&store->written, writing->written.data, writing->written.size);
    store->written.failed = false;
    buffer_release(&writing->written);
    store->counters = writing->counters;
    store->client = writing->client;
    store->user = writing->user;
    store->epoch = writing->epoch;
    store->paused = writing->paused;
    store->rebasing = writing->rebasing;
    store->stale = writing->stale;
    store->others_wrote = store->others_wrote || txn != store->txn + 1;
    store->txn = txn;
    if (store->committed != NULL)
        store->committed(store->committed_context);
    return STATUS_OK;
}

/* ---- Opening ---- */

static enum status fill_new(struct outbox_store *store, MDB_txn *txn, const struct port *port)
{
    struct outbox_writing writing = {.store = store, .txn = txn};
    struct outbox_counters first = {.next_order = 1};
    uint8_t format[4], counters[OUTBOX_COUNTERS_SIZE];
    const uint8_t no = 0;
    const struct id none = {{0}};
    struct id client;
    if (!port_id(port, &client))
        return STATUS_INTERNAL;
    put_u32(format, OUTBOX_FORMAT_FIRST);
    counters_put(&first, counters);
    const struct {
        const char *name;
        struct bytes value;
    } entries[] = {{"format", bytes_of(format, sizeof format)},
                   {"counters", bytes_of(counters, sizeof counters)},
                   {"client", bytes_of(client.octet, ID_SIZE)},
                   {"user", bytes_of(none.octet, ID_SIZE)},
                   {"epoch", bytes_of(none.octet, ID_SIZE)},
                   {"paused", bytes_of(&no, 1)},
                   {"rebase", bytes_of(&no, 1)},
                   {OUTBOX_STALE, bytes_of(&no, 1)}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && status == STATUS_OK; i++)
        status = outbox_meta_put(&writing, entries[i].name, entries[i].value);
    return status;
}

/* Whether the tables of entries and states say the same. */
static enum status check_entries(struct outbox_store *store, MDB_txn *txn)
{
    struct buffer places = {0};
    MDB_stat stat = {0};
    size_t found = 0;
    enum status status = STATUS_OK;
    for (int state = 0; state < TANDEM_ENTRY_STATES && status == STATUS_OK; state++) {
        buffer_clear(&places);
        status = outbox_places(store, txn, (tandem_entry_state)state, &places);
        const struct outbox_place *place = (const void *)places.data;
        size_t count = places.size / sizeof *place;
        if (status == STATUS_OK && count != store->counters.counts[state])
            status = STATUS_CORRUPT;
        for (size_t i = 0; i < count && status == STATUS_OK; i++) {
            struct outbox_item item;
            status = outbox_load(store, txn, place[i].order, &item, NULL);
            if (status == STATUS_NOT_FOUND ||
                (status == STATUS_OK &&
                 ((int)item.state != state || item.number != place[i].number ||
                  item.behind != place[i].behind || item.order >= store->counters.next_order)))
                status = STATUS_CORRUPT;
        }
        found += count;
    }
    buffer_release(&places);
    if (status == STATUS_OK)
        status = environment_status(mdb_stat(txn, store->environment.table[OUTBOX_ENTRIES], &stat));
    return status == STATUS_OK && stat.ms_entries != found ? STATUS_CORRUPT : status;
}

/* How many entries of a newer library's file are to be sent, as far as that can be told. */
static enum status refuse_newer(struct outbox_store *store, MDB_txn *txn, tandem_fault *fault)
{
    struct bytes value;
    struct outbox_counters counters = {0};
    if (meta_get(store, txn, "counters", &value) == STATUS_OK)
        (void)counters_get(value, &counters);
    unsigned long long waiting =
        counters.counts[TANDEM_ENTRY_WAITING] + counters.counts[TANDEM_ENTRY_SENT];
    if (waiting == 0) /* or that version counts otherwise */
        return trouble(fault, STATUS_FORMAT_VERSION, "",
                       "a newer version of this library wrote the outbox");
    return trouble(fault, STATUS_FORMAT_VERSION, "",
                   "a newer version of this library wrote the outbox, in which %llu changes wait",
                   waiting);
}

/* CORRUPT for a file that is to be set aside; *newer for one that is to be left alone. */
static enum status read_contents(struct outbox_store *store, const struct port *port, bool *newer,
                                 tandem_fault *fault)
{
    MDB_txn *txn = NULL;
    MDB_stat stat = {0};
    struct bytes format;
    enum status status = environment_write(&store->environment, &txn);
    if (status != STATUS_OK)
        return status;
    status = environment_status(mdb_stat(txn, store->environment.table[OUTBOX_META], &stat));
    if (status == STATUS_OK && stat.ms_entries == 0)
        status = fill_new(store, txn, port);
    if (status == STATUS_OK &&
        (meta_get(store, txn, "format", &format) != STATUS_OK || format.size != 4))
        status = STATUS_CORRUPT;
    if (status == STATUS_OK && get_u32(format.data) < OUTBOX_FORMAT_FIRST)
        status = STATUS_CORRUPT;
    *newer = status == STATUS_OK && get_u32(format.data) > OUTBOX_FORMAT;
    if (*newer)
        status = refuse_newer(store, txn, fault);
    if (status == STATUS_OK)
        status = read_meta(store, txn);
    if (status == STATUS_OK)
        status = check_entries(store, txn);
    if (status == STATUS_OK && stat.ms_entries == 0)
        return environment_commit(txn);
    mdb_txn_abort(txn);
    return status;
}

/* What is in the file is told to be safe from now on, and its name is to be so too. That this was
 * done is noted, since it costs a flush of each folder. */
static enum status have_name_last(struct outbox_store *store, const char *folder)
{
    struct environment_reading reading;
    struct bytes noted;
    MDB_txn *txn = NULL;
    enum status status = environment_read(&store->environment, &reading);
    if (status != STATUS_OK)
        return status;
    status = meta_get(store, reading.txn, "named", &noted);
    environment_read_end(&store->environment, &reading);
    if (status != STATUS_NOT_FOUND)
        return status;
    status = folder_sync(folder);
    if (status == STATUS_OK)
        status = environment_write(&store->environment, &txn);
    if (status != STATUS_OK)
        return status;
    struct outbox_writing writing = {.store = store, .txn = txn};
    status = outbox_meta_put(&writing, "named", bytes_text("1"));
    if (status == STATUS_OK)
        return environment_commit(txn);
    mdb_txn_abort(txn);
    return status;
}

static enum status open_once(struct outbox_store *store, const char *folder,
                             const struct port *port, bool *newer, tandem_fault *fault)
{
    enum status status = environment_open(folder, &layout, &store->environment);
    *newer = false;
    if (status == STATUS_OK)
        status = read_contents(store, port, newer, fault);
    if (status == STATUS_OK)
        status = have_name_last(store, folder);
    if (status != STATUS_OK)
        environment_close(&store->environment);
    return status;
}

static bool is_damage(enum status status)
{
    return status == STATUS_CORRUPT || status == STATUS_FORMAT_VERSION;
}

enum status outbox_store_open(const char *folder, const struct port *port,
                              struct outbox_store **out, struct buffer *damaged,
                              tandem_fault *fault)
{
    struct outbox_store *store = memory_new(sizeof *store);
    char aside[64];
    bool newer = false;
    *out = NULL;
    if (store == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    enum status status = open_once(store, folder, port, &newer, fault);
    if (is_damage(status) && !newer && damaged == NULL)
        status = STATUS_CORRUPT;
    else if (is_damage(status) && !newer) {
        status = environment_set_aside(folder, &layout, aside, sizeof aside);
        if (status == STATUS_OK) {
            buffer_append(damaged, aside, strlen(aside));
            status = open_once(store, folder, port, &newer, fault);
        }
    }
    if (status != STATUS_OK) {
        if (!newer)
            trouble(fault, status, "", "cannot open the outbox in %s: %s", folder,
                    status_text(status));
        memory_free(store);
        return status;
    }
    store->purges = store->counters.purges;
    store->txn = last_txn(store);
    *out = store;
    return STATUS_OK;
}

void outbox_store_close(struct outbox_store *store)
{
    if (store == NULL)
        return;
    while (store->holds > 0)
        outbox_store_release(store);
    environment_close(&store->environment);
    buffer_release(&store->written);
    memory_free(store);
}

/* ---- What is kept beside the entries ---- */

struct id outbox_store_client(const struct outbox_store *store)
{
    return store->client;
}

/* As outbox_begin(); what is written is of a client id that was never used. */
static enum status begin_as_new_client(struct outbox_store *store, const struct port *port,
                                       struct outbox_writing *writing)
{
    struct id client;
    if (!port_id(port, &client))
        return STATUS_INTERNAL;
    enum status status = outbox_begin(store, writing);
    if (status == STATUS_OK)
        writing->client = client;
    return status;
}

enum status outbox_store_new_client(struct outbox_store *store, const struct port *port)
{
    struct outbox_writing writing;
    enum status status = begin_as_new_client(store, port, &writing);
    return status == STATUS_OK ? outbox_end(&writing, outbox_free_numbers(&writing, 1)) : status;
}

struct id outbox_store_user(const struct outbox_store *store)
{
    return store->user;
}

/* Deletes what programs of another user noted. */
static enum status drop_notes(struct outbox_writing *writing)
{
    static const char prefix[] = NOTE_PREFIX;
    MDB_cursor *cursor = NULL;
    MDB_val key = environment_val(prefix, sizeof prefix - 1), data;
    const MDB_dbi table = writing->store->environment.table[OUTBOX_META];
    int code = mdb_cursor_open(writing->txn, table, &cursor);
    if (code != 0)
        return environment_status(code);
    code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (code == 0 && key.mv_size >= sizeof prefix - 1 &&
           memcmp(key.mv_data, prefix, sizeof prefix - 1) == 0) {
        code = mdb_cursor_del(cursor, 0);
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? STATUS_OK : environment_status(code);
}

static enum status drop_live_notes(struct outbox_writing *writing)
{
    static const enum outbox_table tables[] = {OUTBOX_NOTES, OUTBOX_NOTE_SAVED, OUTBOX_NOTE_ROWS};
    int code = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && code == 0; i++)
        code = mdb_drop(writing->txn, writing->store->environment.table[tables[i]], 0);
    return environment_status(code);
}

static enum status put_user(struct outbox_writing *writing, struct id user, struct bytes name)
{
    enum status status = STATUS_OK;
    /* What was accepted of another user, and what they noted, is not to be seen by this one. */
    if (!id_is_zero(writing->user) && !id_equal(writing->user, user)) {
        status = outbox_sweep(writing, UINT64_MAX);
        if (status == STATUS_OK)
            status = drop_notes(writing);
        if (status == STATUS_OK)
            status = drop_live_notes(writing);
        writing->counters.purges++;
    }
    writing->user = user;
    return status == STATUS_OK ? outbox_meta_put(writing, "user name", name) : status;
}

enum status outbox_store_set_user(struct outbox_store *store, struct id user, struct bytes name)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    return status == STATUS_OK ? outbox_end(&writing, put_user(&writing, user, name)) : status;
}

enum status outbox_store_claim(struct outbox_store *store, struct id user, struct bytes name)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    if (id_is_zero(writing.user))
        return outbox_end(&writing, put_user(&writing, user, name));
    (void)outbox_end(&writing, STATUS_CANCELLED); /* it has one: no commit */
    return id_equal(writing.user, user) ? STATUS_OK : STATUS_DENIED;
}

enum status outbox_store_change_user(struct outbox_store *store, const struct port *port,
                                     struct id user, struct bytes name)
{
    struct outbox_writing writing;
    enum status status = begin_as_new_client(store, port, &writing);
    if (status != STATUS_OK)
        return status;
    status = outbox_free_numbers(&writing, 1);
    return outbox_end(&writing, status == STATUS_OK ? put_user(&writing, user, name) : status);
}

enum status outbox_own_name(struct outbox_writing *writing, struct buffer *out)
{
    struct bytes name = {0};
    enum status status = meta_get(writing->store, writing->txn, "user name", &name);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    buffer_append(out, name.data, name.size);
    return out->failed ? STATUS_NO_MEMORY : status;
}

enum status outbox_store_user_name(struct outbox_store *store, struct buffer *out)
{
    struct environment_reading reading;
    struct bytes name;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = meta_get(store, reading.txn, "user name", &name);
    if (status == STATUS_OK)
        buffer_append(out, name.data, name.size);
    outbox_read_end(store, &reading);
    return out->failed ? STATUS_NO_MEMORY : status;
}

struct id outbox_store_epoch(const struct outbox_store *store)
{
    return store->epoch;
}

bool outbox_store_paused(const struct outbox_store *store)
{
    return store->paused;
}

enum status outbox_store_set_paused(struct outbox_store *store, bool paused)
{
    struct outbox_writing writing;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    writing.paused = paused;
    return outbox_end(&writing, STATUS_OK);
}

bool outbox_store_rebasing(const struct outbox_store *store)
{
    return store->rebasing;
}

static bool note_key(const char *name, char out[64])
{
    int length = snprintf(out, 64, NOTE_PREFIX "%s", name);
    return length > 0 && length < 64;
}

enum status outbox_store_note(struct outbox_store *store, const char *name, struct buffer *out)
{
    struct environment_reading reading;
    struct bytes value;
    char key[64];
    if (!note_key(name, key))
        return STATUS_NOT_FOUND;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    status = meta_get(store, reading.txn, key, &value);
    if (status == STATUS_OK)
        buffer_append(out, value.data, value.size);
    outbox_read_end(store, &reading);
    return out->failed ? STATUS_NO_MEMORY : status;
}

enum status outbox_store_set_note(struct outbox_store *store, const char *name, struct bytes value)
{
    struct outbox_writing writing;
    char key[64];
    if (!note_key(name, key))
        return STATUS_USAGE;
    enum status status = outbox_begin(store, &writing);
    if (status != STATUS_OK)
        return status;
    struct bytes before;
    writing.stale = meta_get(store, writing.txn, key, &before) == STATUS_OK;
    return outbox_end(&writing, outbox_meta_put(&writing, key, value));
}

enum status outbox_store_refresh(struct outbox_store *store)
{
    struct environment_reading reading;
    if (store->holds > 0 || last_txn(store) == store->txn)
        return STATUS_OK;
    enum status status = outbox_read_begin(store, &reading);
    if (status != STATUS_OK)
        return status;
    uint64_t txn = mdb_txn_id(reading.txn);
    store->others_wrote = store->others_wrote || txn != store->txn;
    status = read_meta(store, reading.txn);
    if (status == STATUS_OK)
        store->txn = txn;
    outbox_read_end(store, &reading);
    return status;
}

void outbox_store_on_commit(struct outbox_store *store, void (*committed)(void *context),
                            void *context)
{
    store->committed = committed;
    store->committed_context = context;
}

enum status outbox_store_look(struct outbox_store *store, bool *changed)
{
    enum status status = outbox_store_refresh(store);
    *changed = status == STATUS_OK && store->others_wrote;
    if (*changed)
        store->others_wrote = false;
    return status;
}

size_t outbox_store_count(const struct outbox_store *store, unsigned states)
{
    uint64_t sum = 0;
    for (int state = 0; state < TANDEM_ENTRY_STATES; state++)
        if (states == 0 || (states & 1u << state) != 0)
            sum += store->counters.counts[state];
    return (size_t)sum;
}

uint64_t outbox_store_commit(const struct outbox_store *store)
{
    return store->txn;
}

bool outbox_store_is_replaced(struct outbox_store *store)
{
    return environment_is_replaced(&store->environment);
}
