#include "editor_fixture.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const char *get_text(void *context, size_t *size)
{
    struct fixture *fixture = context;
    *size = fixture->size;
    return fixture->text;
}

static void put(struct fixture *fixture, size_t from, size_t removed, const char *text, size_t size)
{
    assert_true(from + removed <= fixture->size);
    assert_true(fixture->size - removed + size < sizeof fixture->text);
    memmove(fixture->text + from + size, fixture->text + from + removed,
            fixture->size - from - removed);
    memcpy(fixture->text + from, text, size);
    fixture->size += size - removed;
    fixture->text[fixture->size] = '\0';
}

static tandem_code replace(void *context, size_t from, size_t removed, const char *text,
                           size_t size)
{
    struct fixture *fixture = context;
    if (fixture->refuse != TANDEM_OK) {
        return fixture->refuse;
    }
    if (fixture->size - removed + size > fixture->most) {
        return TANDEM_CODE_TOO_LARGE;
    }
    memcpy(fixture->before, fixture->text, fixture->size);
    fixture->before_size = fixture->size;
    fixture->edit_from = from;
    fixture->edit_removed = removed;
    fixture->edit_inserted = size;
    fixture->can_undo = true;
    put(fixture, from, removed, text, size);
    return TANDEM_OK;
}

static tandem_code undo(void *context)
{
    struct fixture *fixture = context;
    char gone[FIXTURE_TEXT];
    if (!fixture->can_undo) {
        return TANDEM_CODE_NOT_FOUND;
    }
    memcpy(gone, fixture->before + fixture->edit_from, fixture->edit_removed);
    put(fixture, fixture->edit_from, fixture->edit_inserted, gone, fixture->edit_removed);
    fixture->can_undo = false;
    editor_changed(&fixture->editor, fixture->edit_from, fixture->edit_inserted,
                   fixture->edit_removed);
    return TANDEM_OK;
}

static tandem_code redo(void *context)
{
    (void)context;
    return TANDEM_CODE_NOT_FOUND;
}

void fixture_begin(struct fixture *fixture, const char *text, size_t rows, size_t columns)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    memset(fixture, 0, sizeof *fixture);
    const struct editor_port port = {fixture, get_text, replace, undo, redo};
    fixture->size = strlen(text);
    fixture->most = sizeof fixture->text - 1;
    memcpy(fixture->text, text, fixture->size + 1);
    editor_init(&fixture->editor, &port);
    editor_frame_init(&fixture->frame, rows, columns);
    assert_non_null(fixture->frame.cells);
    editor_resize(&fixture->editor, rows, columns);
}

void fixture_end(struct fixture *fixture)
{
    editor_frame_release(&fixture->frame);
}

void fixture_act(struct fixture *fixture, enum editor_action action)
{
    const struct editor_key key = {.kind = EDITOR_KEY_ACTION, .action = action, .text = ""};
    editor_key(&fixture->editor, &key);
}

void fixture_type(struct fixture *fixture, const char *text)
{
    const struct editor_key key = {.kind = EDITOR_KEY_TEXT, .text = text, .size = strlen(text)};
    editor_key(&fixture->editor, &key);
}

void fixture_other(struct fixture *fixture, size_t from, size_t removed, const char *text)
{
    put(fixture, from, removed, text, strlen(text));
    fixture->can_undo = false; /* this one knows nothing of others' changes */
    editor_changed(&fixture->editor, from, removed, strlen(text));
}

const char *fixture_row(struct fixture *fixture, size_t row)
{
    size_t used = 0;
    size_t kept = 0;
    editor_draw(&fixture->editor, &fixture->frame);
    for (size_t x = 0; x < fixture->frame.columns; x++) {
        const char *text = editor_frame_cell(&fixture->frame, row, x)->text;
        memcpy(fixture->shown + used, text, strlen(text));
        used += strlen(text);
        kept = strcmp(text, " ") == 0 ? kept : used;
    }
    fixture->shown[kept] = '\0';
    return fixture->shown;
}

void fixture_shows(struct fixture *fixture, size_t row, const char *text)
{
    assert_string_equal(fixture_row(fixture, row), text);
}

bool fixture_has_style(struct fixture *fixture, size_t row, enum editor_style style)
{
    editor_draw(&fixture->editor, &fixture->frame);
    for (size_t x = 0; x < fixture->frame.columns; x++) {
        if (editor_frame_cell(&fixture->frame, row, x)->style == style) {
            return true;
        }
    }
    return false;
}

void fixture_cursor_at(struct fixture *fixture, size_t row, size_t column)
{
    editor_draw(&fixture->editor, &fixture->frame);
    assert_int_equal(fixture->frame.cursor_row, row);
    assert_int_equal(fixture->frame.cursor_column, column);
}
