/* What LMDB alone costs: the changes that Tandem made to its tables, written again by bare calls.
 *
 * The bench is linked with its own mdb_put, mdb_del, mdb_drop, mdb_dbi_open and mdb_txn_commit in
 * front of LMDB's (CMakeLists.txt, --wrap). They pass everything on, and while a trace is open on
 * the calling thread they note it too. A trace therefore holds the very keys, values, flags and
 * transactions; replaying it costs what LMDB and the disk cost and nothing else.
 */
#ifndef TANDEM_TESTS_BENCH_LIMIT_LMDB_H
#define TANDEM_TESTS_BENCH_LIMIT_LMDB_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Tracing -------------------------------------------------------------------------------- */

struct lmdb_trace;

/* Opens a trace on this thread: tables opened from now on are known by name, changes are noted
 * after lmdb_trace_changes(). One environment at a time, see also lmdb_trace_follow(). NULL when
 * out of memory, or when there is one already. */
struct lmdb_trace *lmdb_trace_open(void);
/* Notes only the environment in which a table of this name is opened, of several that the thread
 * opens from now on. The table is the first that is opened there. */
void lmdb_trace_follow(struct lmdb_trace *trace, const char *table);
/* From now on, or no longer, changes are noted. */
void lmdb_trace_changes(struct lmdb_trace *trace, bool noted);
/* Ends the tracing; what was noted stays. */
void lmdb_trace_close(struct lmdb_trace *trace);
void lmdb_trace_free(struct lmdb_trace *trace); /* NULL is fine */
/* False when something could not be noted. */
bool lmdb_trace_whole(const struct lmdb_trace *trace);
size_t lmdb_trace_count(const struct lmdb_trace *trace);        /* changes */
size_t lmdb_trace_transactions(const struct lmdb_trace *trace); /* with changes in them */
size_t lmdb_trace_bytes(const struct lmdb_trace *trace);        /* of keys and values */

/* ---- Bare LMDB ------------------------------------------------------------------------------ */

#define LMDB_RAW_TABLES 32

struct lmdb_raw {
    MDB_env *env;
    MDB_dbi tables[LMDB_RAW_TABLES]; /* by the number that they had in the trace */
};

/* Opens an environment for itself, made when missing, with as much address space as Tandem takes.
 * `flags` are those of mdb_env_open besides MDB_NOTLS. 0, or LMDB's code; then it is closed. */
int lmdb_raw_open(struct lmdb_raw *raw, const char *folder, unsigned flags);
void lmdb_raw_close(struct lmdb_raw *raw); /* zeroed storage is fine */
/* Opens the trace's tables, made when missing. */
int lmdb_raw_tables(struct lmdb_raw *raw, const struct lmdb_trace *trace);
/* Makes all changes of the trace, each transaction as it was, flushed. */
int lmdb_raw_replay(const struct lmdb_raw *raw, const struct lmdb_trace *trace);
/* Reads every entry of a table once; `bytes` and `count` are added to. */
int lmdb_raw_read(const struct lmdb_raw *raw, const char *table, uint64_t *count, uint64_t *bytes);
/* Reads every entry of every table of an open environment, so that it is warm. */
int lmdb_warm(MDB_env *env);

/* Copies the data file of an environment that nobody writes into a folder, which is made, and
 * flushes it. False after words. */
bool lmdb_copy(const char *from, const char *to);

#endif
