#include "protocol/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct entry {
    enum status status;
    bool retry;
    const char *name;
    const char *text;
};

static const struct entry table[] = {
#define STATUS(name, code, wire, retry, text) {STATUS_##name, (retry) != 0, wire, text},
#include "protocol/status.def"
#undef STATUS
};

#define ENTRIES (sizeof table / sizeof table[0])

static const struct entry *entry_of(enum status status)
{
    const struct entry *internal = NULL;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (table[i].status == status)
            return &table[i];
        if (table[i].status == STATUS_INTERNAL)
            internal = &table[i];
    }
    return internal;
}

const char *status_name(enum status status)
{
    return entry_of(status)->name;
}

const char *status_text(enum status status)
{
    return entry_of(status)->text;
}

bool status_retry(enum status status)
{
    return entry_of(status)->retry;
}

enum status status_from_name(struct bytes name)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (bytes_is(name, table[i].name))
            return table[i].status;
    return STATUS_INTERNAL;
}

void fault_clear(struct fault *fault)
{
    memset(fault, 0, sizeof *fault);
    fault->change = -1;
}

/* A text cut in the middle of a character would be refused by whoever validates UTF-8. */
static void drop_cut_character(char *text)
{
    size_t size = strlen(text);
    size_t start = size;
    while (start > 0 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    const uint8_t lead = (uint8_t)text[start - 1];
    const size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (size - (start - 1) < whole)
        text[start - 1] = '\0';
}

enum status fault_set(struct fault *fault, enum status status, struct bytes field,
                      const char *format, ...)
{
    if (fault == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
    va_end(arguments);
    if (length < 0)
        fault->detail[0] = '\0';
    else if ((size_t)length >= sizeof fault->detail)
        drop_cut_character(fault->detail);
    bytes_to_text(field, fault->field, sizeof fault->field);
    if (field.size >= sizeof fault->field)
        drop_cut_character(fault->field);
    fault->status = status;
    return status;
}
