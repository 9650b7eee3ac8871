/* A thread that runs the loop, and the lock under which it and the caller's threads take turns.
 *
 * The lock is given in the order of asking: the loop takes it again as soon as it has let go of it,
 * and with a lock that goes to whoever is quickest nobody else would get it while messages stream
 * in. The thread sleeps without it. What others do meanwhile may have to wake it: whoever lets go
 * of the lock brings up to date what is waited for of the connection, which takes effect in a
 * thread that sleeps already, and wakes it when something is due earlier than it knows. */
#include "client-lib/client/client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client_loop.h"
#include "protocol/memory.h"

struct client_thread {
    pthread_mutex_t mutex; /* of the five below */
    pthread_cond_t turn;
    uint64_t next, serving; /* tickets */
    pthread_t owner;
    unsigned depth; /* 0: nobody has the lock */
    /* Under the lock: */
    pthread_t thread;
    bool running, stopping;
    uint64_t sleeps_until;
    int wake;
};

/* ---- The lock ---- */

static bool is_owner(const struct client_thread *thread)
{
    return thread->depth > 0 && pthread_equal(thread->owner, pthread_self());
}

static void take(struct client_thread *thread, unsigned depth)
{
    (void)pthread_mutex_lock(&thread->mutex);
    if (is_owner(thread)) {
        thread->depth += depth;
    } else {
        uint64_t ticket = thread->next++;
        while (thread->serving != ticket)
            (void)pthread_cond_wait(&thread->turn, &thread->mutex);
        thread->owner = pthread_self();
        thread->depth = depth;
    }
    (void)pthread_mutex_unlock(&thread->mutex);
}

/* Lets go of `depth` takings at most; returns how many there were. */
static unsigned give(struct client_thread *thread, unsigned depth)
{
    unsigned given = 0;
    (void)pthread_mutex_lock(&thread->mutex);
    if (is_owner(thread)) {
        given = thread->depth < depth ? thread->depth : depth;
        thread->depth -= given;
        if (thread->depth == 0) {
            thread->serving++;
            (void)pthread_cond_broadcast(&thread->turn);
        }
    }
    (void)pthread_mutex_unlock(&thread->mutex);
    return given;
}

static bool is_last(struct client_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    bool last = is_owner(thread) && thread->depth == 1;
    (void)pthread_mutex_unlock(&thread->mutex);
    return last;
}

static void wake(struct client_thread *thread)
{
    uint64_t one = 1;
    thread->sleeps_until = 0;
    /* It fails only when it was woken very often already. */
    ssize_t put = write(thread->wake, &one, sizeof one);
    (void)put;
}

void tandem_lock(tandem_client *client)
{
    if (client->thread != NULL)
        take(client->thread, 1);
}

void tandem_unlock(tandem_client *client)
{
    struct client_thread *thread = client->thread;
    if (thread == NULL)
        return;
    if (is_last(thread) && thread->running && client_loop_due(client) < thread->sleeps_until)
        wake(thread);
    (void)give(thread, 1);
}

/* ---- The thread ---- */

static void sleep_until(tandem_client *client, uint64_t due)
{
    uint64_t now = client_now(client), any;
    struct pollfd polled = {.fd = tandem_fd(client), .events = POLLIN};
    int timeout_ms = -1;
    if (due != UINT64_MAX)
        timeout_ms = due <= now ? 0 : due - now < 3600000 ? (int)(due - now) : 3600000;
    client->thread->sleeps_until = due;
    (void)give(client->thread, 1);
    (void)poll(&polled, 1, timeout_ms);
    take(client->thread, 1);
    client->thread->sleeps_until = 0;
    ssize_t got = read(client->thread->wake, &any, sizeof any);
    (void)got; /* nothing to read when something else ended the sleep */
}

static void *run(void *context)
{
    tandem_client *client = context;
    take(client->thread, 1);
    while (!client->thread->stopping) {
        (void)tandem_service(client);
        if (!client->thread->stopping)
            sleep_until(client, client_loop_due(client));
    }
    (void)give(client->thread, 1);
    return NULL;
}

static enum status make(tandem_client *client)
{
    struct client_thread *thread = memory_new(sizeof *thread);
    if (thread == NULL)
        return STATUS_NO_MEMORY;
    thread->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum status status = thread->wake >= 0 ? client_loop_add(client, thread->wake) : STATUS_IO;
    if (status != STATUS_OK) {
        if (thread->wake >= 0)
            (void)close(thread->wake);
        memory_free(thread);
        return status;
    }
    (void)pthread_mutex_init(&thread->mutex, NULL);
    (void)pthread_cond_init(&thread->turn, NULL);
    client->thread = thread;
    return STATUS_OK;
}

/* Signals are for the program's own threads. */
static int create(tandem_client *client)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&client->thread->thread, NULL, run, client);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

tandem_code tandem_thread_start(tandem_client *client)
{
    if (client->in_service || (client->thread != NULL && client->thread->running))
        return (tandem_code)trouble(&client->fault, STATUS_USAGE, "", "its loop is run already");
    enum status status = client->thread == NULL ? make(client) : STATUS_OK;
    if (status != STATUS_OK)
        return (tandem_code)trouble(&client->fault, status, "", "a thread cannot be started: %s",
                                    status_text(status));
    take(client->thread, 1);
    client->thread->stopping = false;
    int error = create(client);
    client->thread->running = error == 0;
    if (error != 0)
        trouble(&client->fault, STATUS_NO_MEMORY, "", "a thread cannot be started: %s",
                strerror(error));
    (void)give(client->thread, 1);
    return error == 0 ? TANDEM_OK : (tandem_code)STATUS_NO_MEMORY;
}

void tandem_thread_stop(tandem_client *client)
{
    struct client_thread *thread = client->thread;
    if (thread == NULL)
        return;
    take(thread, 1);
    pthread_t id = thread->thread;
    bool running = thread->running;
    thread->stopping = true;
    wake(thread);
    /* From inside a callback it can only be asked to end; tandem_close() waits for it. */
    if (!running || pthread_equal(id, pthread_self())) {
        (void)give(thread, 1);
        return;
    }
    unsigned depth = give(thread, UINT32_MAX);
    (void)pthread_join(id, NULL);
    take(thread, depth);
    thread->running = false;
    (void)give(thread, 1);
}

bool client_thread_runs(const tandem_client *client)
{
    return client->thread != NULL && client->thread->running;
}

void client_thread_close(tandem_client *client)
{
    struct client_thread *thread = client->thread;
    if (thread == NULL)
        return;
    tandem_thread_stop(client);
    client_loop_remove(client, thread->wake);
    (void)close(thread->wake);
    (void)pthread_cond_destroy(&thread->turn);
    (void)pthread_mutex_destroy(&thread->mutex);
    memory_free(thread);
    client->thread = NULL;
}
