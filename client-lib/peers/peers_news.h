/* What processes that share a folder tell each other: rows in a file, the newest replacing the
 * oldest.
 *
 *     0        8      16     24      32      40          64           64 + 32 * NEWS_ROWS
 *     | magic  | bell | head | floor | clean |  zeros    | rows ...   |
 *
 * Rows are numbered from 0 for ever; `head` is the number of the next, `floor` that of the oldest
 * that is still there, and row n is in the place n % NEWS_ROWS:
 *
 *     0      1          5     13         29      30    32
 *     | kind | process  | seq | about    | scope | 0 0 |
 *
 * One process writes at a time (the caller sees to it), anybody reads. A writer that reuses places
 * raises `floor` first, then writes the rows, then raises `head`: a reader that finds its rows at
 * or above `floor` after reading them has read them whole. No row is all zeros: one that is was wiped. `clean` is 0 while somebody leads, so a
 * leader that was killed between doing something and telling it is found out by the next.
 *
 * A file that is not of this form is begun anew; a reader whose number then fits no more has lost
 * something. Nothing in it outlives the processes that use it, so it is never synced. */
#ifndef TANDEM_CLIENT_LIB_PEERS_NEWS_H
#define TANDEM_CLIENT_LIB_PEERS_NEWS_H

#include <stdbool.h>

#include "protocol/bytes.h"
#include "protocol/id.h"
#include "protocol/status.h"

enum peers_kind {
    PEERS_CHANGED = 1, /* a record, or what lies over it */
    PEERS_REMOVED = 2,
    PEERS_CAUGHT_UP = 3,
    PEERS_WAITS = 4,  /* who subscribed is to hear when all has come, also if it has */
    PEERS_DROPPED = 5, /* seq: an entry of the outbox that is about to be given up */
    PEERS_PURGED = 6   /* a scope */
};

struct peers_news {
    unsigned kind; /* unknown ones are of a later library */
    uint64_t seq;  /* DROPPED: the entry */
    struct id id;  /* CHANGED, REMOVED; of the scope PURGED */
    uint8_t scope; /* PURGED: its kind */
};

#define NEWS_ROWS 2040u
#define NEWS_ROW_SIZE 32u

/* Makes the file ready when it is not. *head is where a newcomer begins to read. */
enum status news_begin(int file, uint64_t *head);
/* Adds rows that news_put() made. With `gap`, or when they are more than fit, the others have lost
 * something; *next of the writer, who need not be told, is moved on unless it had more to read. */
enum status news_add(int file, struct bytes rows, bool gap, uint64_t *next);
/* Overwrites all rows with zeros; who has not read them has lost something. */
enum status news_wipe(int file);
/* The rows alone, which needs no leave to write: for when a writer was stopped in the middle. Who
 * has not read them finds no rows in their places, and has lost something. */
enum status news_wipe_rows(int file);
/* Whether anything is in a row. */
bool news_is_bare(int file);
enum status news_set_clean(int file, bool clean, bool *was);
/* Wakes whoever watches the file, and changes nothing. */
enum status news_ring(int file);

void news_put(struct buffer *rows, uint32_t process, const struct peers_news *news);

/* Whether any of these rows is about a record. */
bool news_name_records(struct bytes rows);

/* Reads the rows from *next on, `most` at most, passing over those of `process`, and moves *next
 * behind them; `each` gets them when they are known to be whole. *more: there are others. LIMIT
 * when some were lost; *next then stands behind all there is. */
typedef void news_fn(void *context, const struct peers_news *news);
enum status news_read(int file, uint32_t process, uint64_t *next, size_t most, news_fn *each,
                      void *context, bool *more);

#endif
