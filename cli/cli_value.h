/* Cells of a file as values of fields: the ways in which spreadsheets and other systems write
 * dates and amounts, turned into the text that the schema reads. */
#ifndef TANDEM_CLI_VALUE_H
#define TANDEM_CLI_VALUE_H

#include <stdbool.h>

#include "protocol/bytes.h"

enum value_dates { DATES_ISO, DATES_US, DATES_EU };

struct value_form {
    enum value_dates dates;
    const char *currency; /* for amounts without one; NULL: none */
};

/* Appends what the schema reads for a cell of a field of `kind`. A cell that cannot be understood
 * is appended as it is, for the schema to refuse with its reason. */
void value_from_cell(const struct value_form *form, const char *kind, const char *cell,
                     struct buffer *out);

/* Appends one part of an address ("city=Bergen; "), with what would separate parts escaped. Nothing
 * for an empty cell. */
void value_add_part(const char *part, const char *cell, struct buffer *out);

/* Appends the text as the server would give the value back, so that it can be compared with what
 * is there; the text itself where the field is not built in. */
void value_normal(const char *entity, const char *field, const char *text, struct buffer *out);

#endif
