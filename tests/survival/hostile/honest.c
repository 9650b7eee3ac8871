#include "tests/survival/hostile/honest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

bool honest_begin(struct honest *honest, const struct server_process *server,
                  const struct company *company)
{
    static const struct talk_hello hello = {
        .method = "password", .user = COMPANY_ADMIN, .secret = COMPANY_PASSWORD};
    char refusal[TALK_NAME] = "";
    (void)signal(SIGPIPE, SIG_IGN); /* a connection that ends is an answer that is missing */
    *honest = (struct honest){.record = company->honest};
    if (talk_open(&honest->talk, server->address, server->ca, NULL) &&
        talk_sign_in(&honest->talk, &hello, refusal)) {
        return true;
    }
    (void)fprintf(stderr, "the honest client could not sign in: %s\n", refusal);
    return false;
}

void honest_end(struct honest *honest)
{
    talk_close(&honest->talk);
    free(honest->times_ms);
    honest->times_ms = NULL;
    honest->count = honest->capacity = 0;
}

void honest_clear(struct honest *honest)
{
    honest->count = 0;
}

static bool note(struct honest *honest, double took_ms)
{
    if (honest->count == honest->capacity) {
        size_t capacity = honest->capacity > 0 ? 2 * honest->capacity : 1024;
        double *grown = realloc(honest->times_ms, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        honest->times_ms = grown;
        honest->capacity = capacity;
    }
    honest->times_ms[honest->count++] = took_ms;
    return true;
}

static bool work_due(struct honest *honest, uint64_t due_ns)
{
    struct buffer changes = {0};
    company_put_update(&changes, honest->record, honest->talk.number + 1);
    bool accepted = !changes.failed && talk_mutate(&honest->talk, buffer_bytes(&changes));
    buffer_release(&changes);
    if (!accepted) {
        char why[TALK_NAME] = "no answer";
        if (honest->talk.last.type == MESSAGE_RESULT) {
            (void)bytes_to_text(honest->talk.last.as.result.status, why, sizeof why);
        } else if (honest->talk.net.opcode == WS_CLOSE && honest->talk.net.size >= 2) {
            (void)snprintf(why, sizeof why, "the server closed with %u",
                           get_u16(honest->talk.net.payload));
        }
        (void)fprintf(stderr, "the honest client's change %llu: %s\n",
                      (unsigned long long)honest->talk.number, why);
    }
    return accepted && note(honest, (double)(now_ns() - due_ns) / 1e6);
}

bool honest_work(struct honest *honest)
{
    return work_due(honest, now_ns());
}

bool honest_work_for(struct honest *honest, unsigned milliseconds, unsigned pause_us)
{
    uint64_t due = now_ns(), end = due + milliseconds * UINT64_C(1000000);
    for (; due < end; due += pause_us * UINT64_C(1000)) {
        const struct timespec at = {.tv_sec = (time_t)(due / 1000000000),
                                    .tv_nsec = (long)(due % 1000000000)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
        }
        if (!work_due(honest, due)) {
            return false;
        }
    }
    return true;
}

double honest_come_in(const struct server_process *server, const struct company *company,
                      const char *from)
{
    const struct talk_hello hello = {.method = "token", .secret = company->newcomer};
    struct talk talk;
    char refusal[TALK_NAME] = "";
    uint64_t began = now_ns();
    bool in =
        talk_open(&talk, server->address, server->ca, from) && talk_sign_in(&talk, &hello, refusal);
    double took_ms = (double)(now_ns() - began) / 1e6;
    if (in) {
        const struct message goodbye = {.type = MESSAGE_GOODBYE};
        (void)talk_say(&talk, &goodbye);
        while (talk_hear(&talk)) {
        }
    } else {
        (void)fprintf(stderr, "a newcomer from %s was not let in: %s\n", from, refusal);
    }
    talk_close(&talk);
    return in ? took_ms : -1;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double honest_percentile(struct honest *honest, double fraction)
{
    if (honest->count == 0) {
        return 0;
    }
    qsort(honest->times_ms, honest->count, sizeof *honest->times_ms, compare);
    size_t at = (size_t)(fraction * (double)honest->count);
    return honest->times_ms[at < honest->count ? at : honest->count - 1];
}

bool honest_pool(struct honest *to, const struct honest *from)
{
    bool fine = true;
    for (size_t i = 0; i < from->count && fine; i++) {
        fine = note(to, from->times_ms[i]);
    }
    return fine;
}
