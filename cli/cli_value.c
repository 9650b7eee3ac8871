#include "cli/cli_value.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/schema.h"

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads 1 to `most` digits. */
static bool take_number(const char **at, size_t most, unsigned *out)
{
    size_t count = 0;
    *out = 0;
    for (; count < most && digit(**at); count++, ++*at) {
        *out = *out * 10 + (unsigned)(**at - '0');
    }
    return count > 0;
}

/* "7/4/1996", "31.12.2026", "4-7-96" is no date: a year has four digits. `rest` is what follows. */
static bool read_slashed(const char *cell, bool day_first, char out[11], const char **rest)
{
    unsigned first = 0;
    unsigned second = 0;
    unsigned year = 0;
    const char *at = cell;
    if (!take_number(&at, 2, &first) || strchr("/.-", *at) == NULL || *at == '\0') {
        return false;
    }
    char separator = *at++;
    if (!take_number(&at, 2, &second) || *at++ != separator) {
        return false;
    }
    const char *year_at = at;
    if (!take_number(&at, 4, &year) || at - year_at != 4 || digit(*at)) {
        return false;
    }
    unsigned day = day_first ? first : second;
    unsigned month = day_first ? second : first;
    (void)snprintf(out, 11, "%04u-%02u-%02u", year % 10000, month % 100, day % 100);
    *rest = at;
    return true;
}

/* "09:30", "9:30:00.000" behind a date: appended as the schema writes it. What else follows is
 * appended as it is. */
static void add_clock(const char *rest, bool only_date, struct buffer *out)
{
    unsigned hour = 0;
    unsigned minute = 0;
    const char *at = rest + strspn(rest, " T");
    const char *clock = at;
    if (*at == '\0') {
        return;
    }
    if (!take_number(&at, 2, &hour) || *at++ != ':' || !take_number(&at, 2, &minute)) {
        text_add(out, rest);
        return;
    }
    if (only_date) {
        return;
    }
    bool zoned = strpbrk(at, "Zz+-") != NULL;
    text_addf(out, "T%s%s%s", clock[1] == ':' ? "0" : "", clock, zoned ? "" : "Z");
}

static void add_date(const struct value_form *form, bool only_date, const char *cell,
                     struct buffer *out)
{
    char iso[11];
    const char *rest = NULL;
    if (form->dates != DATES_ISO && read_slashed(cell, form->dates == DATES_EU, iso, &rest)) {
        text_add(out, iso);
        add_clock(rest, only_date, out);
        return;
    }
    if (strlen(cell) > 11 && cell[4] == '-' && cell[7] == '-' &&
        (cell[10] == ' ' || cell[10] == 'T')) {
        buffer_append(out, cell, 10);
        add_clock(cell + 10, only_date, out);
        return;
    }
    text_add(out, cell);
}

/* Other systems write more decimals than the currency has, all of them zero. */
static size_t without_zeros(const char *cell, size_t length)
{
    const char *point = memchr(cell, '.', length);
    if (point == NULL) {
        return length;
    }
    while (length > 0 && cell[length - 1] == '0') {
        length--;
    }
    return length > 0 && cell[length - 1] == '.' ? length - 1 : length;
}

static void add_money(const struct value_form *form, const char *cell, struct buffer *out)
{
    size_t length = strspn(cell, "-0123456789.");
    if (length == 0) {
        text_add(out, cell);
        return;
    }
    buffer_append(out, cell, without_zeros(cell, length));
    text_add(out, cell + length);
    if (cell[length] == '\0' && form->currency != NULL) {
        text_addf(out, " %s", form->currency);
    }
}

void value_from_cell(const struct value_form *form, const char *kind, const char *cell,
                     struct buffer *out)
{
    if (cell[0] == '\0') {
        return;
    }
    if (strcmp(kind, "date") == 0 || strcmp(kind, "time") == 0) {
        add_date(form, kind[0] == 'd', cell, out);
    } else if (strcmp(kind, "money") == 0) {
        add_money(form, cell, out);
    } else {
        text_add(out, cell);
    }
}

void value_add_part(const char *part, const char *cell, struct buffer *out)
{
    if (cell[0] == '\0') {
        return;
    }
    text_addf(out, "%s%s=", out->size == 0 ? "" : "; ", part);
    for (; *cell != '\0'; cell++) {
        if (strchr(";=\\", *cell) != NULL) {
            buffer_append_byte(out, '\\');
        }
        buffer_append_byte(out, (uint8_t)*cell);
    }
}

void value_normal(const char *entity, const char *field, const char *text, struct buffer *out)
{
    const struct entity_def *def = schema_entity(bytes_text(entity));
    const struct field_def *found = def == NULL ? NULL : schema_field(def, bytes_text(field));
    struct buffer value = {0};
    if (text[0] == '\0') {
        return;
    }
    if (found == NULL || schema_parse(found, bytes_text(text), &value, NULL) != STATUS_OK) {
        text_add(out, text);
    } else {
        schema_print(found, buffer_bytes(&value), out);
    }
    buffer_release(&value);
}
