/* The two rows below the text: what note this is, who is here and whether all is saved; and what
 * can be done, or what there is to say. On a screen of two or three rows they share one. */
#include <stdio.h>
#include <string.h>

#include "cli/editor/editor_internal.h"

#define STATE 48u
#define NARROW 32u
#define LEAST_TITLE 8u

/* Fills the row from the place on. */
static void fill(struct editor_frame *frame, size_t row, size_t from, enum editor_style style)
{
    for (size_t x = from; x < frame->columns; x++) {
        *editor_frame_cell(frame, row, x) =
            (struct editor_cell){.text = " ", .width = 1, .style = (unsigned char)style};
    }
}

static enum editor_style state_text(const struct editor *editor, char out[STATE])
{
    const char *word = editor->line == EDITOR_ENDED       ? "not editable"
                       : editor->line == EDITOR_READ_ONLY ? "read only"
                       : editor->line != EDITOR_ONLINE    ? "offline"
                       : editor->waiting > 0              ? "sending"
                                                          : "saved";
    bool counts = editor->waiting > 0 && editor->line != EDITOR_ONLINE;
    if (!counts) {
        (void)snprintf(out, STATE, "%s", word);
    } else if (editor->columns < NARROW) {
        (void)snprintf(out, STATE, "%s %zu", word, editor->waiting);
    } else {
        (void)snprintf(out, STATE, "%s, %zu waiting", word, editor->waiting);
    }
    return editor->line == EDITOR_ONLINE ? EDITOR_STATUS : EDITOR_STATUS_ALERT;
}

/* ---- Who is here ----------------------------------------------------------------------------- */

/* Somebody with several windows is named once. */
static bool is_named(const struct editor *editor, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(editor->people[i].name, editor->people[index].name) == 0) {
            return true;
        }
    }
    return false;
}

static bool types(const struct editor *editor, const char *name)
{
    for (size_t i = 0; i < editor->people_count; i++) {
        if (editor->people[i].typing && strcmp(editor->people[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Writes the names where there is room, else only counts; returns the columns they take. */
static size_t put_people(const struct editor *editor, struct editor_frame *frame,
                         struct editor_place *place)
{
    size_t columns = 0;
    const char *separator = "";
    for (size_t i = 0; i < editor->people_count; i++) {
        const struct editor_person *person = &editor->people[i];
        if (is_named(editor, i)) {
            continue;
        }
        const char *typing = types(editor, person->name) ? " types" : "";
        columns += strlen(separator) + editor_text_columns(person->name, strlen(person->name)) +
                   strlen(typing);
        if (place != NULL) {
            editor_frame_text(frame, place, separator, strlen(separator), EDITOR_STATUS, 0);
            editor_frame_text(frame, place, person->name, strlen(person->name),
                              EDITOR_STATUS_PERSON, person->colour);
            editor_frame_text(frame, place, typing, strlen(typing), EDITOR_STATUS, 0);
        }
        separator = ", ";
    }
    return columns;
}

/* Ends at `end`; returns where it begins. */
static size_t draw_people(const struct editor *editor, struct editor_frame *frame, size_t row,
                          size_t end)
{
    char many[32];
    size_t count = editor->people_count + editor->people_more;
    if (count == 0) {
        return end;
    }
    size_t needs = put_people(editor, frame, NULL) + 2;
    if (editor->people_more == 0 && needs + LEAST_TITLE <= end) {
        struct editor_place place = {.row = row, .column = end - needs, .end = end};
        (void)put_people(editor, frame, &place);
        return end - needs;
    }
    needs = (size_t)snprintf(many, sizeof many, "%zu here", count) + 2;
    if (needs + 1 > end) {
        return end;
    }
    struct editor_place place = {.row = row, .column = end - needs, .end = end};
    editor_frame_text(frame, &place, many, strlen(many), EDITOR_STATUS, 0);
    return end - needs;
}

/* ---- The status line ------------------------------------------------------------------------- */

/* The first line with something in it. */
static size_t find_title(const struct editor_view *view)
{
    size_t at = 0;
    while (at < view->size &&
           editor_char_class(editor_char_read(view->text, view->size, at).code) == EDITOR_SPACE) {
        at += editor_char_read(view->text, view->size, at).size;
    }
    return at;
}

static void draw_status(const struct editor *editor, struct editor_frame *frame, size_t row)
{
    char state[STATE];
    enum editor_style style = state_text(editor, state);
    size_t width = strlen(state);
    size_t columns = frame->columns;
    fill(frame, row, 0, EDITOR_STATUS);
    struct editor_place place = {
        .row = row, .column = columns > width ? columns - width - 1 : 0, .end = columns};
    size_t end = place.column;
    editor_frame_text(frame, &place, state, width, style, 0);
    end = draw_people(editor, frame, row, end > 2 ? end - 1 : 0);
    struct editor_view view = editor_view(editor);
    size_t title = find_title(&view);
    place = (struct editor_place){.row = row, .column = 1, .end = end > 0 ? end - 1 : 0};
    if (place.column + 2 < place.end) {
        bool empty = title == view.size;
        editor_frame_text(frame, &place, empty ? "Empty note" : view.text + title,
                          empty ? strlen("Empty note") : view.size - title, EDITOR_STATUS, 0);
    }
}

/* ---- The row for messages -------------------------------------------------------------------- */

static void draw_question(const struct editor *editor, struct editor_frame *frame, size_t row)
{
    const struct editor_finding *find = &editor->find;
    struct editor_place place = {.row = row, .end = frame->columns - 1};
    const char *label = frame->columns < 20 ? "" : "Find: ";
    editor_frame_text(frame, &place, label, strlen(label), EDITOR_BAR, 0);
    /* Of something long, its end is what is being typed. */
    size_t from = 0;
    while (from < find->size &&
           editor_text_columns(find->text + from, find->size - from) > place.end - place.column) {
        from += editor_char_read(find->text, find->size, from).size;
    }
    editor_frame_text(frame, &place, find->text + from, find->size - from, EDITOR_BAR, 0);
    frame->cursor_row = row;
    frame->cursor_column = place.column;
    place.column += 2;
    place.end = frame->columns;
    const char *remark = find->missing ? "It is not there." : editor->message;
    if (place.column < place.end) {
        editor_frame_text(frame, &place, remark, strlen(remark),
                          find->missing ? EDITOR_STATUS_ALERT : EDITOR_BAR, 0);
    }
}

static void draw_keys(struct editor_frame *frame, size_t row)
{
    static const char *const keys[] = {"^Q Quit", "F1 Keys", "^F Find", "^Z Undo", "^Y Redo"};
    struct editor_place place = {.row = row, .column = frame->columns > 20, .end = frame->columns};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (place.column + strlen(keys[i]) > place.end) {
            break;
        }
        editor_frame_text(frame, &place, keys[i], strlen(keys[i]), EDITOR_BAR, 0);
        place.column += 3;
    }
}

static void draw_bar(const struct editor *editor, struct editor_frame *frame, size_t row)
{
    struct editor_place place = {.row = row, .column = frame->columns > 20, .end = frame->columns};
    fill(frame, row, 0, EDITOR_BAR);
    if (editor->find.asking) {
        draw_question(editor, frame, row);
    } else if (editor->message[0] != '\0') {
        editor_frame_text(frame, &place, editor->message, strlen(editor->message), EDITOR_BAR, 0);
    } else {
        draw_keys(frame, row);
    }
}

void editor_draw_bars(const struct editor *editor, struct editor_frame *frame)
{
    bool says = editor->find.asking || editor->message[0] != '\0';
    if (frame->rows >= 4) {
        draw_status(editor, frame, frame->rows - 2);
    } else if (frame->rows >= 2 && !says) {
        draw_status(editor, frame, frame->rows - 1);
    }
    if (frame->rows >= 4 || (frame->rows >= 2 && says)) {
        draw_bar(editor, frame, frame->rows - 1);
    }
}
