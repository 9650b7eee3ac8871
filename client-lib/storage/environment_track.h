/* Which pages of an environment may differ from what they were when all of it was scrubbed, so that
 * the next scrub looks at no others.
 *
 * LMDB copies on write. A page that was in a tree at the commit S of a scrub is written again only
 * after some later commit has put it on the list of free pages, under the number of that commit.
 * So whatever was written since, by commits and by transactions that never became one, is
 *
 *     free at S   or   behind the last page of S   or   freed by a commit since.
 *
 * The first are a bitmap that the scrub leaves behind, the second need none, and the third are read
 * from the list after each commit of this process and added to the bitmap. LMDB keeps the entry of
 * a commit as it is until the next but one begins to write, so it is still there then.
 *
 * All of this holds while no other process commits. One that did shows in the number of the next
 * commit; then, after a commit that failed, and when there is no memory, nothing is known, and the
 * next scrub is a whole one. */
#ifndef TANDEM_CLIENT_LIB_ENVIRONMENT_TRACK_H
#define TANDEM_CLIENT_LIB_ENVIRONMENT_TRACK_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing is known. */
struct environment_track {
    uint8_t *changed; /* a bit for each page below `pages`; NULL: not known */
    uint64_t pages;   /* from here on any page may differ */
    uint64_t count;   /* bits that are set */
    uint64_t txn;     /* the commit up to which this holds */
};

/* Nothing is known any more. */
void track_forget(struct environment_track *track);
/* All pages below `pages` but these are clean as of a commit. Takes the bitmap over, which may be
 * NULL. */
void track_begin(struct environment_track *track, uint8_t *changed, uint64_t pages, uint64_t txn);
/* The commit `txn` may have been made: `reader` sees what is the case now. */
void track_commit(struct environment_track *track, uint64_t txn, MDB_txn *reader);
/* Whether it holds for this commit. */
bool track_holds(const struct environment_track *track, uint64_t txn);
bool track_may_differ(const struct environment_track *track, uint64_t page);
/* The next page from this one on that may differ. */
uint64_t track_next(const struct environment_track *track, uint64_t page);
/* Whether all that is set in a bitmap of `pages` pages may differ. */
bool track_covers(const struct environment_track *track, const uint8_t *bits, uint64_t pages);

#endif
