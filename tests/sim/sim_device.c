/* A client with its folder: opened, connected and served as a program does it, over a link that
 * ends in sim_net.c. */
#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "client-lib/base/fault.h"
#include "protocol/memory.h"
#include "tests/sim/sim.h"
#include "tests/survival/faults/failing_calls.h"

#define MAP_BYTES (64u << 20)
/* A device that is served so often without any time passing is going round in a circle. */
#define SPINS 20000u
/* Process ids: none that is in use, which nothing depends on. */
#define FIRST_PROCESS 100000000u

/* ---- The link ---- */

struct link {
    struct sim *sim;
    struct sim_device *device;
    struct sim_connection *connection; /* NULL: lost */
    struct link_events events;
    bool closed;
};

static enum status link_open(const struct link_config *config, const struct port *port,
                             const struct link_events *events, struct link **out,
                             tandem_fault *fault)
{
    struct sim_device *device = port->context;
    struct link *link = memory_new(sizeof *link);
    (void)config;
    assert(link != NULL);
    (void)fault;
    *link = (struct link){.sim = device->sim, .device = device, .events = *events};
    link->connection = net_open(device->sim, device, link);
    *out = link;
    return STATUS_OK;
}

static void link_free(struct link *link)
{
    if (link->connection != NULL)
        net_leave(link->sim, link->connection, true);
    memory_free(link);
}

static int link_fd(const struct link *link)
{
    (void)link;
    return -1;
}

static int link_want(const struct link *link)
{
    (void)link;
    return TANDEM_WANT_READ;
}

static bool link_more(const struct link *link)
{
    return link->connection != NULL && link->connection->down.first != NULL &&
           link->connection->down.first->at <= link->sim->now;
}

static void link_lost(struct link *link, unsigned code)
{
    tandem_fault fault = {.code = STATUS_UNREACHABLE, .change = -1, .detail = "gone"};
    struct sim_connection *connection = link->connection;
    link->connection = NULL;
    net_leave(link->sim, connection, true);
    link->events.closed(link->events.context, code, &fault);
}

static void take_messages(struct link *link)
{
    struct bytes message;
    while (!link->closed && link->connection != NULL &&
           net_message(&link->connection->down, &message)) {
        struct buffer copy = {0};
        buffer_append(&copy, message.data, message.size);
        net_shift(&link->connection->down, message.size);
        link->events.message(link->events.context, buffer_bytes(&copy));
        buffer_release(&copy);
    }
}

static void link_run(struct link *link)
{
    while (!link->closed && link->connection != NULL) {
        struct sim_piece *piece = net_take(link->sim, &link->connection->down);
        if (piece == NULL)
            return;
        const enum sim_piece_kind kind = piece->kind;
        const unsigned code = piece->code;
        if (kind == PIECE_DATA)
            buffer_append(&link->connection->down.input, piece->bytes.data, piece->bytes.size);
        net_piece_free(piece);
        if (kind == PIECE_OPENED)
            link->events.opened(link->events.context);
        else if (kind == PIECE_DATA)
            take_messages(link);
        else
            link_lost(link, kind == PIECE_CLOSED ? code : 0);
    }
}

static enum status link_send(struct link *link, struct bytes frame)
{
    if (link->connection == NULL || link->closed)
        return STATUS_UNREACHABLE;
    if (!link->device->dying || atomic_load(&failing_plan()->failed) == 0)
        net_send(link->sim, link->connection, true, frame);
    return STATUS_OK;
}

static void link_close(struct link *link, unsigned code)
{
    if (link->connection != NULL && !link->closed && !link->device->dying)
        net_close(link->sim, link->connection, true, code);
    link->closed = true;
}

static const struct link_ops ops = {link_open, link_free, link_fd,   link_want,
                                    link_more, link_run,  link_send, link_close};

/* ---- The port ---- */

static uint64_t port_now(void *context)
{
    return ((struct sim_device *)context)->sim->now;
}

static uint64_t port_wall(void *context)
{
    const struct sim_device *device = context;
    return (uint64_t)((int64_t)sim_wall(device->sim) + device->skew);
}

static bool port_random(void *context, void *out, size_t size)
{
    sim_fill_random(((struct sim_device *)context)->sim, out, size);
    return true;
}

/* The library's mutations take ids from the system's port, of which there is one. */
static struct sim_device nobody;
static const struct port everybodys = {&nobody, port_now, port_wall, port_random};

const struct port *__wrap_port_system(void);

const struct port *__wrap_port_system(void)
{
    assert(nobody.sim != NULL);
    return &everybodys;
}

const struct port *device_port(struct sim *sim)
{
    nobody.sim = sim;
    return &everybodys;
}

/* ---- Steps ---- */

static void plan_next(struct sim_device *device)
{
    device->due_at = SIM_NEVER;
    if (device->client == NULL)
        return;
    const int timeout = tandem_timeout(device->client);
    if (timeout >= 0)
        device->due_at = device->sim->now + (uint64_t)timeout;
}

void device_enter(struct sim_device *device)
{
    process_is(device);
    device->dying = trap_set(device->sim, &device->trap, device->folder);
}

/* The process does not run any more. */
static void ended(struct sim_device *device)
{
    type_forget(device);
    device->client = NULL;
    device->caught_up = device->failed = false;
    device->wake_at = SIM_NEVER;
}

static void gone(struct sim_device *device)
{
    struct sim *sim = device->sim;
    process_is(device);
    client_abandon(device->client);
    ended(device);
    for (unsigned i = 0; i < sim->deed_count; i++)
        if (sim->deeds[i].device == device && sim->deeds[i].outcome == DEED_OPEN)
            sim->deeds[i].outcome = DEED_UNKNOWN;
    device->restart_at = sim->now + 1000 + sim_random(sim, sim_chance(sim, 30) ? 3600000 : 30000);
    sim->progress->crashes++;
    sim_tell(sim, "%s crashes", device->name);
}

/* A machine that loses power loses all its processes. */
static void lose_power(struct sim_device *device, enum lost_writes lost)
{
    if (lost != LOST_NONE && device->other != NULL)
        device_crash(device->other);
    trap_take(device->sim, lost);
    device->home->behind_itself = device->home->behind_itself || lost != LOST_NONE;
}

bool device_leave(struct sim_device *device)
{
    if (!device->dying) {
        plan_next(device);
        return true;
    }
    const enum lost_writes lost = device->trap.lost;
    const bool sprung = trap_sprung(device->sim, &device->trap);
    if (sprung) {
        gone(device);
        lose_power(device, lost);
    }
    device->dying = false;
    plan_next(device);
    return !sprung;
}

void device_crash(struct sim_device *device)
{
    if (device->client != NULL)
        gone(device);
}

void device_serve(struct sim_device *device)
{
    struct sim *sim = device->sim;
    if (device->client == NULL)
        return;
    if (device->spun_at != sim->now)
        device->spins = 0;
    device->spun_at = sim->now;
    if (++device->spins > SPINS)
        sim_differ(sim, "%s wants to be served again and again at the same moment", device->name);
    device->wake_at = SIM_NEVER;
    device_enter(device);
    const tandem_code code = tandem_service(device->client);
    if (device_leave(device) && code != TANDEM_OK)
        sim_tell(sim, "%s cannot go on: %s", device->name, tandem_error_name(code));
    own_watch(device);
}

static uint64_t next_of(const struct sim_device *device)
{
    if (device->client == NULL)
        return device->restart_at;
    return device->wake_at < device->due_at ? device->wake_at : device->due_at;
}

uint64_t device_next(struct sim *sim)
{
    uint64_t first = SIM_NEVER;
    process_listen(sim);
    for (unsigned i = 0; i < sim->device_count; i++) {
        const uint64_t at = next_of(&sim->devices[i]);
        first = at < first ? at : first;
    }
    return first;
}

void device_run(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        if (next_of(device) > sim->now)
            continue;
        if (device->client == NULL)
            device_start(device);
        else
            device_serve(device);
        return;
    }
}

/* ---- Life ---- */

static void on_event(void *context, const tandem_event *event)
{
    struct sim_device *device = context;
    if (!device->dying || atomic_load(&failing_plan()->failed) == 0)
        watch_event(device, event);
}

void device_connect(struct sim_device *device)
{
    const struct sim_user *user = &device->sim->users[device->user];
    const tandem_server server = {.url = "wss://sim",
                                  .method = TANDEM_SIGN_IN_TOKEN,
                                  .user = user->name,
                                  .secret = user->token};
    tandem_fault fault;
    device->failed = false;
    const tandem_code code = tandem_connect(device->client, &server, &fault);
    if (code != TANDEM_OK)
        sim_differ(device->sim, "%s cannot connect: %s", device->name, fault.detail);
    plan_next(device);
}

void device_pause(struct sim_device *device, bool paused)
{
    if (tandem_paused(device->client) == paused)
        return;
    device_enter(device);
    const tandem_code code = tandem_pause(device->client, paused);
    const bool alive = device_leave(device);
    if (alive && code != TANDEM_OK)
        sim_differ(device->sim, "%s cannot be paused: %s", device->name, tandem_error_name(code));
    sim_tell(device->sim, "%s is %s", device->name, paused ? "paused" : "resumed");
}

tandem_code device_subscribe(struct sim_device *device)
{
    const tandem_subscription wanted = {device->scope_list, device->scope_count,
                                        device->entity_list, device->entity_count};
    return tandem_subscribe_to(device->client, &wanted);
}

void device_start(struct sim_device *device)
{
    struct sim *sim = device->sim;
    const tandem_options options = {.replica = device->folder,
                                    .on_event = on_event,
                                    .context = device,
                                    .replica_map_bytes = MAP_BYTES};
    tandem_fault fault;
    device->restart_at = SIM_NEVER;
    device->process = FIRST_PROCESS + sim->processes++;
    process_is(device);
    tandem_code code = client_open(&options, &device->port, &ops, &device->client, &fault);
    if (code != TANDEM_OK)
        sim_differ(sim, "%s cannot be opened: %s %s", device->name, tandem_error_name(code),
                   fault.detail);
    sim_tell(sim, "%s starts at cursor %llu", device->name,
             (unsigned long long)tandem_cursor(device->client));
    code = device_subscribe(device);
    if (code != TANDEM_OK)
        sim_differ(sim, "%s cannot subscribe: %s", device->name, tandem_error_name(code));
    device_connect(device);
    watch_read(device);
}

void device_stop(struct sim_device *device)
{
    if (device->client == NULL)
        return;
    process_is(device);
    tandem_close(device->client);
    ended(device);
    device->restart_at = device->sim->now + 500 + sim_random(device->sim, 60000);
    sim_tell(device->sim, "%s ends", device->name);
}

static void place_pointers(struct sim_device *device)
{
    device->port = (struct port){device, port_now, port_wall, port_random};
    device->wake_at = SIM_NEVER;
    for (unsigned i = 0; i < 4; i++)
        device->scope_list[i] = device->scopes[i];
    for (unsigned i = 0; i < SIM_ENTITIES; i++)
        device->entity_list[i] = device->entities[i];
}

void device_make(struct sim *sim, unsigned user)
{
    static const struct {
        uint64_t latency, jitter;
    } places[] = {{1, 3}, {15, 40}, {60, 300}, {400, 2500}};
    assert(sim->device_count < SIM_DEVICES && sim->device_count == sim->folder_count);
    struct sim_device *device = &sim->devices[sim->device_count];
    const uint64_t place = sim_random(sim, sizeof places / sizeof *places);
    *device = (struct sim_device){.sim = sim,
                                  .index = sim->device_count++,
                                  .user = user,
                                  .skew = (int64_t)sim_random(sim, 240000) - 120000,
                                  .reachable = true,
                                  .latency = places[place].latency,
                                  .jitter = places[place].jitter,
                                  .restart_at = SIM_NEVER,
                                  .due_at = SIM_NEVER,
                                  .history = sim->history_count - 1};
    sim->folder_count = sim->device_count;
    place_pointers(device);
    device->home = device;
    (void)snprintf(device->name, sizeof device->name, "d%u", device->index);
    sim_below(sim, device->name, device->folder);
    sim_tell(sim, "%s is of %s", device->name, sim->users[user].name);
    if (mkdir(device->folder, 0700) != 0)
        sim_differ(sim, "no folder for %s", device->name);
    device_start(device);
}

void device_second(struct sim_device *home)
{
    struct sim *sim = home->sim;
    if (home->other != NULL || sim->device_count == SIM_DEVICES)
        return;
    struct sim_device *device = &sim->devices[sim->device_count];
    *device = (struct sim_device){.sim = sim,
                                  .index = sim->device_count++,
                                  .user = home->user,
                                  .home = home,
                                  .other = home,
                                  .skew = home->skew,
                                  .reachable = home->reachable,
                                  .latency = home->latency,
                                  .jitter = home->jitter,
                                  .restart_at = SIM_NEVER,
                                  .due_at = SIM_NEVER};
    home->other = device;
    place_pointers(device);
    memcpy(device->folder, home->folder, sizeof device->folder);
    (void)snprintf(device->name, sizeof device->name, "d%ub", home->index);
    sim_tell(sim, "%s is of %s", device->name, sim->users[device->user].name);
    device_start(device);
}
