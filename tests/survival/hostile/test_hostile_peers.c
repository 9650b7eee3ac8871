/* Attackers of every kind, a few of each, on a real server, while somebody works: every change is
 * answered, and when the attackers have left nothing of them is left. How much slower the answers
 * come is measured in the long form (hostile_peers.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/survival/hostile/attack.h"
#include "tests/survival/hostile/honest.h"
#include "tests/survival/hostile/vitals.h"

#define BALLAST 400
#define CHANGES_AT_REST 10
#define CHANGES_UNDER_ATTACK 40
#define MUTATED_REQUESTS 500
#define MUTATED_FRAMES 2000
#define PATIENCE_MS 60000

struct fixture {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct company company;
    struct attack attack;
    struct honest honest;
    unsigned descriptors; /* of the server, with the honest client */
};

static int set_up(void **state)
{
    /* What limits would hold back is to arrive here; test_misuse.c is about the limits. */
    static const char *const flags[] = {"--user-errors", "100000",      "--failed-connections",
                                        "100000",        "--suspects",  "100000",
                                        NULL};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    uint64_t seed = 20260717;
    struct vitals vitals;
    if (fixture == NULL) {
        return -1;
    }
    *state = fixture;
    if (getenv("TANDEM_SEED") != NULL) {
        seed = strtoull(getenv("TANDEM_SEED"), NULL, 10);
    }
    print_message("seed %llu\n", (unsigned long long)seed);
    if (!scratch_make(fixture->folder) ||
        !server_process_make(&fixture->server, fixture->folder, COMPANY_ADMIN, COMPANY_PASSWORD) ||
        !server_process_start(&fixture->server, flags, 0) ||
        !company_make(&fixture->company, &fixture->server, BALLAST) ||
        !honest_begin(&fixture->honest, &fixture->server, &fixture->company) ||
        !attack_start(&fixture->attack, &fixture->server, &fixture->company, &attack_scale_short,
                      seed, -1)) {
        return -1;
    }
    /* The company's makers may still be leaving. */
    (void)vitals_healthy(&fixture->server);
    if (!vitals_read(fixture->server.pid, &vitals)) {
        return -1;
    }
    fixture->descriptors = vitals.descriptors;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->attack.board != NULL) {
        (void)attack_end(&fixture->attack);
    }
    honest_end(&fixture->honest);
    bool ended = server_process_stop(&fixture->server);
    scratch_remove(fixture->folder);
    free(fixture);
    return ended ? 0 : -1;
}

static void work(struct fixture *fixture, unsigned changes)
{
    for (unsigned i = 0; i < changes; i++) {
        assert_true(honest_work(&fixture->honest));
    }
}

/* Whether the attack has said as much as it is to say. */
static bool has_said_enough(const struct attack *attack, enum attack_kind kind, uint64_t requests,
                            uint64_t frames)
{
    bool asks = kind == ATTACK_HANDSHAKES, frames_too = kind == ATTACK_FRAMES;
    return (!asks || atomic_load(&attack->board->requests) >= requests + MUTATED_REQUESTS) &&
           (!frames_too || atomic_load(&attack->board->frames) >= frames + MUTATED_FRAMES);
}

static void withstand(struct fixture *fixture, enum attack_kind kind)
{
    struct attack *attack = &fixture->attack;
    uint64_t requests = atomic_load(&attack->board->requests);
    uint64_t frames = atomic_load(&attack->board->frames);
    work(fixture, CHANGES_AT_REST);
    assert_true(attack_begin(attack, kind, &fixture->honest, PATIENCE_MS));
    do {
        work(fixture, CHANGES_UNDER_ATTACK);
    } while (!has_said_enough(attack, kind, requests, frames));
    assert_true(vitals_healthy(&fixture->server));
    assert_true(attack_begin(attack, ATTACK_NONE, &fixture->honest, PATIENCE_MS));
    work(fixture, CHANGES_AT_REST);
    assert_true(vitals_wait_descriptors(fixture->server.pid, fixture->descriptors, PATIENCE_MS));
    assert_true(vitals_log_is_calm(&fixture->server));
}

#define TEST(name, kind)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        withstand(*state, kind);                                                                   \
    }
TEST(test_half_open, ATTACK_HALF_OPEN)
TEST(test_silent, ATTACK_SILENT)
TEST(test_slow_readers, ATTACK_SLOW_READERS)
TEST(test_slow_writers, ATTACK_SLOW_WRITERS)
TEST(test_pings, ATTACK_PINGS)
TEST(test_handshakes, ATTACK_HANDSHAKES)
TEST(test_frames, ATTACK_FRAMES)
TEST(test_all, ATTACK_ALL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_open),    cmocka_unit_test(test_silent),
        cmocka_unit_test(test_slow_readers), cmocka_unit_test(test_slow_writers),
        cmocka_unit_test(test_pings),        cmocka_unit_test(test_handshakes),
        cmocka_unit_test(test_frames),       cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
