/* tandem import: from rows of a file to records.
 *
 *     cli_import.c         options, the two readings of the file, the end
 *     cli_import_plan.c    what the columns mean, and what the server has already
 *     cli_import_row.c     one row: new, changed, unchanged, or refused
 *     cli_import_send.c    batches on their way, and rows that are tried again by themselves
 *     cli_import_report.c  progress and the report
 *     cli_import_replaced.c  what is replaced of what others wrote
 *
 * The file is read twice. The first reading only checks it: broken quoting or encoding, a missing
 * column, and nothing is sent. The second turns each row into a change; up to 100 changes make one
 * mutation, and several mutations are under way at once. A mutation is all or nothing, so when one
 * is refused its rows are sent again one by one, and only those that are refused by themselves
 * count as refused. An import that was cut short is run again: rows that are in already are found
 * by their key and are unchanged.
 */
#ifndef TANDEM_CLI_IMPORT_H
#define TANDEM_CLI_IMPORT_H

#include "cli/cli.h"
#include "cli/cli_csv.h"
#include "cli/cli_fields.h"
#include "cli/cli_index.h"
#include "cli/cli_map.h"
#include "cli/cli_value.h"

#define IMPORT_TAGS 16u
#define IMPORT_TAG 64u
#define IMPORT_SHOWN 20u       /* refusals shown; all go to --report */
#define IMPORT_BATCH 100u      /* rows of a mutation */
#define IMPORT_BATCH_BYTES 262144u /* well below the limit of a message */
#define IMPORT_UNDER_WAY 8u    /* mutations not answered yet */

/* A field that rows set; several map entries when it is an address in parts. */
struct import_target {
    struct field_facts facts;
    struct buffer text; /* of the row at hand */
    struct buffer normal;
};

/* A change on its way: what it takes to build it again. */
struct import_row {
    unsigned long line;
    bool update;
    char id[TANDEM_ID_TEXT];
    size_t count;
    size_t bytes;
    struct {
        size_t target;
        char *text;
    } values[];
};

/* A row that is not in, and why. Kept to the end, because answers come in another order than lines. */
struct import_refusal {
    unsigned long line;
    char *column;
    char *reason;
};

/* A value that somebody else wrote, which a row replaces. */
struct import_replaced {
    unsigned long line;
    size_t target;
    char *from, *to;
    char by[72];
    int64_t at_ms;
    bool guessed; /* it is only known who changed the record last */
};

struct import;
struct import_batch {
    struct import *import;
    struct import_batch *next;
    struct import_row *rows[IMPORT_BATCH];
    size_t count, bytes;
    unsigned attempts;
    bool done;
    tandem_fault fault;
};

struct import {
    struct cli *cli;
    const char *file_name;
    const char *entity;
    struct csv_form form;
    struct value_form values;
    struct map map;
    char **header;
    size_t header_count;
    bool past_header; /* in the second reading */
    unsigned long row_total;

    struct import_target targets[MAP_MOST];
    size_t target_count;
    size_t target_of[MAP_MOST];       /* of each map entry */
    struct index lookups[MAP_MOST];   /* of each map entry that is one */

    char key_field[MAP_NAME];         /* "" without a key, "id" for ids */
    int key_column;                   /* with "id" */
    size_t key_target;                /* else */
    struct index known;               /* what the server has, by key */

    char tags[IMPORT_TAGS][IMPORT_TAG];
    size_t tag_count;
    bool dry_run, clear_empty, progress;

    unsigned long rows, created, updated, unchanged, refused;
    bool shows_line; /* a progress line stands on the terminal */
    FILE *report;
    size_t report_skip;               /* columns of an earlier report in front of the rows' own */
    size_t reported;                  /* refusals written so far */
    struct import_refusal *refusals;  /* `refused` of them, as they came */
    size_t refusal_capacity;
    unsigned long replaced;           /* values of others, of which the first are kept */
    struct import_replaced replacements[IMPORT_SHOWN];
    unsigned long guessed;            /* of them */
    size_t asked;                     /* histories, for who wrote what */
    json_t *authors;                  /* by field, of the record asked about last; see there */
    char authors_of[TANDEM_ID_TEXT];

    struct import_batch *filling;     /* being collected */
    struct import_batch *waiting;     /* to be sent, first in first out */
    struct import_batch **waiting_end;
    struct import_batch *under_way;
    size_t under_way_count;
    char last_id[TANDEM_ID_TEXT];     /* given to a new record last; "" before the first */
    enum tandem_failure fatal;        /* told; nothing more is sent */
};

/* ---- Plan ---- */
/* Header columns that are named like fields become the map. */
enum tandem_failure import_map_by_name(struct import *import);
/* Learns the fields' kinds, resolves constants, fetches what keys and lookups need. */
enum tandem_failure import_plan(struct import *import);

/* ---- Rows ---- */
/* A csv_row_fn, context struct import: takes the header and the rows. */
bool import_take_row(void *context, const struct csv_row *row);

/* ---- Sending ---- */
/* Builds the change of a row, starting it in `mutation`. A new record's id is put into the row. */
tandem_code import_build(const struct import *import, struct import_row *row,
                         tandem_mutation *mutation);
/* Takes the row over. May wait for answers. */
void import_send_row(struct import *import, struct import_row *row);
/* Sends what is collected and waits until all is answered. */
void import_finish_sending(struct import *import);
void import_release_batches(struct import *import);
void import_row_free(struct import_row *row);

/* ---- Report ---- */
void import_refuse(struct import *import, unsigned long line, const char *column,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A refusal by the library or the server. */
void import_refuse_fault(struct import *import, unsigned long line, const tandem_fault *fault);
/* The column that a field of the record comes from; the field where it comes from none. */
const char *import_column(const struct import *import, const char *field);
void import_release_refusals(struct import *import);
void import_progress(struct import *import);
/* The first refusals to the person, all of them sorted, in the order of their lines. */
void import_report(struct import *import);
/* Notes the value that a row replaces, when it is another's; `entry` has what is there. */
void import_note_replaced(struct import *import, unsigned long line, size_t target,
                          const struct index_entry *entry, const char *to);
void import_report_replaced(const struct import *import);
void import_put_replaced(const struct import *import, json_t *object);
void import_release_replaced(struct import *import);
/* Line, column and reason of each refusal, and the row itself, to the report file: corrected, it can
 * be imported as it is. After import_report(). Reads the file once more. */
void import_write_report(struct import *import, FILE *file);

#endif
