#include "client-lib/client/client_loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client.h"
#include "client-lib/client/client_find.h"
#include "protocol/memory.h"

/* How soon to look again at a connection that the system would not let us wait for. */
#define AGAIN_MS 10u

struct client_loop {
    int epoll;
    /* The connection as it is in there: */
    int fd, want;
    unsigned generation;
    bool failed;
};

enum status client_loop_open(tandem_client *client, tandem_fault *fault)
{
    struct client_loop *loop = memory_new(sizeof *loop);
    if (loop == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    loop->fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        memory_free(loop);
        return trouble(fault, STATUS_IO, "", "cannot wait for anything: %s", strerror(errno));
    }
    client->loop = loop;
    return STATUS_OK;
}

void client_loop_close(tandem_client *client)
{
    if (client->loop == NULL)
        return;
    (void)close(client->loop->epoll);
    memory_free(client->loop);
    client->loop = NULL;
}

enum status client_loop_add(tandem_client *client, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || epoll_ctl(client->loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return STATUS_OK;
    return errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_IO;
}

void client_loop_remove(tandem_client *client, int fd)
{
    if (fd >= 0)
        (void)epoll_ctl(client->loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- The connection ---- */

/* A descriptor that was closed has left by itself, and another may have got its number. */
static bool put(int epoll, int fd, int want)
{
    struct epoll_event event = {.data.fd = fd};
    if ((want & TANDEM_WANT_READ) != 0)
        event.events |= EPOLLIN;
    if ((want & TANDEM_WANT_WRITE) != 0)
        event.events |= EPOLLOUT;
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return true;
    return errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void client_loop_refresh(const tandem_client *client)
{
    struct client_loop *loop = client->loop;
    int fd = client->link != NULL ? client->ops->fd(client->link) : -1;
    int want = fd >= 0 ? client->ops->want(client->link) : 0;
    /* While it is being connected, a link may go from one socket to another of the same number. */
    bool settled = client->state == CLIENT_SIGNING_IN || client->state == CLIENT_ONLINE;
    if (fd == loop->fd && want == loop->want && client->generation == loop->generation &&
        (settled || fd < 0) && !loop->failed)
        return;
    if (loop->fd >= 0 && loop->fd != fd)
        (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->fd, NULL);
    loop->failed = fd >= 0 && !put(loop->epoll, fd, want);
    loop->fd = fd;
    loop->want = want;
    loop->generation = client->generation;
}

int tandem_fd(const tandem_client *client)
{
    client_loop_refresh(client);
    return client->loop->epoll;
}

int tandem_want(const tandem_client *client)
{
    client_loop_refresh(client);
    return TANDEM_WANT_READ;
}

/* ---- Time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t connection_due(const tandem_client *client)
{
    uint64_t due;
    switch (client->state) {
    case CLIENT_WAITING:
        return client->retry_at;
    case CLIENT_CONNECTING:
    case CLIENT_SIGNING_IN:
        return client->deadline;
    case CLIENT_ONLINE:
        due = earlier(client->last_sent + CLIENT_PING_AFTER,
                      client->last_received + CLIENT_DEAD_AFTER);
        return client->resend_at != 0 ? earlier(due, client->resend_at) : due;
    default:
        return UINT64_MAX;
    }
}

uint64_t client_loop_due(const tandem_client *client)
{
    uint64_t due = connection_due(client);
    if (client->link != NULL && client->ops->more(client->link))
        return 0;
    if (client->peers != NULL)
        due = earlier(due, peers_due(client->peers));
    if (client->replica != NULL && client_leads(client))
        due = earlier(due, earlier(sync_due(&client->sync), find_index_due(client)));
    if (client_leads(client))
        due = earlier(due, settle_rest_due(client));
    due = earlier(due, client_notes_due(client));
    client_loop_refresh(client);
    return client->loop->failed ? earlier(due, client_now(client) + AGAIN_MS) : due;
}

int tandem_timeout(const tandem_client *client)
{
    uint64_t due = client_loop_due(client);
    uint64_t now = client_now(client);
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)earlier(due - now, 3600000);
}

static void send_ping(tandem_client *client)
{
    struct message ping = {.type = MESSAGE_PING};
    (void)client_send_message(client, &ping);
}

/* What time alone makes due. */
static void run_timers(tandem_client *client)
{
    uint64_t now = client_now(client);
    if (client->state == CLIENT_WAITING && now >= client->retry_at) {
        client_begin(client);
    } else if ((client->state == CLIENT_CONNECTING || client->state == CLIENT_SIGNING_IN) &&
               now >= client->deadline) {
        client_break(client, 1000, STATUS_UNREACHABLE, "the server did not answer in time");
    } else if (client->state == CLIENT_ONLINE) {
        if (now >= client->last_received + CLIENT_DEAD_AFTER)
            client_break(client, 1000, STATUS_UNREACHABLE, "the server fell silent");
        else if (client->resend_at != 0 && now >= client->resend_at)
            client_send_outbox(client);
        else if (now >= client->last_sent + CLIENT_PING_AFTER)
            send_ping(client);
    }
}

/* What the replica has to do by itself, connected or not. */
static void run_sync(tandem_client *client)
{
    unsigned generation = client->generation;
    enum status status = sync_run(&client->sync);
    if (status != STATUS_OK && client->link != NULL && generation == client->generation)
        client_break(client, 1011, status, "the replica cannot be written");
}

/* ---- Turns ---- */

tandem_code tandem_service(tandem_client *client)
{
    assert(client->magic == CLIENT_MAGIC);
    if (client->in_service)
        return STATUS_USAGE;
    client->in_service = true;
    if (client_lost_files(client)) {
        client->in_service = false;
        client_free_set_aside(client);
        return client->fault.code;
    }
    if (client->peers != NULL) {
        peers_run(client->peers);
        client_move_connection(client);
        client_free_set_aside(client); /* the time may have come for another */
    }
    if (client->replica != NULL)
        sync_clock(&client->sync, client_now(client));
    run_timers(client);
    if (client->link != NULL)
        client->ops->run(client->link);
    if (client->replica != NULL && client_leads(client)) {
        run_sync(client);
        find_index_run(client);
    }
    if (client->store != NULL)
        settle_turn(client);
    if (client_leads(client))
        settle_rest(client);
    client_move_connection(client);
    client_notes_turn(client);
    client_share_turn(client);
    client->in_service = false;
    client_free_set_aside(client);
    client_loop_refresh(client);
    return client->state == CLIENT_FAILED ? client->fault.code : TANDEM_OK;
}

tandem_code tandem_wait(tandem_client *client, int timeout_ms)
{
    int due = tandem_timeout(client);
    struct pollfd poll_fd = {.fd = tandem_fd(client), .events = POLLIN};
    if (client->in_service || client_thread_runs(client))
        return STATUS_USAGE;
    if (client->state == CLIENT_FAILED)
        return client->fault.code;
    if (client->state == CLIENT_IDLE && client->peers == NULL)
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "connect first");
    if (due >= 0 && (timeout_ms < 0 || due < timeout_ms))
        timeout_ms = due;
    if (poll(&poll_fd, 1, timeout_ms) < 0 && errno != EINTR)
        return (tandem_code)trouble(&client->fault, STATUS_IO, "", "poll: %s", strerror(errno));
    return tandem_service(client);
}
