/* Changing the text, through the port. */
#include "cli/editor/editor_internal.h"

/* Within the call others' changes may come, which move the cursor along with the place; they are of
 * the text in front of this one. */
static void change(struct editor *editor, size_t from, size_t removed, const char *text,
                   size_t size)
{
    size_t behind = editor->cursor - from; /* 0, or all that is removed */
    if (removed == 0 && size == 0) {
        return;
    }
    if (editor->line == EDITOR_READ_ONLY) {
        editor_say_failure(editor, TANDEM_CODE_DENIED);
        return;
    }
    editor->cursor = from;
    tandem_code code = editor->port.replace(editor->port.context, from, removed, text, size);
    if (code != TANDEM_OK) {
        editor->cursor += behind;
        editor_say_failure(editor, code);
        return;
    }
    editor->doing = true;
    editor_changed(editor, editor->cursor, removed, size);
    editor->doing = false;
    editor->typed = true;
}

void editor_type(struct editor *editor, const char *text, size_t size)
{
    change(editor, editor->cursor, 0, text, size);
}

/* Everything between the cursor and there. */
static void delete_to(struct editor *editor, size_t to)
{
    size_t from = editor->cursor < to ? editor->cursor : to;
    change(editor, from, (editor->cursor < to ? to : editor->cursor) - from, "", 0);
}

static void take_back(struct editor *editor, enum editor_action action)
{
    bool undo = action == EDITOR_UNDO;
    editor->doing = true;
    tandem_code code =
        undo ? editor->port.undo(editor->port.context) : editor->port.redo(editor->port.context);
    editor->doing = false;
    if (code == TANDEM_CODE_NOT_FOUND) {
        editor_say(editor, undo ? "Nothing of yours to undo." : "Nothing of yours to redo.");
    } else if (code != TANDEM_OK) {
        editor_say_failure(editor, code);
    } else {
        editor->typed = true;
    }
}

/* To the end of the line; where it ends, the newline, so that pressing again goes on. */
static size_t kill_end(const struct editor_view *view, size_t at)
{
    size_t end = editor_line_end(view, at);
    return end == at && end < view->size ? end + 1 : end;
}

bool editor_edit(struct editor *editor, enum editor_action action)
{
    struct editor_view view = editor_view(editor);
    size_t at = editor->cursor;
    switch (action) {
    case EDITOR_ENTER:
        editor_type(editor, "\n", 1);
        return true;
    case EDITOR_BACKSPACE:
        delete_to(editor, editor_char_before(view.text, view.size, at));
        return true;
    case EDITOR_DELETE:
        delete_to(editor,
                  at == view.size ? at : at + editor_char_read(view.text, view.size, at).size);
        return true;
    case EDITOR_DELETE_WORD_LEFT:
        delete_to(editor, editor_word_left(&view, at));
        return true;
    case EDITOR_DELETE_WORD_RIGHT:
        delete_to(editor, editor_word_right(&view, at));
        return true;
    case EDITOR_DELETE_TO_START:
        delete_to(editor, editor_line_start(&view, at));
        return true;
    case EDITOR_DELETE_TO_END:
        delete_to(editor, kill_end(&view, at));
        return true;
    case EDITOR_UNDO:
    case EDITOR_REDO:
        take_back(editor, action);
        return true;
    default:
        return false;
    }
}
