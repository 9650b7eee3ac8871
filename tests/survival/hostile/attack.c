#include "tests/survival/hostile/attack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sched.h>

#include "tests/survival/hostile/attack_roles.h"

#define MOST_CROWDS 16
#define TURN_MS 5

const struct attack_scale attack_scale_long = {.half_open = 5000,
                                               .silent = 500,
                                               .slow = 40,
                                               .flooders = 10,
                                               .mutators = 40,
                                               .connects = 200,
                                               .mutator_connects = 100,
                                               .niceness = 19};
const struct attack_scale attack_scale_short = {.half_open = 200,
                                                .silent = 50,
                                                .slow = 6,
                                                .flooders = 4,
                                                .mutators = 24,
                                                .connects = 200,
                                                .mutator_connects = 200};
/* For as many mutated inputs as can be. */
const struct attack_scale attack_scale_flood = {
    .mutators = 150, .connects = 200, .mutator_connects = 2000, .niceness = 5, .eager = true};

const char *attack_name(enum attack_kind kind)
{
    static const char *const names[ATTACK_KINDS + 1] = {
        "half-open", "silent", "slow-readers", "slow-writers", "pings", "handshakes",
        "frames",    "all",    "all-50",       "all-here",     "rest"};
    return names[kind];
}

/* ---- Kinds as crowds ------------------------------------------------------------------------- */

struct assembly {
    struct crowd crowds[MOST_CROWDS];
    uint32_t count;
    const struct attack_scale *scale;
};

static void add(struct assembly *assembly, const struct role *role, uint32_t wanted)
{
    assembly->crowds[assembly->count++] =
        (struct crowd){.role = role, .wanted = wanted, .per_second = assembly->scale->connects};
}

static void add_mutators(struct assembly *assembly, const struct role *role)
{
    add(assembly, role, assembly->scale->mutators);
    assembly->crowds[assembly->count - 1].per_second = assembly->scale->mutator_connects;
}

static void add_half_open(struct assembly *assembly)
{
    uint32_t third = assembly->scale->half_open / 3;
    add(assembly, &role_tcp_only, assembly->scale->half_open - 2 * third);
    add(assembly, &role_tls_begun, third);
    add(assembly, &role_upgrade_dribbled, third);
}

static void add_silent(struct assembly *assembly)
{
    uint32_t some = assembly->scale->silent / 5;
    add(assembly, &role_silent_tls, some);
    add(assembly, &role_silent_upgraded, some);
    add(assembly, &role_silent_user, assembly->scale->silent - 2 * some);
}

static void add_slow_readers(struct assembly *assembly)
{
    add(assembly, &role_deaf_subscriber, assembly->scale->slow / 2);
    add(assembly, &role_deaf_asker, assembly->scale->slow / 2);
}

static void add_slow_writers(struct assembly *assembly)
{
    add(assembly, &role_slow_writer, assembly->scale->slow / 2);
    add(assembly, &role_slow_stranger, assembly->scale->slow / 2);
}

static void add_pings(struct assembly *assembly)
{
    add(assembly, &role_frame_pinger, assembly->scale->flooders / 2);
    add(assembly, &role_message_pinger, assembly->scale->flooders / 2);
}

static void add_handshakes(struct assembly *assembly)
{
    add_mutators(assembly, &role_wrong_tls);
    add_mutators(assembly, &role_wrong_upgrade);
    add_mutators(assembly, &role_wrong_hello);
}

static void add_frames(struct assembly *assembly)
{
    add_mutators(assembly, &role_wrong_message);
}

static void assemble(struct assembly *assembly, enum attack_kind kind)
{
    bool all = kind == ATTACK_ALL || kind == ATTACK_ALL_FROM_50 || kind == ATTACK_ALL_FROM_HERE;
    static void (*const parts[ATTACK_ALL])(struct assembly *) = {
        [ATTACK_HALF_OPEN] = add_half_open,
        [ATTACK_SILENT] = add_silent,
        [ATTACK_SLOW_READERS] = add_slow_readers,
        [ATTACK_SLOW_WRITERS] = add_slow_writers,
        [ATTACK_PINGS] = add_pings,
        [ATTACK_HANDSHAKES] = add_handshakes,
        [ATTACK_FRAMES] = add_frames};
    assembly->count = 0;
    for (int i = 0; i < ATTACK_ALL; i++) {
        if (all || (int)kind == i) {
            parts[i](assembly);
        }
    }
}

/* From 200 addresses the crowds can be there whatever an address may have open. The honest client is
 * on 127.0.0.1. */
static void come_from(enum attack_kind kind, uint32_t *first, uint32_t *count)
{
    *first = kind == ATTACK_ALL_FROM_HERE ? 0x7f000001u : 0x7f000101u;
    *count = kind == ATTACK_ALL_FROM_HERE ? 1 : kind == ATTACK_ALL_FROM_50 ? 50 : 200;
}

/* ---- The process ----------------------------------------------------------------------------- */

static void publish(const struct swarm *swarm, struct attack_board *board)
{
    atomic_store(&board->connects, swarm->counts.connects);
    atomic_store(&board->handshakes, swarm->counts.handshakes);
    atomic_store(&board->lost, swarm->counts.lost);
    atomic_store(&board->requests, swarm->counts.requests);
    atomic_store(&board->frames, swarm->counts.frames);
    atomic_store(&board->unanswered, swarm->counts.unanswered);
    atomic_store(&board->open, swarm->capacity - swarm->free_count);
    atomic_store(&board->complete, swarm_is_complete(swarm));
}

static void serve(struct swarm *swarm, struct attack_board *board, const struct attack_scale *scale)
{
    struct assembly assembly = {.scale = scale};
    int running = ATTACK_NONE;
    uint32_t first, addresses;
    for (;;) {
        int wanted = atomic_load(&board->wanted);
        if (wanted < 0) {
            return;
        }
        if (wanted != running) {
            atomic_store(&board->complete, false);
            running = wanted;
            come_from((enum attack_kind)running, &first, &addresses);
            swarm_set_crowds(swarm, NULL, 0, first, addresses);
            assemble(&assembly, (enum attack_kind)running);
            swarm_set_crowds(swarm, assembly.crowds, assembly.count, first, addresses);
            publish(swarm, board);
            atomic_store(&board->running, running);
        }
        swarm_turn(swarm, TURN_MS);
        publish(swarm, board);
    }
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static int run(struct attack_board *board, uint16_t port, const struct company *company,
               const struct attack_scale *scale, uint64_t seed)
{
    struct id ids[COMPANY_RECORDS + 1];
    struct swarm swarm;
    memcpy(ids, company->records, sizeof company->records);
    ids[COMPANY_RECORDS] = company->account;
    const struct material material = {.ids = ids,
                                      .id_count = COMPANY_RECORDS + 1,
                                      .user = company->user_id,
                                      .token = company->token};
    uint32_t capacity = scale->half_open + scale->silent + 2 * scale->slow + scale->flooders +
                        4 * scale->mutators + MOST_CROWDS;
    if (!swarm_init(&swarm, port, capacity, seed, &material)) {
        return 1;
    }
    swarm.eager = scale->eager;
    (void)SSL_CTX_set_max_proto_version(swarm.tls, scale->newest_tls);
    serve(&swarm, board, scale);
    swarm_release(&swarm);
    return 0;
}

bool attack_start(struct attack *attack, const struct server_process *server,
                  const struct company *company, const struct attack_scale *scale, uint64_t seed,
                  int cpu)
{
    uint16_t port = (uint16_t)strtoul(strrchr(server->address, ':') + 1, NULL, 10);
    pid_t parent = getpid();
    *attack = (struct attack){.board = mmap(NULL, sizeof *attack->board, PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    if (attack->board == MAP_FAILED) {
        perror("mmap");
        return false;
    }
    atomic_store(&attack->board->wanted, ATTACK_NONE);
    atomic_store(&attack->board->running, ATTACK_NONE);
    (void)fflush(NULL);
    attack->pid = fork();
    if (attack->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        if (getppid() != parent) {
            _exit(1);
        }
        (void)setpriority(PRIO_PROCESS, 0, scale->niceness);
        if (cpu >= 0) {
            pin(cpu);
        }
        _exit(run(attack->board, port, company, scale, seed));
    }
    if (attack->pid < 0) {
        perror("fork");
    }
    return attack->pid > 0;
}

static bool lives(struct attack *attack)
{
    int status;
    if (attack->pid > 0 && waitpid(attack->pid, &status, WNOHANG) == attack->pid) {
        (void)fprintf(stderr, "the attacking process ended with %d\n", status);
        attack->pid = 0;
    }
    return attack->pid > 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool attack_begin(struct attack *attack, enum attack_kind kind, struct honest *honest,
                  unsigned limit_ms)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    const uint64_t began = now_ms();
    atomic_store(&attack->board->wanted, (int)kind);
    while (lives(attack)) {
        if (atomic_load(&attack->board->running) == (int)kind &&
            (kind == ATTACK_NONE || atomic_load(&attack->board->complete))) {
            return true;
        }
        if (now_ms() > began + limit_ms) {
            (void)fprintf(stderr, "%s: only %u connections after %u ms\n", attack_name(kind),
                          atomic_load(&attack->board->open), limit_ms);
            return false;
        }
        if (!honest_work(honest)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

bool attack_end(struct attack *attack)
{
    int status = 0;
    bool well = attack->pid > 0;
    if (well) {
        atomic_store(&attack->board->wanted, -1);
        well = waitpid(attack->pid, &status, 0) == attack->pid && status == 0;
        attack->pid = 0;
    }
    if (attack->board != NULL && attack->board != MAP_FAILED) {
        (void)munmap(attack->board, sizeof *attack->board);
    }
    attack->board = NULL;
    return well;
}
