/* Commands of the server itself: what is due, what may be forgotten, and credentials. */
#include "protocol/memory.h"
#include "protocol/wire.h"
#include "server/core/apply/apply_draft.h"
#include "server/core/apply/apply_history.h"
#include "server/core/apply/apply_internal.h"
#include "server/core/apply/apply_note.h"
#include "server/core/apply/apply_rules.h"
#include "server/core/credential.h"
#include "server/core/note/note_cut.h"
#include "server/core/note/note_prune.h"

/* Bounds of one command, so that no batch is held up by another's housekeeping. */
#define MOST_DUE 100u
#define MOST_FORGOTTEN 1000u
#define MOST_VISITED 10000u

/* Brings one assignment to the status it has at the plan's time. What cannot be brought up to date,
 * such as one whose partner is gone, stays as it is. */
static enum status refresh(struct plan *plan, struct draft *draft, struct effects *effects)
{
    if (draft->now->deleted)
        return STATUS_OK;
    enum status status = assignment_check(plan, draft);
    if (status == STATUS_OK)
        status = plan_settle(plan);
    return status == STATUS_OK && draft->changed ? plan_write(plan, effects) : status;
}

static enum status apply_one_due(const struct state *state, const struct principal *system,
                                 uint64_t at_ms, struct id id, struct effects *effects)
{
    struct plan plan;
    struct fault fault;
    struct draft *draft;
    enum status status = plan_init(&plan, state, system, at_ms, &fault);
    if (status == STATUS_OK)
        status = plan_draft(&plan, id, &draft);
    if (status == STATUS_OK && bytes_is(draft->now->entity, "assignment"))
        status = refresh(&plan, draft, effects);
    else if (status == STATUS_OK && bytes_is(draft->now->entity, "note"))
        status = note_due(&plan, draft, effects);
    plan_release(&plan);
    return apply_is_failure(status) ? status : STATUS_OK;
}

enum status apply_due(const struct state *state, const struct command *command,
                      struct effects *effects)
{
    struct principal system;
    principal_system(&system);
    for (unsigned i = 0; i < MOST_DUE; i++) {
        uint64_t due_ms;
        struct id id;
        enum status status = state->ops->due_first(state->self, &due_ms, &id);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && due_ms > command->at_ms))
            return STATUS_OK;
        if (status == STATUS_OK)
            status = state->ops->put_due(state->self, due_ms, id, false);
        if (status == STATUS_OK)
            status = apply_one_due(state, &system, command->at_ms, id, effects);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static uint64_t newest_ms(const struct record *record)
{
    uint64_t newest = record->created.at_ms;
    for (unsigned i = 0; i < record->stamp_count; i++)
        if (record->stamps[i].at_ms > newest)
            newest = record->stamps[i].at_ms;
    return newest;
}

struct pruning {
    uint64_t now_ms, before_ms;
    uint64_t seq; /* place in the feed */
    struct id id;
    uint64_t done; /* every entry up to this seq was visited */
    unsigned visited, forgotten;
    struct record *record;
};

/* What is kept of a note's typing goes first, bit by bit as a thing that is due, and the tombstone
 * behind it. */
static enum status forget(const struct state *state, const struct pruning *pruning)
{
    bool kept = false;
    enum status status = STATUS_OK;
    if (bytes_is(pruning->record->entity, "note"))
        status = note_is_kept(state, pruning->id, &kept);
    if (status != STATUS_OK)
        return status;
    return kept ? state->ops->put_due(state->self, pruning->now_ms, pruning->id, true)
                : state->ops->forget_record(state->self, pruning->record);
}

/* What was typed in a note that has long been left alone. When there is too much of it for one command
 * the walk ends here, and the next begins with this note again. */
static enum status forget_typing(const struct state *state, struct pruning *pruning, bool *more)
{
    unsigned dropped = 0;
    bool done = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !done && pruning->forgotten + dropped < MOST_FORGOTTEN)
        status = note_forget_old(state, pruning->id, &dropped, &done);
    pruning->forgotten += dropped;
    *more = done;
    return status;
}

/* Visits one entry of the feed; *more is false when the walk is over. All of one seq are visited
 * together, because a horizon speaks of whole seqs. */
static enum status prune_step(const struct state *state, struct pruning *pruning, bool *more)
{
    struct bytes encoded;
    uint64_t before = pruning->seq;
    enum status status = state->ops->feed_next(state->self, &pruning->seq, &pruning->id);
    *more = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        pruning->done = before;
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    if (pruning->seq != before)
        pruning->done = before;
    status = state->ops->record(state->self, pruning->id, &encoded);
    if (status == STATUS_OK)
        status = record_decode(encoded, pruning->record);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    bool full = pruning->forgotten >= MOST_FORGOTTEN || pruning->visited >= MOST_VISITED;
    if (pruning->seq != before &&
        (full || newest_ms(pruning->record) >= pruning->before_ms)) {
        *more = false;
        return STATUS_OK;
    }
    pruning->visited++;
    if (!pruning->record->deleted)
        return bytes_is(pruning->record->entity, "note") ? forget_typing(state, pruning, more)
                                                         : STATUS_OK;
    pruning->forgotten++;
    return forget(state, pruning);
}

enum status apply_prune(const struct state *state, const struct command *command,
                        struct effects *effects)
{
    struct meta meta;
    struct pruning pruning = {.now_ms = command->at_ms};
    struct bytes value;
    bool more = true;
    (void)effects;
    if (wire_validate(command->body, NULL) != STATUS_OK ||
        !wire_map_find(command->body, "before", &value))
        return STATUS_OK;
    struct wire_reader reader = wire_read(value);
    if (!wire_get_uint(&reader, &pruning.before_ms))
        return STATUS_OK;
    enum status status = state->ops->meta(state->self, &meta);
    if (status == STATUS_OK)
        status = note_remember_horizon(state, pruning.before_ms);
    pruning.record = memory_resize(NULL, sizeof *pruning.record);
    if (status == STATUS_OK && !pruning.record)
        status = STATUS_NO_MEMORY;
    pruning.seq = pruning.done = meta.horizon;
    for (unsigned i = 0; i < ID_SIZE; i++)
        pruning.id.octet[i] = 0xff;
    while (status == STATUS_OK && more)
        status = prune_step(state, &pruning, &more);
    memory_free(pruning.record);
    if (status != STATUS_OK || pruning.done <= meta.horizon)
        return status;
    meta.horizon = pruning.done;
    return state->ops->put_meta(state->self, &meta);
}

/* Users manage their own password and tokens; administrators whatever is anybody's. The server
 * itself, which has checked a secret, may do all. */
static enum status allow_credential(const struct state *state, const struct command *command,
                                    const struct credential_change *change,
                                    struct principal *actor)
{
    if (id_is_zero(command->actor)) {
        principal_system(actor);
        return STATUS_OK;
    }
    enum status status = principal_load(state, command->actor, actor);
    if (status == STATUS_NOT_FOUND)
        return STATUS_DENIED;
    if (status != STATUS_OK || actor->role == ROLE_ADMINISTRATOR)
        return status;
    bool managed = change->kind == CREDENTIAL_CODE || change->kind == CREDENTIAL_CERTIFICATE;
    return id_equal(command->actor, change->user) && !managed ? STATUS_OK : STATUS_DENIED;
}

static enum status user_exists(const struct state *state, struct id user)
{
    struct bytes encoded;
    enum status status = state->ops->record(state->self, user, &encoded);
    if (status != STATUS_OK)
        return status;
    struct record *record = memory_resize(NULL, sizeof *record);
    if (!record)
        return STATUS_NO_MEMORY;
    status = record_decode(encoded, record);
    if (status == STATUS_OK && (record->deleted || !bytes_is(record->entity, "user")))
        status = STATUS_NOT_FOUND;
    memory_free(record);
    return status;
}

static const char *credential_name(enum credential_kind kind)
{
    switch (kind) {
    case CREDENTIAL_PASSWORD:
        return "password";
    case CREDENTIAL_CODE:
        return "code";
    case CREDENTIAL_TOKEN:
        return "token";
    case CREDENTIAL_CERTIFICATE:
        return "certificate";
    case CREDENTIAL_END_TOKEN:
        return "end-token";
    case CREDENTIAL_END_TOKENS:
        return "end-tokens";
    }
    return "";
}

/* Whether tokens ended by it: sessions that live by one must hear of it. */
static bool ends_tokens(enum credential_kind kind)
{
    return kind == CREDENTIAL_PASSWORD || kind == CREDENTIAL_END_TOKEN ||
           kind == CREDENTIAL_END_TOKENS;
}

static enum status change_credential(const struct state *state, const struct command *command,
                                     struct effects *effects)
{
    struct credential_change change;
    struct principal actor;
    enum status status = credential_read_body(command->body, &change);
    if (status == STATUS_OK)
        status = allow_credential(state, command, &change, &actor);
    if (status == STATUS_OK)
        status = user_exists(state, change.user);
    if (status == STATUS_OK)
        status = credential_apply(state, command->body, command->at_ms);
    if (status != STATUS_OK)
        return status;
    if (ends_tokens(change.kind))
        effects_touch_user(effects, change.user);
    if (effects->failed)
        return STATUS_NO_MEMORY;
    return audit_write(state, command->at_ms, actor.name, "credential", change.user, effects->seq,
                       credential_name(change.kind));
}

enum status apply_credential(const struct state *state, const struct command *command,
                             struct effects *effects)
{
    struct fault fault;
    const struct bytes none = {NULL, 0};
    enum status status = change_credential(state, command, effects);
    if (apply_is_failure(status))
        return status;
    fault_clear(&fault);
    if (status != STATUS_OK)
        fault_set(&fault, status, none, "%s", status_text(status));
    return apply_put_result(effects, 0, effects->seq, &fault, none, 0);
}
