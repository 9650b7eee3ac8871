#include "server/net/io_thread.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "server/net/callback.h"
#include "server/net/internal.h"

/* Passes over the due sessions in one turn; what is due after that waits for the next. */
#define PASSES 4
/* Parts of the connections that are looked at one after another within tick_ms, and how many of one
 * part may be cut off: to end a crowd that let its time run out takes a while, in which everybody
 * else would wait. */
#define TICK_SLICES 16u
#define ENDS_A_TICK 8
/* Turns of the loop in which a wake must arrive: it is there at once. */
#define WAKE_TURNS 16
/* A loop this much behind its timer is worth a line in the log, at most once in a while. */
#define LAG_MS 500u
#define LAG_PAUSE_MS 10000u
/* Between two looks for memory to give back. */
#define GIVE_BACK_PAUSE_MS 30000u
/* After the deadline of a stop, for the library to close what was cut off. */
#define CUT_OFF_MS 1000u

void io_thread_schedule(struct connection *connection)
{
    struct io_thread *thread = connection->thread;
    if (connection->due || !connection->session)
        return;
    connection->due = true;
    connection->previous_due = NULL;
    connection->next_due = thread->due;
    if (thread->due)
        thread->due->previous_due = connection;
    thread->due = connection;
}

void io_thread_unschedule(struct connection *connection)
{
    if (!connection->due)
        return;
    connection->due = false;
    if (connection->previous_due)
        connection->previous_due->next_due = connection->next_due;
    else
        connection->thread->due = connection->next_due;
    if (connection->next_due)
        connection->next_due->previous_due = connection->previous_due;
}

/* What serving the next connection reads is on its way from memory while this one is written to:
 * among thousands, each is cold in the processor's cache. */
static void warm(const struct connection *next)
{
    if (!next)
        return;
    __builtin_prefetch(next->next_due);
    if (next->session)
        session_warm(next->session);
}

/* The whole pass sees one snapshot: while the committer goes on, sessions would otherwise each see
 * another newest seq, and could share no frame. */
static void pass(struct io_thread *thread)
{
    if (!thread->due)
        return;
    thread->pass_ms = net_uptime_ms();
    session_port_keep_looking(thread);
    for (int round = 0; round < PASSES && thread->due; round++) {
        struct connection *list = thread->due;
        thread->due = NULL;
        while (list) {
            struct connection *connection = list;
            list = connection->next_due;
            warm(list);
            connection->due = false; /* from here on it can come due again, for the next round */
            connection_flush(connection);
            connection_regulate(connection);
        }
    }
    session_port_look_away(thread);
    if (thread->due)
        lws_cancel_service(thread->context);
}

static void mark(void *context, struct session *session, enum interest_reason reason,
                 uint32_t lane_index)
{
    (void)context;
    struct connection *connection = session_owner(session);
    assert(connection && connection->magic == CONNECTION_MAGIC);
    session_mark(session, reason, lane_index);
    if (session_due(session))
        io_thread_schedule(connection);
}

static void each_connection(struct io_thread *thread, void (*visit)(struct connection *, uint64_t),
                            uint64_t argument)
{
    for (uint32_t i = 0; i < thread->connections.capacity; i++) {
        struct connection *connection = thread->connections.places[i].connection;
        if (connection)
            visit(connection, argument);
    }
}

static void stop_connection(struct connection *connection, uint64_t unused)
{
    (void)unused;
    if (connection->session) {
        session_stop(connection->session);
        connection_settle(connection);
    } else {
        connection_kill(connection);
    }
}

static void kill_connection(struct connection *connection, uint64_t unused)
{
    (void)unused;
    connection_kill(connection);
}

static void lose_connection(struct connection *connection, uint64_t unused)
{
    (void)unused;
    if (connection->session)
        connection_close(connection, CLOSE_SERVER_ERROR);
}

static void open_answer(struct io_thread *thread, const struct letter *letter)
{
    struct connection *connection =
        connection_table_find(&thread->connections, letter->as.answer.connection);
    if (!connection || !connection->session)
        return;
    session_answered(connection->session, letter->as.answer.ticket, letter->as.answer.status,
                     bytes_of(letter->as.answer.data, letter->as.answer.size));
    connection_settle(connection);
}

static void open_hashed(struct io_thread *thread, const struct letter *letter)
{
    struct connection *connection =
        connection_table_find(&thread->connections, letter->as.hashed.connection);
    if (!connection || !connection->session)
        return;
    session_hashed(connection->session, &letter->as.hashed.outcome);
    connection_settle(connection);
}

static void open_presence(struct io_thread *thread, const struct letter *letter)
{
    struct connection *connection =
        connection_table_find(&thread->connections, letter->as.present);
    if (!connection || !connection->session)
        return;
    session_mark_presence(connection->session);
    connection_settle(connection);
}

/* One in a turn: a TLS handshake takes longer than all else that a turn does. */
static void take_up(struct io_thread *thread)
{
    struct arrival arrival;
    if (arrivals_take(&thread->arrivals, &arrival))
        connection_adopt(thread, arrival);
    if (thread->arrivals.count > 0)
        lws_cancel_service(thread->context); /* at the next turn */
}

static void turn_away(struct io_thread *thread)
{
    struct arrival arrival;
    while (arrivals_take(&thread->arrivals, &arrival)) {
        peers_leave(thread->server->peers, arrival.peer, false);
        close(arrival.fd);
    }
}

static void open_letter(struct io_thread *thread, struct letter *letter)
{
    switch (letter->kind) {
    case LETTER_SOCKET:
        if (arrivals_add(&thread->arrivals, letter->as.socket))
            return; /* the socket is theirs now */
        peers_leave(thread->server->peers, letter->as.socket.peer, false);
        break;
    case LETTER_NOTICE:
        interest_tell(thread->interest, letter->as.notice, mark, thread);
        break;
    case LETTER_ANSWER:
        open_answer(thread, letter);
        break;
    case LETTER_HASHED:
        open_hashed(thread, letter);
        break;
    case LETTER_PRESENCE:
        open_presence(thread, letter);
        break;
    case LETTER_CERTIFICATE:
        if (!tls_use(thread->tls, letter->as.material))
            net_log(thread->server, "I/O thread %u could not take the new certificate",
                    thread->index);
        break;
    case LETTER_STOP:
        thread->stopping = true;
        thread->stop_deadline_ms = letter->as.deadline_ms;
        turn_away(thread);
        each_connection(thread, stop_connection, 0);
        break;
    }
    letter_release(letter);
}

void io_thread_woken(struct io_thread *thread)
{
    bool lost;
    thread->woken = true;
    size_t count = inbox_take(&thread->inbox, &thread->letters, &thread->letter_capacity, &lost);
    for (size_t i = 0; i < count; i++)
        open_letter(thread, &thread->letters[i]);
    take_up(thread);
    if (!lost)
        return;
    net_log(thread->server, "out of memory: I/O thread %u closes its connections", thread->index);
    each_connection(thread, lose_connection, 0);
}

bool io_thread_tls_made(struct io_thread *thread, void *ssl_ctx)
{
    thread->tls = ssl_ctx;
    return tls_configure(thread->tls, thread->server->ticket_keys) &&
           tls_use(thread->tls, thread->server->material);
}

static void before_waiting(uv_prepare_t *prepare)
{
    struct io_thread *thread = prepare->data;
    assert(thread->magic == IO_THREAD_MAGIC);
    pass(thread);
    feed_cache_clear(thread->cache); /* sockets that became writable have filled it, too */
    if (thread->stopping && thread->connections.count == 0)
        uv_stop(&thread->loop);
}

static uint64_t tick_interval_ms(const struct io_thread *thread)
{
    uint32_t interval_ms = thread->server->options.tick_ms / TICK_SLICES;
    return interval_ms > 0 ? interval_ms : 1;
}

/* The allocator keeps what was freed below its top. To have it look for that holds up everybody for
 * milliseconds, and peers that come and go must not be able to cause it at will. */
static void give_back(struct io_thread *thread, uint64_t now_ms)
{
    if (!thread->heavy_left || now_ms < thread->given_back_ms + GIVE_BACK_PAUSE_MS)
        return;
    thread->heavy_left = false;
    thread->given_back_ms = now_ms;
    malloc_trim(0);
}

/* One part of the connections; the next tick goes on behind it. */
static void tick_connections(struct io_thread *thread, uint64_t now_ms)
{
    const struct connection_table *table = &thread->connections;
    uint32_t part = table->capacity / TICK_SLICES + 1;
    int ended = 0;
    for (uint32_t i = 0; i < part && ended < ENDS_A_TICK; i++) {
        if (thread->tick_place >= table->capacity) {
            thread->tick_place = 0;
            give_back(thread, now_ms);
        }
        struct connection *connection =
            table->capacity > 0 ? table->places[thread->tick_place++].connection : NULL;
        if (connection && connection_tick(connection, now_ms))
            ended++;
    }
}

static void watch_lag(struct io_thread *thread, uint64_t now_ms)
{
    uint64_t lag = now_ms - thread->ticked_ms;
    thread->ticked_ms = now_ms;
    if (lag < tick_interval_ms(thread) + LAG_MS || now_ms < thread->lag_told_ms + LAG_PAUSE_MS)
        return;
    thread->lag_told_ms = now_ms;
    net_log(thread->server, "I/O thread %u was busy for %llu ms with %u connections", thread->index,
            (unsigned long long)lag, thread->connections.count);
}

static void on_tick(uv_timer_t *timer)
{
    struct io_thread *thread = timer->data;
    assert(thread->magic == IO_THREAD_MAGIC);
    uint64_t now_ms = net_uptime_ms();
    watch_lag(thread, now_ms);
    tick_connections(thread, now_ms);
    if (!thread->stopping || now_ms < thread->stop_deadline_ms)
        return;
    each_connection(thread, kill_connection, 0);
    if (now_ms >= thread->stop_deadline_ms + CUT_OFF_MS)
        uv_stop(&thread->loop);
}

static struct lws_context *make_context(struct io_thread *thread)
{
    static const lws_retry_bo_t no_retry = {.secs_since_valid_ping = 0};
    void *loops[] = {&thread->loop};
    const struct server_options *options = &thread->server->options;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = callback_protocols(),
        .user = thread,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .foreign_loops = loops,
        .alpn = "http/1.1",
        .pt_serv_buf_size = 64 * 1024,
        .fd_limit_per_thread = 0,
        .timeout_secs = (options->handshake_ms + 999) / 1000,
        .retry_and_idle_policy = &no_retry,
        .provided_client_ssl_ctx = thread->unused_tls,
        .gid = -1,
        .uid = -1};
    return lws_create_context(&info);
}

static bool make_loop(struct io_thread *thread)
{
    if (uv_loop_init(&thread->loop) != 0)
        return false;
    thread->loop_made = true;
    uv_prepare_init(&thread->loop, &thread->prepare);
    uv_timer_init(&thread->loop, &thread->tick);
    thread->handles_made = true;
    thread->prepare.data = thread;
    thread->tick.data = thread;
    uint64_t tick_ms = tick_interval_ms(thread);
    return uv_prepare_start(&thread->prepare, before_waiting) == 0 &&
           uv_timer_start(&thread->tick, on_tick, tick_ms, tick_ms) == 0;
}

/* libwebsockets also starts when there was no descriptor left for what wakes it, and then nobody
 * could ever reach this thread: not the acceptor, and not who wants to stop it. */
static bool can_be_woken(struct io_thread *thread)
{
    lws_cancel_service(thread->context);
    for (int turns = 0; turns < WAKE_TURNS && !thread->woken; turns++)
        uv_run(&thread->loop, UV_RUN_NOWAIT);
    return thread->woken;
}

bool io_thread_prepare(struct io_thread *thread, struct server *server, uint32_t index,
                       struct fault *fault)
{
    *thread = (struct io_thread){.magic = IO_THREAD_MAGIC, .index = index, .server = server};
    inbox_init(&thread->inbox);
    session_port_init(thread);
    thread->interest = interest_new();
    thread->cache = feed_cache_new();
    if (!thread->interest || !thread->cache) {
        fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
        return false;
    }
    if (store_reader_new(server->ports.store, &thread->reader) != STATUS_OK) {
        fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot read the store");
        return false;
    }
    /* For connections that the library would make itself, which it never does here. Left to make
     * its own, it loses all but the last context's at the end. */
    thread->unused_tls = SSL_CTX_new(TLS_client_method());
    if (thread->unused_tls && make_loop(thread))
        thread->context = make_context(thread);
    if (thread->context)
        thread->vhost = lws_get_vhost_by_name(thread->context, "default");
    if (!thread->vhost || !thread->tls) {
        thread->context_failed = true;
        fault_set(fault, STATUS_IO, bytes_of(NULL, 0),
                  "libwebsockets cannot start (is libwebsockets-evlib-uv installed?)");
        return false;
    }
    if (!can_be_woken(thread)) {
        thread->context_failed = true;
        fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "libwebsockets cannot be woken");
        return false;
    }
    return true;
}

static void *run(void *argument)
{
    struct io_thread *thread = argument;
    assert(thread->magic == IO_THREAD_MAGIC);
    thread->ticked_ms = net_uptime_ms();
    uv_run(&thread->loop, UV_RUN_DEFAULT);
    return NULL;
}

bool io_thread_start(struct io_thread *thread)
{
    thread->running = pthread_create(&thread->thread, NULL, run, thread) == 0;
    return thread->running;
}

void io_thread_join(struct io_thread *thread)
{
    if (thread->running)
        pthread_join(thread->thread, NULL);
    thread->running = false;
}

/* Lets closed handles finish; bounded, since a handle that never closes is a fault elsewhere. */
static void run_down(uv_loop_t *loop)
{
    for (int turns = 0; turns < 1000 && uv_run(loop, UV_RUN_NOWAIT) != 0; turns++)
        continue;
}

static void release_loop(struct io_thread *thread)
{
    if (thread->handles_made) {
        uv_prepare_stop(&thread->prepare);
        uv_timer_stop(&thread->tick);
        uv_close((uv_handle_t *)&thread->prepare, NULL);
        uv_close((uv_handle_t *)&thread->tick, NULL);
    }
    if (thread->context) {
        /* The first call begins to close the library's handles, the loop finishes that, and the
         * second frees what is left. */
        lws_context_destroy(thread->context);
        run_down(&thread->loop);
        lws_context_destroy(thread->context);
    }
    if (thread->loop_made && !thread->context_failed) {
        run_down(&thread->loop);
        uv_loop_close(&thread->loop);
    }
}

void io_thread_release(struct io_thread *thread)
{
    if (thread->magic != IO_THREAD_MAGIC)
        return;
    release_loop(thread);
    SSL_CTX_free(thread->unused_tls);
    assert(thread->connections.count == 0);
    turn_away(thread);
    arrivals_release(&thread->arrivals);
    connection_table_release(&thread->connections);
    inbox_release(&thread->inbox);
    memory_free(thread->letters);
    feed_cache_free(thread->cache);
    interest_free(thread->interest);
    store_reader_free(thread->reader);
    thread->magic = 0;
}
