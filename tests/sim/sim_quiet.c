/* A quiet point: everything is healed, runs and is delivered, and then each replica is exactly what
 * its user may see of what they asked for, and each mutation stands where it must. */
#include <string.h>

#include "tests/sim/sim.h"

#define STEP_MS 1000u
#define PATIENCE_MS 1800000u
#define IDLE_MS 65000u

/* ---- Healing ---- */

static void heal(struct sim *sim)
{
    sim->calm = true;
    trap_clear(sim, &sim->server.trap);
    if (sim->server.store == NULL)
        sim->server.restart_at = sim->now;
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        trap_clear(sim, &device->trap);
        device->reachable = true;
        if (device->client == NULL)
            device->restart_at = sim->now;
    }
    net_heal(sim);
}

/* Whoever was locked out has lost their token, and their program was told that it is over. Whoever
 * is offline on purpose is not any more. */
static void sign_in_again(struct sim *sim)
{
    struct model_person who;
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        struct sim_user *user = &sim->users[device->user];
        if (device->client != NULL)
            device_pause(device, false);
        if (device->client == NULL || !device->failed ||
            !model_person(sim->model, user->id, model_head(sim->model), &who))
            continue;
        sim_admit(sim, user);
        device_connect(device);
    }
}

/* ---- Waiting ---- */

static bool locked_out(const struct sim *sim, const struct sim_device *device)
{
    struct model_person who;
    return !model_person(sim->model, sim->users[device->user].id, model_head(sim->model), &who);
}

static const char *unsettled(struct sim_device *device)
{
    struct replica_backfill backfill;
    if (device->client == NULL)
        return "does not run";
    if (locked_out(device->sim, device))
        return device->failed ? NULL : "may not sign in and was not told";
    if (!tandem_connected(device->client))
        return "is not connected";
    const struct sim_device *leader = process_leader(device);
    if (leader == NULL)
        return "has nobody who keeps the replica";
    if (!leader->caught_up)
        return "is not caught up";
    if (!process_has_heard(device))
        return "has not heard what the other process did";
    if (history_is_former(device) || history_shown(device) != device->sim->model)
        return "is of a former history";
    if (replica_next_backfill(device->client->replica, NULL, &backfill) != STATUS_NOT_FOUND)
        return "waits for a backfill";
    const char *why = type_unsettled(device);
    return why != NULL ? why : own_unsettled(device);
}

static void wait_for_all(struct sim *sim)
{
    const uint64_t until = sim->now + PATIENCE_MS;
    unsigned calm = 0;
    while (calm < 2) {
        const char *why = NULL;
        const char *who = "the network or the server";
        sim_pass(sim, STEP_MS);
        sign_in_again(sim);
        for (unsigned i = 0; i < sim->device_count && why == NULL; i++) {
            type_gather(&sim->devices[i]);
            why = unsettled(&sim->devices[i]);
            who = sim->devices[i].name;
        }
        if (why == NULL && note_waits(sim)) {
            why = "has notes to settle";
            who = "the server";
        }
        if (why == NULL && (!server_idle(sim) || !net_idle(sim)) && calm == 0)
            why = "is busy";
        calm = why == NULL ? calm + 1 : 0;
        if (sim->now > until)
            sim_differ(sim, "half an hour after everything was healed %s %s", who,
                       why != NULL ? why : "is busy");
    }
}

/* ---- Replicas ---- */

struct comparison {
    struct sim_device *device;
    struct sim_device *leader; /* who has subscribed to what is in the folder */
    struct model_person who;
    size_t held;
};

static bool wants_scope(const struct sim_device *device, struct scope scope)
{
    char text[SCOPE_TEXT_SIZE];
    (void)scope_to_text(scope, text);
    for (size_t i = 0; i < device->scope_count; i++)
        if (strcmp(device->scopes[i], text) == 0)
            return true;
    return device->scope_count == 0;
}

static bool wants_entity(const struct sim_device *device, struct bytes entity)
{
    for (size_t i = 0; i < device->entity_count; i++)
        if (bytes_is(entity, device->entities[i]))
            return true;
    return device->entity_count == 0;
}

static bool compare_one(void *context, struct bytes encoded)
{
    struct comparison *comparison = context;
    struct sim_device *device = comparison->device;
    struct sim *sim = device->sim;
    struct record_view view;
    char why[256], id[ID_TEXT_SIZE];
    if (!record_view_read(encoded, &view))
        sim_differ(sim, "%s holds what is no record", device->name);
    comparison->held++;
    if (!judge_record_at(sim->model, sim->users[device->user].id, encoded, model_head(sim->model),
                         why, sizeof why))
        sim_differ(sim, "all is quiet, and %s of %s (cursor %llu, head %llu) holds %.*s %s: %s",
                   device->name, sim->users[device->user].name,
                   (unsigned long long)tandem_cursor(device->client),
                   (unsigned long long)model_head(sim->model), (int)view.entity.size,
                   (const char *)view.entity.data, id_to_text(view.id, id), why);
    if (!wants_scope(comparison->leader, view.scope) ||
        !wants_entity(comparison->leader, view.entity))
        sim_differ(sim, "%s holds %.*s %s, for which it did not ask", device->name,
                   (int)view.entity.size, (const char *)view.entity.data, id_to_text(view.id, id));
    return true;
}

static bool nothing(void *context, struct bytes encoded)
{
    (void)context;
    (void)encoded;
    return false;
}

static void compare_replica(struct sim_device *device)
{
    struct sim *sim = device->sim;
    struct comparison comparison = {device, process_leader(device), {.staff = false}, 0};
    const uint64_t head = model_head(sim->model);
    size_t expected = 0;
    process_is(device);
    (void)model_person(sim->model, sim->users[device->user].id, head, &comparison.who);
    const enum status status =
        replica_each(device->client->replica, bytes_of(NULL, 0), compare_one, &comparison);
    if (status != STATUS_OK)
        sim_differ(sim, "%s cannot be read: %s", device->name, status_name(status));
    for (size_t i = 0; i < model_count(sim->model); i++) {
        const struct model_record *record = model_at(sim->model, i);
        struct model_view view;
        char id[ID_TEXT_SIZE];
        if (!model_view(sim->model, &comparison.who, record, head, &view) ||
            !wants_scope(comparison.leader, view.scope) ||
            !wants_entity(comparison.leader, bytes_text(record->entity)))
            continue;
        expected++;
        if (replica_get(device->client->replica, record->id, nothing, NULL) != STATUS_OK)
            sim_differ(sim, "all is quiet, and %s of %s (cursor %llu, head %llu) lacks %s %s",
                       device->name, sim->users[device->user].name,
                       (unsigned long long)tandem_cursor(device->client), (unsigned long long)head,
                       record->entity, id_to_text(record->id, id));
    }
    if (expected != comparison.held)
        sim_differ(sim, "%s holds %zu records and should hold %zu", device->name, comparison.held,
                   expected);
    sim->progress->compared++;
}

/* When nothing happens for a while, what is gone is taken out of the files as well. */
static void check_files(struct sim *sim)
{
    const uint64_t head = model_head(sim->model);
    sim_pass(sim, IDLE_MS);
    for (unsigned i = 0; i < sim->device_count && model_head(sim->model) == head; i++)
        if (!locked_out(sim, &sim->devices[i]))
            files_check(&sim->devices[i]);
}

void sim_quiet(struct sim *sim)
{
    heal(sim);
    wait_for_all(sim);
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        if (locked_out(sim, device))
            continue;
        compare_replica(device);
        own_check(device);
        type_check(device);
        watch_read(device);
    }
    check_files(sim);
    sim->calm = false;
}
