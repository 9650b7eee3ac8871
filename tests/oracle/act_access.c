/* Assignments, restricted accounts, and the time that ends what was granted. */
#include <stdio.h>

#include "protocol/wire.h"
#include "tests/oracle/act.h"

#define DAY_MS UINT64_C(86400000)

static const char *const levels[] = {"view", "comment", "edit"};

static const struct model_record *some_partner(struct oracle *oracle)
{
    for (unsigned i = 0; i < 10; i++) {
        const struct model_record *party = oracle_pick(oracle, "party");
        if (!bytes_is(model_text(party->newest, "kind"), "department")) {
            return party;
        }
    }
    return NULL;
}

static void put_terms(struct oracle *oracle, struct act_fields *fields)
{
    char date[11];
    act_field_text(fields, "level", levels[oracle_random(oracle, 3)]);
    if (oracle_chance(oracle, 25)) {
        act_date(oracle, (int)oracle_random(oracle, 4) - 1, date);
        act_field_text(fields, "from", date);
    }
    if (oracle_chance(oracle, 35)) {
        act_date(oracle, (int)oracle_random(oracle, 5) - 1, date);
        act_field_text(fields, "until", date);
    } else if (oracle_chance(oracle, 30)) {
        act_field_nil(fields, "until");
    }
}

static void assign(struct oracle *oracle, struct id actor, struct act_changes *changes)
{
    struct act_fields fields = {.count = 0};
    const struct model_record *party = some_partner(oracle);
    const struct model_record *account = oracle_pick(oracle, "account");
    if (party == NULL || account == NULL) {
        return;
    }
    act_field_id(&fields, "party", party->id);
    act_field_id(&fields, "account", account->id);
    put_terms(oracle, &fields);
    oracle_doing(oracle, "%s assigns %s to %s", oracle_user_name(oracle, actor),
                 oracle_name(oracle, party->id), oracle_name(oracle, account->id));
    act_put_create(changes, world_id(oracle->world), "assignment", &fields, NULL, NULL, 0);
}

void act_assign(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id actor = oracle_user(oracle, true);
    const struct model_record *record = oracle_pick(oracle, "assignment");
    uint64_t choice = oracle_random(oracle, 10);
    if (record == NULL || choice < 5) {
        assign(oracle, actor, &changes);
    } else if (choice < 8) {
        oracle_doing(oracle, "%s changes the terms of %s", oracle_user_name(oracle, actor),
                     oracle_name(oracle, record->id));
        put_terms(oracle, &fields);
        act_put_update(&changes, record->id, &fields);
    } else {
        oracle_doing(oracle, "%s revokes %s", oracle_user_name(oracle, actor),
                     oracle_name(oracle, record->id));
        act_put_remove(&changes, record->id);
    }
    if (changes.count > 0) {
        act_apply(oracle, actor, &changes);
    }
}

void act_restrict(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    const struct model_record *account = oracle_pick(oracle, "account");
    struct id actor = oracle_user(oracle, true), team[3];
    uint32_t count = (uint32_t)oracle_random(oracle, 4);
    if (account == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        team[i] = oracle_user(oracle, i == 0);
        if (i > 0 && id_equal(team[i], team[i - 1])) {
            count = i;
        }
    }
    bool restricted = oracle_chance(oracle, 60);
    oracle_doing(oracle, "%s %s %s with a team of %u", oracle_user_name(oracle, actor),
                 restricted ? "closes" : "opens", oracle_name(oracle, account->id), count);
    if (oracle_chance(oracle, 85)) {
        act_field_truth(&fields, "restricted", restricted);
    }
    if (count > 0 || oracle_chance(oracle, 20)) {
        act_field_ids(&fields, "team", team, count);
    }
    if (oracle_chance(oracle, 20)) {
        act_field_id(&fields, "assignedUser", oracle_user(oracle, false));
    }
    act_put_update(&changes, account->id, &fields);
    act_apply(oracle, actor, &changes);
}

void act_time(struct oracle *oracle)
{
    uint64_t ms = oracle_chance(oracle, 50) ? DAY_MS : oracle_random(oracle, 3 * DAY_MS);
    oracle_doing(oracle, "%llu hours pass", (unsigned long long)(ms / (DAY_MS / 24)));
    world_pass_time(oracle->world, ms);
    if (oracle_chance(oracle, 80)) {
        world_forget_frames(oracle->world);
        world_run_due(oracle->world);
        oracle->frames_since = model_head(oracle->model);
    }
}

/* Deletions of long ago are forgotten: replicas older than that start over. */
void act_prune(struct oracle *oracle)
{
    struct buffer body = {0};
    uint64_t age = oracle_random(oracle, 5 * DAY_MS);
    oracle_doing(oracle, "deletions older than %llu hours are forgotten",
                 (unsigned long long)(age / (DAY_MS / 24)));
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, world_now(oracle->world) - age);
    world_apply(oracle->world, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body));
    oracle->pruned = model_head(oracle->model);
    buffer_release(&body);
}
