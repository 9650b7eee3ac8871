/* An LMDB file under its write lock, looked at as it lies on disk: which pages are free, whether it
 * is what it is taken for, and writing zeroes into it. A scrub works in slices of time, each of
 * which is one of these. Internal to environment. */
#ifndef TANDEM_CLIENT_LIB_ENVIRONMENT_SLICE_H
#define TANDEM_CLIENT_LIB_ENVIRONMENT_SLICE_H

#include "client-lib/storage/environment.h"
#include "client-lib/storage/environment_pages.h"

struct slice {
    MDB_txn *lock;   /* changes nothing */
    MDB_txn *reader; /* the newest state */
    uint64_t txn;    /* its number */
    struct pages pages;
    struct pages_tree free_pages, tables;
    size_t mapped;
    int file;
    const uint8_t *zeroes;
    uint64_t cleared;
    uint64_t run_from, run_to; /* pages to be zeroed, not yet written */
};

/* Locks, and finds what is free. `alone`: BUSY when somebody reads an older state; nobody can begin
 * to. CORRUPT: the file is not what it must be. slice_end() is due after a failure, too. */
enum status slice_begin(struct environment *environment, bool alone, struct slice *slice);
void slice_end(struct slice *slice);

/* BUSY when somebody reads a state before the commit `txn`, or died doing so, unnoticed. */
enum status slice_expect_no_older(struct environment *environment, uint64_t txn);

/* Sets the bits of all pages of LMDB's own tables and of this one. */
enum status slice_mark(struct slice *slice, const char *table, uint8_t *bits);

/* What an entry of the list of free pages uses of its value, of `size` bytes at `value`. */
bool slice_free_used(const uint8_t *value, uint64_t size, uint64_t *used);

enum status slice_write(const struct slice *slice, const uint8_t *from, size_t size, uint64_t at);
/* Zeroes over a part of the file, unless it has them. */
enum status slice_wipe(struct slice *slice, uint64_t at, uint64_t size);
/* The same over a page, some time before slice_wipe_rest() returns. */
enum status slice_wipe_page(struct slice *slice, uint64_t number);
enum status slice_wipe_rest(struct slice *slice);

#endif
