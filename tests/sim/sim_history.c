/* What happened, in each history of the server. A model has all its versions and cannot be put
 * back, so what it was told is kept, and another is made of it. */
#include <assert.h>
#include <string.h>

#include "tests/sim/sim.h"

static const char *const department_names[3] = {"sales", "support", "community"};

/* ---- The model ---- */

static struct model *make(const struct sim *sim)
{
    struct model *model = model_new(sim->schema);
    model_founded(model, sim->log.administrator, "admin", sim->log.departments, department_names,
                  sim->log.founded_ms);
    return model;
}

static void add(struct sim *sim, struct id epoch)
{
    assert(sim->history_count < SIM_HISTORIES);
    sim->model = make(sim);
    sim->histories[sim->history_count++] = (struct sim_history){epoch, sim->model};
}

void history_found(struct sim *sim, const struct id departments[3])
{
    struct meta meta;
    const struct state state = server_state(sim);
    const enum status status = state.ops->meta(state.self, &meta);
    server_state_end(sim);
    if (status != STATUS_OK)
        sim_differ(sim, "the store has no epoch");
    memcpy(sim->log.departments, departments, sizeof sim->log.departments);
    sim->log.administrator = sim->users[0].id;
    sim->log.founded_ms = sim_wall(sim);
    add(sim, meta.epoch);
}

static void keep(struct sim *sim, const struct sim_command *command, struct bytes changes)
{
    assert(sim->log.count < SIM_LOG);
    struct sim_command *kept = &sim->log.commands[sim->log.count++];
    *kept = (struct sim_command){
        command->kind, command->actor, command->client, command->at_ms, command->seq, {0}, {0}};
    buffer_append(&kept->body, changes.data, changes.size);
    buffer_append(&kept->notes, command->notes.data, command->notes.size);
}

void history_mutated(struct sim *sim, const struct sim_command *command, struct bytes changes)
{
    keep(sim, command, changes);
    model_mutated(sim->model, command->actor, command->at_ms, command->seq, changes);
}

/* Whether the note settled as `seq`. */
static bool settled_as(const struct sim_command *command, uint64_t seq, struct sim_noted *out)
{
    struct bytes rest = buffer_bytes(&command->notes), text;
    while (note_next(&rest, out, &text))
        if (out->seq == seq)
            return true;
    return false;
}

/* Notes settle among what else is due. */
static uint64_t due(struct model *model, const struct sim_command *command)
{
    struct sim_noted noted;
    uint64_t head;
    do {
        head = model_head(model);
        if (settled_as(command, head + 1, &noted))
            model_note_settled(model, noted.id, noted.changed_ms, head + 1);
        else if (head < command->seq)
            (void)model_due(model, command->at_ms);
    } while (model_head(model) != head);
    return head;
}

static void typed(struct model *model, const struct sim_command *command)
{
    struct bytes rest = buffer_bytes(&command->notes), text;
    struct sim_noted noted;
    while (note_next(&rest, &noted, &text))
        if (noted.version > noted.settled) /* else it was sent again, or refused */
            model_note_typed(model, noted.id, noted.version, text, bytes_text(noted.by));
}

void history_typed(struct sim *sim, const struct sim_command *command)
{
    keep(sim, command, bytes_of(NULL, 0));
    typed(sim->model, command);
}

uint64_t history_due(struct sim *sim, const struct sim_command *command)
{
    const uint64_t before = model_head(sim->model);
    const uint64_t after = due(sim->model, command);
    if (after != before)
        keep(sim, command, bytes_of(NULL, 0));
    return after;
}

/* ---- Back to a copy ---- */

void history_copied(struct sim *sim)
{
    sim->log.copied = sim->log.count;
}

static void tell_again(struct sim *sim, const struct sim_command *command)
{
    if (command->kind == COMMAND_DUE)
        (void)due(sim->model, command);
    else if (command->kind == COMMAND_NOTE)
        typed(sim->model, command);
    else
        model_mutated(sim->model, command->actor, command->at_ms, command->seq,
                      buffer_bytes(&command->body));
}

static void forget(struct sim_log *log, size_t from)
{
    while (log->count > from) {
        buffer_release(&log->commands[--log->count].body);
        buffer_release(&log->commands[log->count].notes);
    }
}

/* What came after the copy has not happened. */
static void undo(struct sim *sim, uint64_t seq)
{
    for (unsigned i = 0; i < sim->deed_count; i++) {
        struct sim_deed *deed = &sim->deeds[i];
        if (deed->applied_seq <= seq)
            continue;
        deed->undone = true;
        deed->gone = false;
        deed->applied = 0;
        deed->applied_seq = 0;
    }
}

void history_restored(struct sim *sim, struct id epoch)
{
    forget(&sim->log, sim->log.copied);
    add(sim, epoch);
    for (size_t i = 0; i < sim->log.count; i++)
        tell_again(sim, &sim->log.commands[i]);
    undo(sim, model_head(sim->model));
    note_restored(sim);
}

void history_free(struct sim *sim)
{
    forget(&sim->log, 0);
    note_free(sim);
    for (unsigned i = 0; i < sim->history_count; i++)
        model_free(sim->histories[i].model);
}

/* ---- Devices ---- */

/* The history of an epoch; `otherwise` when it is none. */
static unsigned find(const struct sim *sim, struct id epoch, unsigned otherwise)
{
    for (unsigned i = 0; i < sim->history_count; i++)
        if (id_equal(sim->histories[i].epoch, epoch))
            return i;
    return otherwise;
}

/* An empty replica is of the history that it will be filled from. */
static unsigned shown(const struct sim_device *device)
{
    const struct sim *sim = device->sim;
    return find(sim, replica_epoch(device->client->replica), sim->history_count - 1);
}

/* What a process reads may be newer than what it has heard of. */
const struct model *history_shown(const struct sim_device *device)
{
    unsigned newest = shown(device);
    const struct sim_device *other = device->other;
    if (other != NULL && other->client != NULL && shown(other) > newest)
        newest = shown(other);
    return device->sim->histories[newest].model;
}

bool history_is_shown(const struct sim_device *device)
{
    return history_shown(device) == device->sim->histories[device->home->history].model;
}

bool history_is_former(const struct sim_device *device)
{
    return device->home->history + 1 != device->sim->history_count;
}

void history_watch(struct sim_device *device, const struct own_entries *entries)
{
    struct sim *sim = device->sim;
    struct sim_device *home = device->home;
    const unsigned now = find(sim, outbox_store_epoch(device->client->store), home->history);
    for (unsigned i = 0; i < sim->deed_count; i++) {
        struct sim_deed *deed = &sim->deeds[i];
        if (!process_shares(deed->device, device))
            continue;
        if (now != home->history && deed->undone && deed->applied == 0)
            deed->gone = deed->gone || !deed->pending || deed->outcome == DEED_TAKEN;
        deed->pending = entries->has[i] && entries->state[i] != TANDEM_ENTRY_ACCEPTED;
    }
    if (now != home->history)
        sim_tell(sim, "%s knows of another history", device->name);
    home->history = now;
}
