/* Noting what goes by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/limit_lmdb_trace.h"

/* The functions in front of LMDB's have no argument of ours: this is how they find the trace. */
static _Thread_local struct lmdb_trace *tracing;

int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags);
int __real_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __real_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del);
int __real_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags);
int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int __wrap_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del);
int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
int __wrap_mdb_txn_commit(MDB_txn *txn);

struct lmdb_trace *lmdb_trace_open(void)
{
    if (tracing != NULL) {
        return NULL;
    }
    tracing = calloc(1, sizeof *tracing);
    return tracing;
}

void lmdb_trace_follow(struct lmdb_trace *trace, const char *table)
{
    (void)snprintf(trace->follow, sizeof trace->follow, "%s", table);
}

void lmdb_trace_changes(struct lmdb_trace *trace, bool noted)
{
    trace->noting = noted;
}

void lmdb_trace_close(struct lmdb_trace *trace)
{
    trace->noting = false;
    if (tracing == trace) {
        tracing = NULL;
    }
}

void lmdb_trace_free(struct lmdb_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    lmdb_trace_close(trace);
    free(trace->data);
    free(trace);
}

bool lmdb_trace_whole(const struct lmdb_trace *trace)
{
    return !trace->failed && trace->open == 0;
}

size_t lmdb_trace_count(const struct lmdb_trace *trace)
{
    return trace->changes;
}

size_t lmdb_trace_transactions(const struct lmdb_trace *trace)
{
    return trace->transactions;
}

size_t lmdb_trace_bytes(const struct lmdb_trace *trace)
{
    return trace->bytes;
}

static void append(struct lmdb_trace *trace, const void *data, size_t size)
{
    if (trace->size + size > trace->room && !trace->failed) {
        size_t room = (trace->room + size) * 2;
        uint8_t *larger = realloc(trace->data, room);
        trace->failed = larger == NULL;
        if (larger != NULL) {
            trace->data = larger;
            trace->room = room;
        }
    }
    if (!trace->failed && size > 0) {
        memcpy(trace->data + trace->size, data, size);
        trace->size += size;
    }
}

/* Notes a change before it is made, since what it points to may be moved by it. */
static void note(enum lmdb_change_kind kind, MDB_dbi dbi, const MDB_val *key, const MDB_val *data,
                 unsigned flags)
{
    struct lmdb_trace *trace = tracing;
    struct lmdb_change change = {.kind = kind, .table = dbi, .flags = flags};
    change.key_size = key != NULL ? key->mv_size : 0;
    change.value_size = data != NULL ? data->mv_size : 0;
    trace->before = trace->size;
    append(trace, &change, sizeof change);
    if (key != NULL) {
        append(trace, key->mv_data, key->mv_size);
    }
    if (data != NULL) {
        append(trace, data->mv_data, data->mv_size);
    }
}

/* Counts what was noted last, or takes it back when it did not come about. */
static int made(int code)
{
    struct lmdb_trace *trace = tracing;
    if (code != 0) {
        trace->size = trace->before;
        return code;
    }
    trace->changes++;
    trace->open++;
    trace->bytes += trace->size - trace->before - sizeof(struct lmdb_change);
    return code;
}

/* Whether this transaction is of the environment that is traced. */
static bool follows(MDB_txn *txn)
{
    return tracing->follow[0] == '\0' || tracing->env == mdb_txn_env(txn);
}

static bool noting(MDB_txn *txn)
{
    return tracing != NULL && tracing->noting && follows(txn);
}

static void table_opened(MDB_txn *txn, const char *name, MDB_dbi dbi)
{
    if (strcmp(name, tracing->follow) == 0) {
        tracing->env = mdb_txn_env(txn);
    }
    if (follows(txn) && dbi < LMDB_RAW_TABLES) {
        strncpy(tracing->names[dbi], name, LMDB_TRACE_NAME - 1);
    }
}

int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags)
{
    if (!noting(txn)) {
        return __real_mdb_put(txn, dbi, key, data, flags);
    }
    note(LMDB_PUT, dbi, key, data, flags);
    return made(__real_mdb_put(txn, dbi, key, data, flags));
}

int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
    if (!noting(txn)) {
        return __real_mdb_del(txn, dbi, key, data);
    }
    note(LMDB_DELETE, dbi, key, NULL, 0);
    return made(__real_mdb_del(txn, dbi, key, data));
}

int __wrap_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del)
{
    if (!noting(txn)) {
        return __real_mdb_drop(txn, dbi, del);
    }
    note(LMDB_EMPTY, dbi, NULL, NULL, 0);
    return made(__real_mdb_drop(txn, dbi, del));
}

int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi)
{
    int code = __real_mdb_dbi_open(txn, name, flags, dbi);
    if (tracing != NULL && code == 0 && name != NULL) {
        table_opened(txn, name, *dbi);
    }
    return code;
}

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    bool noted = noting(txn); /* afterwards it is gone */
    int code = __real_mdb_txn_commit(txn);
    if (noted && code == 0 && tracing->open > 0) {
        note(LMDB_COMMIT, 0, NULL, NULL, 0);
        tracing->transactions++;
        tracing->open = 0;
    }
    return code;
}
