#include "server/core/apply/apply_note.h"

#include <assert.h>

#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/note/note_edit.h"
#include "server/core/note/note_log.h"
#include "server/core/note/note_text.h"

/* Changes of one's own behind which nobody else's is looked for any more, and entries of the history
 * among which one about the text is looked for. */
#define MOST_LOOKED_AT 256u

static const uint8_t nil_octet[] = {0xc0};

/* The newest version of the note that a draft is of. */
struct live_note {
    struct note_head head; /* the numbers and the author */
    struct bytes text;
    struct bytes value; /* the same, encoded */
    bool dropped;       /* the draft's text is as it was stored, though more was typed */
};

static struct bytes encoded_text(struct plan *plan, struct bytes text)
{
    struct buffer value = {0};
    wire_put_str(&value, text);
    return arena_keep(&plan->arena, &value);
}

/* Also of a note that nobody edited live: somebody may have it open, at version 0, and what they type
 * is made of the text that it is of. */
static enum status load(struct plan *plan, struct draft *draft)
{
    struct buffer scratch = {0};
    struct note_head head;
    struct live_note *live = arena_take(&plan->arena, sizeof *live);
    enum status status = live ? note_read_head(plan->state, draft->old, &scratch, &head)
                              : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        *live = (struct live_note){.head = head, .text = arena_copy(&plan->arena, head.text)};
        live->head.by = arena_copy(&plan->arena, head.by);
        live->head.text = live->head.runs = (struct bytes){NULL, 0};
        live->value = encoded_text(plan, live->text);
        draft->live = live;
        status = plan->arena.failed ? STATUS_NO_MEMORY : STATUS_OK;
    }
    buffer_release(&scratch);
    return status;
}

static enum status set(struct plan *plan, struct draft *draft, const char *name, struct bytes value)
{
    const struct field_def *field = schema_field(draft->entity, bytes_text(name));
    assert(field);
    return draft_set(plan, draft, field, value);
}

static enum status set_version(struct plan *plan, struct draft *draft, uint64_t version)
{
    struct buffer value = {0};
    wire_put_uint(&value, version);
    const struct bytes kept = arena_keep(&plan->arena, &value);
    return plan->arena.failed ? STATUS_NO_MEMORY : set(plan, draft, "version", kept);
}

/* As it is stored. */
static enum status restore(struct plan *plan, struct draft *draft, const char *name)
{
    const struct record_field *old = draft_old_field(draft, bytes_text(name));
    return set(plan, draft, name, old ? old->value : bytes_of(nil_octet, sizeof nil_octet));
}

static bool waits(const struct live_note *live)
{
    return live->head.settled < live->head.version;
}

enum status note_begin(struct plan *plan, struct draft *draft)
{
    if (!draft->old || draft->now->deleted)
        return STATUS_OK;
    if (!draft->live) {
        const enum status status = load(plan, draft);
        if (status != STATUS_OK)
            return status;
        draft->live->dropped = true;
    }
    if (!draft->live->dropped)
        return STATUS_OK;
    draft->live->dropped = false;
    return waits(draft->live) ? set(plan, draft, "text", draft->live->value) : STATUS_OK;
}

static enum status normalise(struct plan *plan, struct draft *draft)
{
    const struct bytes text = record_text(draft->now, "text");
    struct buffer normal = {0};
    if (!note_text_is_foreign(text))
        return STATUS_OK;
    note_text_normalise(text, &normal);
    const struct bytes kept = arena_keep(&plan->arena, &normal);
    const struct bytes value = encoded_text(plan, kept);
    return plan->arena.failed ? STATUS_NO_MEMORY : set(plan, draft, "text", value);
}

enum status note_check(struct plan *plan, struct draft *draft)
{
    struct live_note *live = draft->live;
    if (!live || live->dropped || draft->now->deleted)
        return STATUS_OK;
    enum status status = normalise(plan, draft);
    if (status != STATUS_OK)
        return status;
    if (!bytes_equal(record_text(draft->now, "text"), live->text))
        return set_version(plan, draft, live->head.version + 1);
    live->dropped = true;
    status = restore(plan, draft, "text");
    return status == STATUS_OK ? restore(plan, draft, "version") : status;
}

bool note_unsettled(const struct plan *plan, const struct draft *draft, struct bytes field,
                    struct bytes *value, struct stamp *stamp)
{
    const struct live_note *live = draft->live;
    if (!live || !waits(live) || !bytes_is(field, "text"))
        return false;
    *value = live->value;
    *stamp = (struct stamp){plan->seq, live->head.changed_ms, live->head.by};
    return true;
}

static bool tells_version(struct bytes entry, uint64_t *version)
{
    struct bytes changes, change, field;
    uint32_t count;
    if (!wire_map_find(entry, "changes", &changes))
        return false;
    struct wire_reader reader = wire_read(changes);
    if (!wire_get_array(&reader, &count))
        return false;
    while (count-- > 0 && wire_skip(&reader, &change))
        if (wire_map_str(change, "field", &field) && bytes_is(field, "version"))
            return wire_map_uint(change, "to", version);
    return false;
}

/* The version that the record showed at `base`, by its history; 0 when that is not known. */
static uint64_t version_shown_at(const struct plan *plan, struct id note, uint64_t base)
{
    const struct state *state = plan->state;
    uint64_t seq = base + 1, version = 0;
    struct bytes entry;
    for (unsigned i = 0; i < MOST_LOOKED_AT; i++)
        if (state->ops->history_next(state->self, note, seq, &seq, &entry) != STATUS_OK ||
            tells_version(entry, &version))
            break;
    return version;
}

/* Looks through the log, newest first, for somebody else's change that the actor cannot have seen
 * at `base`. */
static bool find_other(const struct plan *plan, const struct draft *draft, uint64_t base,
                       struct note_entry *out)
{
    const uint64_t seen = version_shown_at(plan, draft->id, base);
    uint64_t version = draft->live->head.version + 1;
    struct note_log log;
    bool found = false;
    note_log_begin(&log, plan->state, draft->id);
    for (unsigned i = 0; i < MOST_LOOKED_AT && version > seen + 1 && !found; i++) {
        const enum status status = note_log_before(&log, version, out);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && out->version <= seen))
            break;
        /* When it cannot be read, it may be anybody's. */
        found = status != STATUS_OK || !bytes_is(out->by, plan->actor->name);
        version = out->version;
    }
    note_log_release(&log);
    return found;
}

void note_blame_others(struct plan *plan, const struct draft *draft, uint64_t base,
                       struct stamp *stamp)
{
    struct note_entry entry = {.at_ms = stamp->at_ms};
    if (!draft->live || base == 0 || stamp->seq <= base ||
        !bytes_is(stamp->by, plan->actor->name) || !find_other(plan, draft, base, &entry))
        return;
    stamp->by = arena_copy(&plan->arena, entry.by);
    stamp->at_ms = entry.at_ms;
}

/* The record's text as the next version. */
static enum status replace(struct plan *plan, const struct draft *draft)
{
    const struct note_author author = {
        .by = bytes_text(plan->actor->name), .at_ms = plan->at_ms, .seq = plan->meta.seq};
    struct note_edit edit;
    struct change_set difference = {0};
    struct fault fault;
    enum status status = note_edit_begin(&edit, plan->state, draft->old);
    if (status == STATUS_OK) {
        note_text_difference(note_edit_text(&edit), record_text(draft->now, "text"), &difference);
        status = difference.state;
    }
    if (status == STATUS_OK)
        status = note_edit_add(&edit, &difference, &author, &fault);
    if (status == STATUS_OK) {
        assert(edit.head.version == draft->live->head.version + 1);
        note_edit_settled(&edit);
        status = note_edit_write(&edit, plan->state);
    }
    change_set_release(&difference);
    note_edit_release(&edit);
    return status;
}

enum status note_write(struct plan *plan, struct draft *draft, struct effects *effects)
{
    effects_touch_note(effects, draft->id);
    if (!draft->live || draft->live->dropped || draft->now->deleted)
        return STATUS_OK;
    return replace(plan, draft);
}
