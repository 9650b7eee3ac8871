/* A company at work for half an hour, and whether the server is after it what it was before.
 *
 * Staff watch everything and partners what is assigned to them; some of staff write. Every second
 * some clients lose their connections, and come back a moment later where they were; one partner is
 * granted an account, and one grant ends. All clients come from a few addresses, with the server's
 * usual limits.
 *
 * Every ten seconds the writers pause until everybody is live; the server's descriptors must then
 * be exactly as many as in the beginning, and its anonymous memory is noted. Behind the warm-up,
 * the line that fits these best must not rise by more than 1 % in ten minutes (1 MiB at least, so
 * that short runs are not judged by noise). When all have left, the descriptors must be those from
 * before they came.
 *
 * Every client checks that what it is sent goes on exactly where it was: `from` is its cursor, and
 * nothing goes back; in the end all of staff must be at the seq of the last change.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/load/load.h"
#include "tests/seed/seed.h"
#include "tests/survival/hostile/talk.h"
#include "tests/survival/hostile/vitals.h"

#define STAFF 50u
#define PARTNERS 50u
#define ACCOUNTS 200u
#define ACCOUNTS_A_PARTNER 5u
#define RECORDS 20000u
#define ADDRESSES 20u
#define RING 1000u
#define TEXT_BYTES 64u
#define WRITERS_PERCENT 5u
#define PARTNERS_PERCENT 15u
#define LEAVERS_PER_MILLE 10u /* a second */
#define WRITE_EVERY_MS 500u   /* each writer */
#define GRANTS 100u           /* that are open at a time */
#define SAMPLE_EVERY_MS 10000u
#define SETTLE_MS 60000u
#define MOST_SAMPLES 8640u
#define RISE_PER_10_MINUTES 0.01
#define LEAST_RISE (1024.0 * 1024.0)

struct grant {
    struct id id;
    bool open;
};

struct sample {
    double minutes, anonymous;
};

struct soak {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct seeded *seeded;
    struct talk admin;
    struct load *load;
    unsigned minutes;
    uint32_t clients, writers, partners;
    struct chance {
        uint64_t state;
    } chance;
    uint64_t seed;
    uint64_t *cursors; /* of each client, by label */
    uint64_t *due_ms;  /* of each writer */
    bool *writing;     /* with a change under way */
    struct id ring[RING];
    uint64_t written, answered, refused, newest, left, lost, wrong, granted, revoked;
    struct grant grants[GRANTS];
    unsigned next_grant;
    bool leaving; /* connections that end are wanted now */
    unsigned descriptors_before, descriptors;
    struct sample samples[MOST_SAMPLES];
    size_t sample_count;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* xorshift64* */
static uint32_t below(struct soak *soak, uint32_t limit)
{
    uint64_t x = soak->chance.state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    soak->chance.state = x;
    return (uint32_t)(((x * UINT64_C(2685821657736338717)) >> 32) * limit >> 32);
}

/* ---- What the clients hear ------------------------------------------------------------------- */

static void wrong(struct soak *soak, const struct load_client *client, const char *what,
                  uint64_t is, uint64_t should)
{
    if (soak->wrong++ < 10) {
        (void)fprintf(stderr, "client %zu: %s: %llu where %llu was expected\n", load_label(client),
                      what, (unsigned long long)is, (unsigned long long)should);
    }
}

static void on_changes(void *context, struct load_client *client, uint64_t to, unsigned records,
                       struct bytes message)
{
    struct soak *soak = context;
    uint64_t *cursor = &soak->cursors[load_label(client)];
    struct bytes type;
    uint64_t from = 0;
    (void)records;
    if (!wire_map_str(message, "type", &type) || !bytes_is(type, "changes")) {
        return; /* older records of an account that was granted */
    }
    if (!wire_map_uint(message, "from", &from) || from != *cursor) {
        wrong(soak, client, "changes from", from, *cursor);
    }
    if (to < from) {
        wrong(soak, client, "changes go back to", to, from);
    }
    *cursor = to;
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct soak *soak = context;
    (void)number;
    soak->answered++;
    soak->refused += status != 0;
    soak->writing[load_label(client)] = false;
    soak->newest = seq > soak->newest ? seq : soak->newest;
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    struct soak *soak = context;
    if (!soak->leaving && soak->lost++ < 10) {
        (void)fprintf(stderr, "client %zu was closed: %s\n", load_label(client), why);
    }
}

/* ---- Set-up ---------------------------------------------------------------------------------- */

static bool make_server(struct soak *soak)
{
    char data[SCRATCH_PATH + 8], certs[SCRATCH_PATH + 8], cert[512], key[512], ca[512];
    (void)snprintf(data, sizeof data, "%s/data", soak->folder);
    (void)snprintf(certs, sizeof certs, "%s/certs", soak->folder);
    const struct seed_options options = {.folder = data,
                                         .seed = soak->seed,
                                         .records = RECORDS,
                                         .accounts = ACCOUNTS,
                                         .staff = STAFF,
                                         .partners = PARTNERS,
                                         .accounts_a_partner = ACCOUNTS_A_PARTNER,
                                         .shared_percent = 50};
    if (!seed_certificates(certs, cert, key, ca)) {
        return false;
    }
    soak->seeded = seed_store(&options);
    server_process_adopt(&soak->server, soak->folder);
    return soak->seeded != NULL && server_process_start(&soak->server, NULL, 0);
}

static bool admin_comes(struct soak *soak)
{
    const struct talk_hello hello = {.method = "token", .secret = soak->seeded->admin_token};
    char refusal[TALK_NAME];
    return talk_open(&soak->admin, soak->server.address, soak->server.ca, NULL) &&
           talk_sign_in(&soak->admin, &hello, refusal);
}

/* What the writers change, made by the administrator. */
static bool make_ring(struct soak *soak)
{
    for (unsigned i = 0; i < RING; i++) {
        struct buffer changes = {0};
        soak->ring[i] = talk_id();
        seed_create_interaction(&changes, soak->ring[i], soak->seeded->accounts[i % ACCOUNTS],
                                TEXT_BYTES, i % 2 == 0 ? "partners" : NULL);
        bool made = !changes.failed && talk_mutate(&soak->admin, buffer_bytes(&changes));
        buffer_release(&changes);
        if (!made) {
            return false;
        }
        soak->newest = soak->admin.last.as.result.seq;
    }
    return true;
}

/* Writers first, then those who only watch, then partners. */
static bool add_client(struct soak *soak, uint32_t label)
{
    bool partner = label >= soak->clients - soak->partners;
    const struct seed_user *users = soak->seeded->users;
    char source[16];
    (void)snprintf(source, sizeof source, "127.0.10.%u", 1 + label % ADDRESSES);
    const struct load_client_options options = {
        .token = partner ? users[STAFF + label % PARTNERS].token : users[label % STAFF].token,
        .subscribe = true,
        .cursor = soak->newest,
        .epoch = soak->seeded->epoch,
        .source = source,
        .label = label};
    soak->cursors[label] = soak->newest;
    struct load_client *client = load_add(soak->load, &options);
    return client != NULL && load_connect(client);
}

static bool clients_come(struct soak *soak)
{
    soak->load = load_new(&(struct load_options){
        .address = soak->server.address,
        .ca_file = soak->server.ca,
        .resume = true,
        .hooks = {
            .context = soak, .changes = on_changes, .result = on_result, .closed = on_closed}});
    soak->writers = soak->clients * WRITERS_PERCENT / 100 + 1;
    soak->partners = soak->clients * PARTNERS_PERCENT / 100;
    soak->cursors = calloc(soak->clients, sizeof *soak->cursors);
    soak->due_ms = calloc(soak->clients, sizeof *soak->due_ms);
    soak->writing = calloc(soak->clients, sizeof *soak->writing);
    bool good = soak->load != NULL && soak->cursors != NULL && soak->due_ms != NULL &&
                soak->writing != NULL;
    for (uint32_t i = 0; good && i < soak->clients; i++) {
        good = add_client(soak, i);
        if (i % 200 == 199) { /* fewer at a time than an address may have that are not signed in */
            good = good && load_settle(soak->load, SETTLE_MS);
        }
    }
    return good && load_settle(soak->load, SETTLE_MS);
}

/* ---- What happens all the time --------------------------------------------------------------- */

static bool write_due(struct soak *soak, uint64_t now)
{
    for (uint32_t i = 0; i < soak->writers; i++) {
        struct buffer changes = {0};
        if (now < soak->due_ms[i] || soak->writing[i]) {
            continue;
        }
        soak->due_ms[i] = now + WRITE_EVERY_MS / 2 + below(soak, WRITE_EVERY_MS);
        seed_update_interaction(&changes, soak->ring[below(soak, RING)], TEXT_BYTES,
                                ++soak->written);
        soak->writing[i] =
            !changes.failed && load_mutate(load_at(soak->load, i), buffer_bytes(&changes)) != 0;
        buffer_release(&changes);
        if (!soak->writing[i]) {
            (void)fprintf(stderr, "writer %u could not write\n", i);
            return false;
        }
    }
    return true;
}

/* Some of those who do not write go, half of them abruptly; who went before comes back. */
static bool come_and_go(struct soak *soak)
{
    uint32_t leavers = soak->clients * LEAVERS_PER_MILLE / 1000 + 1;
    for (uint32_t i = soak->writers; i < soak->clients; i++) {
        struct load_client *client = load_at(soak->load, i);
        if (load_phase_of(client) == LOAD_CLOSED && !load_connect(client)) {
            return false;
        }
    }
    soak->leaving = true;
    for (uint32_t i = 0; i < leavers; i++) {
        struct load_client *client =
            load_at(soak->load, soak->writers + below(soak, soak->clients - soak->writers));
        if (load_phase_of(client) == LOAD_LIVE) {
            load_drop(client, below(soak, 2));
            soak->left++;
        }
    }
    soak->leaving = false;
    return true;
}

static void put_grant(struct buffer *out, struct id id, struct id party, struct id account)
{
    wire_put_array(out, 1);
    wire_put_map(out, 4);
    wire_put_text(out, "op");
    wire_put_text(out, "create");
    wire_put_text(out, "id");
    wire_put_id(out, id);
    wire_put_text(out, "entity");
    wire_put_text(out, "assignment");
    wire_put_text(out, "fields");
    wire_put_map(out, 3);
    wire_put_text(out, "party");
    wire_put_id(out, party);
    wire_put_text(out, "account");
    wire_put_id(out, account);
    wire_put_text(out, "level");
    wire_put_text(out, "view");
}

static void put_revocation(struct buffer *out, struct id id)
{
    wire_put_array(out, 1);
    wire_put_map(out, 2);
    wire_put_text(out, "op");
    wire_put_text(out, "remove");
    wire_put_text(out, "id");
    wire_put_id(out, id);
}

/* An assignment is made, and the oldest of them ends. One that exists already is refused, which
 * is as good. */
static bool grant_and_revoke(struct soak *soak)
{
    struct grant *grant = &soak->grants[soak->next_grant++ % GRANTS];
    struct buffer changes = {0};
    if (grant->open) {
        put_revocation(&changes, grant->id);
        if (changes.failed || !talk_mutate(&soak->admin, buffer_bytes(&changes))) {
            buffer_release(&changes);
            return false;
        }
        soak->revoked++;
        buffer_clear(&changes);
    }
    grant->id = talk_id();
    put_grant(&changes, grant->id, soak->seeded->users[STAFF + below(soak, PARTNERS)].party,
              soak->seeded->accounts[below(soak, ACCOUNTS)]);
    grant->open = !changes.failed && talk_mutate(&soak->admin, buffer_bytes(&changes));
    buffer_release(&changes);
    soak->granted += grant->open;
    return soak->admin.last.type == MESSAGE_RESULT;
}

/* ---- Looking at the server ------------------------------------------------------------------- */

static bool all_back(void *context)
{
    struct soak *soak = context;
    for (uint32_t i = 0; i < soak->clients; i++) {
        struct load_client *client = load_at(soak->load, i);
        if (load_phase_of(client) == LOAD_CLOSED && !load_connect(client)) {
            return false;
        }
    }
    return load_in_phase(soak->load, LOAD_LIVE) == soak->clients && soak->answered == soak->written;
}

/* Descriptors of those who left are still being closed for a moment: the loop goes on meanwhile. */
static bool descriptors_settle(struct soak *soak, unsigned wanted, struct vitals *vitals)
{
    uint64_t until = now_ms() + SETTLE_MS;
    do {
        load_turn(soak->load, 10);
        if (!vitals_read(soak->server.pid, vitals)) {
            return false;
        }
    } while (vitals->descriptors != wanted && now_ms() < until);
    if (vitals->descriptors != wanted) {
        (void)fprintf(stderr, "%u descriptors instead of %u\n", vitals->descriptors, wanted);
    }
    return vitals->descriptors == wanted;
}

static bool take_sample(struct soak *soak, uint64_t began)
{
    struct vitals vitals;
    if (!load_until(soak->load, all_back, soak, SETTLE_MS)) {
        (void)fprintf(stderr, "only %zu of %u clients are live, %llu of %llu changes answered\n",
                      load_in_phase(soak->load, LOAD_LIVE), soak->clients,
                      (unsigned long long)soak->answered, (unsigned long long)soak->written);
        return false;
    }
    if (!descriptors_settle(soak, soak->descriptors, &vitals)) {
        return false;
    }
    double minutes = (double)(now_ms() - began) / 60000;
    if (soak->sample_count < MOST_SAMPLES) {
        soak->samples[soak->sample_count++] = (struct sample){minutes, (double)vitals.anonymous};
    }
    if (soak->sample_count % 3 == 1) {
        struct load_counts total = load_total(soak->load);
        (void)printf("%5.1f min: memory %.2f MiB, %u descriptors, %llu changes, %llu deliveries,"
                     " %llu reconnects, %llu grants, %llu revocations\n",
                     minutes, (double)vitals.anonymous / 1048576, vitals.descriptors,
                     (unsigned long long)soak->answered, (unsigned long long)total.records,
                     (unsigned long long)soak->left, (unsigned long long)soak->granted,
                     (unsigned long long)soak->revoked);
        (void)fflush(stdout);
    }
    return soak->wrong == 0 && soak->lost == 0 && soak->refused == 0;
}

/* Bytes a minute by which the line that fits the samples from `first` on best rises. */
static double slope(const struct soak *soak, size_t first)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t i = first; i < soak->sample_count; i++) {
        const struct sample *sample = &soak->samples[i];
        n++;
        x += sample->minutes;
        y += sample->anonymous;
        xx += sample->minutes * sample->minutes;
        xy += sample->minutes * sample->anonymous;
    }
    double spread = n * xx - x * x;
    return spread > 0 ? (n * xy - x * y) / spread : 0;
}

static bool is_flat(const struct soak *soak, char verdict[256])
{
    double warm_up = soak->minutes >= 15 ? 5 : soak->minutes / 3.0;
    size_t first = 0;
    while (first + 1 < soak->sample_count && soak->samples[first].minutes < warm_up) {
        first++;
    }
    const struct sample *start = &soak->samples[first];
    double length = soak->samples[soak->sample_count - 1].minutes - start->minutes;
    double rise = slope(soak, first) * length;
    double allowed = start->anonymous * RISE_PER_10_MINUTES * length / 10;
    allowed = allowed > LEAST_RISE ? allowed : LEAST_RISE;
    (void)snprintf(verdict, 256,
                   "memory rose by %.2f MiB (%.2f allowed) in %.1f minutes from %.1f"
                   " MiB",
                   rise / 1048576, allowed / 1048576, length, start->anonymous / 1048576);
    return rise <= allowed;
}

/* ---- The run --------------------------------------------------------------------------------- */

static bool work(struct soak *soak, uint64_t began)
{
    uint64_t end = began + soak->minutes * UINT64_C(60000);
    uint64_t next_second = began, next_sample = began + SAMPLE_EVERY_MS;
    for (uint64_t now = began; now < end; now = now_ms()) {
        if (!write_due(soak, now)) {
            return false;
        }
        if (now >= next_second) {
            next_second = now + 1000;
            if (!come_and_go(soak) || !grant_and_revoke(soak)) {
                (void)fprintf(stderr, "the second's comings and goings failed\n");
                return false;
            }
        }
        if (now >= next_sample) {
            next_sample = now + SAMPLE_EVERY_MS;
            if (!take_sample(soak, began)) {
                return false;
            }
        }
        load_turn(soak->load, 2);
    }
    return take_sample(soak, began);
}

static bool staff_is_there(void *context)
{
    const struct soak *soak = context;
    for (uint32_t i = 0; i < soak->clients - soak->partners; i++) {
        if (soak->cursors[i] < soak->newest) {
            return false;
        }
    }
    return true;
}

static bool all_leave(struct soak *soak, struct vitals *vitals)
{
    soak->leaving = true;
    for (uint32_t i = 0; i < soak->clients; i++) {
        load_drop(load_at(soak->load, i), i % 2);
    }
    return descriptors_settle(soak, soak->descriptors_before, vitals);
}

static bool prepare(struct soak *soak)
{
    struct vitals vitals;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!scratch_make(soak->folder) || !make_server(soak) || !admin_comes(soak) ||
        !make_ring(soak) || !vitals_read(soak->server.pid, &vitals)) {
        return false;
    }
    soak->descriptors_before = vitals.descriptors;
    if (!clients_come(soak) || !vitals_read(soak->server.pid, &vitals)) {
        return false;
    }
    soak->descriptors = vitals.descriptors;
    return soak->descriptors == soak->descriptors_before + soak->clients;
}

static bool run(struct soak *soak)
{
    char verdict[256] = "";
    struct vitals vitals = {0};
    if (!prepare(soak)) {
        (void)printf("load: FAILED: it could not begin\n");
        return false;
    }
    if (!work(soak, now_ms())) {
        (void)printf("load: FAILED: after %zu samples: %llu wrong, %llu connections lost, %llu"
                     " changes refused\n",
                     soak->sample_count, (unsigned long long)soak->wrong,
                     (unsigned long long)soak->lost, (unsigned long long)soak->refused);
        return false;
    }
    bool complete = load_until(soak->load, staff_is_there, soak, SETTLE_MS) && soak->wrong == 0;
    bool flat = is_flat(soak, verdict);
    struct load_counts total = load_total(soak->load);
    bool left = all_leave(soak, &vitals) && vitals_healthy(&soak->server) &&
                vitals_log_is_calm(&soak->server);
    (void)printf("load: %s: %u clients, %s; %u descriptors at every look, %u when all had left;"
                 " %llu changes, %llu deliveries, %llu reconnects (%.1f %% of handshakes resumed),"
                 " %llu grants, %llu revocations%s%s\n",
                 complete && flat && left ? "passed" : "FAILED", soak->clients, verdict,
                 soak->descriptors, vitals.descriptors, (unsigned long long)soak->answered,
                 (unsigned long long)total.records, (unsigned long long)soak->left,
                 100.0 * (double)total.resumed / (double)total.handshakes,
                 (unsigned long long)soak->granted, (unsigned long long)soak->revoked,
                 complete ? "" : "; not everybody got everything",
                 left ? "" : "; the server did not get over it");
    return complete && flat && left;
}

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= least && *out <= most;
}

static int usage(int status)
{
    (void)fprintf(status == 0 ? stdout : stderr,
                  "Usage: soak_load [--minutes N] [--clients N] [--seed N]\n"
                  "  --minutes N  of work (30)\n"
                  "  --clients N  connected at a time, 20 to 1900 (1000)\n"
                  "  --seed N     of the store and of who does what (of the clock)\n");
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"minutes", required_argument, NULL, 'm'},
                                            {"clients", required_argument, NULL, 'c'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct soak *soak = calloc(1, sizeof *soak);
    uint64_t minutes = 30, clients = 1000, seed = now_ms();
    bool fine = soak != NULL;
    for (int option; fine && (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'h') {
            free(soak);
            return usage(0);
        }
        fine = option == 'm'   ? parse_number(optarg, 1, 1440, &minutes)
               : option == 'c' ? parse_number(optarg, 20, 1900, &clients)
                               : option == 's' && parse_number(optarg, 1, UINT64_MAX, &seed);
    }
    if (!fine || optind != argc) {
        free(soak);
        return usage(2);
    }
    soak->minutes = (unsigned)minutes;
    soak->clients = (uint32_t)clients;
    soak->seed = soak->chance.state = seed;
    (void)printf("seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    bool passed = run(soak);
    load_free(soak->load);
    talk_close(&soak->admin);
    passed = server_process_stop(&soak->server) && passed;
    seed_free(soak->seeded);
    scratch_remove(soak->folder);
    free(soak->cursors);
    free(soak->due_ms);
    free(soak->writing);
    free(soak);
    return passed ? 0 : 1;
}
