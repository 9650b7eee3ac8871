#include "cli/editor/editor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/editor/editor_internal.h"

/* From this width on there is a margin for the names of who has a cursor there. */
#define WITH_MARGIN 60u
#define MARGIN 12u

void editor_init(struct editor *editor, const struct editor_port *port)
{
    *editor = (struct editor){.port = *port, .rows = 24, .columns = 80};
}

struct editor_view editor_view(const struct editor *editor)
{
    struct editor_view view = {.size = 0};
    view.text = editor->port.text(editor->port.context, &view.size);
    /* The last column is for the cursor behind a full row. */
    size_t columns = editor->columns >= WITH_MARGIN ? editor->columns - MARGIN : editor->columns;
    view.columns = columns > 1 ? columns - 1 : 1;
    return view;
}

size_t editor_text_rows(const struct editor *editor)
{
    return editor->rows >= 4 ? editor->rows - 2 : editor->rows >= 2 ? editor->rows - 1 : 1;
}

void editor_say(struct editor *editor, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(editor->message, sizeof editor->message, format, list);
    va_end(list);
}

void editor_say_failure(struct editor *editor, tandem_code code)
{
    if (code == TANDEM_CODE_TOO_LARGE) {
        editor_say(editor, "That does not fit: the note is as long as a note can be.");
    } else if (code == TANDEM_CODE_DENIED) {
        editor_say(editor, "You may read this note, but not change it.");
    } else if (code == TANDEM_CODE_NOT_FOUND) {
        editor_say(editor, "This note cannot be edited any more.");
    } else if (code == TANDEM_CODE_INVALID_VALUE) {
        editor_say(editor, "That is no text.");
    } else {
        editor_say(editor, "Not changed: %s.", tandem_error_text(code));
    }
}

/* ---- Where the cursor is --------------------------------------------------------------------- */

void editor_settle(struct editor *editor)
{
    struct editor_view view = editor_view(editor);
    size_t cursor = editor->cursor < view.size ? editor->cursor : view.size;
    editor->cursor = editor_char_floor(view.text, view.size, cursor);
    if (editor->shifted) {
        struct editor_row row = editor_row_of(&view, editor->cursor);
        editor->top = editor_row_above(&view, row.from, editor->cursor_row).from;
        editor->shifted = false;
    }
    editor_show_cursor(editor);
}

/* Rows from the one at `top` down to the one at `from`; more than `most` is `most` + 1. */
static size_t rows_down(const struct editor_view *view, size_t top, size_t from, size_t most)
{
    size_t count = 0;
    for (size_t at = top; at != from && count <= most; count++) {
        at = editor_row_read(view, at).next;
    }
    return count;
}

/* Whether all rows of the text have room on the screen. */
static bool fits(const struct editor_view *view, size_t rows)
{
    struct editor_row row = editor_row_read(view, 0);
    for (size_t count = 1; count < rows && !row.last; count++) {
        row = editor_row_read(view, row.next);
    }
    return row.last;
}

void editor_show_cursor(struct editor *editor)
{
    struct editor_view view = editor_view(editor);
    size_t rows = editor_text_rows(editor);
    size_t from = editor_row_of(&view, editor->cursor).from;
    size_t top = editor->top < view.size ? editor->top : view.size;
    top = editor_row_of(&view, top).from;
    if (top > 0 && fits(&view, rows)) {
        top = 0; /* nothing is out of sight without need */
    } else if (from < top) {
        bool near = editor_row_above(&view, top, 1).from == from;
        top = near ? from : editor_row_above(&view, from, rows / 2).from;
    } else {
        size_t down = rows_down(&view, top, from, rows);
        if (down >= rows) {
            top = editor_row_above(&view, from, down == rows ? rows - 1 : rows / 2).from;
        }
    }
    editor->top = top;
    editor->cursor_row = rows_down(&view, top, from, rows);
    assert(editor->cursor_row < rows);
}

void editor_resize(struct editor *editor, size_t rows, size_t columns)
{
    editor->rows = rows == 0 ? 1 : rows;
    editor->columns = columns == 0 ? 1 : columns;
    editor->has_goal = false;
    editor->redraw = true;
    editor_settle(editor);
}

/* ---- What others do -------------------------------------------------------------------------- */

/* A cursor stays in front of what is put in where it is. */
static size_t moved(size_t place, size_t from, size_t removed, size_t inserted)
{
    if (place <= from) {
        return place;
    }
    if (place >= from + removed) {
        return place - removed + inserted;
    }
    return from + (place - from < inserted ? place - from : inserted);
}

void editor_changed(struct editor *editor, size_t from, size_t removed, size_t inserted)
{
    for (size_t i = 0; i < editor->people_count; i++) {
        struct editor_person *person = &editor->people[i];
        person->at = moved(person->at, from, removed, inserted);
        person->anchor = moved(person->anchor, from, removed, inserted);
    }
    editor->find.origin = moved(editor->find.origin, from, removed, inserted);
    editor->find.origin_top = moved(editor->find.origin_top, from, removed, inserted);
    editor->top = moved(editor->top, from, removed, inserted);
    if (editor->doing) {
        editor->cursor = from + inserted;
        editor->has_goal = false;
    } else {
        editor->cursor = moved(editor->cursor, from, removed, inserted);
        editor->shifted = true;
    }
}

static const struct editor_person *find_person(const struct editor_person *people, size_t count,
                                               uint64_t session)
{
    for (size_t i = 0; i < count; i++) {
        if (people[i].session == session) {
            return &people[i];
        }
    }
    return NULL;
}

/* The colour that the fewest have. */
static unsigned free_colour(const unsigned used[EDITOR_COLOURS])
{
    unsigned best = 0;
    for (unsigned i = 1; i < EDITOR_COLOURS; i++) {
        best = used[i] < used[best] ? i : best;
    }
    return best;
}

void editor_people(struct editor *editor, const struct editor_person *people, size_t count)
{
    struct editor_person now[EDITOR_PEOPLE];
    unsigned used[EDITOR_COLOURS] = {0};
    size_t kept = count < EDITOR_PEOPLE ? count : EDITOR_PEOPLE;
    for (size_t i = 0; i < kept; i++) {
        const struct editor_person *known =
            find_person(editor->people, editor->people_count, people[i].session);
        now[i] = people[i];
        now[i].colour = known == NULL ? EDITOR_COLOURS : known->colour;
        if (known != NULL) {
            used[known->colour]++;
        }
    }
    for (size_t i = 0; i < kept; i++) {
        if (now[i].colour == EDITOR_COLOURS) {
            now[i].colour = free_colour(used);
            used[now[i].colour]++;
        }
    }
    memcpy(editor->people, now, kept * sizeof now[0]);
    editor->people_count = kept;
    editor->people_more = count - kept;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void act(struct editor *editor, enum editor_action action)
{
    if (editor_move(editor, action) || editor_edit(editor, action)) {
        return;
    }
    switch (action) {
    case EDITOR_FIND:
        editor_find_begin(editor);
        break;
    case EDITOR_FIND_NEXT:
    case EDITOR_FIND_PREVIOUS:
        editor_find_again(editor, action == EDITOR_FIND_PREVIOUS);
        break;
    case EDITOR_CANCEL:
        editor->find.size = 0;
        break;
    case EDITOR_HELP:
        editor->help = true;
        break;
    case EDITOR_SAVE:
        if (editor->line == EDITOR_READ_ONLY) {
            editor_say_failure(editor, TANDEM_CODE_DENIED);
        } else {
            editor_say(editor, "Saved as you type. Ctrl-Q leaves.");
        }
        break;
    case EDITOR_REDRAW:
        editor->redraw = true;
        break;
    case EDITOR_QUIT:
        editor->quit = true;
        break;
    default:
        break;
    }
}

void editor_key(struct editor *editor, const struct editor_key *key)
{
    bool was_help = editor->help;
    editor_settle(editor);
    editor->typed = false;
    editor->help = false;
    editor->message[0] = '\0';
    if (editor->find.asking && editor_find_key(editor, key)) {
        editor_settle(editor);
        return;
    }
    if (key->kind == EDITOR_KEY_PASTE_TOO_LONG) {
        editor_say_failure(editor, TANDEM_CODE_TOO_LARGE);
    } else if (key->kind != EDITOR_KEY_ACTION) {
        editor_type(editor, key->text, key->size);
    } else if (!was_help || key->action == EDITOR_QUIT) { /* else it has closed the help */
        act(editor, key->action);
    }
    editor_settle(editor);
}
