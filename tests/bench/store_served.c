#include "tests/bench/store_served.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client-lib/client/client.h"

/* Bounds of a wait: what a sync of the largest replica takes, many times over. */
#define LONGEST_WAIT_NS (UINT64_C(300) * 1000000000)

bool served_start(struct server_process *server, struct bench_run *run, const struct kept *kept)
{
    char certs[SEED_PATH + 8], cert[512], key[512], ca[512];
    /* Nothing here is to wait for limits that are meant for strangers. */
    static const char *const flags[] = {"--message-rate", "1000000", "--failed-connections",
                                        "100000", NULL};
    *server = (struct server_process){.pid = 0};
    (void)snprintf(certs, sizeof certs, "%s/certs", kept->folder);
    if (!seed_certificates(certs, cert, key, ca)) {
        bench_fail(run, "there are no certificates in %s", certs);
        return false;
    }
    server_process_adopt(server, kept->folder);
    bench_pin(BENCH_SERVER_CPU);
    bool started = server_process_start(server, flags, 0);
    bench_pin(BENCH_LOAD_CPU);
    if (!started) {
        bench_fail(run, "tandemd does not start on %s", kept->data);
    }
    return started;
}

void served_stop(struct server_process *server)
{
    (void)server_process_stop(server);
}

static void on_event(void *context, const tandem_event *event)
{
    struct served_client *client = context;
    switch (event->kind) {
    case TANDEM_EVENT_CONNECTED:
        client->connected = true;
        break;
    case TANDEM_EVENT_CAUGHT_UP:
        client->caught_up = true;
        break;
    case TANDEM_EVENT_CHANGED:
        client->records++;
        break;
    case TANDEM_EVENT_DISCONNECTED:
        client->ended = true;
        (void)snprintf(client->why, sizeof client->why, "%s: %s", tandem_error_name(event->code),
                       event->detail);
        break;
    default:
        break;
    }
}

static bool wait_while(struct served_client *client, struct bench_run *run,
                       bool (*waiting)(const struct served_client *client, size_t answers),
                       size_t answers)
{
    uint64_t until = bench_now_ns() + LONGEST_WAIT_NS;
    while (!client->ended && waiting(client, answers)) {
        if (bench_now_ns() > until) {
            bench_fail(run, "nothing came from the server for too long");
            return false;
        }
        (void)tandem_wait(client->client, 1000);
    }
    if (client->ended) {
        bench_fail(run, "the connection ended: %s", client->why);
    }
    return !client->ended;
}

static bool waits_for_welcome(const struct served_client *client, size_t answers)
{
    (void)answers;
    return !client->connected;
}

static bool waits_for_all(const struct served_client *client, size_t answers)
{
    (void)answers;
    return !client->caught_up;
}

static bool waits_for_answers(const struct served_client *client, size_t answers)
{
    return client->answers < answers;
}

static bool refused(struct bench_run *run, const char *what, tandem_code code,
                    const tandem_fault *fault)
{
    if (code != TANDEM_OK) {
        bench_fail(run, "%s: %s", what, fault->detail);
    }
    return code != TANDEM_OK;
}

bool served_open(struct served_client *client, struct bench_run *run, const char *replica)
{
    tandem_fault fault;
    *client = (struct served_client){.client = NULL};
    const tandem_options options = {.replica = replica, .on_event = on_event, .context = client};
    return !refused(run, "a client", tandem_open(&options, &client->client, &fault), &fault);
}

bool served_begin(struct served_client *client, struct bench_run *run,
                  const struct server_process *server, const struct seed_user *user)
{
    tandem_fault fault;
    const tandem_server to = {.url = server->url,
                              .ca = server->ca,
                              .method = TANDEM_SIGN_IN_TOKEN,
                              .user = user->name,
                              .secret = user->token,
                              .once = true,
                              .agent = "tandem-bench"};
    if (client->client->replica != NULL) {
        tandem_code code = tandem_subscribe(client->client, NULL, 0);
        tandem_last_fault(client->client, &fault);
        if (refused(run, "a client", code, &fault)) {
            return false;
        }
    }
    return !refused(run, "a client", tandem_connect(client->client, &to, &fault), &fault);
}

bool served_connect(struct served_client *client, struct bench_run *run,
                    const struct server_process *server, const struct seed_user *user,
                    const char *replica)
{
    return served_open(client, run, replica) && served_begin(client, run, server, user) &&
           wait_while(client, run, replica != NULL ? waits_for_all : waits_for_welcome, 0);
}

bool served_service(struct served_client *client, struct bench_run *run)
{
    (void)tandem_wait(client->client, 0);
    if (client->ended) {
        bench_fail(run, "the connection ended: %s", client->why);
    }
    return !client->ended;
}

void served_close(struct served_client *client)
{
    tandem_close(client->client);
    client->client = NULL;
}

bool served_answers(struct served_client *client, struct bench_run *run, size_t answers)
{
    return wait_while(client, run, waits_for_answers, answers);
}

static bool waits_for_outbox(const struct served_client *client, size_t answers)
{
    (void)answers;
    return tandem_outbox_count(client->client, 0) > 0;
}

bool served_settled(struct served_client *client, struct bench_run *run)
{
    return wait_while(client, run, waits_for_outbox, 0);
}

static void count(struct served_client *client, const tandem_fault *fault)
{
    client->answers++;
    if (fault != NULL && fault->code != TANDEM_OK) {
        client->ended = true;
        (void)snprintf(client->why, sizeof client->why, "%s", fault->detail);
    }
}

void served_answered(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    if (answer == NULL || tandem_answer_last(answer)) {
        count(context, answer == NULL ? fault : NULL);
    }
}

void served_result(void *context, const tandem_result *result)
{
    count(context, result->code == TANDEM_OK ? NULL : result->fault);
}

uint64_t served_bytes(const struct served_client *client)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    const tandem_client *handle = client->client;
    int descriptor = handle->link != NULL ? handle->ops->fd(handle->link) : -1;
    if (descriptor < 0 || getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return 0;
    }
    return info.tcpi_bytes_received;
}

bool served_change(struct served_client *client, struct bench_run *run, struct id interaction,
                   size_t number)
{
    char id[ID_TEXT_SIZE], subject[32];
    tandem_fault fault;
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        bench_fail(run, "a mutation: out of memory");
        return false;
    }
    id_to_text(interaction, id);
    (void)snprintf(subject, sizeof subject, "seen %zu", number);
    (void)tandem_update(mutation, "interaction", id); /* what fails is told when it is sent */
    (void)tandem_set_text(mutation, "subject", subject);
    tandem_code code = tandem_send(client->client, mutation, served_result, client);
    tandem_mutation_free(mutation);
    tandem_last_fault(client->client, &fault);
    return !refused(run, "a mutation", code, &fault);
}
