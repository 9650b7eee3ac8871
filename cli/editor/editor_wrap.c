#include "cli/editor/editor_wrap.h"

#include <assert.h>
#include <string.h>

#include "cli/editor/editor_char.h"

/* One with a mark on it is to be seen. */
static bool is_space(const struct editor_char *character)
{
    return character->kind == EDITOR_CHAR_TAB || (character->code == ' ' && character->size == 1);
}

struct editor_row editor_row_read(const struct editor_view *view, size_t from)
{
    size_t column = 0;
    size_t breaks = from; /* where the line may be broken; `from`: nowhere yet */
    size_t at = from;
    while (at < view->size) {
        struct editor_char next = editor_char_read(view->text, view->size, at);
        if (next.kind == EDITOR_CHAR_NEWLINE) {
            return (struct editor_row){.from = from, .to = at, .next = at + 1};
        }
        column += editor_char_width(&next, column);
        if (is_space(&next)) {
            at += next.size;
            breaks = at;
            continue;
        }
        bool wide = next.width == 2 && next.kind == EDITOR_CHAR_PLAIN;
        breaks = wide ? at : breaks;
        if (column > view->columns && at > from) {
            size_t to = breaks > from ? breaks : at;
            return (struct editor_row){.from = from, .to = to, .next = to, .broken = true};
        }
        at += next.size;
        breaks = wide ? at : breaks;
    }
    return (struct editor_row){.from = from, .to = at, .next = at, .last = true};
}

size_t editor_line_start(const struct editor_view *view, size_t at)
{
    const char *newline = at == 0 ? NULL : memrchr(view->text, '\n', at);
    return newline == NULL ? 0 : (size_t)(newline - view->text) + 1;
}

size_t editor_line_end(const struct editor_view *view, size_t at)
{
    const char *newline = memchr(view->text + at, '\n', view->size - at);
    return newline == NULL ? view->size : (size_t)(newline - view->text);
}

struct editor_row editor_row_of(const struct editor_view *view, size_t at)
{
    assert(at <= view->size);
    struct editor_row row = editor_row_read(view, editor_line_start(view, at));
    while (row.broken && row.next <= at) {
        row = editor_row_read(view, row.next);
    }
    return row;
}

/* Rows of the line at `start` that begin before `end`. */
static size_t count_rows(const struct editor_view *view, size_t start, size_t end)
{
    size_t count = 0;
    for (size_t at = start; at < end;) {
        struct editor_row row = editor_row_read(view, at);
        count++;
        at = row.broken ? row.next : end;
    }
    return count;
}

struct editor_row editor_row_above(const struct editor_view *view, size_t from, size_t count)
{
    size_t start = editor_line_start(view, from);
    size_t above = count_rows(view, start, from);
    while (above < count && start > 0) {
        count -= above;
        size_t end = start; /* behind the newline: an empty line has a row as well */
        start = editor_line_start(view, end - 1);
        above = count_rows(view, start, end);
    }
    struct editor_row row = editor_row_read(view, start);
    for (size_t skip = above > count ? above - count : 0; skip > 0; skip--) {
        row = editor_row_read(view, row.next);
    }
    return row;
}

size_t editor_row_column(const struct editor_view *view, const struct editor_row *row, size_t at)
{
    size_t column = 0;
    for (size_t next = row->from; next < at && next < row->to;) {
        struct editor_char character = editor_char_read(view->text, view->size, next);
        column += editor_char_width(&character, column);
        next += character.size;
    }
    return column < view->columns ? column : view->columns;
}

size_t editor_row_at(const struct editor_view *view, const struct editor_row *row, size_t column)
{
    size_t end = editor_row_end(view, row);
    size_t at = row->from;
    for (size_t used = 0; at < end;) {
        struct editor_char character = editor_char_read(view->text, view->size, at);
        used += editor_char_width(&character, used);
        if (used > column) {
            break;
        }
        at += character.size;
    }
    return at;
}

size_t editor_row_end(const struct editor_view *view, const struct editor_row *row)
{
    return row->broken ? editor_char_before(view->text, view->size, row->to) : row->to;
}
