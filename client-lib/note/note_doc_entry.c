/* What comes from the server: entries, one by one or after a gap, and whole texts. */
#include <assert.h>

#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_merge.h"
#include "client-lib/note/note_set.h"

static void show_kept(struct note_doc *doc, const struct note_kept *kept)
{
    size_t from = 0, to = 0;
    const bool found =
        note_text_byte(&doc->text, kept->from, &from) && note_text_byte(&doc->text, kept->to, &to);
    assert(found && from <= to); /* the marks are whole characters */
    doc->shown[doc->shown_count++] = (struct note_doc_shown){
        .from = from,
        .inserted = bytes_slice(note_text_bytes(&doc->text), from, to - from),
        .kept = true,
        .own = kept->own};
}

/* ---- Entries --------------------------------------------------------------- */

static void forget_past(struct note_doc *doc, uint64_t version)
{
    struct change_set *entry = &doc->past[version % NOTE_DOC_PAST];
    doc->past_bytes -= note_set_bytes(entry);
    change_set_release(entry);
}

/* Version `version` has come, made by `set`, which is taken over and empty from then on. */
static void next_version(struct note_doc *doc, uint64_t version, struct change_set *set)
{
    forget_past(doc, version);
    note_set_swap(&doc->past[version % NOTE_DOC_PAST], set);
    doc->past_bytes += note_set_bytes(&doc->past[version % NOTE_DOC_PAST]);
    doc->base_version = doc->version = version;
    if (version - doc->past_from > NOTE_DOC_PAST)
        doc->past_from = version - NOTE_DOC_PAST;
    while (doc->past_bytes > NOTE_DOC_PAST_BYTES && doc->past_from < version)
        forget_past(doc, ++doc->past_from);
}

/* Forgets them: the way to `version` is not known by single entries. */
static void skip_to(struct note_doc *doc, uint64_t version)
{
    doc->base_version = doc->version = version;
    note_doc_forget_past(doc);
}

static enum status confirm(struct note_doc *doc, uint64_t version)
{
    const enum status status = note_text_plan(&doc->base, &doc->sent, &doc->base_plan);
    if (status != STATUS_OK)
        return status;
    note_text_change(&doc->base, &doc->sent, &doc->base_plan);
    next_version(doc, version, &doc->sent);
    doc->shown_count = 0;
    return STATUS_OK;
}

/* What is typed here, after an entry of the others; and the entry, after what is typed here. */
struct rebased {
    struct change_set sent, waiting, fresh, shown;
};

static enum status rebase(const struct note_doc *doc, const struct change_set *entry,
                          struct rebased *out)
{
    struct change_set after_sent = {0}, after_waiting = {0};
    enum status status = note_set_meet(&doc->sent, entry, &out->sent, &after_sent);
    if (status == STATUS_OK)
        status = note_set_meet(&doc->waiting, &after_sent, &out->waiting, &after_waiting);
    if (status == STATUS_OK)
        status = note_set_meet(&doc->fresh, &after_waiting, &out->fresh, &out->shown);
    change_set_release(&after_sent);
    change_set_release(&after_waiting);
    return status;
}

static enum status apply_others(struct note_doc *doc, uint64_t version, struct change_set *entry)
{
    struct rebased rebased = {0};
    enum status status = note_text_plan(&doc->base, entry, &doc->base_plan);
    if (status == STATUS_OK)
        status = rebase(doc, entry, &rebased);
    if (status == STATUS_OK)
        status = note_doc_plan_text(doc, &rebased.shown, 0);
    if (status == STATUS_OK)
        status = note_history_plan_over(&doc->history, &rebased.shown);
    if (status == STATUS_OK) {
        note_text_change(&doc->base, entry, &doc->base_plan);
        note_doc_change_text(doc, &rebased.shown);
        note_history_commit(&doc->history);
        note_set_swap(&doc->sent, &rebased.sent);
        note_set_swap(&doc->waiting, &rebased.waiting);
        note_set_swap(&doc->fresh, &rebased.fresh);
        next_version(doc, version, entry);
        doc->held = false;
    }
    change_set_release(&rebased.sent);
    change_set_release(&rebased.waiting);
    change_set_release(&rebased.fresh);
    change_set_release(&rebased.shown);
    return status;
}

/* ---- After a gap ----------------------------------------------------------- */

/* Makes `theirs` of `base`, which it takes over, the base at `version`, and what was typed here one
 * change of it. `typed` is of `base` and made the text that is shown. */
static enum status merge_gap(struct note_doc *doc, struct note_text *base, uint64_t version,
                             const struct change_set *typed, const struct change_set *theirs)
{
    struct note_merge merge = {0};
    enum status status = note_text_plan(base, theirs, &doc->base_plan);
    if (status == STATUS_OK)
        status = note_merge(base, &doc->text, typed, theirs, &merge);
    if (status == STATUS_OK)
        status = note_doc_plan_text(doc, &merge.shown, merge.kept_count);
    if (status == STATUS_OK)
        status = note_history_plan_over(&doc->history, &merge.shown);
    if (status == STATUS_OK) {
        note_text_change(base, theirs, &doc->base_plan);
        const struct note_text old = doc->base;
        doc->base = *base;
        *base = old;
        note_doc_clear_sets(doc);
        note_set_swap(&doc->waiting, &merge.ours);
        note_doc_change_text(doc, &merge.shown);
        note_history_commit(&doc->history);
        for (size_t i = 0; i < merge.kept_count; i++)
            show_kept(doc, &merge.kept[i]);
        skip_to(doc, version);
        doc->catching_up = false;
        doc->held = false;
    }
    note_merge_release(&merge);
    return status;
}

static enum status merge_theirs(struct note_doc *doc, uint64_t version,
                                const struct change_set *theirs)
{
    struct change_set typed = {0};
    struct note_text base = {0};
    enum status status = note_text_set(&base, note_text_bytes(&doc->base));
    if (status == STATUS_OK)
        status = note_doc_typed(doc, &typed);
    if (status == STATUS_OK)
        status = merge_gap(doc, &base, version, &typed, theirs);
    note_text_release(&base);
    change_set_release(&typed);
    return status;
}

static void not_catching_up(struct note_doc *doc, uint64_t version)
{
    change_set_release(&doc->theirs);
    skip_to(doc, version);
    doc->catching_up = false;
    doc->shown_count = 0;
}

/* An entry from before the note was opened. Others' are gathered, and merged with the last. */
static enum status apply_away(struct note_doc *doc, const struct note_row *row)
{
    struct change_set theirs = {0};
    enum status status = STATUS_OK;
    if (note_set_none(&doc->theirs) && row->changes.before != doc->base.units)
        return STATUS_CORRUPT;
    status = note_set_compose(&doc->theirs, &row->changes, &theirs);
    if (status == STATUS_OK && row->more) {
        note_set_swap(&doc->theirs, &theirs);
        doc->version = row->version;
        doc->catching_up = true;
        doc->shown_count = 0;
    } else if (status == STATUS_OK && note_set_none(&theirs))
        not_catching_up(doc, row->version);
    else if (status == STATUS_OK)
        status = merge_theirs(doc, row->version, &theirs);
    change_set_release(&theirs);
    return status;
}

static bool confirms(const struct note_doc *doc, const struct note_row *row)
{
    return row->own && doc->version == doc->base_version && !note_set_none(&doc->sent) &&
           change_set_equal(&doc->sent, &row->changes);
}

enum status note_doc_apply_entry(struct note_doc *doc, struct note_row *row)
{
    enum status status;
    if (row->version != doc->version + 1 || (doc->catching_up && !row->away) ||
        (row->more && !row->away))
        return STATUS_CORRUPT;
    if (confirms(doc, row)) {
        status = confirm(doc, row->version);
        if (status == STATUS_OK)
            doc->catching_up = row->more;
        return status;
    }
    if (row->away && (row->more || doc->catching_up || !note_doc_untouched(doc)))
        return apply_away(doc, row);
    return apply_others(doc, row->version, &row->changes);
}

static enum status change_base(struct note_doc *doc, struct note_text *base,
                               const struct change_set *set)
{
    const enum status status = note_text_plan(base, set, &doc->base_plan);
    if (status == STATUS_OK)
        note_text_change(base, set, &doc->base_plan);
    return status;
}

/* The base with what the server took of `sent`, in `base`; and, in `typed`, what was typed here
 * beyond that: what is missing of it goes again. */
static enum status divide_sent(struct note_doc *doc, const struct change_set *missing,
                               struct note_text *base, struct change_set *typed)
{
    struct change_set back = {0}, again = {0};
    enum status status = note_text_set(base, note_text_bytes(&doc->base));
    if (status == STATUS_OK)
        status = change_base(doc, base, &doc->sent);
    if (status == STATUS_OK)
        status = note_text_plan(base, missing, &doc->base_plan);
    if (status == STATUS_OK)
        status = note_text_inverse(base, missing, &doc->base_plan, &back);
    if (status == STATUS_OK) {
        note_text_change(base, missing, &doc->base_plan);
        status = note_set_compose(&back, &doc->waiting, &again);
    }
    if (status == STATUS_OK)
        status = note_set_compose(&again, &doc->fresh, typed);
    change_set_release(&back);
    change_set_release(&again);
    return status;
}

/* The text of the server's newest version, as a change of our base. */
enum status note_doc_apply_text(struct note_doc *doc, const struct note_row *row)
{
    struct change_set typed = {0};
    struct note_text base = {0};
    if (row->taken && note_set_none(&doc->sent))
        return STATUS_CORRUPT;
    if (note_set_none(&row->changes) && !row->taken) {
        not_catching_up(doc, row->version);
        return STATUS_OK;
    }
    if (!row->taken)
        return merge_theirs(doc, row->version, &row->changes);
    enum status status = divide_sent(doc, &row->missing, &base, &typed);
    if (status == STATUS_OK)
        status = merge_gap(doc, &base, row->version, &typed, &row->changes);
    note_text_release(&base);
    change_set_release(&typed);
    return status;
}
