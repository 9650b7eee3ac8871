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

/* Prepares the columns: those named ("name,phone"), or with NULL the fields of the entity that
 * fit into a cell. */
enum tandem_failure list_begin(struct list *list, struct cli *cli, const char *entity,
                               const char *columns);
/* A tandem_record_fn with a struct list as context: prints JSON at once, collects for a table. */
bool list_take(void *context, const tandem_record *record);
/* Prints the table, or that there is nothing, and releases. */
void list_end(struct list *list);

#endif
