/* A client as a program uses it, which says how much memory that took.
 *
 *     tandem-bench-client FOLDER URL CA USER TOKEN [settle]
 *
 * It catches up, walks all it holds, sorts, looks up, changes a little, and compares its replica
 * with the server's. Meanwhile it looks at its memory again and again, and in the end prints the
 * largest figures: bytes of the heap that are in use, and bytes of the process that are its own
 * (RssAnon: without the replica, which is a mapped file). With "settle" it also stays until it has
 * nothing to do by itself any more: the indexes that its queries ask for are built. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tandem/tandem.h"
#include "tests/bench/bench.h"

#define PICKED 100u
#define CHANGED 20u
#define LOOK_EVERY 1000u /* records */
#define IDLE_MS 200 /* until something is due */
#define LONGEST_WAIT_NS (UINT64_C(300) * 1000000000)

struct used_client {
    tandem_client *client;
    bool caught_up, ended, failed;
    size_t waiting; /* for answers and results */
    size_t seen, walked, picked;
    char ids[PICKED][TANDEM_ID_TEXT], accounts[PICKED][TANDEM_ID_TEXT];
    uint64_t heap, resident; /* the largest seen */
};

static void look(struct used_client *used)
{
    struct mallinfo2 info = mallinfo2();
    uint64_t heap = info.uordblks + info.hblkhd;
    uint64_t resident = bench_resident_anonymous((int)getpid());
    used->heap = heap > used->heap ? heap : used->heap;
    used->resident = resident > used->resident ? resident : used->resident;
}

static bool fail(struct used_client *used, const char *what, const char *why)
{
    (void)fprintf(stderr, "tandem-bench-client: %s: %s\n", what, why);
    used->failed = true;
    return false;
}

static bool check(struct used_client *used, const char *what, tandem_code code)
{
    return code == TANDEM_OK || fail(used, what, tandem_error_text(code));
}

static void on_event(void *context, const tandem_event *event)
{
    struct used_client *used = context;
    if (event->kind == TANDEM_EVENT_CAUGHT_UP) {
        used->caught_up = true;
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        used->ended = true;
        (void)fail(used, "the connection", event->detail);
    }
}

static bool catches_up(const struct used_client *used)
{
    return !used->caught_up;
}

static bool is_answered(const struct used_client *used)
{
    return used->waiting > 0;
}

static bool wait_while(struct used_client *used, bool (*waiting)(const struct used_client *used))
{
    uint64_t until = bench_now_ns() + LONGEST_WAIT_NS;
    while (!used->ended && !used->failed && waiting(used)) {
        if (bench_now_ns() > until) {
            return fail(used, "waiting", "nothing came for too long");
        }
        (void)tandem_wait(used->client, 1000);
        look(used);
    }
    return !used->ended && !used->failed;
}

static bool connect_to(struct used_client *used, char **words)
{
    tandem_fault fault;
    const tandem_options options = {.replica = words[1], .on_event = on_event, .context = used};
    const tandem_server server = {.url = words[2],
                                  .ca = words[3],
                                  .method = TANDEM_SIGN_IN_TOKEN,
                                  .user = words[4],
                                  .secret = words[5],
                                  .once = true};
    return check(used, "opening", tandem_open(&options, &used->client, &fault)) &&
           check(used, "subscribing", tandem_subscribe(used->client, NULL, 0)) &&
           check(used, "connecting", tandem_connect(used->client, &server, &fault)) &&
           wait_while(used, catches_up);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool count(void *context, const tandem_record *record)
{
    struct used_client *used = context;
    used->walked += tandem_record_text(record, "subject") != NULL;
    if (++used->seen % LOOK_EVERY == 0) {
        look(used);
    }
    return true;
}

static bool pick(void *context, const tandem_record *record)
{
    struct used_client *used = context;
    const char *account = strchr(tandem_record_scope(record), ':');
    look(used); /* what sorting needed is still there */
    if (account != NULL && used->picked < PICKED) {
        (void)snprintf(used->ids[used->picked], TANDEM_ID_TEXT, "%s", tandem_record_id(record));
        (void)snprintf(used->accounts[used->picked++], TANDEM_ID_TEXT, "%s", account + 1);
    }
    return true;
}

static bool read_much(struct used_client *used)
{
    const tandem_find find = {.entity = "interaction", .sort = "subject", .limit = PICKED};
    bool read = check(used, "walking", tandem_each(used->client, NULL, count, used));
    read = read && check(used, "sorting", tandem_find_each(used->client, &find, pick, used));
    for (size_t i = 0; i < used->picked && read; i++) {
        read = check(used, "getting", tandem_get(used->client, used->ids[i], count, used)) &&
               check(used, "a timeline",
                     tandem_timeline(used->client, used->accounts[i], count, used));
    }
    return read && (used->picked == PICKED || fail(used, "sorting", "too few records came"));
}

static bool is_busy(const struct used_client *used)
{
    const int due = tandem_timeout(used->client);
    return due >= 0 && due < IDLE_MS;
}

/* ---- Changing and comparing ----------------------------------------------------------------- */

static void on_result(void *context, const tandem_result *result)
{
    struct used_client *used = context;
    used->waiting--;
    (void)check(used, "a mutation", result->code);
}

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct used_client *used = context;
    used->waiting--;
    (void)(answer != NULL || fault->code == TANDEM_OK || fail(used, "comparing", fault->detail));
}

static bool change(struct used_client *used, size_t at)
{
    char subject[48];
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return fail(used, "a mutation", "out of memory");
    }
    (void)snprintf(subject, sizeof subject, "seen by %d", (int)getpid());
    (void)tandem_update(mutation, "interaction", used->ids[at]);
    (void)tandem_set_text(mutation, "subject", subject);
    used->waiting++;
    bool sent = check(used, "a mutation", tandem_send(used->client, mutation, on_result, used));
    tandem_mutation_free(mutation);
    return sent;
}

static bool change_some(struct used_client *used)
{
    bool sent = true;
    for (size_t i = 0; i < CHANGED && sent; i++) {
        sent = change(used, i);
    }
    return sent && wait_while(used, is_answered);
}

static bool compare(struct used_client *used)
{
    used->waiting++;
    return check(used, "comparing", tandem_check(used->client, NULL, on_answer, used)) &&
           wait_while(used, is_answered);
}

int main(int argc, char **argv)
{
    static struct used_client used;
    const bool settle = argc == 7 && strcmp(argv[6], "settle") == 0;
    if (argc != 6 && !settle) {
        (void)fprintf(stderr, "usage: tandem-bench-client FOLDER URL CA USER TOKEN [settle]\n");
        return 2;
    }
    bool done = connect_to(&used, argv) && read_much(&used) && change_some(&used) &&
                compare(&used) && used.walked > 0 && (!settle || wait_while(&used, is_busy));
    tandem_close(used.client);
    if (done) {
        (void)printf("%llu %llu\n", (unsigned long long)used.heap,
                     (unsigned long long)used.resident);
    }
    return done && fflush(stdout) == 0 ? 0 : 1;
}
