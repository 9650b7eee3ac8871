#include "tests/real/crowd.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SETTLE_MS 60000

void crowd_release(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        crowd_leave(&crowd->members[i]);
        crowd_forget(&crowd->members[i]);
        free(crowd->members[i].heard);
    }
    for (size_t i = 0; i < crowd->known_count; i++) {
        free(crowd->known[i].title);
    }
    free(crowd->known);
    *crowd = (struct crowd){.count = 0};
}

struct member *crowd_add(struct crowd *crowd, const struct viewer *viewer, const char *secret,
                         const char *new_secret)
{
    if (crowd->count == CROWD_MOST) {
        abort();
    }
    struct member *member = &crowd->members[crowd->count++];
    *member = (struct member){.crowd = crowd, .viewer = *viewer};
    (void)snprintf(member->user, sizeof member->user, "%s", viewer->user);
    (void)snprintf(member->secret, sizeof member->secret, "%s", secret);
    (void)snprintf(member->new_secret, sizeof member->new_secret, "%s",
                   new_secret == NULL ? "" : new_secret);
    (void)snprintf(member->replica, sizeof member->replica, "%s/replica-%s", crowd->server->folder,
                   viewer->user);
    member->viewer.user = member->user;
    return member;
}

static tandem_code connect_as(struct member *member)
{
    const struct server_process *process = member->crowd->server;
    bool code = member->new_secret[0] != '\0';
    const tandem_server server = {.url = process->url,
                                  .ca = process->ca,
                                  .method = code ? TANDEM_SIGN_IN_CODE : TANDEM_SIGN_IN_PASSWORD,
                                  .user = member->user,
                                  .secret = member->secret,
                                  .new_secret = code ? member->new_secret : NULL,
                                  .remember = true,
                                  .agent = "real-input test"};
    return tandem_connect(member->client, &server, &member->failure);
}

bool crowd_join(struct member *member)
{
    const tandem_options options = {.replica = member->replica,
                                    .on_event = crowd_on_event,
                                    .context = member,
                                    .replica_map_bytes = (size_t)256 << 20};
    member->caught_up = member->filling = false;
    member->failure = (tandem_fault){.code = TANDEM_OK};
    tandem_code code = tandem_open(&options, &member->client, &member->failure);
    if (code == TANDEM_OK) {
        code = tandem_subscribe(member->client, NULL, 0);
    }
    if (code == TANDEM_OK) {
        code = connect_as(member);
    }
    if (code != TANDEM_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", member->user, tandem_error_text(code),
                      member->failure.detail);
    }
    return code == TANDEM_OK;
}

void crowd_leave(struct member *member)
{
    tandem_close(member->client);
    member->client = NULL;
}

/* ---- The loop ----------------------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_settled(const struct member *member, unsigned long beacon)
{
    return member->client == NULL ||
           (member->caught_up && !member->filling && member->beacon >= beacon);
}

static bool all_settled(const struct crowd *crowd, unsigned long beacon)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (!is_settled(&crowd->members[i], beacon)) {
            return false;
        }
    }
    return true;
}

/* Waits until something can be done for anybody, and does it. */
static bool turn(struct crowd *crowd, int most_ms)
{
    struct pollfd polls[CROWD_MOST];
    int timeout = most_ms;
    for (size_t i = 0; i < crowd->count; i++) {
        const tandem_client *client = crowd->members[i].client;
        int want = client == NULL ? 0 : tandem_want(client);
        int own = client == NULL ? -1 : tandem_timeout(client);
        polls[i] = (struct pollfd){.fd = client == NULL ? -1 : tandem_fd(client)};
        polls[i].events = (short)((want & TANDEM_WANT_READ ? POLLIN : 0) |
                                  (want & TANDEM_WANT_WRITE ? POLLOUT : 0));
        timeout = own >= 0 && own < timeout ? own : timeout;
    }
    (void)poll(polls, crowd->count, timeout);
    for (size_t i = 0; i < crowd->count; i++) {
        struct member *member = &crowd->members[i];
        if (member->client != NULL && tandem_service(member->client) != TANDEM_OK) {
            tandem_last_fault(member->client, &member->failure);
            (void)fprintf(stderr, "%s lost the connection for good: %s %s\n", member->viewer.user,
                          tandem_error_text(member->failure.code), member->failure.detail);
            return false;
        }
    }
    return true;
}

bool crowd_settle(struct crowd *crowd, unsigned long beacon)
{
    int64_t until = now_ms() + SETTLE_MS;
    while (!all_settled(crowd, beacon)) {
        int64_t left = until - now_ms();
        if (left > 0 && turn(crowd, (int)left)) {
            continue;
        }
        for (size_t i = 0; i < crowd->count; i++) {
            const struct member *member = &crowd->members[i];
            if (!is_settled(member, beacon)) {
                (void)fprintf(stderr, "%s: beacon %lu of %lu%s%s\n", member->viewer.user,
                              member->beacon, beacon, member->caught_up ? "" : ", not caught up",
                              member->filling ? ", a scope is not complete" : "");
            }
        }
        return false;
    }
    return true;
}
