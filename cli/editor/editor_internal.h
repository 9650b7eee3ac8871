/* Between the parts of the editor. */
#ifndef TANDEM_CLI_EDITOR_INTERNAL_H
#define TANDEM_CLI_EDITOR_INTERNAL_H

#include "cli/editor/editor.h"

#define EDITOR_NOWHERE SIZE_MAX

struct editor_view editor_view(const struct editor *editor);
/* Rows of the screen for text; at least 1. */
size_t editor_text_rows(const struct editor *editor);
/* After others' changes: the cursor is at a character again, and its row where it was. */
void editor_settle(struct editor *editor);
/* Scrolls so that the cursor is in sight. */
void editor_show_cursor(struct editor *editor);
/* What a failure of the port means to who types. */
void editor_say_failure(struct editor *editor, tandem_code code);

/* ---- Moving (editor_move.c) and changing (editor_edit.c); false for other actions ---- */

bool editor_move(struct editor *editor, enum editor_action action);
bool editor_edit(struct editor *editor, enum editor_action action);
size_t editor_word_left(const struct editor_view *view, size_t at);
size_t editor_word_right(const struct editor_view *view, size_t at);
void editor_type(struct editor *editor, const char *text, size_t size);

/* ---- Finding (editor_find.c) ---- */

void editor_find_begin(struct editor *editor);
/* To the next or the one before. */
void editor_find_again(struct editor *editor, bool backwards);
/* A key while what to find is asked for; false when it is to be obeyed as usual. */
bool editor_find_key(struct editor *editor, const struct editor_key *key);
/* Bytes of the match that begins at `at`, where a character does; 0: none does. */
size_t editor_match(const struct editor_view *view, const struct editor_finding *find, size_t at);

/* ---- Showing ---- */

/* The status line and the row for messages (editor_status.c). */
void editor_draw_bars(const struct editor *editor, struct editor_frame *frame);
/* The keys there are, in place of the text (editor_help.c). */
void editor_draw_help(const struct editor *editor, struct editor_frame *frame);

#endif
