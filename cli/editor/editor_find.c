/* Finding: forwards and backwards, around the end of the text, whatever the case of letters. */
#include <string.h>

#include "cli/cli_text.h"
#include "cli/editor/editor_internal.h"

static size_t read_folded(const char *text, size_t size, uint32_t *code)
{
    size_t length = text_decode(text, size, code);
    *code = editor_char_fold(*code);
    return length == 0 ? 1 : length;
}

size_t editor_match(const struct editor_view *view, const struct editor_finding *find, size_t at)
{
    size_t end = at;
    for (size_t done = 0; done < find->size;) {
        uint32_t wanted = 0;
        uint32_t there = 0;
        if (end == view->size) {
            return 0;
        }
        done += read_folded(find->text + done, find->size - done, &wanted);
        end += read_folded(view->text + end, view->size - end, &there);
        if (wanted != there) {
            return 0;
        }
    }
    /* "e" is not found in an e with an accent of its own. */
    return editor_char_floor(view->text, view->size, end) == end ? end - at : 0;
}

/* The first match from `from` on, before `to`. */
static size_t find_forwards(const struct editor_view *view, const struct editor_finding *find,
                            size_t from, size_t to)
{
    for (size_t at = from; at < to && find->size > 0;) {
        if (editor_match(view, find, at) > 0) {
            return at;
        }
        at += editor_char_read(view->text, view->size, at).size;
    }
    return EDITOR_NOWHERE;
}

/* The last match that begins in [from, to). */
static size_t find_backwards(const struct editor_view *view, const struct editor_finding *find,
                             size_t from, size_t to)
{
    for (size_t at = to; at > from && find->size > 0;) {
        at = editor_char_before(view->text, view->size, at);
        if (editor_match(view, find, at) > 0) {
            return at;
        }
    }
    return EDITOR_NOWHERE;
}

static void go_to(struct editor *editor, size_t found)
{
    editor->find.missing = found == EDITOR_NOWHERE && editor->find.size > 0;
    if (found != EDITOR_NOWHERE) {
        editor->cursor = found;
        editor->has_goal = false;
    }
}

static void go_on(struct editor *editor, bool backwards)
{
    struct editor_view view = editor_view(editor);
    size_t at = editor->cursor;
    size_t behind = at == view.size ? at : at + editor_char_read(view.text, view.size, at).size;
    size_t found = backwards ? find_backwards(&view, &editor->find, 0, at)
                             : find_forwards(&view, &editor->find, behind, view.size);
    if (found == EDITOR_NOWHERE) {
        found = backwards ? find_backwards(&view, &editor->find, at, view.size)
                          : find_forwards(&view, &editor->find, 0, behind);
        if (found != EDITOR_NOWHERE) {
            editor_say(editor, backwards ? "On from the end." : "On from the beginning.");
        }
    }
    go_to(editor, found);
}

/* As what to find is typed: the first match from where it began. */
static void look(struct editor *editor)
{
    struct editor_view view = editor_view(editor);
    size_t origin = editor_char_floor(
        view.text, view.size, editor->find.origin < view.size ? editor->find.origin : view.size);
    size_t found = find_forwards(&view, &editor->find, origin, view.size);
    if (found == EDITOR_NOWHERE) {
        found = find_forwards(&view, &editor->find, 0, origin);
    }
    editor->cursor = origin;
    go_to(editor, found);
}

void editor_find_begin(struct editor *editor)
{
    editor->find.asking = true;
    editor->find.fresh = true;
    editor->find.missing = false;
    editor->find.origin = editor->cursor;
    editor->find.origin_top = editor->top;
}

void editor_find_again(struct editor *editor, bool backwards)
{
    if (editor->find.size == 0) {
        editor_find_begin(editor);
        return;
    }
    go_on(editor, backwards);
    if (editor->find.missing) {
        editor_say(editor, "\"%.*s\" is not there.", (int)editor->find.size, editor->find.text);
    }
}

static void add(struct editor_finding *find, const char *text, size_t size)
{
    const char *newline = memchr(text, '\n', size);
    size_t length = newline == NULL ? size : (size_t)(newline - text);
    find->size = find->fresh ? 0 : find->size;
    find->fresh = false;
    if (length <= sizeof find->text - find->size) {
        memcpy(find->text + find->size, text, length);
        find->size += length;
    }
}

static void cancel(struct editor *editor)
{
    editor->find.asking = false;
    editor->find.size = 0;
    editor->cursor = editor->find.origin;
    editor->top = editor->find.origin_top;
}

bool editor_find_key(struct editor *editor, const struct editor_key *key)
{
    struct editor_finding *find = &editor->find;
    enum editor_action action = key->action;
    if (key->kind == EDITOR_KEY_TEXT || key->kind == EDITOR_KEY_PASTE) {
        add(find, key->text, key->size);
        look(editor);
    } else if (action == EDITOR_BACKSPACE) {
        find->fresh = false;
        find->size = editor_char_before(find->text, find->size, find->size);
        look(editor);
    } else if (action == EDITOR_DELETE_TO_START || action == EDITOR_DELETE_WORD_LEFT) {
        find->size = 0;
        look(editor);
    } else if (action == EDITOR_ENTER) {
        find->asking = false;
        if (find->fresh && find->size > 0) {
            go_on(editor, false);
        }
    } else if (action == EDITOR_FIND || action == EDITOR_FIND_NEXT || action == EDITOR_DOWN) {
        go_on(editor, false);
        find->fresh = false;
    } else if (action == EDITOR_FIND_PREVIOUS || action == EDITOR_UP) {
        go_on(editor, true);
        find->fresh = false;
    } else if (action == EDITOR_CANCEL) {
        cancel(editor);
    } else if (action != EDITOR_NOTHING) {
        find->asking = false;
        return false;
    }
    return true;
}
