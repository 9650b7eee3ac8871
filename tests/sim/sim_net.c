/* The network: each connection is two streams of bytes, in which nothing overtakes, while one
 * connection's bytes overtake another's. A message travels as its size (4 bytes) and its bytes, so
 * that a connection can be lost inside one. */
#include <assert.h>
#include <string.h>

#include "protocol/memory.h"
#include "tests/sim/sim.h"

#define HEADER 4u

static struct sim_pipe *pipe_of(struct sim_connection *connection, bool up)
{
    return up ? &connection->up : &connection->down;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t delay(struct sim *sim, const struct sim_device *device)
{
    const uint64_t jitter = sim->calm ? 1 : device->jitter;
    return device->latency + sim_random(sim, jitter + 1);
}

static struct sim_piece *add(struct sim *sim, struct sim_connection *connection, bool up,
                             enum sim_piece_kind kind)
{
    struct sim_pipe *pipe = pipe_of(connection, up);
    struct sim_piece *piece = memory_new(sizeof *piece);
    assert(piece != NULL);
    piece->kind = kind;
    piece->at =
        later(later(pipe->latest, pipe->held_until), sim->now + delay(sim, connection->device));
    pipe->latest = piece->at;
    if (pipe->last != NULL)
        pipe->last->next = piece;
    else
        pipe->first = piece;
    pipe->last = piece;
    return piece;
}

void net_piece_free(struct sim_piece *piece)
{
    buffer_release(&piece->bytes);
    memory_free(piece);
}

static void empty(struct sim_pipe *pipe)
{
    while (pipe->first != NULL) {
        struct sim_piece *piece = pipe->first;
        pipe->first = piece->next;
        net_piece_free(piece);
    }
    pipe->last = NULL;
    pipe->under_way = 0;
    buffer_clear(&pipe->input);
}

static void release(struct sim_connection *connection)
{
    empty(&connection->up);
    empty(&connection->down);
    buffer_release(&connection->up.input);
    buffer_release(&connection->down.input);
    *connection = (struct sim_connection){0};
}

static void release_unused(struct sim_connection *connection)
{
    if (connection->used && connection->link == NULL && connection->ended)
        release(connection);
}

struct sim_connection *net_open(struct sim *sim, struct sim_device *device, struct link *link)
{
    struct sim_connection *connection = NULL;
    for (unsigned i = 0; i < SIM_CONNECTIONS && connection == NULL; i++)
        if (!sim->connections[i].used)
            connection = &sim->connections[i];
    if (connection == NULL)
        sim_differ(sim, "there are %u connections at the same time", SIM_CONNECTIONS);
    *connection = (struct sim_connection){.used = true,
                                          .number = ++sim->next_connection,
                                          .device = device,
                                          .link = link,
                                          .cut_after = -1};
    if (device->reachable) {
        (void)add(sim, connection, true, PIECE_OPENED);
        return connection;
    }
    /* Without a network there is an error at once, or silence. */
    connection->ended = true;
    if (sim_chance(sim, 70))
        (void)add(sim, connection, false, PIECE_LOST);
    return connection;
}

void net_accept(struct sim *sim, struct sim_connection *connection)
{
    if (!connection->cut)
        (void)add(sim, connection, false, PIECE_OPENED);
}

static void append(struct sim *sim, struct sim_connection *connection, bool up, struct bytes bytes)
{
    if (bytes.size == 0)
        return;
    struct sim_piece *piece = add(sim, connection, up, PIECE_DATA);
    buffer_append(&piece->bytes, bytes.data, bytes.size);
    pipe_of(connection, up)->under_way += bytes.size;
}

void net_cut(struct sim *sim, struct sim_connection *connection, bool silent)
{
    if (connection->cut)
        return;
    connection->cut = true;
    sim->progress->cuts++;
    if (silent)
        return;
    (void)add(sim, connection, true, PIECE_LOST);
    (void)add(sim, connection, false, PIECE_LOST);
}

void net_cut_all(struct sim *sim, const struct sim_device *device)
{
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++)
        if (sim->connections[i].used && sim->connections[i].device == device)
            net_cut(sim, &sim->connections[i], sim_chance(sim, 30));
}

void net_heal(struct sim *sim)
{
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        struct sim_connection *connection = &sim->connections[i];
        if (!connection->used)
            continue;
        connection->cut_after = -1;
        if (connection->cut || connection->ended) {
            (void)add(sim, connection, true, PIECE_LOST);
            (void)add(sim, connection, false, PIECE_LOST);
        }
    }
}

/* Sends what still gets through, sometimes in two parts that arrive apart. */
static void send(struct sim *sim, struct sim_connection *connection, bool up, struct bytes bytes)
{
    bool cut = false;
    if (connection->cut)
        return;
    if (connection->cut_after >= 0 && !sim->calm) {
        cut = bytes.size > (uint64_t)connection->cut_after;
        if (cut)
            bytes.size = (size_t)connection->cut_after;
        connection->cut_after -= (int64_t)bytes.size;
    }
    const size_t first = bytes.size > 1 && sim_chance(sim, 25) ? sim_random(sim, bytes.size) : 0;
    append(sim, connection, up, bytes_of(bytes.data, first));
    append(sim, connection, up, bytes_of(bytes.data + first, bytes.size - first));
    if (cut)
        net_cut(sim, connection, connection->cut_silent);
}

void net_send(struct sim *sim, struct sim_connection *connection, bool up, struct bytes frame)
{
    struct buffer bytes = {0};
    uint8_t header[HEADER];
    put_u32(header, (uint32_t)frame.size);
    buffer_append(&bytes, header, sizeof header);
    buffer_append(&bytes, frame.data, frame.size);
    send(sim, connection, up, buffer_bytes(&bytes));
    buffer_release(&bytes);
}

void net_close(struct sim *sim, struct sim_connection *connection, bool up, unsigned code)
{
    if (!connection->cut)
        add(sim, connection, up, PIECE_CLOSED)->code = code;
}

void net_leave(struct sim *sim, struct sim_connection *connection, bool up)
{
    if (up)
        connection->link = NULL;
    else
        connection->ended = true;
    if (!connection->cut)
        (void)add(sim, connection, up, PIECE_LOST);
    empty(pipe_of(connection, !up));
    release_unused(connection);
}

void net_stall(struct sim *sim, struct sim_connection *connection, uint64_t ms)
{
    struct sim_pipe *const pipes[] = {&connection->up, &connection->down};
    for (unsigned i = 0; i < 2; i++) {
        pipes[i]->held_until = sim->now + ms;
        for (struct sim_piece *piece = pipes[i]->first; piece != NULL; piece = piece->next)
            piece->at = later(piece->at, sim->now + ms);
        pipes[i]->latest = later(pipes[i]->latest, sim->now + ms);
    }
}

/* ---- Arriving ---- */

/* A server that takes no more for now leaves what has arrived where it is. */
static bool held_up(const struct sim_connection *connection)
{
    return connection->session != NULL && !connection->closing &&
           !session_wants_read(connection->session);
}

static uint64_t next_at(const struct sim_connection *connection, bool up)
{
    const struct sim_pipe *pipe = up ? &connection->up : &connection->down;
    if (!connection->used || pipe->first == NULL || (up && held_up(connection)))
        return SIM_NEVER;
    return pipe->first->at;
}

uint64_t net_next(const struct sim *sim)
{
    uint64_t first = SIM_NEVER;
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        const uint64_t up = next_at(&sim->connections[i], true);
        const uint64_t down = next_at(&sim->connections[i], false);
        first = up < first ? up : first;
        first = down < first ? down : first;
    }
    return first;
}

void net_deliver(struct sim *sim)
{
    const uint64_t at = net_next(sim);
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        struct sim_connection *connection = &sim->connections[i];
        if (next_at(connection, true) == at) {
            if (connection->ended)
                empty(&connection->up);
            else
                server_arrived(sim, connection);
            release_unused(connection);
            return;
        }
        if (next_at(connection, false) == at) {
            if (connection->link == NULL)
                empty(&connection->down);
            else
                device_serve(connection->device);
            release_unused(connection);
            return;
        }
    }
}

struct sim_piece *net_take(struct sim *sim, struct sim_pipe *pipe)
{
    struct sim_piece *piece = pipe->first;
    if (piece == NULL || piece->at > sim->now)
        return NULL;
    pipe->first = piece->next;
    if (pipe->first == NULL)
        pipe->last = NULL;
    pipe->under_way -= piece->bytes.size;
    return piece;
}

bool net_message(const struct sim_pipe *pipe, struct bytes *out)
{
    if (pipe->input.size < HEADER)
        return false;
    const uint32_t size = get_u32(pipe->input.data);
    if (pipe->input.size - HEADER < size)
        return false;
    *out = bytes_of(pipe->input.data + HEADER, size);
    return true;
}

void net_shift(struct sim_pipe *pipe, size_t size)
{
    const size_t gone = HEADER + size;
    memmove(pipe->input.data, pipe->input.data + gone, pipe->input.size - gone);
    pipe->input.size -= gone;
}

bool net_idle(const struct sim *sim)
{
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++)
        if (sim->connections[i].used &&
            (sim->connections[i].up.first != NULL || sim->connections[i].down.first != NULL))
            return false;
    return true;
}

struct sim_connection *net_of(struct sim *sim, const struct sim_device *device)
{
    struct sim_connection *newest = NULL;
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        struct sim_connection *connection = &sim->connections[i];
        if (connection->used && connection->device == device && connection->link != NULL &&
            !connection->ended && (newest == NULL || connection->number > newest->number))
            newest = connection;
    }
    return newest;
}

void net_forget(struct sim *sim)
{
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++)
        if (sim->connections[i].used)
            release(&sim->connections[i]);
}
