/* Commands: which is which, and a client's mutation from its number to its answer. */
#include "server/core/apply/apply.h"

#include "protocol/message.h"
#include "server/core/apply/apply_change.h"
#include "server/core/apply/apply_internal.h"
#include "server/core/apply/apply_number.h"
#include "server/core/work.h"

enum status apply_put_result(struct effects *effects, uint64_t number, uint64_t seq,
                             const struct fault *fault, struct bytes conflicts, uint32_t count)
{
    struct message message = {.type = MESSAGE_RESULT};
    struct msg_result *result = &message.as.result;
    struct buffer list = {0};
    result->number = number;
    result->status = bytes_text(status_name(fault->status));
    if (fault->status == STATUS_OK) {
        result->seq = seq;
        message_mark(&message, "seq");
    } else if (fault->change >= 0) {
        result->change = (uint64_t)fault->change;
        message_mark(&message, "change");
    }
    if (fault->status != STATUS_OK && fault->field[0]) {
        result->field = bytes_text(fault->field);
        message_mark(&message, "field");
    }
    if (fault->status != STATUS_OK && fault->detail[0]) {
        result->detail = bytes_text(fault->detail);
        message_mark(&message, "detail");
    }
    if (count > 0) {
        wire_put_array(&list, count);
        buffer_append(&list, conflicts.data, conflicts.size);
        result->conflicts = buffer_bytes(&list);
        message_mark(&message, "conflicts");
    }
    buffer_clear(&effects->answer);
    bool failed = list.failed;
    if (!failed) {
        message_encode(&effects->answer, &message);
        failed = effects->answer.failed;
    }
    buffer_release(&list);
    return failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Answers with a refusal that is not remembered. */
static enum status answer_refusal(struct effects *effects, uint64_t number, enum status refusal,
                                  const char *detail)
{
    struct fault fault;
    const struct bytes none = {NULL, 0};
    fault_clear(&fault);
    fault_set(&fault, refusal, none, "%s", detail);
    return apply_put_result(effects, number, 0, &fault, none, 0);
}

static bool read_mode(struct bytes mode, bool *overwrite)
{
    *overwrite = bytes_is(mode, "overwrite");
    return *overwrite || mode.size == 0 || bytes_is(mode, "reject");
}

static enum status plan_mutation(struct plan *plan, const struct msg_mutate *mutate)
{
    plan->base = mutate->base;
    if (!read_mode(mutate->mode, &plan->overwrite))
        return plan_refuse(plan, STATUS_INVALID_VALUE, "mode", "must be reject or overwrite");
    enum status status = changes_plan(plan, mutate->changes);
    return status == STATUS_OK ? plan_settle(plan) : status;
}

/* Plans and, when it stands, writes the mutation; its answer is in effects either way. */
static enum status run_mutation(const struct state *state, const struct command *command,
                                const struct principal *actor, const struct msg_mutate *mutate,
                                struct effects *effects)
{
    struct plan plan;
    struct fault fault;
    enum status status = plan_init(&plan, state, actor, command->at_ms, &fault);
    if (status == STATUS_OK)
        status = plan_mutation(&plan, mutate);
    bool refused = status != STATUS_OK && !apply_is_failure(status);
    if (status == STATUS_OK)
        status = plan_write(&plan, effects);
    if (refused)
        fault.status = status;
    if (status == STATUS_OK || refused)
        status = apply_put_result(effects, mutate->number, plan.seq, &fault,
                                  buffer_bytes(&plan.conflicts),
                                  fault.status == STATUS_CONFLICT ? plan.conflict_count : 0);
    plan_release(&plan);
    return status;
}

/* Answers a number that is not the next one. */
static enum status answer_old_number(const struct state *state, const struct number_row *row,
                                     const struct msg_mutate *mutate,
                                     const uint8_t hash[CONTENT_HASH], struct effects *effects)
{
    uint64_t number = mutate->number;
    if (number == 0)
        return answer_refusal(effects, number, STATUS_INVALID_VALUE, "numbers begin with 1");
    if (number > row->last)
        return answer_refusal(effects, number, STATUS_NUMBER_GAP, status_text(STATUS_NUMBER_GAP));
    enum status status = number_answer(state, row, number, hash, &effects->answer);
    if (status == STATUS_NUMBER_FORGOTTEN || status == STATUS_NUMBER_REUSED)
        return answer_refusal(effects, number, status, status_text(status));
    return status;
}

static enum status mutate_as(const struct state *state, const struct command *command,
                             const struct principal *actor, const struct msg_mutate *mutate,
                             struct effects *effects)
{
    struct number_row row;
    uint8_t hash[CONTENT_HASH];
    enum status status = number_read(state, command->client, actor->user, &row);
    if (status != STATUS_OK)
        return status;
    if (!id_equal(row.user, actor->user))
        return answer_refusal(effects, mutate->number, STATUS_DENIED,
                              "this client belongs to another user");
    number_hash(mutate, hash);
    if (mutate->number == 0 || mutate->number != row.last + 1)
        return answer_old_number(state, &row, mutate, hash, effects);
    status = run_mutation(state, command, actor, mutate, effects);
    if (status != STATUS_OK)
        return status;
    return number_remember(state, &row, hash, buffer_bytes(&effects->answer), mutate->answered);
}

enum status apply_mutate(const struct state *state, const struct command *command,
                         struct effects *effects)
{
    struct message message;
    struct principal actor;
    struct fault fault;
    enum status status = message_decode(command->body, &message, &fault);
    if (status != STATUS_OK || message.type != MESSAGE_MUTATE)
        return answer_refusal(effects, 0, STATUS_MALFORMED, "this is no mutation");
    status = principal_load(state, command->actor, &actor);
    if (status == STATUS_NOT_FOUND)
        return answer_refusal(effects, message.as.mutate.number, STATUS_DENIED,
                              "this user may not sign in");
    if (status != STATUS_OK)
        return status;
    return mutate_as(state, command, &actor, &message.as.mutate, effects);
}

enum status apply_command(const struct state *state, const struct command *command,
                          struct effects *effects)
{
    struct meta meta;
    enum status status = state->ops->meta(state->self, &meta);
    buffer_clear(&effects->answer);
    if (status != STATUS_OK)
        return status;
    effects->seq = meta.seq;
    effects->work += work_of(command->body.size);
    switch (command->kind) {
    case COMMAND_MUTATE:
        return apply_mutate(state, command, effects);
    case COMMAND_DUE:
        return apply_due(state, command, effects);
    case COMMAND_FOUND:
        return apply_found(state, command, effects);
    case COMMAND_CREDENTIAL:
        return apply_credential(state, command, effects);
    case COMMAND_PRUNE:
        return apply_prune(state, command, effects);
    case COMMAND_FORGET_CLIENT:
        return number_forget(state, command->client, command->actor);
    case COMMAND_NOTE:
        return apply_note(state, command, effects);
    }
    return STATUS_CORRUPT;
}

enum status apply_next_due(const struct state *state, uint64_t *at_ms)
{
    struct id id;
    enum status status = state->ops->due_first(state->self, at_ms, &id);
    if (status == STATUS_NOT_FOUND) {
        *at_ms = UINT64_MAX;
        return STATUS_OK;
    }
    return status;
}
