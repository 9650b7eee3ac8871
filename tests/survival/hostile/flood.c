#include "tests/survival/hostile/flood.h"

#include <stdio.h>
#include <time.h>

#include "tests/survival/hostile/attack.h"
#include "tests/survival/hostile/honest.h"
#include "tests/survival/hostile/vitals.h"

#define PROCESSES 2u
#define BALLAST 50
#define PAUSE_US 20000
#define SLICE_MS 1000
#define TELL_NS UINT64_C(20000000000)
#define LIMIT_MS 60000 /* for attackers to come or go */
/* Inputs of a kind that take longer than this have stopped coming. */
#define KIND_LIMIT_NS UINT64_C(3600000000000)

struct flooding {
    struct server_process server;
    struct company company;
    struct honest honest;
    struct attack attacks[PROCESSES];
    unsigned descriptors;
    uint64_t answered;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t sent(const struct flooding *flooding, enum attack_kind kind)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        const struct attack_board *board = flooding->attacks[i].board;
        sum +=
            kind == ATTACK_HANDSHAKES ? atomic_load(&board->requests) : atomic_load(&board->frames);
    }
    return sum;
}

static bool all_begin(struct flooding *flooding, enum attack_kind kind)
{
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (!attack_begin(&flooding->attacks[i], kind, &flooding->honest, LIMIT_MS)) {
            return false;
        }
    }
    return true;
}

static bool send_all(struct flooding *flooding, enum attack_kind kind, uint64_t inputs)
{
    uint64_t began = now_ns(), told = began;
    if (!all_begin(flooding, kind)) {
        return false;
    }
    while (sent(flooding, kind) < inputs) {
        uint64_t now = now_ns();
        honest_clear(&flooding->honest);
        if (now > began + KIND_LIMIT_NS ||
            !honest_work_for(&flooding->honest, SLICE_MS, PAUSE_US)) {
            (void)fprintf(stderr, "%s: only %llu of %llu inputs\n", attack_name(kind),
                          (unsigned long long)sent(flooding, kind), (unsigned long long)inputs);
            return false;
        }
        flooding->answered += flooding->honest.count;
        if (now > told + TELL_NS) {
            (void)printf("  %s: %llu of %llu inputs\n", attack_name(kind),
                         (unsigned long long)sent(flooding, kind), (unsigned long long)inputs);
            (void)fflush(stdout);
            told = now;
        }
    }
    (void)printf("  %s: %llu inputs in %.0f s\n", attack_name(kind),
                 (unsigned long long)sent(flooding, kind), (double)(now_ns() - began) / 1e9);
    (void)fflush(stdout);
    return all_begin(flooding, ATTACK_NONE);
}

static bool prepare(struct flooding *flooding, const char *folder, uint64_t seed)
{
    static const char *const flags[] = {
        "--user-errors",  "1000000", "--failed-connections", "100000", "--suspects", "100000",
        "--message-rate", "1000000", "--sign-in-failures",   "1000",   NULL};
    struct vitals vitals;
    bool fine = server_process_make(&flooding->server, folder, COMPANY_ADMIN, COMPANY_PASSWORD) &&
                server_process_start(&flooding->server, flags, 0) &&
                company_make(&flooding->company, &flooding->server, BALLAST) &&
                honest_begin(&flooding->honest, &flooding->server, &flooding->company) &&
                honest_work_for(&flooding->honest, SLICE_MS, PAUSE_US) &&
                vitals_read(flooding->server.pid, &vitals);
    for (unsigned i = 0; fine && i < PROCESSES; i++) {
        struct attack_scale scale = attack_scale_flood;
        scale.newest_tls = i % 2 ? TLS1_2_VERSION : 0;
        fine = attack_start(&flooding->attacks[i], &flooding->server, &flooding->company, &scale,
                            seed + i, -1);
    }
    flooding->descriptors = fine ? vitals.descriptors : 0;
    return fine;
}

static bool recovered(const struct flooding *flooding)
{
    return vitals_wait_descriptors(flooding->server.pid, flooding->descriptors, LIMIT_MS) &&
           vitals_healthy(&flooding->server) && vitals_log_is_calm(&flooding->server);
}

bool flood(const char *folder, uint64_t inputs, uint64_t seed, struct flood_counts *counts)
{
    struct flooding flooding = {.descriptors = 0};
    uint64_t requests = inputs / 5;
    bool fine = prepare(&flooding, folder, seed) &&
                send_all(&flooding, ATTACK_HANDSHAKES, requests) &&
                send_all(&flooding, ATTACK_FRAMES, inputs - requests) && recovered(&flooding);
    if (fine) {
        *counts = (struct flood_counts){.requests = sent(&flooding, ATTACK_HANDSHAKES),
                                        .frames = sent(&flooding, ATTACK_FRAMES),
                                        .answered = flooding.answered};
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (flooding.attacks[i].board != NULL && !attack_end(&flooding.attacks[i])) {
            fine = false;
        }
    }
    honest_end(&flooding.honest);
    return server_process_stop(&flooding.server) && fine;
}
