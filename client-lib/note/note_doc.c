/* Applying rows. Each function first makes what will be, in memory of its own, and then puts it in
 * place where nothing can fail any more. */
#include "client-lib/note/note_doc.h"

#include <assert.h>
#include <string.h>

#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_set.h"
#include "protocol/memory.h"
#include "protocol/message.h"
#include "protocol/wire.h"

/* When `fresh` has more parts or bytes it is joined to `waiting`. */
#define FRESH_PARTS 64u
#define FRESH_BYTES 4096u
/* Of what waits in more parts than this so many go at a time: a push has its bounds. */
#define SENT_PARTS (CHANGE_PARTS_MAX / 2)

struct note_doc *note_doc_new(void)
{
    return memory_new(sizeof(struct note_doc));
}

void note_doc_clear_sets(struct note_doc *doc)
{
    struct change_set *const sets[] = {&doc->theirs, &doc->sent, &doc->waiting, &doc->fresh};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        change_set_release(sets[i]);
}

void note_doc_forget_past(struct note_doc *doc)
{
    for (size_t i = 0; i < NOTE_DOC_PAST; i++)
        change_set_release(&doc->past[i]);
    doc->past_bytes = 0;
    doc->past_from = doc->base_version;
}

void note_doc_clear(struct note_doc *doc)
{
    note_doc_clear_sets(doc);
    note_doc_forget_past(doc);
    note_history_release(&doc->history);
    doc->catching_up = false;
    doc->held = false;
    doc->shown_count = 0;
}

void note_doc_free(struct note_doc *doc)
{
    if (doc == NULL)
        return;
    note_doc_clear(doc);
    note_text_release(&doc->base);
    note_text_release(&doc->text);
    note_plan_release(&doc->plan);
    note_plan_release(&doc->base_plan);
    memory_free(doc->shown);
    memory_free(doc);
}

enum status note_doc_begin(struct note_doc *doc, uint64_t version, struct bytes text)
{
    struct note_text base = {0}, shown = {0};
    if (!wire_utf8_valid(text))
        return STATUS_INVALID_VALUE;
    enum status status = note_text_set(&base, text);
    if (status == STATUS_OK)
        status = note_text_set(&shown, text);
    if (status != STATUS_OK) {
        note_text_release(&base);
        return status;
    }
    note_text_release(&doc->base);
    note_text_release(&doc->text);
    doc->base = base;
    doc->text = shown;
    doc->base_version = doc->version = version;
    note_doc_clear(doc);
    return STATUS_OK;
}

bool note_doc_outgrows(size_t before, size_t after)
{
    return after > before && after > LIMIT_NOTE_TEXT;
}

bool note_doc_untouched(const struct note_doc *doc)
{
    return note_set_none(&doc->sent) && note_set_none(&doc->waiting) && note_set_none(&doc->fresh);
}

enum status note_doc_typed(const struct note_doc *doc, struct change_set *out)
{
    struct change_set first = {0};
    enum status status = note_set_compose(&doc->sent, &doc->waiting, &first);
    if (status == STATUS_OK)
        status = note_set_compose(&first, &doc->fresh, out);
    change_set_release(&first);
    return status;
}

/* ---- What is shown --------------------------------------------------------- */

static bool reserve_shown(struct note_doc *doc, size_t count)
{
    if (count <= doc->shown_capacity)
        return true;
    void *shown = memory_resize(doc->shown, count * sizeof *doc->shown);
    if (shown == NULL)
        return false;
    doc->shown = shown;
    doc->shown_capacity = count;
    return true;
}

/* What came lies in the text by now, and later pieces are behind it. */
static void show_plan(struct note_doc *doc)
{
    for (size_t i = 0; i < doc->plan.count; i++) {
        const struct note_piece *piece = &doc->plan.pieces[i];
        doc->shown[doc->shown_count++] = (struct note_doc_shown){
            .from = piece->from,
            .removed = piece->removed,
            .inserted = bytes_slice(note_text_bytes(&doc->text), piece->from, piece->inserted)};
    }
}

enum status note_doc_plan_text(struct note_doc *doc, const struct change_set *set,
                               size_t more_shown)
{
    const enum status status = note_text_plan(&doc->text, set, &doc->plan);
    if (status != STATUS_OK)
        return status;
    return reserve_shown(doc, doc->plan.count + more_shown) ? STATUS_OK : STATUS_NO_MEMORY;
}

void note_doc_change_text(struct note_doc *doc, const struct change_set *set)
{
    note_text_change(&doc->text, set, &doc->plan);
    doc->shown_count = 0;
    show_plan(doc);
}

/* ---- Typing ---------------------------------------------------------------- */

/* What was typed before, and with it what is typed now. */
struct typing {
    struct change_set waiting, fresh;
    bool joined; /* what was `fresh` is in `waiting` */
};

/* Whether the two are joined depends on nothing but what they are, so that it is the same in every
 * process: what is mapped over two sets may come to lie otherwise than mapped over one. */
static enum status plan_typing(struct note_doc *doc, const struct change_set *set,
                               struct typing *out)
{
    static const struct change_set none = {0};
    out->joined = doc->fresh.count > FRESH_PARTS || doc->fresh.text.size > FRESH_BYTES;
    if (!out->joined)
        return note_set_compose(&doc->fresh, set, &out->fresh);
    const enum status status = note_set_compose(&doc->waiting, &doc->fresh, &out->waiting);
    return status == STATUS_OK ? note_set_compose(&none, set, &out->fresh) : status;
}

static enum status check_step(struct note_doc *doc, const struct change_set *set, bool redo)
{
    const struct change_set *step = NULL;
    const enum status status = note_history_peek(&doc->history, redo, &step);
    if (status == STATUS_NOT_FOUND)
        return STATUS_CORRUPT;
    return status == STATUS_OK && !change_set_equal(step, set) ? STATUS_CORRUPT : status;
}

static enum status plan_history(struct note_doc *doc, const struct change_set *set,
                                enum note_doc_origin origin)
{
    struct change_set back = {0};
    enum status status = STATUS_OK;
    if (origin == NOTE_DOC_ELSEWHERE)
        return note_history_plan_over(&doc->history, set);
    if (origin != NOTE_DOC_TYPED)
        status = check_step(doc, set, origin == NOTE_DOC_REDO);
    if (status == STATUS_OK)
        status = note_text_inverse(&doc->text, set, &doc->plan, &back);
    if (status == STATUS_OK && origin == NOTE_DOC_TYPED)
        status = note_history_plan_edit(&doc->history, set, &back);
    else if (status == STATUS_OK)
        status = note_history_plan_back(&doc->history, origin == NOTE_DOC_REDO, &back);
    change_set_release(&back);
    return status;
}

static enum status apply_edit(struct note_doc *doc, const struct change_set *set,
                              enum note_doc_origin origin)
{
    struct typing typing = {.joined = false};
    enum status status = note_doc_plan_text(doc, set, 0);
    if (status == STATUS_OK)
        status = plan_typing(doc, set, &typing);
    if (status == STATUS_OK)
        status = plan_history(doc, set, origin);
    if (status == STATUS_OK) {
        note_set_swap(&doc->fresh, &typing.fresh);
        if (typing.joined)
            note_set_swap(&doc->waiting, &typing.waiting);
        note_doc_change_text(doc, set);
        note_history_commit(&doc->history);
        if (origin == NOTE_DOC_TYPED)
            doc->shown_count = 0;
        doc->held = false;
    }
    change_set_release(&typing.waiting);
    change_set_release(&typing.fresh);
    return status;
}

/* ---- Sending --------------------------------------------------------------- */

/* One replacement in place of all parts of `set`, which made the text that is shown. */
static enum status make_one(struct note_doc *doc, struct change_set *set)
{
    const struct change_part *first = &set->parts[0], *last = &set->parts[set->count - 1];
    const uint32_t before = first->kept ? first->length : 0;
    const uint32_t behind = last->kept ? last->length : 0;
    struct change_set made = {0};
    size_t from = 0, to = 0;
    const bool found = note_text_byte(&doc->text, before, &from) &&
                       note_text_byte(&doc->text, doc->text.units - behind, &to);
    assert(found); /* what is kept ends where a character does */
    change_set_keep(&made, before);
    change_set_replace(&made, set->before - before - behind,
                       bytes_slice(note_text_bytes(&doc->text), from, to - from), false);
    change_set_keep(&made, behind);
    const enum status status = made.state;
    if (status == STATUS_OK)
        note_set_swap(set, &made);
    change_set_release(&made);
    return status;
}

/* Takes from `all` as much as may go at a time. Where that alone would be more than a note holds,
 * since what makes room for it comes later, all of it goes as one replacement. */
static enum status divide(struct note_doc *doc, struct change_set *all, struct change_set *rest)
{
    struct change_set first = {0};
    enum status status = note_set_split(all, SENT_PARTS, &first, rest);
    if (status == STATUS_OK)
        status = note_text_plan(&doc->base, &first, &doc->base_plan);
    if (status == STATUS_OK && note_doc_outgrows(doc->base.bytes.size, doc->base_plan.size)) {
        change_set_clear(rest);
        status = make_one(doc, all);
    } else if (status == STATUS_OK)
        note_set_swap(all, &first);
    change_set_release(&first);
    return status;
}

static enum status apply_take(struct note_doc *doc)
{
    struct change_set sent = {0}, rest = {0};
    if (!note_doc_can_send(doc))
        return STATUS_CORRUPT;
    enum status status = note_set_compose(&doc->waiting, &doc->fresh, &sent);
    if (status == STATUS_OK && sent.count > SENT_PARTS)
        status = divide(doc, &sent, &rest);
    if (status == STATUS_OK) {
        note_set_swap(&doc->sent, &sent);
        note_set_swap(&doc->waiting, &rest);
        change_set_clear(&doc->fresh);
        doc->shown_count = 0;
    }
    change_set_release(&sent);
    change_set_release(&rest);
    return status;
}

/* What others have divided into more parts than a push may have goes in several. */
static enum status apply_refused(struct note_doc *doc)
{
    struct change_set waiting = {0};
    if (note_set_none(&doc->sent))
        return STATUS_CORRUPT;
    const bool divided = note_doc_is_divided(doc);
    const enum status status = note_doc_typed(doc, &waiting);
    if (status == STATUS_OK) {
        note_set_swap(&doc->waiting, &waiting);
        change_set_clear(&doc->sent);
        change_set_clear(&doc->fresh);
        doc->held = !divided;
        doc->shown_count = 0;
    }
    change_set_release(&waiting);
    return status;
}

/* ---- All rows -------------------------------------------------------------- */

static enum status apply_row(struct note_doc *doc, struct note_row *row,
                             enum note_doc_origin origin)
{
    switch (row->kind) {
    case NOTE_ROW_EDIT:
        return apply_edit(doc, &row->changes, origin);
    case NOTE_ROW_ENTRY:
        return note_doc_apply_entry(doc, row);
    case NOTE_ROW_TEXT:
        return note_doc_apply_text(doc, row);
    case NOTE_ROW_TAKE:
        return apply_take(doc);
    case NOTE_ROW_REFUSED:
        return apply_refused(doc);
    }
    return STATUS_CORRUPT;
}

enum status note_doc_apply(struct note_doc *doc, struct bytes encoded, enum note_doc_origin origin)
{
    struct note_row row = {0};
    enum status status = note_row_read(encoded, &row);
    if (status == STATUS_OK)
        status = apply_row(doc, &row, origin);
    change_set_release(&row.changes);
    change_set_release(&row.missing);
    return status == STATUS_INVALID_VALUE ? STATUS_CORRUPT : status;
}

const struct note_doc_shown *note_doc_shown(const struct note_doc *doc, size_t *count)
{
    *count = doc->shown_count;
    return doc->shown;
}

size_t note_doc_shown_place(const struct note_doc *doc, size_t at, bool after)
{
    for (size_t i = 0; i < doc->shown_count; i++) {
        const struct note_doc_shown *shown = &doc->shown[i];
        if (shown->kept || at < shown->from || (at == shown->from && !after))
            continue;
        if (at >= shown->from + shown->removed)
            at = at - shown->removed + shown->inserted.size;
        else
            at = shown->from + (after ? shown->inserted.size : 0);
    }
    return at;
}
