#include "server/net/server.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "server/net/acceptor.h"
#include "server/net/internal.h"

#define MOST_THREADS 16

void net_log(const struct server *server, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    server->ports.log(server->ports.self, line);
}

void net_post(struct io_thread *thread, struct letter *letter)
{
    enum inbox_result result = inbox_put(&thread->inbox, letter);
    if (result == INBOX_LOST) {
        if (letter->kind == LETTER_SOCKET)
            peers_leave(thread->server->peers, letter->as.socket.peer, false);
        letter_release(letter);
    }
    if (result != INBOX_QUEUED)
        lws_cancel_service(thread->context);
}

static void deal(void *self, struct arrival arrival)
{
    struct server *server = self;
    struct io_thread *thread = &server->threads[server->next_thread];
    server->next_thread = (server->next_thread + 1) % server->thread_count;
    net_post(thread, &(struct letter){.kind = LETTER_SOCKET, .as.socket = arrival});
}

static bool is_suspect(void *self, struct peer_address address)
{
    return misuse_is_suspect(self, address);
}

static void acceptor_log(void *self, const char *line)
{
    const struct server *server = self;
    server->ports.log(server->ports.self, line);
}

static void set_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void set_defaults(struct server_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    set_default(&options->threads, cores > 0 ? (uint32_t)cores : 2);
    if (options->threads > MOST_THREADS)
        options->threads = MOST_THREADS;
    set_default(&options->connections, 10000);
    set_default(&options->connections_per_address, 1000);
    set_default(&options->unauthenticated_per_address, 100);
    set_default(&options->sign_in_failures, 10);
    set_default(&options->user_errors, 50);
    set_default(&options->user_work, 10000);
    set_default(&options->failed_connections, 30);
    set_default(&options->suspects_per_second, 50);
    set_default(&options->handshake_ms, 10000);
    set_default(&options->message_ms, 10000);
    set_default(&options->stall_ms, 60000);
    set_default(&options->goodbye_ms, 5000);
    set_default(&options->tick_ms, 1000);
    set_default(&options->session.sign_in_ms, 10000);
    set_default(&options->session.idle_ms, 60000);
    set_default(&options->session.messages_per_second, 500);
}

/* A copy of a string that may be NULL. */
static bool keep(const char *text, char **out)
{
    *out = text ? memory_copy(text, strlen(text)) : NULL;
    return !text || *out;
}

static bool keep_strings(struct server *server)
{
    const struct server_options *options = &server->options;
    bool kept = keep(options->certificate, &server->certificate_path) &&
                keep(options->key, &server->key_path) &&
                keep(options->authority, &server->authority_path) &&
                keep(options->origins, &server->origins) &&
                keep(options->version ? options->version : "", &server->version);
    return kept;
}

static enum status prepare(struct server *server, struct fault *fault)
{
    const struct server_options *options = &server->options;
    enum status status = tls_material_load(server->certificate_path, server->key_path,
                                           server->authority_path, &server->material, fault);
    if (status != STATUS_OK)
        return status;
    struct peer_limits limits = {.connections = options->connections,
                                 .per_address = options->connections_per_address,
                                 .unsigned_per_address = options->unauthenticated_per_address};
    bool board = presence_hub_init(&server->presence, session_port_wake_present, server);
    server->peers = peers_new(&limits);
    server->throttle = sign_in_throttle_new(options->sign_in_failures);
    bool ledgers = misuse_init(server);
    server->threads = memory_new(options->threads * sizeof *server->threads);
    if (!board || !server->peers || !server->throttle || !ledgers || !server->threads)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    if (RAND_bytes(server->ticket_keys, sizeof server->ticket_keys) != 1)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "no randomness");
    struct acceptor_port port = {.self = server, .peers = server->peers, .deal = deal,
                                 .greeting_ms = options->handshake_ms,
                                 .suspects_per_second = options->suspects_per_second,
                                 .suspect = is_suspect, .log = acceptor_log};
    status = acceptor_new(options->listen, &port, &server->acceptor, fault);
    if (status != STATUS_OK)
        return status;
    acceptor_address(server->acceptor, server->address, sizeof server->address);
    /* One after another and before any thread runs: making a context is not safe otherwise. */
    for (uint32_t i = 0; i < options->threads; i++) {
        server->thread_count = i + 1;
        if (!io_thread_prepare(&server->threads[i], server, i, fault))
            return fault ? fault->status : STATUS_IO;
    }
    return STATUS_OK;
}

static enum status start_threads(struct server *server, struct fault *fault)
{
    bool started = true;
    for (uint32_t i = 0; i < server->thread_count && started; i++)
        started = io_thread_start(&server->threads[i]);
    if (!started || acceptor_start(server->acceptor) != STATUS_OK)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot start a thread");
    return STATUS_OK;
}

enum status server_start(const struct server_options *options, const struct server_ports *ports,
                         struct server **out, struct fault *fault)
{
    *out = NULL;
    if (!send_version_known(lws_get_library_version()))
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         "libwebsockets %s is installed, 4.1 is needed",
                         lws_get_library_version());
    struct server *server = memory_new(sizeof *server);
    if (!server)
        return fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    server->ports = *ports;
    server->options = *options;
    server->started_ms = net_uptime_ms();
    damage_init(&server->damage);
    atomic_init(&server->stopping, false);
    atomic_init(&server->seq, options->seq);
    set_defaults(&server->options);
    /* Its lines speak of what strangers send, at their rate. */
    lws_set_log_level(0, NULL);
    enum status status =
        keep_strings(server)
            ? prepare(server, fault)
            : fault_set(fault, STATUS_NO_MEMORY, bytes_of(NULL, 0), "out of memory");
    if (status == STATUS_OK)
        status = start_threads(server, fault);
    if (status != STATUS_OK) {
        server_stop(server, 0);
        server_free(server);
        return status;
    }
    *out = server;
    return STATUS_OK;
}

enum status server_check(const struct server_options *options, struct fault *fault)
{
    char host[256], port[8];
    struct tls_material *material;
    if (!acceptor_split(options->listen, host, port))
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text("listen"),
                         "not an address and port: %s", options->listen);
    enum status status = tls_material_load(options->certificate, options->key, options->authority,
                                           &material, fault);
    tls_material_drop(material);
    return status;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

void server_answered(struct server *server, struct origin origin, enum status status,
                     struct bytes answer)
{
    assert(origin.thread < server->thread_count);
    struct letter letter = {.kind = LETTER_ANSWER,
                            .as.answer = {.connection = origin.session,
                                          .ticket = origin.ticket,
                                          .status = status,
                                          .data = memory_copy(answer.data, answer.size),
                                          .size = answer.size}};
    if (!letter.as.answer.data) {
        /* The client still hears of it: a failed answer closes its connection. */
        letter.as.answer.size = 0;
        letter.as.answer.status = STATUS_NO_MEMORY;
    }
    net_post(&server->threads[origin.thread], &letter);
}

void server_announce(struct server *server, struct notice *notice)
{
    atomic_store(&server->seq, notice->seq);
    presence_hub_touched(&server->presence, notice);
    for (uint32_t i = 0; i < server->thread_count; i++)
        net_post(&server->threads[i],
                 &(struct letter){.kind = LETTER_NOTICE, .as.notice = notice_share(notice)});
}

void server_hashed(struct server *server, struct origin origin,
                   const struct hash_outcome *outcome)
{
    assert(origin.thread < server->thread_count);
    net_post(&server->threads[origin.thread],
             &(struct letter){.kind = LETTER_HASHED,
                              .as.hashed = {.connection = origin.session, .outcome = *outcome}});
}

enum status server_reload(struct server *server, struct fault *fault)
{
    struct tls_material *material;
    enum status status = tls_material_load(server->certificate_path, server->key_path,
                                           server->authority_path, &material, fault);
    if (status != STATUS_OK)
        return status;
    if (!tls_same_kind(server->material, material)) {
        tls_material_drop(material);
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         "another kind of key needs a restart");
    }
    for (uint32_t i = 0; i < server->thread_count; i++)
        net_post(&server->threads[i],
                 &(struct letter){.kind = LETTER_CERTIFICATE,
                                  .as.material = tls_material_share(material)});
    tls_material_drop(server->material);
    server->material = material;
    return STATUS_OK;
}

void server_stop_accepting(struct server *server)
{
    if (server->acceptor)
        acceptor_stop(server->acceptor);
}

void server_stop(struct server *server, uint32_t drain_ms)
{
    atomic_store(&server->stopping, true);
    server_stop_accepting(server);
    uint64_t deadline_ms = net_uptime_ms() + drain_ms;
    for (uint32_t i = 0; i < server->thread_count; i++) {
        if (server->threads[i].running)
            net_post(&server->threads[i],
                     &(struct letter){.kind = LETTER_STOP, .as.deadline_ms = deadline_ms});
    }
    for (uint32_t i = 0; i < server->thread_count; i++)
        io_thread_join(&server->threads[i]);
}

void server_free(struct server *server)
{
    if (!server)
        return;
    for (uint32_t i = 0; i < server->thread_count; i++)
        io_thread_release(&server->threads[i]);
    acceptor_free(server->acceptor);
    presence_hub_release(&server->presence);
    memory_free(server->threads);
    sign_in_throttle_free(server->throttle);
    misuse_release(server);
    damage_release(&server->damage);
    peers_free(server->peers);
    tls_material_drop(server->material);
    memory_free(server->certificate_path);
    memory_free(server->key_path);
    memory_free(server->authority_path);
    memory_free(server->origins);
    memory_free(server->version);
    OPENSSL_cleanse(server->ticket_keys, sizeof server->ticket_keys);
    memory_free(server);
}

void server_figures(struct server *server, struct server_figures *out)
{
    *out = (struct server_figures){.connections = peers_count(server->peers),
                                   .threads = server->thread_count,
                                   .seq = atomic_load(&server->seq),
                                   .uptime_ms = net_uptime_ms() - server->started_ms,
                                   .user_errors = atomic_load(&server->user_errors),
                                   .pauses = atomic_load(&server->pauses),
                                   .delayed = atomic_load(&server->delayed)};
}
