/* What the files of note_doc share. */
#ifndef TANDEM_CLIENT_NOTE_DOC_INTERNAL_H
#define TANDEM_CLIENT_NOTE_DOC_INTERNAL_H

#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_history.h"
#include "client-lib/note/note_text.h"

/* Entries that are remembered, for cursors that were told at a version before: so many, and so many
 * bytes of them. */
#define NOTE_DOC_PAST 64u
#define NOTE_DOC_PAST_BYTES (1024u * 1024u)
/* Bytes of `theirs`: where more comes the text says it shorter. */
#define NOTE_DOC_THEIRS_BYTES (2u * 1024u * 1024u)

/* Absent sets have no parts (note_set.h). Together: base o sent o waiting o fresh = text, and
 * base o theirs is version `version`. */
struct note_doc {
    struct note_text base, text;
    uint64_t base_version;
    uint64_t version;         /* base_version, or the newest of `theirs` */
    struct change_set theirs; /* of base */
    struct change_set sent;
    struct change_set waiting;
    struct change_set fresh; /* typed last: small, so that a keystroke is */
    bool catching_up;
    bool held; /* what waits was refused as it is */

    struct note_history history;
    struct change_set past[NOTE_DOC_PAST]; /* ring: past[v % NOTE_DOC_PAST] made version v */
    uint64_t past_from;                    /* the first version they start from */
    size_t past_bytes;                     /* of the whole ring */

    struct note_plan plan, base_plan;
    struct note_doc_shown *shown;
    size_t shown_count, shown_capacity;
};

/* A row, read. */
enum note_row_kind {
    NOTE_ROW_EDIT,    /* [0, changes] */
    NOTE_ROW_ENTRY,   /* [1, version, own, away, more, changes] */
    NOTE_ROW_TEXT,    /* [2, version, taken, changes, missing]: of the base; when taken, of the base
                         with `sent`, but for what is `missing` of that */
    NOTE_ROW_TAKE,    /* [3] */
    NOTE_ROW_REFUSED, /* [4] */
};

struct note_row {
    enum note_row_kind kind;
    uint64_t version;
    bool own, away, more, taken;
    struct change_set changes;
    struct change_set missing; /* absent when nothing is */
};

/* CORRUPT, NO_MEMORY; `out` (zero-initialised) is to be released in any case. */
enum status note_row_read(struct bytes row, struct note_row *out);

/* All that was typed here, of the base. */
enum status note_doc_typed(const struct note_doc *doc, struct change_set *out);
/* Whether a note that had so many bytes may not have so many. */
bool note_doc_outgrows(size_t before, size_t after);
/* Whether nothing was. */
bool note_doc_untouched(const struct note_doc *doc);
void note_doc_clear_sets(struct note_doc *doc);
/* No entry before the base is remembered. */
void note_doc_forget_past(struct note_doc *doc);
/* What a change to the text needs before it is made, with `more_shown` passages to tell of.
 * INVALID_VALUE, NO_MEMORY. */
enum status note_doc_plan_text(struct note_doc *doc, const struct change_set *set,
                               size_t more_shown);
/* Makes the change that was planned, and shows it. */
void note_doc_change_text(struct note_doc *doc, const struct change_set *set);
/* Rows of the server's. What they take over of the row is left as something else. */
enum status note_doc_apply_entry(struct note_doc *doc, struct note_row *row);
enum status note_doc_apply_text(struct note_doc *doc, const struct note_row *row);
/* Forgets everything but the memory of the texts. */
void note_doc_clear(struct note_doc *doc);

#endif
