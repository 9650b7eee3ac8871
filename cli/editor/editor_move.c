/* Moving the cursor. */
#include "cli/editor/editor_internal.h"

static size_t right_of(const struct editor_view *view, size_t at)
{
    return at == view->size ? at : at + editor_char_read(view->text, view->size, at).size;
}

static enum editor_class class_at(const struct editor_view *view, size_t at)
{
    return editor_char_class(editor_char_read(view->text, view->size, at).code);
}

size_t editor_word_right(const struct editor_view *view, size_t at)
{
    if (at < view->size && class_at(view, at) != EDITOR_SPACE) {
        enum editor_class class = class_at(view, at);
        while (at < view->size && class_at(view, at) == class) {
            at = right_of(view, at);
        }
    }
    while (at < view->size && class_at(view, at) == EDITOR_SPACE) {
        at = right_of(view, at);
    }
    return at;
}

size_t editor_word_left(const struct editor_view *view, size_t at)
{
    size_t before = editor_char_before(view->text, view->size, at);
    while (at > 0 && class_at(view, before) == EDITOR_SPACE) {
        at = before;
        before = editor_char_before(view->text, view->size, at);
    }
    if (at > 0) {
        enum editor_class class = class_at(view, before);
        while (at > 0 && class_at(view, before) == class) {
            at = before;
            before = editor_char_before(view->text, view->size, at);
        }
    }
    return at;
}

/* By rows, in the column where this began. */
static void go_by_rows(struct editor *editor, const struct editor_view *view, size_t count, bool up)
{
    struct editor_row row = editor_row_of(view, editor->cursor);
    if (!editor->has_goal) {
        editor->goal = editor_row_column(view, &row, editor->cursor);
        editor->has_goal = true;
    }
    if (up) {
        row = editor_row_above(view, row.from, count);
    }
    for (; !up && count > 0 && !row.last; count--) {
        row = editor_row_read(view, row.next);
    }
    editor->cursor = editor_row_at(view, &row, editor->goal);
}

static void go_by_page(struct editor *editor, const struct editor_view *view, bool up)
{
    size_t rows = editor_text_rows(editor);
    size_t page = rows > 2 ? rows - 1 : 1; /* one row stays in sight */
    if (up) {
        editor->top = editor_row_above(view, editor->top, page).from;
    } else {
        struct editor_row top = editor_row_read(view, editor->top);
        for (size_t i = 0; i < page && !top.last; i++) {
            top = editor_row_read(view, top.next);
        }
        editor->top = top.from;
    }
    go_by_rows(editor, view, page, up);
}

static size_t line_up(const struct editor_view *view, size_t at)
{
    size_t start = editor_line_start(view, at);
    return start < at || start == 0 ? start : editor_line_start(view, start - 1);
}

static size_t line_down(const struct editor_view *view, size_t at)
{
    size_t end = editor_line_end(view, at);
    return end < view->size ? end + 1 : end;
}

/* Where an action that keeps no column goes; EDITOR_NOWHERE when it is another. */
static size_t target(const struct editor_view *view, size_t at, enum editor_action action)
{
    struct editor_row row;
    switch (action) {
    case EDITOR_LEFT:
        return editor_char_before(view->text, view->size, at);
    case EDITOR_RIGHT:
        return right_of(view, at);
    case EDITOR_WORD_LEFT:
        return editor_word_left(view, at);
    case EDITOR_WORD_RIGHT:
        return editor_word_right(view, at);
    case EDITOR_ROW_START:
        return editor_row_of(view, at).from;
    case EDITOR_ROW_END:
        row = editor_row_of(view, at);
        return editor_row_end(view, &row);
    case EDITOR_LINE_START:
        return editor_line_start(view, at);
    case EDITOR_LINE_END:
        return editor_line_end(view, at);
    case EDITOR_LINE_UP:
        return line_up(view, at);
    case EDITOR_LINE_DOWN:
        return line_down(view, at);
    case EDITOR_TEXT_START:
        return 0;
    case EDITOR_TEXT_END:
        return view->size;
    default:
        return EDITOR_NOWHERE;
    }
}

bool editor_move(struct editor *editor, enum editor_action action)
{
    struct editor_view view = editor_view(editor);
    if (action == EDITOR_UP || action == EDITOR_DOWN) {
        go_by_rows(editor, &view, 1, action == EDITOR_UP);
        return true;
    }
    if (action == EDITOR_PAGE_UP || action == EDITOR_PAGE_DOWN) {
        go_by_page(editor, &view, action == EDITOR_PAGE_UP);
        return true;
    }
    size_t to = target(&view, editor->cursor, action);
    if (to == EDITOR_NOWHERE) {
        return false;
    }
    editor->cursor = to;
    editor->has_goal = false;
    return true;
}
