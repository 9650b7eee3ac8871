#include "server/app/service.h"

#include <string.h>

#include "protocol/memory.h"
#include "server/app/app_log.h"
#include "server/app/control.h"
#include "server/app/founding.h"
#include "server/app/hash_pool.h"
#include "server/commit/commit.h"
#include "server/net/server.h"

#define MIB (UINT64_C(1) << 20)
#define DAY_MS UINT64_C(86400000)

struct service {
    struct store *store;
    struct committer *committer;
    struct hash_pool *pool;
    struct server *server;
    struct control *control;
    uint64_t seq;
    uint32_t drain_ms;
    void (*failed)(void);
};

/* The committer's port. Its thread runs only while the server is there. */

static void on_answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    struct service *service = self;
    server_answered(service->server, origin, status, answer);
}

static void on_worked(void *self, struct id user, uint32_t units)
{
    struct service *service = self;
    server_worked(service->server, user, units);
}

static void on_announce(void *self, struct notice *notice)
{
    struct service *service = self;
    server_announce(service->server, notice);
}

static void on_failed(void *self, enum status status)
{
    struct service *service = self;
    app_log("the store failed (%s): %s; nothing is taken any more", status_name(status),
            status_text(status));
    service->failed();
}

/* The server's ports. */

static bool on_hash(void *self, struct origin origin, const struct hash_request *request)
{
    struct service *service = self;
    return hash_pool_submit(service->pool, origin, request);
}

static bool is_healthy(void *self)
{
    struct service *service = self;
    struct commit_figures figures;
    committer_figures(service->committer, &figures);
    return !figures.read_only && !figures.failed;
}

static void on_log(void *self, const char *line)
{
    (void)self;
    app_log("%s", line);
}

static void on_hashed(void *self, struct origin origin, const struct hash_outcome *outcome)
{
    struct service *service = self;
    server_hashed(service->server, origin, outcome);
}

static enum status on_backup(void *self, const char *path, struct fault *fault)
{
    struct service *service = self;
    enum status status = store_backup(service->store, path, fault);
    if (status == STATUS_OK)
        app_log("copied the store to %s", path);
    return status;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static struct server_options server_options_of(const struct config *config)
{
    return (struct server_options){
        .listen = config->listen,
        .certificate = config->cert,
        .key = config->key,
        .authority = or_null(config->ca),
        .origins = or_null(config->origins),
        .version = TANDEM_VERSION_TEXT,
        .threads = config->threads,
        .connections = config->connections,
        .connections_per_address = config->connections_per_address,
        .unauthenticated_per_address = config->unauthenticated_per_address,
        .sign_in_failures = config->sign_in_failures,
        .user_errors = config->user_errors,
        .user_work = config->user_work,
        .failed_connections = config->failed_connections,
        .suspects_per_second = config->suspects,
        .handshake_ms = config->handshake * 1000,
        .stall_ms = config->stall * 1000,
        .session = {.sign_in_ms = config->sign_in * 1000,
                    .idle_ms = config->idle * 1000,
                    .messages_per_second = config->message_rate}};
}

static enum status read_seq(struct service *service)
{
    struct store_reader *reader;
    struct state state;
    struct meta meta;
    enum status status = store_reader_new(service->store, &reader);
    if (status != STATUS_OK)
        return status;
    status = store_read_begin(reader, &state);
    if (status == STATUS_OK) {
        status = state.ops->meta(state.self, &meta);
        service->seq = status == STATUS_OK ? meta.seq : 0;
        store_read_end(reader);
    }
    store_reader_free(reader);
    return status;
}

static enum status open_store(struct service *service, const struct config *config,
                              struct fault *fault)
{
    struct store_options options = {.path = config->data,
                                    .map_bytes = config->map_size * MIB,
                                    .reserve_bytes = config->reserve * MIB,
                                    .tell = app_log_line};
    enum status status = store_open(&options, &service->store, fault);
    return status == STATUS_OK ? read_seq(service) : status;
}

static enum status make_writers(struct service *service, const struct config *config)
{
    struct commit_port port = {.self = service, .now_ms = founding_now_ms,
                               .random = founding_random, .answered = on_answered,
                               .announce = on_announce, .failed = on_failed};
    struct commit_options options = {.queue_commands = config->queue_commands,
                                     .batch_commands = config->batch_commands,
                                     .retention_ms = config->retention * DAY_MS};
    struct hash_pool_port pool_port = {.self = service, .done = on_hashed};
    service->committer = committer_new(service->store, &port, &options);
    if (service->committer)
        committer_tell_work(service->committer, service, on_worked);
    service->pool = hash_pool_new(config->hash_queue, &pool_port);
    return service->committer && service->pool ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The server first: the others' threads speak to it from their first moment on. */
static enum status start_all(struct service *service, const struct config *config,
                             struct fault *fault)
{
    struct server_options options = server_options_of(config);
    options.seq = service->seq;
    struct server_ports ports = {.self = service, .store = service->store,
                                 .committer = service->committer, .hash = on_hash,
                                 .healthy = is_healthy, .log = on_log};
    enum status status = server_start(&options, &ports, &service->server, fault);
    if (status != STATUS_OK)
        return status;
    status = hash_pool_start(service->pool);
    if (status == STATUS_OK)
        status = committer_start(service->committer);
    struct control_port control = {.self = service, .backup = on_backup};
    return status == STATUS_OK ? control_start(config->data, &control, &service->control, fault)
                               : status;
}

enum status service_start(const struct config *config, void (*failed)(void), struct service **out,
                          struct fault *fault)
{
    *out = NULL;
    struct service *service = memory_new(sizeof *service);
    if (!service)
        return STATUS_NO_MEMORY;
    service->drain_ms = config->drain * 1000;
    service->failed = failed;
    enum status status = open_store(service, config, fault);
    if (status == STATUS_OK)
        status = make_writers(service, config);
    if (status == STATUS_OK)
        status = start_all(service, config, fault);
    if (status == STATUS_OK)
        *out = service;
    else
        service_stop(service);
    return status;
}

const char *service_address(const struct service *service)
{
    return server_address(service->server);
}

uint64_t service_seq(const struct service *service)
{
    return service->seq;
}

enum status service_reload(struct service *service, struct fault *fault)
{
    return server_reload(service->server, fault);
}

void service_stop(struct service *service)
{
    if (!service)
        return;
    control_stop(service->control);
    if (service->server)
        server_stop_accepting(service->server);
    /* What was taken is applied and answered; the answers reach sessions that still live. */
    if (service->committer) {
        committer_stop(service->committer);
        committer_join(service->committer);
    }
    if (service->pool)
        hash_pool_stop(service->pool);
    if (service->server) {
        server_stop(service->server, service->drain_ms);
        server_free(service->server);
    }
    hash_pool_free(service->pool);
    committer_free(service->committer);
    store_close(service->store);
    memory_free(service);
}

enum status service_check(const struct config *config, struct fault *fault)
{
    struct server_options options = server_options_of(config);
    return server_check(&options, fault);
}
