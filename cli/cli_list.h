/* Lists of records on the screen, for every command that shows several. */
#ifndef TANDEM_CLI_LIST_H
#define TANDEM_CLI_LIST_H

#include "cli/cli.h"
#include "cli/cli_text.h"

#define LIST_COLUMNS 24u

struct list {
    struct cli *cli;
    struct table table;
    char names[LIST_COLUMNS][72]; /* fields shown, after the id */
    size_t names_count;
    size_t records;
};

/* Asks and prints: with --json an object a line, else a table of the columns named ("name,phone"),
 * or with NULL of the fields of the entity that fit into a cell, custom ones included. Needs the
 * connection. Tells when there is no such entity. */
enum tandem_failure list_print(struct cli *cli, const tandem_query *query, const char *columns);
/* A tandem_record_fn with a struct list as context: prints JSON at once, collects for a table. */
bool list_take(void *context, const tandem_record *record);

#endif
