/* The store: one LMDB environment, the only code that knows LMDB.
 *
 * One thread writes (the committer), any number read. A read is a snapshot: begin, use the
 * struct state, end; never kept across turns of an event loop, since a held snapshot keeps LMDB
 * from reusing pages. Tables and byte layouts are drawn in docs/FORMAT.md.
 *
 *     store_open -> store_write_begin -> state ops ... -> store_write_commit | _abort
 *                -> store_read_begin  -> state ops ... -> store_read_end
 *
 * After store_write_commit fails with anything but READ_ONLY or NO_MEMORY the store refuses
 * further writes (STATUS_IO): LMDB 0.9.24 would go on over a failed flush. The process must
 * stop, start again and read what is really there.
 */
#ifndef TANDEM_STORE_STORE_H
#define TANDEM_STORE_STORE_H

#include "server/core/state.h"

struct store;

/* Is given a line for people, without its end. */
typedef void store_tell(void *context, const char *line);

struct store_options {
    const char *path;       /* an existing directory */
    uint64_t map_bytes;     /* address space to reserve; 0: 1 TiB (less where that fails) */
    uint64_t reserve_bytes; /* go read-only when less than this is free on the disk; 0: 64 MiB */
    bool create;            /* make a new store; EXISTS when there is one */
    bool as_it_is;          /* leave a store of an earlier format in it: to read, check and copy; a
                               write is refused (FORMAT_VERSION), tables it lacks are empty */
    struct id epoch;        /* of a new store */
    bool no_sync;           /* for tests that do not ask about durability */
    unsigned max_readers;   /* 0: 126 */
    store_tell *tell;       /* what becomes of raising a store, which may take minutes; or NULL */
    void *tell_context;
};

/* Opens or creates; raises a store of an earlier format to this program's, in one transaction,
 * unless told not to. NOT_FOUND when there is no store at the path, FORMAT_VERSION when a later
 * version wrote it, LOCKED when another process has it open, EXISTS when one is to be made beside a
 * copy that is not finished, IO otherwise; `fault` (may be NULL) says which in words. On failure
 * *out is NULL. */
enum status store_open(const struct store_options *options, struct store **out,
                       struct fault *fault);
void store_close(struct store *store); /* NULL is fine; no transaction may be open */

/* A snapshot for reading. Cheap (the transaction is reset and renewed, one per call site kept in
 * `struct store_reader`), may be used from any one thread at a time. */
struct store_reader;
enum status store_reader_new(struct store *store, struct store_reader **out);
void store_reader_free(struct store_reader *reader);
enum status store_read_begin(struct store_reader *reader, struct state *out);
void store_read_end(struct store_reader *reader);

/* One at a time, always from the same thread. READ_ONLY when the disk is nearly full. */
enum status store_write_begin(struct store *store, struct state *out);
enum status store_write_commit(struct store *store);
void store_write_abort(struct store *store);

/* Whether the disk has its reserve; asks the file system at most once a second of `now_ms`. */
bool store_has_room(struct store *store, uint64_t now_ms);

/* Consistent copy of a running store into an empty directory. It is made in a directory of its own
 * in there, "unfinished", and moved out of it when it is whole and durable. On failure nothing is
 * left; whoever is killed meanwhile leaves no store but "unfinished", of which store_open() says so
 * and to which no other copy is made. NOT_FOUND when there is no directory, EXISTS when it is not
 * empty, IO otherwise. */
enum status store_backup(struct store *store, const char *path, struct fault *fault);
/* The same for a copy that begins a history of its own: before it is moved it gets this epoch. */
enum status store_restore(struct store *store, const char *path, struct id epoch,
                          struct fault *fault);

/* Reads every record, checks its checksum and that each table agrees with it. Calls `report` for
 * each finding. CORRUPT when there was one. */
enum status store_check(struct store *store, void (*report)(void *context, const char *text),
                        void *context, uint64_t *records);

/* Finds records that share the value of a unique field but for the case of letters. None can be
 * made, but before format 3 letters beyond ASCII were told apart by their case: what there was then
 * stays. Of n that share a value `tell` (may be NULL) hears n - 1 times, with the ids of two, and
 * `count` (may be NULL) is how often it did. In a store of an earlier format none are found; where
 * more than 100 values share their first 96 bytes some may be missed. */
enum status store_alike(struct store *store, store_tell *tell, void *context, uint64_t *count);

struct store_figures {
    uint64_t records;
    uint64_t bytes_used;
    uint64_t bytes_free_on_disk;
};
enum status store_figures(struct store *store, struct store_figures *out);

#endif
