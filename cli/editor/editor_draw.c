/* The text as it is to be seen, with what was found and where the others are. */
#include <string.h>

#include "cli/editor/editor_internal.h"

struct drawing {
    const struct editor *editor;
    struct editor_frame *frame;
    struct editor_view view;
    size_t match_from, match_to; /* the last one found so far */
};

/* Matches do not overlap: they are taken one after the other, from some way above the screen. */
static void begin_matches(struct drawing *drawing)
{
    const struct editor *editor = drawing->editor;
    size_t reach = (size_t)4 * EDITOR_FIND_TEXT;
    size_t at = editor->top > reach ? editor->top - reach : 0;
    at = editor_char_floor(drawing->view.text, drawing->view.size, at);
    while (at < editor->top && editor->find.size > 0) {
        size_t size = editor_match(&drawing->view, &editor->find, at);
        if (size > 0) {
            drawing->match_from = at;
            drawing->match_to = at + size;
        }
        at += size > 0 ? size : editor_char_read(drawing->view.text, drawing->view.size, at).size;
    }
}

static bool in_match(struct drawing *drawing, size_t at)
{
    const struct editor_finding *find = &drawing->editor->find;
    if (at >= drawing->match_to && find->size > 0) {
        size_t size = editor_match(&drawing->view, find, at);
        if (size > 0) {
            drawing->match_from = at;
            drawing->match_to = at + size;
        }
    }
    return at >= drawing->match_from && at < drawing->match_to;
}

static enum editor_style style_at(struct drawing *drawing, size_t at,
                                  const struct editor_char *character, unsigned *colour)
{
    const struct editor *editor = drawing->editor;
    *colour = 0;
    if (in_match(drawing, at)) {
        return drawing->match_from == editor->cursor ? EDITOR_MATCH_HERE : EDITOR_MATCH;
    }
    for (size_t i = 0; i < editor->people_count; i++) {
        const struct editor_person *person = &editor->people[i];
        size_t from = person->at < person->anchor ? person->at : person->anchor;
        size_t to = person->at < person->anchor ? person->anchor : person->at;
        if (person->has_cursor && at >= from && at < to) {
            *colour = person->colour;
            return EDITOR_SELECTED;
        }
    }
    return character->kind == EDITOR_CHAR_CODED ? EDITOR_CODED : EDITOR_PLAIN;
}

static bool is_in_row(const struct editor_row *row, const struct editor_person *person)
{
    return person->has_cursor && person->at >= row->from &&
           (person->at < row->next || (row->last && person->at == row->to));
}

/* Others' cursors: the cell is marked, and who it is stands behind the row's text. */
static void draw_people(struct drawing *drawing, const struct editor_row *row, size_t y)
{
    const struct editor *editor = drawing->editor;
    struct editor_frame *frame = drawing->frame;
    struct editor_place label = {.row = y, .end = frame->columns};
    label.column = editor_row_column(&drawing->view, row, row->to) + 2;
    for (size_t i = 0; i < editor->people_count; i++) {
        const struct editor_person *person = &editor->people[i];
        if (!is_in_row(row, person)) {
            continue;
        }
        size_t at = editor_char_floor(drawing->view.text, drawing->view.size, person->at);
        size_t column = editor_row_column(&drawing->view, row, at);
        for (size_t x = column; x < frame->columns; x++) { /* a wide one has two */
            struct editor_cell *cell = editor_frame_cell(frame, y, x);
            if (x > column && cell->width != 0) {
                break;
            }
            cell->style = EDITOR_CURSOR;
            cell->colour = (unsigned char)person->colour;
        }
        if (label.column + 2 < label.end) {
            editor_frame_text(frame, &label, person->name, strlen(person->name), EDITOR_LABEL,
                              person->colour);
            label.column++;
        }
    }
}

static void draw_row(struct drawing *drawing, const struct editor_row *row, size_t y)
{
    struct editor_place place = {.row = y, .end = drawing->view.columns};
    for (size_t at = row->from; at < row->to;) {
        unsigned colour = 0;
        struct editor_char next = editor_char_read(drawing->view.text, drawing->view.size, at);
        enum editor_style style = style_at(drawing, at, &next, &colour);
        editor_frame_put(drawing->frame, &place, drawing->view.text + at, &next, style, colour);
        at += next.size;
    }
    draw_people(drawing, row, y);
}

static void draw_text(struct drawing *drawing)
{
    const struct editor *editor = drawing->editor;
    size_t rows = editor_text_rows(editor);
    struct editor_row row = editor_row_read(&drawing->view, editor->top);
    begin_matches(drawing);
    for (size_t y = 0; y < rows; y++) {
        draw_row(drawing, &row, y);
        if (y == editor->cursor_row) {
            size_t column = editor_row_column(&drawing->view, &row, editor->cursor);
            size_t last = drawing->frame->columns - 1;
            drawing->frame->cursor_column = column < last ? column : last;
        }
        if (row.last) {
            break;
        }
        row = editor_row_read(&drawing->view, row.next);
    }
    drawing->frame->cursor_row = editor->cursor_row;
}

void editor_draw(struct editor *editor, struct editor_frame *frame)
{
    editor->rows = frame->rows;
    editor->columns = frame->columns;
    editor_settle(editor);
    struct drawing drawing = {.editor = editor, .frame = frame, .view = editor_view(editor)};
    editor_frame_clear(frame);
    if (editor->help) {
        editor_draw_help(editor, frame);
    } else {
        draw_text(&drawing);
    }
    editor_draw_bars(editor, frame);
    editor->redraw = false;
}
