#include "cli/cli_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "protocol/fold.h"
#include "protocol/memory.h"

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t text_decode(const char *text, size_t size, uint32_t *out)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80) {
        *out = first;
        return 1;
    }
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size < length) {
        return 0;
    }
    uint32_t code = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (!continues(text[i])) {
            return 0;
        }
        code = code << 6 | ((unsigned char)text[i] & 0x3F);
    }
    if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return 0;
    }
    *out = code;
    return length;
}

bool text_is_utf8(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        size_t length = text_decode(text + at, size - at, &code);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

static bool is_control(uint32_t code)
{
    /* Also the marks that reorder text: they can make a line read as another. */
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

static size_t code_width(uint32_t code)
{
    if (is_control(code)) {
        return 1;
    }
    int width = wcwidth((wchar_t)code);
    return width < 0 ? 1 : (size_t)width;
}

/* One shown character at `text`: its bytes, width, and whether it can be shown as it is. */
static size_t next_shown(const char *text, size_t size, size_t *width, bool *plain)
{
    uint32_t code = 0;
    size_t length = text_decode(text, size, &code);
    if (length == 0) {
        *width = 1;
        *plain = false;
        return 1;
    }
    *width = code_width(code);
    *plain = !is_control(code);
    return length;
}

size_t text_width(const char *text)
{
    size_t total = 0;
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        size_t width = 0;
        bool plain = false;
        at += next_shown(text + at, size - at, &width, &plain);
        total += width;
    }
    return total;
}

static size_t put_whole(FILE *out, const char *text, size_t size)
{
    size_t total = 0;
    for (size_t at = 0; at < size;) {
        size_t width = 0;
        bool plain = false;
        size_t length = next_shown(text + at, size - at, &width, &plain);
        if (plain || text[at] == '\n' || text[at] == '\t') {
            (void)fwrite(text + at, 1, length, out);
        } else {
            (void)fputs("\xC2\xB7", out);
        }
        total += width;
        at += length;
    }
    return total;
}

static size_t put_cut(FILE *out, const char *text, size_t size, size_t columns)
{
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        size_t width = 0;
        bool plain = false;
        size_t length = next_shown(text + at, size - at, &width, &plain);
        if (used + width + 1 > columns) {
            (void)fputs("\xE2\x80\xA6", out);
            return used + 1;
        }
        if (plain) {
            (void)fwrite(text + at, 1, length, out);
        } else {
            (void)fputs("\xC2\xB7", out);
        }
        used += width;
        at += length;
    }
    if (text[size] == '\n') { /* there are more lines */
        (void)fputs("\xE2\x80\xA6", out);
        used++;
    }
    return used;
}

size_t text_put(FILE *out, const char *text, size_t columns)
{
    size_t size = strlen(text);
    if (columns == 0) {
        return put_whole(out, text, size);
    }
    const char *line_end = strchr(text, '\n');
    size_t line = line_end == NULL ? size : (size_t)(line_end - text);
    if (line == size && text_width(text) <= columns) {
        return put_whole(out, text, size);
    }
    return put_cut(out, text, line, columns);
}

void text_put_lines(FILE *out, const char *text, const char *margin)
{
    for (;;) {
        size_t size = strcspn(text, "\n");
        (void)fputs(margin, out);
        (void)put_whole(out, text, size);
        (void)fputc('\n', out);
        if (text[size] == '\0') {
            return;
        }
        text += size + 1;
    }
}

/* Bytes of the first `size` that fit into so many columns; all of them, or with room for an
 * ellipsis. */
static size_t cut_at(const char *text, size_t size, size_t columns)
{
    size_t used = 0;
    size_t cut = 0;
    for (size_t at = 0; at < size;) {
        size_t width = 0;
        bool plain = false;
        size_t length = next_shown(text + at, size - at, &width, &plain);
        if (used + width > columns) {
            return cut;
        }
        used += width;
        at += length;
        cut = used < columns ? at : cut;
    }
    return size;
}

static void add_left_out(struct buffer *out, const char *rest)
{
    size_t lines = 0;
    size_t characters = 0;
    size_t size = strlen(rest);
    for (size_t at = 0; at < size; characters++) {
        size_t width = 0;
        bool plain = false;
        lines += rest[at] == '\n';
        at += next_shown(rest + at, size - at, &width, &plain);
    }
    size_t count = lines > 0 ? lines : characters;
    text_addf(out, " (%zu more %s%s)", count, lines > 0 ? "line" : "character",
              count == 1 ? "" : "s");
}

bool text_add_short(struct buffer *out, const char *text, size_t columns, const char *quote)
{
    size_t line = strcspn(text, "\n");
    size_t cut = cut_at(text, line, columns);
    bool whole = text[cut] == '\0';
    text_add(out, quote);
    buffer_append(out, text, cut);
    text_addf(out, "%s%s", whole ? "" : "\xE2\x80\xA6", quote);
    if (!whole) {
        add_left_out(out, text + cut);
    }
    return whole;
}

void text_add(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void text_addf(struct buffer *buffer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = NULL;
    int size = vasprintf(&text, format, list);
    va_end(list);
    if (size < 0) {
        buffer->failed = true;
        return;
    }
    buffer_append(buffer, text, (size_t)size);
    free(text);
}

const char *text_of(struct buffer *buffer)
{
    buffer_append_byte(buffer, 0);
    if (buffer->failed) {
        return NULL;
    }
    buffer->size--;
    return (const char *)buffer->data;
}

char *text_copy(const char *text)
{
    return memory_copy(text, strlen(text));
}

bool text_has_separator(const char *list)
{
    for (const char *at = list; *at != '\0'; at++) {
        if (*at == ',') {
            return true;
        }
        at += at[0] == '\\' && at[1] == ',';
    }
    return false;
}

char *text_next_part(const char **at)
{
    const char *from = *at + strspn(*at, " ");
    char *part = memory_new(strlen(from) + 1);
    size_t size = 0;
    if (part == NULL) {
        return NULL;
    }
    for (; *from != '\0' && *from != ','; from++) {
        from += from[0] == '\\' && from[1] == ',';
        part[size++] = *from;
    }
    while (size > 0 && part[size - 1] == ' ') {
        size--;
    }
    part[size] = '\0';
    *at = from + (*from == ',');
    return part;
}

bool text_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool text_alike(const char *a, const char *b)
{
    return fold_compare(bytes_text(a), bytes_text(b)) == 0;
}

#define WORD_LENGTH 40u

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t text_distance(const char *a, const char *b, size_t b_length)
{
    size_t row[WORD_LENGTH];
    if (strlen(a) >= WORD_LENGTH || b_length >= WORD_LENGTH) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (lower(a[i]) != lower(b[j - 1]));
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

static const char *local(int64_t ms, const char *format, char *out, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm broken;
    if (localtime_r(&seconds, &broken) == NULL || strftime(out, size, format, &broken) == 0) {
        (void)snprintf(out, size, "?");
    }
    return out;
}

const char *text_local_time(int64_t ms, char out[32])
{
    return local(ms, "%Y-%m-%d %H:%M", out, 32);
}

const char *text_local_clock(int64_t ms, char out[16])
{
    return local(ms, "%H:%M:%S", out, 16);
}

const char *text_number(uint64_t number, char out[32])
{
    char digits[32];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *text_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        (void)snprintf(out, 32, "%u bytes", (unsigned)bytes);
        return out;
    }
    while (amount >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1024;
        unit++;
    }
    (void)snprintf(out, 32, "%.*f %s", unit > 0 && amount < 99.95 ? 1 : 0, amount, units[unit]);
    return out;
}

const char *text_span(uint64_t ms, char out[32])
{
    unsigned long long minutes = ms / 60000;
    if (minutes == 0) {
        (void)snprintf(out, 32, "%llu s", (unsigned long long)ms / 1000);
    } else if (minutes < 60) {
        (void)snprintf(out, 32, "%llu min", minutes);
    } else if (minutes < 24 * 60) {
        (void)snprintf(out, 32, "%llu h %llu min", minutes / 60, minutes % 60);
    } else {
        (void)snprintf(out, 32, "%llu d %llu h", minutes / (24 * 60), minutes / 60 % 24);
    }
    return out;
}

size_t text_terminal_width(FILE *out)
{
    int descriptor = fileno(out);
    struct winsize size;
    if (descriptor < 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}
