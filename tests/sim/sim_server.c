/* The server, without threads and sockets: what the I/O thread and the committer's thread do, step
 * by step. Letters from the committer are opened in order, with passes over the sessions in
 * between, as they fall in two threads. */
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/memory.h"
#include "protocol/wire.h"
#include "tests/sim/sim.h"
#include "tests/survival/faults/failing_calls.h"

/* What a socket's buffer holds before the session has to wait. */
#define ROOM (64u * 1024u)
#define TICK_MS 5000u
#define COMMIT_MS 4u
#define MAP_BYTES (64u << 20)

static const struct session_limits limits = {
    .sign_in_ms = 10000, .idle_ms = 60000, .messages_per_second = 500};

/* The functions that look on have no context. */
static struct sim *watched;

/* ---- What is applied ---- */

enum status __real_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects);
enum status __wrap_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects);

static void drop_staged(struct sim_server *server, size_t from)
{
    while (server->staged_count > from) {
        struct sim_command *staged = &server->staged[--server->staged_count];
        buffer_release(&staged->body);
        buffer_release(&staged->notes);
    }
}

static uint64_t seq_of(const struct state *state)
{
    struct meta meta = {.seq = 0};
    (void)state->ops->meta(state->self, &meta);
    return meta.seq;
}

/* A transaction that was given up is applied again, one by one: then what was staged beyond the
 * state's seq did not happen. */
enum status __wrap_apply_command(const struct state *state, const struct command *command,
                                 struct effects *effects)
{
    struct sim_server *server = &watched->server;
    const uint64_t before = seq_of(state);
    while (server->staged_count > 0 && server->staged[server->staged_count - 1].seq > before)
        drop_staged(server, server->staged_count - 1);
    const enum status status = __real_apply_command(state, command, effects);
    if (status != STATUS_OK || server->staged_count == SIM_STAGED)
        return status;
    struct sim_command *staged = &server->staged[server->staged_count++];
    *staged = (struct sim_command){
        command->kind, command->actor, command->client, command->at_ms, seq_of(state), {0}, {0}};
    buffer_append(&staged->body, command->body.data, command->body.size);
    note_applied(state, command, before, &staged->notes);
    return status;
}

/* What was staged up to this seq is in the store for good. */
static void commit_staged(struct sim *sim, uint64_t seq, bool sure)
{
    struct sim_server *server = &sim->server;
    for (size_t i = 0; i < server->staged_count; i++)
        if (server->staged[i].seq <= seq && (sure || note_survived(sim, &server->staged[i])))
            watch_committed(sim, &server->staged[i]);
    drop_staged(server, 0);
}

/* ---- The committer's port ---- */

static uint64_t port_now(void *self)
{
    return sim_wall(self);
}

static uint64_t port_uptime(void *self)
{
    return ((struct sim *)self)->now;
}

static void port_random(void *self, void *out, size_t size)
{
    sim_fill_random(self, out, size);
}

static struct sim_letter *new_letter(struct sim *sim)
{
    if (sim->server.letter_count == SIM_LETTERS)
        sim_differ(sim, "the committer says more than %u things at once", SIM_LETTERS);
    struct sim_letter *letter = &sim->server.letters[sim->server.letter_count++];
    *letter = (struct sim_letter){.early = atomic_load(&failing_plan()->failed) == 0};
    return letter;
}

static void port_answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct sim_letter *letter = new_letter(self);
    letter->connection = origin.session;
    letter->ticket = origin.ticket;
    letter->status = status;
    buffer_append(&letter->answer, answer.data, answer.size);
}

static void port_announce(void *self, struct notice *notice)
{
    struct sim *sim = self;
    new_letter(sim)->notice = notice_share(notice);
    if (atomic_load(&failing_plan()->failed) == 0)
        commit_staged(sim, notice->seq, true);
}

static void port_failed(void *self, enum status status)
{
    (void)status;
    ((struct sim *)self)->server.failed = true;
}

/* ---- The sessions' port ---- */

static enum status read_begin(void *self, struct state *out)
{
    struct sim_server *server = &((struct sim *)self)->server;
    if (server->snapshot_depth == 0) {
        const enum status status = store_read_begin(server->reader, &server->snapshot);
        if (status != STATUS_OK)
            return status;
    }
    server->snapshot_depth++;
    *out = server->snapshot;
    return STATUS_OK;
}

static void read_end(void *self)
{
    struct sim_server *server = &((struct sim *)self)->server;
    assert(server->snapshot_depth > 0);
    if (--server->snapshot_depth == 0)
        store_read_end(server->reader);
}

struct state server_state(struct sim *sim)
{
    struct state state;
    const enum status status = read_begin(sim, &state);
    if (status != STATUS_OK)
        sim_differ(sim, "the store cannot be read: %s", status_name(status));
    return state;
}

void server_state_end(struct sim *sim)
{
    read_end(sim);
}

static void commit_soon(struct sim *sim)
{
    if (sim->server.commit_at == SIM_NEVER)
        sim->server.commit_at = sim->now + sim_random(sim, COMMIT_MS);
}

static bool submit(void *self, struct session *session, uint64_t ticket,
                   const struct command *command)
{
    struct sim *sim = self;
    const struct sim_connection *connection = session_owner(session);
    const struct origin origin = {0, connection->number, ticket};
    commit_soon(sim);
    return committer_submit(sim->server.committer, origin, command);
}

static bool hash(void *self, struct session *session, const struct hash_request *request)
{
    (void)self;
    (void)session;
    (void)request;
    return false; /* everybody signs in by a token */
}

static bool sign_in_allowed(void *self, struct session *session, struct bytes name,
                            uint64_t *wait_ms)
{
    (void)self;
    (void)session;
    (void)name;
    *wait_ms = 0;
    return true;
}

static void sign_in_forgiven(void *self, struct session *session, struct bytes name)
{
    (void)self;
    (void)session;
    (void)name;
}

static void digest(void *self, struct bytes bytes, uint8_t out[32])
{
    unsigned size = 0;
    (void)self;
    const int done = EVP_Digest(bytes.data, bytes.size, out, &size, EVP_sha256(), NULL);
    assert(done == 1 && size == 32);
}

static void describe(void *self, bool staff, struct buffer *out)
{
    (void)self;
    (void)staff;
    wire_put_map(out, 0);
}

/* Every pass looks at all sessions, so nobody need be woken. */
static void wake(void *self, struct session *session)
{
    (void)self;
    (void)session;
}

static void close_session(void *self, struct session *session, enum close_code code)
{
    struct sim_connection *connection = session_owner(session);
    (void)self;
    if (connection->closing == 0)
        connection->closing = code;
}

static void make_ports(struct sim *sim)
{
    sim->server.port = (struct session_port){.self = sim,
                                             .read_begin = read_begin,
                                             .read_end = read_end,
                                             .submit = submit,
                                             .hash = hash,
                                             .sign_in_allowed = sign_in_allowed,
                                             .sign_in_forgiven = sign_in_forgiven,
                                             .digest = digest,
                                             .random = port_random,
                                             .now_ms = port_now,
                                             .uptime_ms = port_uptime,
                                             .describe = describe,
                                             .wake = wake,
                                             .close = close_session};
}

/* ---- Sending ---- */

static void end_session(struct sim *sim, struct sim_connection *connection)
{
    session_free(connection->session);
    connection->session = NULL;
    net_leave(sim, connection, false);
}

static void serve(struct sim *sim, struct sim_connection *connection)
{
    struct frame *frame = NULL;
    while (connection->down.under_way < ROOM &&
           (frame = session_next_frame(connection->session)) != NULL) {
        struct buffer older = {0};
        const struct bytes bytes =
            restore_older(sim, bytes_of(frame->message, frame->size), &older);
        watch_frame(sim, connection, bytes);
        net_send(sim, connection, false, bytes);
        buffer_release(&older);
        frame_drop(frame);
    }
    if (connection->closing != 0 && connection->down.under_way < ROOM) {
        sim_tell(sim, "server closes %llu of %s with %u", (unsigned long long)connection->number,
                 connection->device->name, connection->closing);
        net_close(sim, connection, false, connection->closing);
        end_session(sim, connection);
    }
}

static void take_messages(struct sim *sim, struct sim_connection *connection)
{
    struct bytes message;
    while (connection->session != NULL && connection->closing == 0 &&
           session_wants_read(connection->session) && net_message(&connection->up, &message)) {
        struct buffer copy = {0};
        buffer_append(&copy, message.data, message.size);
        net_shift(&connection->up, message.size);
        restore_check(sim, connection->device, buffer_bytes(&copy));
        session_received(connection->session, buffer_bytes(&copy));
        buffer_release(&copy);
    }
}

/* One pass over the sessions, each of which may have something to send or to read again. */
static void pass(struct sim *sim)
{
    if (sim->server.store == NULL)
        return;
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        struct sim_connection *connection = &sim->connections[i];
        if (!connection->used || connection->session == NULL)
            continue;
        take_messages(sim, connection);
        serve(sim, connection);
    }
    feed_cache_clear(sim->server.cache);
}

/* ---- Arriving ---- */

static void accept_session(struct sim *sim, struct sim_connection *connection)
{
    struct sim_server *server = &sim->server;
    if (server->store == NULL) {
        net_leave(sim, connection, false);
        return;
    }
    connection->session =
        session_new(&server->port, &limits, server->interest, server->cache, bytes_of(NULL, 0));
    assert(connection->session != NULL);
    session_set_owner(connection->session, connection);
    net_accept(sim, connection);
}

void server_arrived(struct sim *sim, struct sim_connection *connection)
{
    struct sim_piece *piece = net_take(sim, &connection->up);
    if (piece == NULL)
        return;
    switch (piece->kind) {
    case PIECE_OPENED:
        accept_session(sim, connection);
        break;
    case PIECE_DATA:
        buffer_append(&connection->up.input, piece->bytes.data, piece->bytes.size);
        take_messages(sim, connection);
        break;
    case PIECE_CLOSED:
    case PIECE_LOST:
        if (connection->session != NULL)
            end_session(sim, connection);
        else if (!connection->ended)
            net_leave(sim, connection, false);
        break;
    }
    net_piece_free(piece);
    pass(sim);
}

/* ---- Letters ---- */

static void mark(void *context, struct session *session, enum interest_reason reason, uint32_t lane)
{
    (void)context;
    session_mark(session, reason, lane);
}

static struct sim_connection *connection_of(struct sim *sim, uint64_t number)
{
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++)
        if (sim->connections[i].used && sim->connections[i].number == number)
            return &sim->connections[i];
    return NULL;
}

static void open_letter(struct sim *sim, struct sim_letter *letter)
{
    if (letter->notice != NULL) {
        interest_tell(sim->server.interest, letter->notice, mark, NULL);
        return;
    }
    struct sim_connection *connection = connection_of(sim, letter->connection);
    if (connection != NULL && connection->session != NULL)
        session_answered(connection->session, letter->ticket, letter->status,
                         buffer_bytes(&letter->answer));
}

static void drop_letters(struct sim_server *server)
{
    for (size_t i = 0; i < server->letter_count; i++) {
        if (server->letters[i].notice != NULL)
            notice_drop(server->letters[i].notice);
        buffer_release(&server->letters[i].answer);
    }
    server->letter_count = 0;
}

static void open_letters(struct sim *sim, bool early)
{
    for (size_t i = 0; i < sim->server.letter_count; i++) {
        if (early && !sim->server.letters[i].early)
            continue;
        open_letter(sim, &sim->server.letters[i]);
        if (sim_chance(sim, 30))
            pass(sim);
    }
    drop_letters(&sim->server);
    pass(sim);
}

/* ---- Life ---- */

static void start_committer(struct sim *sim)
{
    struct sim_server *server = &sim->server;
    const struct commit_port port = {sim,           port_now,      port_random,
                                     port_answered, port_announce, port_failed};
    const struct commit_options options = {
        .queue_commands = 256, .batch_commands = 8, .retention_ms = server->retention_ms};
    server->committer = committer_new(server->store, &port, &options);
    const enum status status = store_reader_new(server->store, &server->reader);
    server->interest = interest_new();
    server->cache = feed_cache_new();
    assert(server->committer != NULL && status == STATUS_OK && server->interest != NULL &&
           server->cache != NULL);
    server->failed = false;
    server->commit_at = sim->now;
    server->tick_at = sim->now + TICK_MS;
    server->restart_at = SIM_NEVER;
}

static enum status open_store(struct sim *sim, bool create)
{
    struct store_options options = {
        .path = sim->server.folder, .create = create, .map_bytes = MAP_BYTES, .reserve_bytes = 1};
    if (create)
        sim_fill_random(sim, &options.epoch, sizeof options.epoch);
    return store_open(&options, &sim->server.store, NULL);
}

void server_make(struct sim *sim)
{
    watched = sim;
    make_ports(sim);
    sim_below(sim, "server", sim->server.folder);
    if (mkdir(sim->server.folder, 0700) != 0 || open_store(sim, true) != STATUS_OK)
        sim_differ(sim, "the server's store cannot be made");
    start_committer(sim);
}

bool server_start(struct sim *sim)
{
    const enum status status = open_store(sim, false);
    if (status != STATUS_OK)
        sim_differ(sim, "after a crash the store cannot be opened: %s", status_name(status));
    start_committer(sim);
    const struct state state = server_state(sim);
    const uint64_t seq = seq_of(&state);
    server_state_end(sim);
    commit_staged(sim, seq, false);
    note_started(sim);
    sim_tell(sim, "server runs at seq %llu", (unsigned long long)seq);
    if (seq != model_head(sim->model))
        sim_differ(sim, "after a crash the store stands at seq %llu, and told of %llu",
                   (unsigned long long)seq, (unsigned long long)model_head(sim->model));
    return true;
}

void server_crash(struct sim *sim, enum lost_writes lost)
{
    struct sim_server *server = &sim->server;
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++) {
        struct sim_connection *connection = &sim->connections[i];
        if (!connection->used || connection->session == NULL)
            continue;
        /* A machine without power says nothing. */
        if (lost != LOST_NONE && sim_chance(sim, 50))
            net_cut(sim, connection, true);
        end_session(sim, connection);
    }
    drop_letters(server);
    committer_free(server->committer);
    feed_cache_free(server->cache);
    interest_free(server->interest);
    store_reader_free(server->reader);
    store_close(server->store);
    server->committer = NULL;
    server->cache = NULL;
    server->interest = NULL;
    server->reader = NULL;
    server->store = NULL;
    server->commit_at = server->tick_at = SIM_NEVER;
    server->restart_at = sim->now + 100 + sim_random(sim, sim_chance(sim, 20) ? 600000 : 20000);
    sim->progress->crashes++;
    sim_tell(sim, "server crashes");
}

/* ---- Time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t server_next(const struct sim *sim)
{
    const struct sim_server *server = &sim->server;
    return earlier(earlier(server->commit_at, server->tick_at), server->restart_at);
}

static void commit(struct sim *sim)
{
    struct sim_server *server = &sim->server;
    const enum lost_writes lost = server->trap.lost;
    const bool set = trap_set(sim, &server->trap, server->folder);
    server->commit_at = SIM_NEVER;
    const size_t applied = committer_run_batch(server->committer);
    if (set && trap_sprung(sim, &server->trap)) {
        open_letters(sim, true); /* another thread was quick */
        server_crash(sim, lost);
        trap_take(sim, lost);
        return;
    }
    if (server->failed)
        sim_differ(sim, "the committer gave up without a fault");
    if (applied > 0)
        server->commit_at = sim->now; /* there may be more than one batch */
    open_letters(sim, false);
}

static void tick(struct sim *sim)
{
    sim->server.tick_at = sim->now + TICK_MS;
    for (unsigned i = 0; i < SIM_CONNECTIONS; i++)
        if (sim->connections[i].used && sim->connections[i].session != NULL)
            session_tick(sim->connections[i].session, sim->now);
    commit_soon(sim); /* something may be due */
    pass(sim);
}

void server_run(struct sim *sim)
{
    struct sim_server *server = &sim->server;
    if (server->restart_at <= sim->now)
        (void)server_start(sim);
    else if (server->commit_at <= sim->now)
        commit(sim);
    else if (server->tick_at <= sim->now)
        tick(sim);
}

void server_submit(struct sim *sim, enum command_kind kind, struct id actor, struct bytes body)
{
    struct command command = {.kind = kind, .actor = actor, .body = body};
    const struct origin nobody = {0, 0, 0};
    if (sim->server.store == NULL)
        return;
    (void)committer_submit(sim->server.committer, nobody, &command);
    commit_soon(sim);
}

bool server_idle(const struct sim *sim)
{
    return sim->server.store != NULL && sim->server.commit_at == SIM_NEVER &&
           sim->server.letter_count == 0;
}

/* The answer of the last command submitted from here. */
static enum status last_answer(struct sim_server *server)
{
    struct message message;
    for (size_t i = 0; i < server->letter_count; i++) {
        const struct sim_letter *letter = &server->letters[i];
        if (letter->notice != NULL)
            continue;
        if (letter->status != STATUS_OK || letter->answer.size == 0)
            return letter->status;
        if (message_decode(buffer_bytes(&letter->answer), &message, NULL) != STATUS_OK)
            return STATUS_MALFORMED;
        return bytes_is(message.as.result.status, "ok")
                   ? STATUS_OK
                   : status_from_name(message.as.result.status);
    }
    return STATUS_INTERNAL;
}

enum status server_apply(struct sim *sim, enum command_kind kind, struct id actor,
                         struct bytes body)
{
    struct command command = {.kind = kind, .actor = actor, .body = body};
    const struct origin origin = {0, 0, 0};
    sim_fill_random(sim, &command.client, sizeof command.client);
    if (!committer_submit(sim->server.committer, origin, &command))
        return STATUS_BUSY;
    while (committer_run_batch(sim->server.committer) > 0) {
    }
    const enum status status = last_answer(&sim->server);
    drop_letters(&sim->server);
    return status;
}
