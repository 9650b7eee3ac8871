#include "tests/replay/trace.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A trace being read. */
struct reading {
    struct trace *trace;
    char *why;
    uint32_t *last; /* by txn: its last edit, or UINT32_MAX when it has none */
    size_t text_room;
};

static bool refuse(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct reading *reading, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reading->why, 256, format, list);
    va_end(list);
    return false;
}

unsigned trace_width(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t trace_bytes(const char *text, size_t size, size_t characters)
{
    size_t bytes = 0;
    for (; characters > 0 && bytes < size; characters--) {
        bytes += trace_width((unsigned char)text[bytes]);
    }
    return characters == 0 ? bytes : SIZE_MAX;
}

static uint32_t count_characters(const char *text, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Plain files come out of zlib as they are. */
static char *unpack(const char *path, size_t *size, char *why)
{
    size_t room = (size_t)1 << 20;
    char *data = NULL;
    int got = 1;
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        (void)snprintf(why, 256, "it cannot be opened: %s", strerror(errno));
        return NULL;
    }
    *size = 0;
    while (got > 0 && room <= TRACE_SIZE_MOST) {
        char *larger = realloc(data, room *= 2);
        if (larger == NULL) {
            break;
        }
        data = larger;
        while (*size < room && (got = gzread(file, data + *size, (unsigned)(room - *size))) > 0) {
            *size += (size_t)got;
        }
    }
    if (gzclose(file) != Z_OK || got != 0) {
        (void)snprintf(why, 256, "%s", got < 0 ? "it is damaged" : "it is cut short, or too large");
        free(data);
        return NULL;
    }
    return data;
}

/* ---- What is in it --------------------------------------------------------------------------- */

static bool take_text(struct reading *reading, const json_t *value, const char *what, char **text,
                      size_t *size)
{
    const char *from = json_string_value(value);
    *size = json_string_length(value);
    if (from == NULL) {
        return refuse(reading, "%s is no text", what);
    }
    if (memchr(from, '\r', *size) != NULL) {
        return refuse(reading, "it has carriage returns, and lines of notes end without them");
    }
    *text = malloc(*size + 1);
    if (*text == NULL) {
        return refuse(reading, "it does not fit into memory");
    }
    memcpy(*text, from, *size + 1);
    return true;
}

static bool take_number(const json_t *value, uint32_t most, uint32_t *out)
{
    json_int_t number = json_integer_value(value);
    *out = (uint32_t)number;
    return json_is_integer(value) && number >= 0 && number <= (json_int_t)most;
}

static bool keep_inserted(struct reading *reading, struct trace_edit *edit, const json_t *inserted)
{
    struct trace *trace = reading->trace;
    char *text = NULL;
    if (!take_text(reading, inserted, "what a patch inserts", &text, &edit->size)) {
        return false;
    }
    if (trace->text_size + edit->size > reading->text_room) {
        reading->text_room = 2 * (trace->text_size + edit->size);
        char *larger = realloc(trace->text, reading->text_room);
        if (larger == NULL) {
            free(text);
            return refuse(reading, "it does not fit into memory");
        }
        trace->text = larger;
    }
    edit->text = trace->text_size;
    if (edit->size > 0) {
        memcpy(trace->text + trace->text_size, text, edit->size);
    }
    trace->text_size += edit->size;
    edit->first = trace->characters;
    edit->inserted = count_characters(text, edit->size);
    trace->characters += edit->inserted;
    free(text);
    return true;
}

static bool take_patch(struct reading *reading, const json_t *patch, size_t txn,
                       struct trace_edit *edit)
{
    if (!json_is_array(patch) || json_array_size(patch) < 3 ||
        !take_number(json_array_get(patch, 0), INT32_MAX, &edit->at) ||
        !take_number(json_array_get(patch, 1), INT32_MAX, &edit->removed)) {
        return refuse(reading, "a patch of txn %zu is not [at, removed, inserted]", txn);
    }
    return keep_inserted(reading, edit, json_array_get(patch, 2));
}

/* What the author had is what those of the parents had, and those. */
static bool take_parents(struct reading *reading, const json_t *txn, size_t number,
                         struct trace_edit *edit)
{
    const struct trace *trace = reading->trace;
    const json_t *parents = json_object_get(txn, "parents"), *value;
    size_t i;
    if (!take_number(json_object_get(txn, "agent"), trace->agents - 1, &edit->agent)) {
        return refuse(reading, "txn %zu has no agent of those there are", number);
    }
    if (!json_is_array(parents)) {
        return refuse(reading, "txn %zu has no parents", number);
    }
    json_array_foreach(parents, i, value)
    {
        uint32_t parent;
        if (number == 0 || !take_number(value, (uint32_t)number - 1, &parent) ||
            reading->last[parent] == UINT32_MAX) {
            return refuse(reading, "a parent of txn %zu is none before it", number);
        }
        const struct trace_edit *before = &trace->edits[reading->last[parent]];
        for (uint32_t agent = 0; agent < trace->agents; agent++) {
            uint32_t had = before->had[agent] + (agent == before->agent);
            edit->had[agent] = had > edit->had[agent] ? had : edit->had[agent];
        }
    }
    return true;
}

static bool take_txn(struct reading *reading, const json_t *txn, size_t number, uint32_t *made)
{
    struct trace *trace = reading->trace;
    const json_t *patches = json_object_get(txn, "patches"), *patch;
    struct trace_edit first = {.agent = 0};
    size_t i;
    reading->last[number] = UINT32_MAX;
    if (!json_is_array(patches)) {
        return refuse(reading, "txn %zu has no patches", number);
    }
    if (trace->concurrent && !take_parents(reading, txn, number, &first)) {
        return false;
    }
    if (trace->concurrent && first.had[first.agent] != made[first.agent]) {
        return refuse(reading, "txn %zu does not follow what its agent did before", number);
    }
    json_array_foreach(patches, i, patch)
    {
        struct trace_edit *edit = &trace->edits[trace->count];
        *edit = first;
        edit->had[edit->agent] = made[edit->agent]++;
        if (!take_patch(reading, patch, number, edit)) {
            return false;
        }
        reading->last[number] = (uint32_t)trace->count++;
    }
    return true;
}

static bool take_txns(struct reading *reading, const json_t *txns)
{
    struct trace *trace = reading->trace;
    uint32_t made[TRACE_AGENTS_MOST] = {0};
    size_t i, patches = 0;
    const json_t *txn;
    if (!json_is_array(txns) || json_array_size(txns) == 0) {
        return refuse(reading, "it has no txns");
    }
    json_array_foreach(txns, i, txn)
    {
        patches += json_array_size(json_object_get(txn, "patches"));
    }
    if (patches == 0 || patches >= UINT32_MAX || json_array_size(txns) >= UINT32_MAX) {
        return refuse(reading, "it has no patches, or too many");
    }
    trace->edits = calloc(patches, sizeof *trace->edits);
    reading->last = calloc(json_array_size(txns), sizeof *reading->last);
    if (trace->edits == NULL || reading->last == NULL) {
        return refuse(reading, "it does not fit into memory");
    }
    json_array_foreach(txns, i, txn)
    {
        if (!take_txn(reading, txn, i, made)) {
            return false;
        }
    }
    return true;
}

static bool take(struct reading *reading, const json_t *root)
{
    struct trace *trace = reading->trace;
    const char *kind = json_string_value(json_object_get(root, "kind"));
    trace->concurrent = kind != NULL && strcmp(kind, "concurrent") == 0;
    trace->agents = 1;
    if (trace->concurrent &&
        (!take_number(json_object_get(root, "numAgents"), TRACE_AGENTS_MOST, &trace->agents) ||
         trace->agents == 0)) {
        return refuse(reading, "numAgents is not from 1 to %u", TRACE_AGENTS_MOST);
    }
    json_t *nothing = json_string("");
    const json_t *start = json_object_get(root, "startContent");
    bool good = take_text(reading, start != NULL ? start : nothing, "startContent", &trace->start,
                          &trace->start_size) &&
                take_text(reading, json_object_get(root, "endContent"), "endContent", &trace->end,
                          &trace->end_size) &&
                take_txns(reading, json_object_get(root, "txns"));
    json_decref(nothing);
    if (good && trace->concurrent && trace->start_size > 0) {
        return refuse(reading, "a concurrent trace begins with an empty text");
    }
    return good;
}

bool trace_read(const char *path, struct trace *out, char why[256])
{
    struct reading reading = {.trace = out, .why = why};
    json_error_t error;
    size_t size = 0;
    *out = (struct trace){.count = 0};
    char *data = unpack(path, &size, why);
    if (data == NULL) {
        return false;
    }
    json_t *root = json_loadb(data, size, 0, &error);
    free(data);
    bool good = root != NULL
                    ? take(&reading, root)
                    : refuse(&reading, "it is no JSON (line %d: %s)", error.line, error.text);
    json_decref(root);
    free(reading.last);
    return good;
}

void trace_release(struct trace *trace)
{
    free(trace->edits);
    free(trace->text);
    free(trace->start);
    free(trace->end);
    *trace = (struct trace){.count = 0};
}
