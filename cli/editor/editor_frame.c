#include "cli/editor/editor_frame.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void editor_frame_init(struct editor_frame *frame, size_t rows, size_t columns)
{
    *frame = (struct editor_frame){.rows = least(rows, EDITOR_ROWS),
                                   .columns = least(columns, EDITOR_COLUMNS)};
    frame->cells = memory_new(frame->rows * frame->columns * sizeof *frame->cells);
    if (frame->cells != NULL) {
        editor_frame_clear(frame);
    }
}

void editor_frame_release(struct editor_frame *frame)
{
    memory_free(frame->cells);
    *frame = (struct editor_frame){.cells = NULL};
}

void editor_frame_clear(struct editor_frame *frame)
{
    const struct editor_cell blank = {.text = " ", .width = 1, .style = EDITOR_PLAIN};
    for (size_t i = 0; i < frame->rows * frame->columns; i++) {
        frame->cells[i] = blank;
    }
}

struct editor_cell *editor_frame_cell(const struct editor_frame *frame, size_t row, size_t column)
{
    assert(row < frame->rows && column < frame->columns);
    return &frame->cells[row * frame->columns + column];
}

static void put_cell(struct editor_frame *frame, struct editor_place *place, const char *text,
                     unsigned width, enum editor_style style, unsigned colour)
{
    if (place->column + width > place->end) {
        place->column = place->end;
        return;
    }
    for (unsigned i = 0; i < width; i++) {
        struct editor_cell *cell = editor_frame_cell(frame, place->row, place->column++);
        *cell = (struct editor_cell){.width = (unsigned char)(i == 0 ? width : 0),
                                     .style = (unsigned char)style,
                                     .colour = (unsigned char)colour};
        if (i == 0) {
            memcpy(cell->text, text, strlen(text) + 1);
        }
    }
}

void editor_frame_put(struct editor_frame *frame, struct editor_place *place, const char *at,
                      const struct editor_char *character, enum editor_style style, unsigned colour)
{
    char shown[EDITOR_SHOWN];
    if (character->kind == EDITOR_CHAR_PLAIN) {
        editor_char_show(at, character, shown);
        put_cell(frame, place, shown, character->width, style, colour);
        return;
    }
    if (character->kind == EDITOR_CHAR_CODED) {
        editor_char_show(at, character, shown);
    } else { /* a newline has no width */
        unsigned width = editor_char_width(character, place->column);
        memset(shown, ' ', width);
        shown[width] = '\0';
    }
    for (const char *sign = shown; *sign != '\0'; sign++) {
        const char one[2] = {*sign, '\0'};
        put_cell(frame, place, one, 1, style, colour);
    }
}

static size_t first_line(const char *text, size_t size)
{
    const char *newline = size == 0 ? NULL : memchr(text, '\n', size);
    return newline == NULL ? size : (size_t)(newline - text);
}

static unsigned columns_of(const struct editor_char *character)
{
    return character->kind == EDITOR_CHAR_TAB ? 1 : character->width;
}

size_t editor_text_columns(const char *text, size_t size)
{
    size_t columns = 0;
    size = first_line(text, size);
    for (size_t at = 0; at < size;) {
        struct editor_char next = editor_char_read(text, size, at);
        columns += columns_of(&next);
        at += next.size;
    }
    return columns;
}

void editor_frame_text(struct editor_frame *frame, struct editor_place *place, const char *text,
                       size_t size, enum editor_style style, unsigned colour)
{
    size = first_line(text, size);
    size_t room = place->end > place->column ? place->end - place->column : 0;
    bool cut = editor_text_columns(text, size) > room;
    if (room == 0) {
        return;
    }
    room -= cut;
    for (size_t at = 0; at < size;) {
        struct editor_char next = editor_char_read(text, size, at);
        if (columns_of(&next) > room) {
            break;
        }
        room -= columns_of(&next);
        if (next.kind == EDITOR_CHAR_TAB) {
            put_cell(frame, place, " ", 1, style, colour);
        } else {
            editor_frame_put(frame, place, text + at, &next, style, colour);
        }
        at += next.size;
    }
    if (cut) {
        put_cell(frame, place, "\xE2\x80\xA6", 1, style, colour);
    }
}
