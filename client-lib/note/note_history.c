#include "client-lib/note/note_history.h"

#include <assert.h>
#include <string.h>

#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_set.h"
#include "protocol/memory.h"

/* Bytes of text in one stack. */
#define TEXT_MOST (4u * 1024u * 1024u)
/* When `recent` has more parts or bytes it is joined to `over`. */
#define RECENT_PARTS 64u
#define RECENT_BYTES 4096u
/* Units that come, or go, with what one types letter by letter; a terminal that is slow hands over
 * several at once. */
#define TYPED_MOST 32u
#define DELETED_MOST 2u

static void step_release(struct note_step *step)
{
    change_set_release(&step->back);
    change_set_release(&step->over);
}

static void steps_clear(struct note_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        step_release(&steps->steps[i]);
    steps->count = 0;
    steps->bytes = 0;
    change_set_clear(&steps->recent);
}

void note_history_release(struct note_history *history)
{
    steps_clear(&history->done);
    steps_clear(&history->undone);
    change_set_release(&history->done.recent);
    change_set_release(&history->undone.recent);
    memory_free(history->done.steps);
    memory_free(history->undone.steps);
    change_set_release(&history->planned[0]);
    change_set_release(&history->planned[1]);
    *history = (struct note_history){0};
}

void note_history_pause(struct note_history *history)
{
    history->open = false;
}

void note_history_cursor(struct note_history *history, uint32_t at)
{
    history->open = history->open && at == history->at;
}

/* ---- Steps ----------------------------------------------------------------- */

static struct note_step *top(const struct note_steps *steps)
{
    return steps->count > 0 ? &steps->steps[steps->count - 1] : NULL;
}

/* Joins what others did last to what they did since the newest step. */
static enum status join_recent(struct note_steps *steps)
{
    struct change_set over = {0};
    if (note_set_none(&steps->recent))
        return STATUS_OK;
    const enum status status = note_set_compose(&top(steps)->over, &steps->recent, &over);
    if (status == STATUS_OK) {
        note_set_swap(&top(steps)->over, &over);
        change_set_clear(&steps->recent);
    }
    change_set_release(&over);
    return status;
}

/* Makes room for another step on top. */
static enum status reserve(struct note_steps *steps)
{
    void *grown = memory_grow(steps->steps, steps->count, &steps->capacity, sizeof *steps->steps);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    steps->steps = grown;
    return join_recent(steps);
}

static void drop_oldest(struct note_steps *steps)
{
    steps->bytes -= steps->steps[0].back.text.size;
    step_release(&steps->steps[0]);
    steps->count--;
    memmove(steps->steps, steps->steps + 1, steps->count * sizeof *steps->steps);
}

/* Takes the set over; room was reserved. */
static void push(struct note_steps *steps, struct change_set *back)
{
    assert(steps->count < steps->capacity);
    steps->bytes += back->text.size;
    steps->steps[steps->count++] = (struct note_step){.back = *back};
    *back = (struct change_set){0};
    while (steps->count > NOTE_DOC_UNDO_MAX || (steps->count > 1 && steps->bytes > TEXT_MOST))
        drop_oldest(steps);
}

static void pop(struct note_steps *steps)
{
    steps->bytes -= top(steps)->back.text.size;
    step_release(top(steps));
    steps->count--;
}

/* Brings the newest step to the text as it is now: it is mapped over what others did, and what they
 * did, over it, goes to the step below. */
static enum status settle(struct note_steps *steps)
{
    struct note_step *step = top(steps);
    struct change_set back = {0}, over = {0}, below = {0};
    enum status status = join_recent(steps);
    if (status != STATUS_OK || note_set_none(&step->over))
        return status;
    status = note_set_map(&step->back, &step->over, true, &back);
    if (status == STATUS_OK && steps->count > 1)
        status = note_set_map(&step->over, &step->back, false, &over);
    if (status == STATUS_OK && steps->count > 1)
        status = note_set_compose(&step[-1].over, &over, &below);
    if (status == STATUS_OK) {
        note_set_swap(&step->back, &back);
        change_set_clear(&step->over);
        if (steps->count > 1)
            note_set_swap(&step[-1].over, &below);
        steps->bytes += step->back.text.size - back.text.size;
    }
    change_set_release(&back);
    change_set_release(&over);
    change_set_release(&below);
    return status;
}

/* ---- One's own edits ------------------------------------------------------- */

/* Where an edit that is one replacement stands; false for any other. */
static bool one_replacement(const struct change_set *edit, uint32_t *at,
                            const struct change_part **part)
{
    const size_t first = edit->count > 0 && edit->parts[0].kept ? 1 : 0;
    if (first >= edit->count || edit->count - first > 2 ||
        (edit->count - first == 2 && !edit->parts[first + 1].kept))
        return false;
    *at = first == 1 ? edit->parts[0].length : 0;
    *part = &edit->parts[first];
    return true;
}

static enum note_letter letter_of(uint8_t byte)
{
    return byte == '\n'                  ? NOTE_LETTER_LINE
           : byte == ' ' || byte == '\t' ? NOTE_LETTER_SPACE
                                         : NOTE_LETTER_WORD;
}

static bool parts_from(enum note_letter last, enum note_letter next)
{
    return last == NOTE_LETTER_LINE || next == NOTE_LETTER_LINE ||
           (last == NOTE_LETTER_SPACE && next == NOTE_LETTER_WORD);
}

/* The ends of what came, or went, in the order in which letter by letter would have done it. */
struct stretch {
    enum note_letter first, last;
    bool parted; /* there is more than one step in it */
};

static struct stretch stretch_of(struct bytes text, bool backwards)
{
    assert(text.size > 0); /* a part takes or brings something */
    const enum note_letter front = letter_of(text.data[0]);
    const enum note_letter end = letter_of(text.data[text.size - 1]);
    struct stretch out = {backwards ? end : front, backwards ? front : end, false};
    for (size_t i = 1; i < text.size; i++) {
        const enum note_letter before = letter_of(text.data[i - 1]), here = letter_of(text.data[i]);
        out.parted =
            out.parted || (backwards ? parts_from(here, before) : parts_from(before, here));
    }
    return out;
}

static bool is_at_once(const struct change_part *part)
{
    return part->inserted > 0 ? part->inserted > TYPED_MOST : part->length > DELETED_MOST;
}

/* Whether the edit, which `back` undoes, goes on with the newest step. Remembers where and how the
 * next would have to; *open: it can. */
static bool goes_on(struct note_history *history, const struct change_set *edit,
                    const struct change_set *back, bool *open)
{
    const struct change_part *part;
    uint32_t at;
    *open = one_replacement(edit, &at, &part) && !is_at_once(part);
    if (!*open)
        return false;
    const bool inserting = part->inserted > 0;
    const bool backwards = !inserting && at != history->at;
    const struct stretch stretch =
        stretch_of(buffer_bytes(inserting ? &edit->text : &back->text), backwards);
    history->planned_at = at + part->inserted;
    history->planned_inserting = inserting;
    history->planned_last = stretch.last;
    if (!history->open || history->done.count == 0 || history->inserting != inserting ||
        stretch.parted || parts_from(history->last, stretch.first))
        return false;
    if (inserting)
        return part->length == 0 && at == history->at;
    return at == history->at || at + part->length == history->at;
}

enum status note_history_plan_edit(struct note_history *history, const struct change_set *edit,
                                   struct change_set *back)
{
    struct note_steps *done = &history->done;
    enum status status = STATUS_OK;
    bool open;
    if (goes_on(history, edit, back, &open)) {
        status = settle(done);
        if (status == STATUS_OK)
            status = note_set_compose(back, &top(done)->back, &history->planned[0]);
        history->plan = NOTE_HISTORY_JOIN;
    } else {
        status = reserve(done);
        if (status != STATUS_OK)
            return status;
        note_set_swap(&history->planned[0], back);
        history->plan = NOTE_HISTORY_PUSH;
    }
    if (!open)
        history->planned_at = UINT32_MAX; /* no place: nothing goes on with it */
    return status;
}

enum status note_history_peek(struct note_history *history, bool redo,
                              const struct change_set **out)
{
    struct note_steps *steps = redo ? &history->undone : &history->done;
    while (steps->count > 0) {
        const enum status status = settle(steps);
        if (status != STATUS_OK)
            return status;
        if (!note_set_none(&top(steps)->back)) {
            *out = &top(steps)->back;
            return STATUS_OK;
        }
        pop(steps);
    }
    return STATUS_NOT_FOUND;
}

enum status note_history_plan_back(struct note_history *history, bool redo, struct change_set *back)
{
    const enum status status = reserve(redo ? &history->done : &history->undone);
    if (status != STATUS_OK)
        return status;
    note_set_swap(&history->planned[0], back);
    history->plan = redo ? NOTE_HISTORY_REDO : NOTE_HISTORY_UNDO;
    return STATUS_OK;
}

/* ---- Others' --------------------------------------------------------------- */

static enum status plan_recent(struct note_steps *steps, const struct change_set *changes,
                               struct change_set *out)
{
    enum status status = STATUS_OK;
    if (steps->count == 0)
        return STATUS_OK;
    if (steps->recent.count > RECENT_PARTS || steps->recent.text.size > RECENT_BYTES)
        status = join_recent(steps);
    return status == STATUS_OK ? note_set_compose(&steps->recent, changes, out) : status;
}

enum status note_history_plan_over(struct note_history *history, const struct change_set *changes)
{
    enum status status = plan_recent(&history->done, changes, &history->planned[0]);
    if (status == STATUS_OK)
        status = plan_recent(&history->undone, changes, &history->planned[1]);
    history->planned_at = history->open ? note_set_place_after(changes, history->at, false) : 0;
    history->plan = NOTE_HISTORY_OVER;
    return status;
}

/* ---- Committing ------------------------------------------------------------ */

static void commit_join(struct note_history *history)
{
    struct note_step *step = top(&history->done);
    history->done.bytes += history->planned[0].text.size - step->back.text.size;
    note_set_swap(&step->back, &history->planned[0]);
}

static void commit_edit(struct note_history *history)
{
    if (history->plan == NOTE_HISTORY_JOIN)
        commit_join(history);
    else
        push(&history->done, &history->planned[0]);
    steps_clear(&history->undone);
    history->open = history->planned_at != UINT32_MAX;
    history->at = history->planned_at;
    history->inserting = history->planned_inserting;
    history->last = history->planned_last;
}

static void commit_over(struct note_history *history)
{
    if (history->done.count > 0)
        note_set_swap(&history->done.recent, &history->planned[0]);
    if (history->undone.count > 0)
        note_set_swap(&history->undone.recent, &history->planned[1]);
    history->at = history->planned_at;
}

void note_history_commit(struct note_history *history)
{
    switch (history->plan) {
    case NOTE_HISTORY_PUSH:
    case NOTE_HISTORY_JOIN:
        commit_edit(history);
        break;
    case NOTE_HISTORY_UNDO:
    case NOTE_HISTORY_REDO: {
        const bool redo = history->plan == NOTE_HISTORY_REDO;
        pop(redo ? &history->undone : &history->done);
        push(redo ? &history->done : &history->undone, &history->planned[0]);
        history->open = false;
        break;
    }
    case NOTE_HISTORY_OVER:
        commit_over(history);
        break;
    case NOTE_HISTORY_NOTHING:
        break;
    }
    history->plan = NOTE_HISTORY_NOTHING;
}
