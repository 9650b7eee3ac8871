#include "server/core/apply/apply_mention.h"

#include <assert.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/credential.h"
#include "server/core/note/note.h"
#include "server/core/note/note_runs.h"

struct mention {
    struct plan *plan;
    struct record *note; /* as the mutation has it so far */
    struct note_head head;
    struct buffer scratch; /* what the head points into */
    struct bytes name;     /* as it was typed */
    bool wrote;            /* somebody of that name wrote in the note */
    struct principal whom;
};

static enum status no_note(struct plan *plan)
{
    return plan_refuse(plan, STATUS_NOT_FOUND, "note", status_text(STATUS_NOT_FOUND));
}

/* The note, when the actor may write in it. */
static enum status read_note(struct mention *mention, struct id id)
{
    struct plan *plan = mention->plan;
    const struct record *record;
    enum status status = plan_peek(plan, id, &record);
    if (status == STATUS_NOT_FOUND)
        return no_note(plan);
    if (status != STATUS_OK)
        return status;
    *mention->note = *record;
    status = plan_allow(plan, mention->note, ACTION_READ, "note");
    if (status != STATUS_OK)
        return status;
    if (!bytes_is(mention->note->entity, "note"))
        return no_note(plan);
    return plan_allow(plan, mention->note, ACTION_COMMENT, "note");
}

/* Access is read as it is stored. So that nobody is told of what this very mutation takes from
 * them, one that changes who may see what mentions nobody. */
static enum status check_settled_access(struct plan *plan)
{
    static const char *const deciding[] = {"account", "assignment", "user", "party"};
    for (size_t i = 0; i < plan->draft_count; i++)
        for (unsigned e = 0; e < sizeof deciding / sizeof *deciding; e++)
            if (bytes_is(plan->drafts[i]->now->entity, deciding[e]))
                return plan_refuse(plan, STATUS_INVALID_VALUE, "op",
                                   "this mutation changes who may see what: mention people in "
                                   "the one after it");
    return STATUS_OK;
}

/* Who wrote the text so far. Of what this mutation changes in it that is the actor. */
static enum status read_authors(struct mention *mention)
{
    const struct plan *plan = mention->plan;
    const struct draft *draft = plan_known_draft(plan, mention->note->id);
    const struct record *stored = draft ? draft->old : mention->note;
    return stored ? note_read_head(plan->state, stored, &mention->scratch, &mention->head)
                  : STATUS_OK;
}

/* Whether the author of the note, of its text or of a passage of it has that name. */
static enum status look_for_author(struct mention *mention)
{
    struct note_runs runs = {0};
    enum status status = STATUS_OK;
    mention->wrote = bytes_equal_folded(mention->note->created.by, mention->name) ||
                     bytes_equal_folded(mention->head.by, mention->name);
    if (mention->head.runs.size > 0)
        status = note_runs_read(mention->head.runs, &runs);
    for (size_t i = 0; status == STATUS_OK && i < runs.count; i++)
        mention->wrote = mention->wrote || bytes_equal_folded(runs.runs[i].by, mention->name);
    note_runs_release(&runs);
    return status;
}

/* What was typed, where a sentence can hold it: never longer than a name can be. */
static enum status refuse(const struct mention *mention, enum status status, const char *format)
{
    const bool fits = mention->name.size <= CREDENTIAL_NAME_MAX;
    char name[CREDENTIAL_NAME_MAX + 1] = "this name";
    if (fits)
        bytes_to_text(mention->name, name, sizeof name);
    struct buffer detail = {0};
    for (const char *at = format; *at; at++) {
        if (*at == '%')
            buffer_append(&detail, name, bytes_text(name).size);
        else
            buffer_append_byte(&detail, (uint8_t)*at);
    }
    buffer_append_byte(&detail, 0);
    const enum status result =
        detail.failed ? STATUS_NO_MEMORY
                      : plan_refuse(mention->plan, status, "user", (const char *)detail.data);
    buffer_release(&detail);
    return result;
}

static enum status nobody(const struct mention *mention)
{
    return refuse(mention, STATUS_NOT_FOUND,
                  mention->plan->actor->partner ? "nobody whom you can mention here is called %"
                                                : "there is no user called %");
}

/* Whether the one named may read the note now, its text included. */
static enum status judge(struct mention *mention, bool *allowed)
{
    const struct record_field *text = record_field(mention->note, "text");
    struct opening opening;
    const enum status status =
        access_opening(mention->plan->state, &mention->whom, mention->note->scope, &opening);
    if (status != STATUS_OK)
        return status;
    *allowed = access_judge(&mention->whom, &opening, mention->note, ACTION_READ).allowed &&
               (!text || access_sees_field(&mention->whom, mention->note, text));
    return STATUS_OK;
}

/* Whom the actor means. Of a partner's people the answer about somebody who is none of theirs is
 * the one about nobody, found with as much work. */
static enum status find(struct mention *mention)
{
    const struct state *state = mention->plan->state;
    const struct principal *actor = mention->plan->actor, *whom = &mention->whom;
    struct id user;
    bool allowed = false;
    enum status status = principal_find_user(state, mention->name, &user);
    const bool there = status == STATUS_OK;
    if (there)
        status = principal_load(state, user, &mention->whom);
    const bool enabled = status == STATUS_OK;
    if (enabled)
        status = judge(mention, &allowed);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (actor->partner) {
        const bool own = whom->partner && id_equal(whom->party, actor->party);
        return enabled && allowed && (own || mention->wrote) ? STATUS_OK : nobody(mention);
    }
    if (!there)
        return nobody(mention);
    if (!enabled)
        return refuse(mention, STATUS_DENIED, "% cannot sign in: leave the name as text");
    if (!allowed)
        return refuse(mention, STATUS_DENIED,
                      "% may not see this note: share it with them, or leave the name as text");
    return STATUS_OK;
}

static enum status set(struct plan *plan, struct draft *draft, const char *name,
                       struct buffer *value)
{
    const struct field_def *field = schema_field(draft->entity, bytes_text(name));
    const struct bytes kept = arena_keep(&plan->arena, value);
    assert(field);
    return plan->arena.failed ? STATUS_NO_MEMORY : draft_set(plan, draft, field, kept);
}

static enum status set_id(struct plan *plan, struct draft *draft, const char *name, struct id id)
{
    struct buffer value = {0};
    wire_put_id(&value, id);
    return set(plan, draft, name, &value);
}

static enum status put(const struct mention *mention, struct id id)
{
    struct plan *plan = mention->plan;
    const struct principal *whom = &mention->whom;
    const struct record *note = mention->note;
    const struct tag tag =
        whom->partner ? (struct tag){TAG_PARTNER, whom->party} : (struct tag){.kind = TAG_INTERNAL};
    struct draft *draft;
    enum status status = plan_new_draft(plan, id, schema_entity(bytes_text("mention")), &draft);
    if (status != STATUS_OK)
        return status;
    draft->now->scope = (struct scope){SCOPE_USER, whom->user};
    status = draft_place(plan, draft, tag);
    if (status == STATUS_OK)
        status = set_id(plan, draft, "note", note->id);
    if (status == STATUS_OK && note->scope.kind == SCOPE_ACCOUNT)
        status = set_id(plan, draft, "account", note->scope.id);
    return status;
}

enum status mention_plan(struct plan *plan, struct id id, struct id note, struct bytes user)
{
    struct mention mention = {.plan = plan, .name = user};
    mention.note = memory_new(sizeof *mention.note);
    enum status status = mention.note ? read_note(&mention, note) : STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = check_settled_access(plan);
    if (status == STATUS_OK)
        status = read_authors(&mention);
    if (status == STATUS_OK)
        status = look_for_author(&mention);
    if (status == STATUS_OK)
        status = find(&mention);
    if (status == STATUS_OK)
        status = put(&mention, id);
    buffer_release(&mention.scratch);
    memory_free(mention.note);
    return status;
}
