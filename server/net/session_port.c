/* What sessions ask of the world, answered by their I/O thread. */
#include "server/net/internal.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

#include "protocol/wire.h"

static struct io_thread *thread_of(void *self)
{
    struct io_thread *thread = self;
    assert(thread->magic == IO_THREAD_MAGIC);
    return thread;
}

static struct connection *connection_of(const struct session *session)
{
    struct connection *connection = session_owner(session);
    assert(connection && connection->magic == CONNECTION_MAGIC);
    return connection;
}

static struct origin origin_of(const struct io_thread *thread, const struct session *session,
                               uint64_t ticket)
{
    return (struct origin){.thread = thread->index,
                           .session = connection_of(session)->number,
                           .ticket = ticket};
}

/* A session that looks again while it is looking sees the same snapshot. */
static enum status read_begin(void *self, struct state *out)
{
    struct io_thread *thread = thread_of(self);
    if (!thread->snapshot_open) {
        enum status status = store_read_begin(thread->reader, &thread->snapshot);
        if (status != STATUS_OK)
            return status;
        thread->snapshot_open = true;
    }
    thread->snapshot_depth++;
    *out = thread->snapshot;
    return STATUS_OK;
}

static void end_unless_used(struct io_thread *thread)
{
    if (!thread->snapshot_open || thread->snapshot_kept || thread->snapshot_depth > 0)
        return;
    store_read_end(thread->reader);
    thread->snapshot_open = false;
}

static void read_end(void *self)
{
    struct io_thread *thread = thread_of(self);
    assert(thread->snapshot_depth > 0);
    thread->snapshot_depth--;
    end_unless_used(thread);
}

void session_port_keep_looking(struct io_thread *thread)
{
    thread->snapshot_kept = true;
}

void session_port_look_away(struct io_thread *thread)
{
    thread->snapshot_kept = false;
    end_unless_used(thread);
}

static bool submit(void *self, struct session *session, uint64_t ticket,
                   const struct command *command)
{
    struct io_thread *thread = thread_of(self);
    return committer_submit(thread->server->ports.committer, origin_of(thread, session, ticket),
                            command);
}

static bool hash(void *self, struct session *session, const struct hash_request *request)
{
    struct io_thread *thread = thread_of(self);
    const struct server_ports *ports = &thread->server->ports;
    return ports->hash(ports->self, origin_of(thread, session, 0), request);
}

static bool sign_in_allowed(void *self, struct session *session, struct bytes name,
                            uint64_t *wait_ms)
{
    struct connection *connection = connection_of(session);
    connection->attempt_ms = net_uptime_ms();
    return sign_in_throttle_take(thread_of(self)->server->throttle, name, connection->peer,
                                 connection->attempt_ms, wait_ms);
}

static void sign_in_forgiven(void *self, struct session *session, struct bytes name)
{
    const struct connection *connection = connection_of(session);
    sign_in_throttle_give_back(thread_of(self)->server->throttle, name, connection->peer,
                               connection->attempt_ms);
}

static uint64_t charge(void *self, struct session *session, struct id user, uint32_t points)
{
    (void)self;
    return misuse_of_user(connection_of(session), user, points);
}

static uint64_t work(void *self, struct session *session, struct id user, int32_t units)
{
    (void)self;
    return misuse_of_work(connection_of(session), user, units);
}

static void damaged(void *self, struct id note)
{
    struct server *server = thread_of(self)->server;
    char text[ID_TEXT_SIZE];
    if (damage_is_news(&server->damage, note))
        net_log(server, "what is stored of note %s is damaged: run tandemd check on a copy",
                id_to_text(note, text));
}

static void digest(void *self, struct bytes bytes, uint8_t out[32])
{
    (void)self;
    unsigned int size = 0;
    /* A digest that is wrong would let nobody in, but one left unset might be anybody's. */
    if (!EVP_Digest(bytes.data, bytes.size, out, &size, EVP_sha256(), NULL) || size != 32)
        abort();
}

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    /* Tokens and ids are made of this: there is nothing to go on with when it fails. */
    if (RAND_bytes(out, (int)size) != 1)
        abort();
}

static uint64_t now_ms(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t uptime_ms(void *self)
{
    (void)self;
    return net_uptime_ms();
}

static uint32_t describe_staff(struct server *server, struct buffer *out)
{
    struct server_figures figures;
    struct store_figures stored;
    server_figures(server, &figures);
    wire_put_text(out, "takesChanges");
    wire_put_bool(out, server->ports.healthy(server->ports.self));
    wire_put_text(out, "uptime");
    wire_put_uint(out, figures.uptime_ms);
    wire_put_text(out, "connections");
    wire_put_uint(out, figures.connections);
    wire_put_text(out, "seq");
    wire_put_uint(out, figures.seq);
    wire_put_text(out, "errors");
    wire_put_uint(out, figures.user_errors);
    wire_put_text(out, "pauses");
    wire_put_uint(out, figures.pauses);
    wire_put_text(out, "delayed");
    wire_put_uint(out, figures.delayed);
    if (store_figures(server->ports.store, &stored) != STATUS_OK)
        return 7;
    wire_put_text(out, "records");
    wire_put_uint(out, stored.records);
    wire_put_text(out, "bytesUsed");
    wire_put_uint(out, stored.bytes_used);
    wire_put_text(out, "bytesFree");
    wire_put_uint(out, stored.bytes_free_on_disk);
    return 10;
}

static void describe(void *self, bool staff, struct buffer *out)
{
    struct server *server = thread_of(self)->server;
    size_t begin = wire_begin_map(out);
    wire_put_text(out, "version");
    wire_put_text(out, server->version);
    wire_put_text(out, "time");
    wire_put_uint(out, now_ms(NULL));
    wire_end(out, begin, 2 + (staff ? describe_staff(server, out) : 0));
}

static void wake(void *self, struct session *session)
{
    (void)self;
    io_thread_schedule(connection_of(session));
}

void session_port_wake_present(void *context, struct session *session)
{
    const struct server *server = context;
    if (atomic_load(&server->stopping))
        return; /* all are leaving, and threads end before others */
    const struct connection *connection = connection_of(session);
    net_post(connection->thread,
             &(struct letter){.kind = LETTER_PRESENCE, .as.present = connection->number});
}

static struct presence *presence_begin(void *self)
{
    return presence_hub_begin(&thread_of(self)->server->presence);
}

static void presence_end(void *self)
{
    presence_hub_end(&thread_of(self)->server->presence);
}

static void close_session(void *self, struct session *session, enum close_code code)
{
    (void)self;
    connection_close(connection_of(session), code);
}

void session_port_init(struct io_thread *thread)
{
    thread->port = (struct session_port){.self = thread,
                                         .read_begin = read_begin,
                                         .read_end = read_end,
                                         .submit = submit,
                                         .hash = hash,
                                         .sign_in_allowed = sign_in_allowed,
                                         .sign_in_forgiven = sign_in_forgiven,
                                         .digest = digest,
                                         .random = fill_random,
                                         .now_ms = now_ms,
                                         .uptime_ms = uptime_ms,
                                         .describe = describe,
                                         .wake = wake,
                                         .close = close_session,
                                         .charge = charge,
                                         .work = work,
                                         .damaged = damaged,
                                         .presence_begin = presence_begin,
                                         .presence_end = presence_end};
}
