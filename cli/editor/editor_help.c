/* The keys there are, in place of the text. */
#include <string.h>

#include "cli/editor/editor_internal.h"

static const struct help_line {
    const char *keys, *what;
} help_lines[] = {
    {"Ctrl-Q", "leave; everything is kept"},
    {"Ctrl-Z, Ctrl-Y", "undo and redo what you did"},
    {"Ctrl-F", "find; Enter stays there, Esc goes back"},
    {"Ctrl-G, Ctrl-R", "the next, the one before"},
    {"arrows", "with Ctrl: by words and lines"},
    {"Home, End", "of the row; with Ctrl: of the note"},
    {"Ctrl-A, Ctrl-E", "beginning and end of the line"},
    {"PgUp, PgDn", "by screens"},
    {"Ctrl-W, Alt-D", "delete the word before, behind"},
    {"Ctrl-U, Ctrl-K", "delete to the beginning, end of the line"},
    {"Ctrl-L", "draw the screen anew"},
};
#define KEYS_WIDTH 17u

void editor_draw_help(const struct editor *editor, struct editor_frame *frame)
{
    size_t rows = editor_text_rows(editor);
    size_t indent = frame->columns > 40;
    size_t count = sizeof help_lines / sizeof help_lines[0];
    for (size_t y = 0; y < rows && y < count; y++) {
        struct editor_place place = {.row = y, .column = indent, .end = frame->columns};
        const char *keys = help_lines[y].keys;
        const char *what = help_lines[y].what;
        editor_frame_text(frame, &place, keys, strlen(keys), EDITOR_BAR, 0);
        place.column = place.column > indent + KEYS_WIDTH ? place.column : indent + KEYS_WIDTH;
        if (place.column < place.end) {
            editor_frame_text(frame, &place, what, strlen(what), EDITOR_PLAIN, 0);
        }
    }
    frame->cursor_row = rows - 1;
    frame->cursor_column = 0;
}
