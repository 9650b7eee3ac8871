/* Works a note's document as whoever keeps it would: makes a row, and applies it. */
#ifndef TANDEM_TESTS_NOTE_HAND_H
#define TANDEM_TESTS_NOTE_HAND_H

#include "tests/unit/protocol/support.h"

#include "client-lib/note/note_doc.h"

/* A document at `version` of `text`. */
struct note_doc *hand_begin(uint64_t version, const char *text);

/* Each expects that it can be done. */
void hand_apply(struct note_doc *doc, const struct buffer *row, enum note_doc_origin origin);
void hand_type(struct note_doc *doc, size_t from, size_t removed, const char *text);
/* Somebody else's process with the same folder types. */
void hand_type_elsewhere(struct note_doc *doc, size_t from, size_t removed, const char *text);
void hand_undo(struct note_doc *doc);
void hand_redo(struct note_doc *doc);
void hand_take(struct note_doc *doc);
void hand_refuse(struct note_doc *doc);
/* `changes` in the notation of tests. */
void hand_entry(struct note_doc *doc, const char *changes, bool own);
void hand_away(struct note_doc *doc, const char *changes, bool own, bool more);
/* The entry that `sent` becomes, as ours. */
void hand_confirm(struct note_doc *doc);
void hand_text(struct note_doc *doc, uint64_t version, const char *text);
void hand_encode(const char *changes, struct buffer *out);

void assert_text(const struct note_doc *doc, const char *wanted);
void assert_changes(const struct change_set *set, const char *wanted);
/* What is to be pushed; NULL: nothing. */
void assert_sent(const struct note_doc *doc, const char *wanted);
/* What was shown last, each as "from,removed,inserted", kept ones as "kept own from,text" or "kept
 * theirs from,text", joined by "|". */
void assert_shown(const struct note_doc *doc, const char *wanted);

#endif
