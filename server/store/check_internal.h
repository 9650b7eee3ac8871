/* What the files of the scrub share. */
#ifndef TANDEM_STORE_CHECK_INTERNAL_H
#define TANDEM_STORE_CHECK_INTERNAL_H

#include "server/core/note/note.h"
#include "server/store/entries.h"
#include "server/store/tables.h"

struct check {
    struct txn txn;
    void (*report)(void *context, const char *text);
    void *context;
    uint64_t findings;
    struct meta meta;
    uint64_t records;
    bool has_notes;
    uint64_t present[TABLE_COUNT]; /* expected rows that are there */
    struct record record;
    struct entries entries;
    struct buffer scratch;
    uint64_t audit_number;
    uint8_t audit_hash[AUDIT_HASH_SIZE];
};

/* Reports what is wrong with a row. */
void check_finding_at(struct check *check, enum table table, struct bytes key, const char *what);

typedef enum status check_visit(struct check *check, enum table table, struct bytes key,
                                struct bytes value);
/* Visits every row, until one fails. */
enum status check_each_row(struct check *check, enum table table, check_visit *visit);
/* Visits every row of a table that holds more rows than were found to be expected. */
enum status check_strangers(struct check *check, enum table table, check_visit *visit);

/* check_notes.c: heads, and the log and snapshots behind each. */
enum status check_notes(struct check *check);
/* check_note_replay.c: the log of a note, all of which could be read, comes to its snapshots and to
 * its head. */
enum status check_note_replay(struct check *check, struct bytes id, const struct note_head *head);

#endif
