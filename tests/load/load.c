#include "tests/load/load_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "protocol/memory.h"

#define EVENTS 256
#define SWEEP_MS 1000u

uint64_t load_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void load_set_phase(struct load_client *client, enum load_phase phase)
{
    client->load->phases[client->phase]--;
    client->load->phases[phase]++;
    client->phase = phase;
}

/* ---- The loop's own life ---- */

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool read_address(struct load *load, const char *text)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    if (colon == NULL || (size_t)(colon - text) >= sizeof load->host)
        return false;
    (void)snprintf(load->host, sizeof load->host, "%.*s", (int)(colon - text), text);
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (port == 0 || port > UINT16_MAX || *end != 0)
        return false;
    load->address.sin_family = AF_INET;
    load->address.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, load->host, &load->address.sin_addr) == 1;
}

struct load *load_new(const struct load_options *options)
{
    struct load *load = memory_new(sizeof *load);
    if (load == NULL) {
        (void)fprintf(stderr, "load: out of memory\n");
        return NULL;
    }
    load->hooks = options->hooks;
    load->resume = options->resume;
    load->raw = options->raw;
    load->spin = options->spin;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->wire = memory_new(LOAD_WIRE);
    load->plain_capacity = LOAD_WIRE;
    load->plain = memory_new(load->plain_capacity);
    load->now_ms = load_now_ms();
    raise_file_limit();
    bool named = read_address(load, options->address);
    if (!named)
        (void)fprintf(stderr, "load: %s is no IPv4 address with a port\n", options->address);
    if (named && load->epoll >= 0 && load->wire != NULL && load->plain != NULL &&
        getrandom(&load->random, sizeof load->random, 0) == sizeof load->random &&
        load_tls_init(load, options->ca_file))
        return load;
    (void)fprintf(stderr, "load: the clients' loop cannot be made\n");
    load_free(load);
    return NULL;
}

static void free_client(struct load_client *client)
{
    SSL_free(client->ssl);
    if (client->fd >= 0)
        (void)close(client->fd);
    SSL_SESSION_free(client->session);
    buffer_release(&client->partial);
    buffer_release(&client->out);
    memory_free(client->user);
    memory_free(client->token);
    memory_free(client->password);
    memory_free(client->scopes);
    free(client->reason);
    memory_free(client);
}

void load_free(struct load *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < load->count; i++)
        free_client(load->clients[i]);
    memory_free(load->clients);
    memory_free(load->wire);
    memory_free(load->plain);
    buffer_release(&load->frame);
    buffer_release(&load->message);
    load_tls_release(load);
    if (load->epoll >= 0)
        (void)close(load->epoll);
    memory_free(load);
}

/* ---- Clients ---- */

static bool keep_text(const char *text, char **out)
{
    *out = text != NULL ? memory_copy(text, strlen(text)) : NULL;
    return text == NULL || *out != NULL;
}

static struct id random_id(void)
{
    uint8_t random[10];
    struct timespec now;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    clock_gettime(CLOCK_REALTIME, &now);
    return id_make((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, random);
}

static bool fill(struct load_client *client, const struct load_client_options *options)
{
    client->client_id = id_is_zero(options->client_id) ? random_id() : options->client_id;
    client->subscribe = options->subscribe;
    client->cursor = options->cursor;
    client->epoch = options->epoch;
    client->label = options->label;
    if (options->source != NULL && inet_pton(AF_INET, options->source, &client->source) != 1)
        return false;
    if (options->scope_count > 0) {
        client->scopes = memory_copy(options->scopes, options->scope_count * sizeof(struct scope));
        client->scope_count = options->scope_count;
        if (client->scopes == NULL)
            return false;
    }
    return keep_text(options->user, &client->user) && keep_text(options->token, &client->token) &&
           keep_text(options->password, &client->password);
}

static bool grow(struct load *load)
{
    if (load->count < load->capacity)
        return true;
    size_t capacity = load->capacity != 0 ? 2 * load->capacity : 64;
    void *clients = memory_resize(load->clients, capacity * sizeof(struct load_client *));
    if (clients == NULL)
        return false;
    load->clients = clients;
    load->capacity = capacity;
    return true;
}

struct load_client *load_add(struct load *load, const struct load_client_options *options)
{
    struct load_client *client = grow(load) ? memory_new(sizeof *client) : NULL;
    if (client == NULL)
        return NULL;
    client->load = load;
    client->fd = -1;
    if (!fill(client, options)) {
        free_client(client);
        return NULL;
    }
    load->clients[load->count++] = client;
    load->phases[LOAD_IDLE]++;
    return client;
}

/* ---- Counters ---- */

struct load_counts load_total(const struct load *load)
{
    return load->total;
}

struct load_counts load_counts_of(const struct load_client *client)
{
    return client->counts;
}

enum load_phase load_phase_of(const struct load_client *client)
{
    return client->phase;
}

uint64_t load_cursor(const struct load_client *client)
{
    return client->cursor;
}

size_t load_label(const struct load_client *client)
{
    return client->label;
}

const char *load_reason(const struct load_client *client)
{
    return client->phase == LOAD_CLOSED && client->reason != NULL ? client->reason : "";
}

size_t load_size(const struct load *load)
{
    return load->count;
}

struct load_client *load_at(struct load *load, size_t index)
{
    return index < load->count ? load->clients[index] : NULL;
}

size_t load_in_phase(const struct load *load, enum load_phase phase)
{
    return load->phases[phase];
}

/* ---- The loop ---- */

static bool speaks(const struct load_client *client)
{
    return client->phase == LOAD_LIVE || client->phase == LOAD_CATCHING_UP;
}

/* Signs of life, looked after once a second. */
static void sweep(struct load *load)
{
    if (load->raw || load->now_ms < load->swept_ms + SWEEP_MS)
        return;
    load->swept_ms = load->now_ms;
    for (size_t i = 0; i < load->count; i++) {
        struct load_client *client = load->clients[i];
        if (speaks(client) && load->now_ms + SWEEP_MS >= client->sent_ms + LOAD_PING_MS)
            load_ping(client);
    }
}

void load_ping_all(struct load *load)
{
    for (size_t i = 0; i < load->count; i++)
        if (speaks(load->clients[i]))
            load_ping(load->clients[i]);
}

void load_turn(struct load *load, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    load_start_waiting(load);
    if (timeout_ms < 0 || timeout_ms > (int)SWEEP_MS)
        timeout_ms = (int)SWEEP_MS;
    int count = epoll_wait(load->epoll, events, EVENTS, timeout_ms);
    load->now_ms = load_now_ms();
    for (int i = 0; i < count; i++) {
        struct load_client *client = events[i].data.ptr;
        if (client->fd >= 0)
            load_ready(client, events[i].events);
    }
    sweep(load);
}

bool load_until(struct load *load, bool (*done)(void *context), void *context, unsigned limit_ms)
{
    uint64_t end_ms = load_now_ms() + limit_ms;
    for (;;) {
        if (done(context))
            return true;
        uint64_t now_ms = load_now_ms();
        if (now_ms >= end_ms)
            return false;
        uint64_t left_ms = load->spin ? 0 : end_ms - now_ms;
        load_turn(load, left_ms < 100 ? (int)left_ms : 100);
    }
}

static bool settled(void *context)
{
    const struct load *load = context;
    return load->lost > 0 || load->phases[LOAD_LIVE] == load->wanted;
}

static const struct load_client *first_lost(const struct load *load)
{
    for (size_t i = 0; i < load->count; i++)
        if (load->clients[i]->wanted && load->clients[i]->phase == LOAD_CLOSED)
            return load->clients[i];
    return NULL;
}

bool load_settle(struct load *load, unsigned limit_ms)
{
    bool over = load_until(load, settled, load, limit_ms);
    const struct load_client *lost = first_lost(load);
    if (lost != NULL)
        (void)fprintf(stderr, "load: %zu of %zu clients were closed, one of them because: %s\n",
                      load->lost, load->wanted, load_reason(lost));
    else if (!over)
        (void)fprintf(stderr,
                      "load: of %zu clients %zu are live after %u ms, %zu connecting, %zu signing "
                      "in, %zu catching up\n",
                      load->wanted, load->phases[LOAD_LIVE], limit_ms,
                      load->phases[LOAD_CONNECTING], load->phases[LOAD_SIGNING_IN],
                      load->phases[LOAD_CATCHING_UP]);
    return over && lost == NULL;
}
