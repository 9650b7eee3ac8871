/* What comes of a note by itself: it settles when typing has paused, and what is kept of one that
 * was removed goes when its tombstone may. */
#include <assert.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_note.h"
#include "server/core/note/note_cut.h"
#include "server/core/note/note_edit.h"
#include "server/core/note/note_prune.h"

static enum status erase(struct plan *plan, const struct draft *draft)
{
    const struct state *state = plan->state;
    bool done;
    const enum status status = note_erase(state, draft->id, &done);
    if (status != STATUS_OK)
        return status;
    return done ? state->ops->forget_record(state->self, draft->old)
                : state->ops->put_due(state->self, plan->at_ms + 1, draft->id, true);
}

static enum status put_newest(struct plan *plan, struct draft *draft, const struct note_edit *edit)
{
    const struct field_def *text = schema_field(draft->entity, bytes_text("text"));
    const struct field_def *version = schema_field(draft->entity, bytes_text("version"));
    struct buffer newest = {0}, number = {0};
    assert(text && version);
    wire_put_str(&newest, note_edit_text(edit));
    wire_put_uint(&number, edit->head.version);
    const struct bytes text_value = arena_keep(&plan->arena, &newest);
    const struct bytes version_value = arena_keep(&plan->arena, &number);
    if (plan->arena.failed)
        return STATUS_NO_MEMORY;
    const enum status status = draft_set(plan, draft, text, text_value);
    return status == STATUS_OK ? draft_set(plan, draft, version, version_value) : status;
}

/* The record changes as if the newest author had changed it when they did. */
static enum status settle(struct plan *plan, struct draft *draft, struct note_edit *edit,
                          struct effects *effects)
{
    struct principal author;
    const uint64_t now_ms = plan->at_ms;
    principal_system(&author);
    bytes_to_text(edit->head.by, author.name, sizeof author.name);
    plan->actor = &author;
    plan->at_ms = edit->head.changed_ms;
    plan->settles = true;
    enum status status = put_newest(plan, draft, edit);
    if (status == STATUS_OK)
        status = plan_settle(plan);
    if (status == STATUS_OK)
        status = plan_write(plan, effects);
    if (status == STATUS_OK) {
        note_edit_settled(edit);
    } else if (!apply_is_failure(status)) {
        /* The record has grown too large for it since: perhaps it shrinks. */
        edit->head.due_ms = now_ms + NOTE_LONGEST_MS;
        status = plan->state->ops->put_due(plan->state->self, edit->head.due_ms, edit->id, true);
    }
    plan->actor = NULL;
    return status;
}

enum status note_due(struct plan *plan, struct draft *draft, struct effects *effects)
{
    struct note_edit edit;
    unsigned dropped = 0;
    bool kept, done;
    if (draft->old->deleted)
        return draft->old->seq <= plan->meta.horizon ? erase(plan, draft) : STATUS_OK;
    enum status status = note_is_kept(plan->state, draft->id, &kept);
    if (status != STATUS_OK || !kept)
        return status;
    status = note_edit_begin(&edit, plan->state, draft->old);
    edit.head.due_ms = 0; /* it has come */
    if (status == STATUS_CORRUPT) {
        /* For `tandemd check` to find: assignments that are due must not wait for its repair. */
        note_edit_release(&edit);
        return STATUS_OK;
    }
    if (status == STATUS_OK && note_settle_ms(&edit.head) <= plan->at_ms)
        status = settle(plan, draft, &edit, effects);
    if (status == STATUS_OK)
        status = note_cut(plan->state, edit.id, &edit.head, &dropped, &done);
    if (status == STATUS_OK)
        status = note_edit_write(&edit, plan->state);
    note_edit_release(&edit);
    return status;
}
