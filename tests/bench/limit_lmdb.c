#include "tests/bench/limit_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/limit_lmdb_trace.h"

#define MAP_BYTES ((size_t)1 << 40)

int lmdb_raw_open(struct lmdb_raw *raw, const char *folder, unsigned flags)
{
    *raw = (struct lmdb_raw){.env = NULL};
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return errno;
    }
    int code = mdb_env_create(&raw->env);
    if (code != 0) {
        return code;
    }
    code = mdb_env_set_mapsize(raw->env, MAP_BYTES);
    if (code == 0) {
        code = mdb_env_set_maxdbs(raw->env, LMDB_RAW_TABLES);
    }
    if (code == 0) {
        code = mdb_env_open(raw->env, folder, MDB_NOTLS | flags, 0600);
    }
    if (code != 0) {
        lmdb_raw_close(raw);
    }
    return code;
}

void lmdb_raw_close(struct lmdb_raw *raw)
{
    if (raw->env != NULL) {
        mdb_env_close(raw->env);
    }
    raw->env = NULL;
}

int lmdb_raw_tables(struct lmdb_raw *raw, const struct lmdb_trace *trace)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(raw->env, NULL, 0, &txn);
    if (code != 0) {
        return code;
    }
    for (size_t i = 0; i < LMDB_RAW_TABLES && code == 0; i++) {
        if (trace->names[i][0] != '\0') {
            code = mdb_dbi_open(txn, trace->names[i], MDB_CREATE, &raw->tables[i]);
        }
    }
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int change_again(const struct lmdb_raw *raw, MDB_txn *txn, const struct lmdb_change *change,
                        const uint8_t *bytes)
{
    MDB_val key = {change->key_size, (void *)(uintptr_t)bytes};
    MDB_val value = {change->value_size, (void *)(uintptr_t)(bytes + change->key_size)};
    MDB_dbi table = raw->tables[change->table];
    if (change->kind == LMDB_PUT) {
        return mdb_put(txn, table, &key, &value, change->flags);
    }
    return change->kind == LMDB_DELETE ? mdb_del(txn, table, &key, NULL) : mdb_drop(txn, table, 0);
}

int lmdb_raw_replay(const struct lmdb_raw *raw, const struct lmdb_trace *trace)
{
    MDB_txn *txn = NULL;
    int code = 0;
    for (size_t at = 0; at < trace->size && code == 0;) {
        struct lmdb_change change;
        memcpy(&change, trace->data + at, sizeof change);
        at += sizeof change;
        if (txn == NULL) {
            code = mdb_txn_begin(raw->env, NULL, 0, &txn);
        }
        if (code == 0 && change.kind == LMDB_COMMIT) {
            code = mdb_txn_commit(txn);
            txn = NULL;
        } else if (code == 0) {
            code = change_again(raw, txn, &change, trace->data + at);
        }
        at += change.key_size + change.value_size;
    }
    if (txn != NULL) {
        mdb_txn_abort(txn);
    }
    return code;
}

/* Walks a table; the first and last bytes of each value are looked at. */
static int walk(MDB_txn *txn, MDB_dbi table, uint64_t *count, uint64_t *bytes)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    volatile uint8_t seen = 0;
    int code = mdb_cursor_open(txn, table, &cursor);
    if (code != 0) {
        return code;
    }
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const uint8_t *data = value.mv_data;
        if (value.mv_size > 0) {
            seen = seen ^ data[0] ^ data[value.mv_size - 1];
        }
        ++*count;
        *bytes += value.mv_size;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

int lmdb_raw_read(const struct lmdb_raw *raw, const char *table, uint64_t *count, uint64_t *bytes)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    int code = mdb_txn_begin(raw->env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return code;
    }
    code = mdb_dbi_open(txn, table, 0, &dbi);
    if (code == 0) {
        code = walk(txn, dbi, count, bytes);
    }
    mdb_txn_abort(txn);
    return code;
}

/* Named tables are entries of the unnamed one; whoever has the environment open has opened them
 * all, in the order of their numbers behind LMDB's own two. */
int lmdb_warm(MDB_env *env)
{
    MDB_txn *txn;
    uint64_t count = 0, bytes = 0;
    unsigned flags;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return code;
    }
    for (MDB_dbi table = 2; code == 0 && mdb_dbi_flags(txn, table, &flags) == 0; table++) {
        code = walk(txn, table, &count, &bytes);
    }
    mdb_txn_abort(txn);
    return code;
}

/* ---- Copies --------------------------------------------------------------------------------- */

static bool copy_bytes(int from, int to)
{
    size_t room = (size_t)1 << 20;
    char *block = malloc(room);
    bool good = block != NULL;
    ssize_t count = 1;
    while (good && (count = read(from, block, room)) > 0) {
        for (ssize_t done = 0, part; done < count && good; done += part) {
            part = write(to, block + done, (size_t)(count - done));
            good = part > 0;
        }
    }
    free(block);
    return good && count == 0 && fsync(to) == 0;
}

bool lmdb_copy(const char *from, const char *to)
{
    char source[1024], target[1024];
    (void)snprintf(source, sizeof source, "%s/data.mdb", from);
    (void)snprintf(target, sizeof target, "%s/data.mdb", to);
    bool good = mkdir(to, 0700) == 0 || errno == EEXIST;
    int in = open(source, O_RDONLY | O_CLOEXEC);
    int out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    good = good && in >= 0 && out >= 0 && copy_bytes(in, out);
    if (!good) {
        (void)fprintf(stderr, "cannot copy %s to %s: %s\n", source, target, strerror(errno));
    }
    if (in >= 0) {
        (void)close(in);
    }
    if (out >= 0) {
        (void)close(out);
    }
    return good;
}
