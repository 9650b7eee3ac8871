/* A new store: its departments and its first administrator. */
#include <string.h>

#include "protocol/mix.h"
#include "protocol/wire.h"
#include "server/core/apply/apply_change.h"
#include "server/core/apply/apply_internal.h"
#include "server/core/credential.h"

static const char *const departments[] = {"sales", "support", "community"};

/* The n-th id out of one command's randomness. */
static struct id founded_id(const struct command *command, uint64_t n)
{
    uint8_t random[MIX_SIZE];
    mix128(bytes_of(command->entropy, COMMAND_ENTROPY), n, random);
    return id_make(command->at_ms, random);
}

static enum status found_record(struct plan *plan, const char *entity, struct id id,
                                struct buffer *fields)
{
    struct bytes kept = arena_keep(&plan->arena, fields);
    return plan->arena.failed ? STATUS_NO_MEMORY : change_create_record(plan, entity, id, kept);
}

static enum status found_department(struct plan *plan, struct id id, const char *name)
{
    struct buffer fields = {0};
    wire_put_map(&fields, 2);
    wire_put_text(&fields, "name");
    wire_put_text(&fields, name);
    wire_put_text(&fields, "kind");
    wire_put_text(&fields, "department");
    return found_record(plan, "party", id, &fields);
}

static enum status found_administrator(struct plan *plan, struct id id, struct bytes name)
{
    struct buffer fields = {0};
    wire_put_map(&fields, 2);
    wire_put_text(&fields, "name");
    wire_put_str(&fields, name);
    wire_put_text(&fields, "role");
    wire_put_text(&fields, role_name(ROLE_ADMINISTRATOR));
    return found_record(plan, "user", id, &fields);
}

static struct bytes text_in(struct bytes map, const char *key)
{
    struct bytes text = {NULL, 0};
    wire_map_str(map, key, &text);
    return text;
}

static enum status plan_founding(struct plan *plan, const struct command *command,
                                 struct id administrator)
{
    struct bytes name = text_in(command->body, "name");
    enum status status = STATUS_OK;
    if (plan->meta.seq != 0)
        return plan_refuse(plan, STATUS_EXISTS, "", "the store has been founded already");
    if (text_in(command->body, "credential").size == 0)
        return plan_refuse(plan, STATUS_MISSING_FIELD, "credential", "this field is required");
    for (unsigned i = 0; i < sizeof departments / sizeof *departments && status == STATUS_OK; i++)
        status = found_department(plan, founded_id(command, i + 1), departments[i]);
    if (status == STATUS_OK)
        status = found_administrator(plan, administrator, name);
    return status == STATUS_OK ? plan_settle(plan) : status;
}

static enum status put_password(const struct state *state, const struct command *command,
                                struct id user)
{
    struct buffer body = {0};
    credential_body(&body, user, CREDENTIAL_PASSWORD, text_in(command->body, "credential"), 0);
    enum status status = body.failed ? STATUS_NO_MEMORY
                                     : credential_apply(state, buffer_bytes(&body),
                                                        command->at_ms);
    buffer_release(&body);
    return status;
}

enum status apply_found(const struct state *state, const struct command *command,
                        struct effects *effects)
{
    struct principal system;
    struct plan plan;
    struct fault fault;
    struct id administrator = founded_id(command, 0);
    const struct bytes none = {NULL, 0};
    principal_system(&system);
    enum status status = plan_init(&plan, state, &system, command->at_ms, &fault);
    if (status == STATUS_OK && wire_validate(command->body, NULL) != STATUS_OK)
        status = plan_refuse(&plan, STATUS_MALFORMED, "", "this is no founding");
    if (status == STATUS_OK)
        status = plan_founding(&plan, command, administrator);
    bool refused = status != STATUS_OK && !apply_is_failure(status);
    if (status == STATUS_OK)
        status = plan_write(&plan, effects);
    if (status == STATUS_OK)
        status = put_password(state, command, administrator);
    if (refused)
        fault.status = status;
    if (status == STATUS_OK || refused)
        status = apply_put_result(effects, 0, plan.seq, &fault, none, 0);
    plan_release(&plan);
    return status;
}
