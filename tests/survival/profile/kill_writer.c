/* A program that types is killed again and again, now and then the server as well.
 *
 *     kill_writer --rounds N --seed N [--note]
 *
 * What tandem_send() said OK to before the kill is on the server in the end, and each of it once;
 * what it did not get to say is there once or not at all. With --note it types in a live note, in
 * which somebody else types as well, and the same holds of what tandem_note_insert() took. */
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "tests/support/child.h"
#include "tests/survival/profile/kill_writer.h"

#define PASSWORD "a long password"
#define LINES_MOST 60u /* of a round, before the kill */

static uint64_t chance(struct run *run, uint64_t bound)
{
    run->seed ^= run->seed << 13;
    run->seed ^= run->seed >> 7;
    run->seed ^= run->seed << 17;
    return run->seed % bound;
}

/* ---- The witness ---- */

bool run_wait(struct run *run, const bool *until)
{
    for (int ms = 0; ms < WAIT_MS && !*until; ms += 100)
        (void)tandem_wait(run->client, 100);
    return *until;
}

static bool connect_witness(struct run *run, bool first)
{
    const tandem_server server = {.url = run->server.url,
                                  .ca = run->server.ca,
                                  .method = first ? TANDEM_SIGN_IN_PASSWORD : TANDEM_SIGN_IN_TOKEN,
                                  .user = "admin",
                                  .secret = first ? PASSWORD : run->token,
                                  .remember = first};
    if (first && tandem_open(NULL, &run->client, NULL) != TANDEM_OK)
        return false;
    if (tandem_connect(run->client, &server, NULL) != TANDEM_OK)
        return false;
    for (int ms = 0; ms < WAIT_MS && !tandem_connected(run->client); ms += 100)
        (void)tandem_wait(run->client, 100);
    if (first && tandem_token(run->client) != NULL)
        (void)snprintf(run->token, sizeof run->token, "%s", tandem_token(run->client));
    return tandem_connected(run->client) && run->token[0] != '\0';
}

void run_found(struct run *run, const char *line)
{
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->typed[i], line) == 0) {
            run->found[i]++;
            return;
        }
    run->strange++;
}

static bool look_at(void *context, const tandem_record *record)
{
    struct run *run = context;
    const char *name = tandem_record_text(record, "name");
    run_found(run, name != NULL ? name : "");
    return true;
}

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct run *run = context;
    if (answer == NULL)
        (void)fprintf(stderr, "kill_writer: %s\n", fault->detail);
    run->failed =
        run->failed || answer == NULL || tandem_answer_records(answer, look_at, run) != TANDEM_OK;
    run->answered = run->failed || tandem_answer_last(answer);
}

static bool count_accounts(struct run *run)
{
    const tandem_query query = {.entity = "account"};
    return tandem_ask_query(run->client, &query, on_answer, run, NULL) == TANDEM_OK &&
           run_wait(run, &run->answered) && !run->failed;
}

static bool count_on_server(struct run *run)
{
    return connect_witness(run, false) && (run->in_note ? note_count(run) : count_accounts(run));
}

/* ---- The writer ---- */

/* Starts it, with its standard output to be read from *out. */
static pid_t start(struct run *run, const char *mode, const char *name, int *out)
{
    const char *const arguments[] = {WRITER_PROGRAM, run->profile, run->server.url,
                                     run->server.ca, run->token,   mode,
                                     name,           run->note_id, NULL};
    int ends[2];
    if (pipe(ends) != 0)
        return -1;
    const struct child_streams streams = {.in = -1, .out = ends[1], .err = STDERR_FILENO};
    pid_t pid = child_start(arguments, NULL, &streams, CHILD_SECONDS);
    (void)close(ends[1]);
    *out = ends[0];
    return pid;
}

bool run_typed(struct run *run, const char *line)
{
    if (run->count == TYPED_MOST)
        return false;
    (void)snprintf(run->typed[run->count++], LINE, "%s", line);
    return true;
}

/* Reads lines; after `most` of them the writer is killed, and what it had said is read to the end.
 */
static bool read_until_killed(struct run *run, FILE *from, pid_t pid, uint64_t most)
{
    char line[LINE];
    uint64_t lines = 0;
    while (fgets(line, sizeof line, from) != NULL) {
        char *end = strchr(line, '\n');
        if (end == NULL)
            break; /* killed in the middle of it: the name is not whole */
        *end = '\0';
        if (!run_typed(run, line))
            return false;
        if (++lines == most)
            (void)kill(pid, SIGKILL);
    }
    return lines >= most;
}

static bool play(struct run *run, unsigned round)
{
    char name[32];
    int out = -1;
    /* Of the note it hears from the server first. */
    bool kills_server = chance(run, 4) == 0 && (round > 0 || !run->in_note);
    (void)snprintf(name, sizeof name, run->in_note ? "%u" : "typed %u", round);
    if (run->in_note && !note_type_beside(run, round))
        return false;
    pid_t pid = start(run, run->in_note ? "note" : "write", name, &out);
    FILE *from = pid > 0 ? fdopen(out, "r") : NULL;
    if (from == NULL)
        return false;
    if (kills_server)
        server_process_kill(&run->server);
    bool good = read_until_killed(run, from, pid, 1 + chance(run, LINES_MOST));
    (void)fclose(from);
    (void)kill(pid, SIGKILL);
    int status = child_wait(pid);
    if (kills_server)
        good = server_process_start(&run->server, NULL, 0) && good;
    if (!good || status != 128 + SIGKILL)
        (void)fprintf(stderr, "kill_writer: round %u ended with %d\n", round, status);
    return good && status == 128 + SIGKILL;
}

static bool settle(struct run *run)
{
    char line[LINE] = "";
    int out = -1;
    pid_t pid = start(run, "settle", NULL, &out);
    FILE *from = pid > 0 ? fdopen(out, "r") : NULL;
    if (from == NULL)
        return false;
    bool said = fgets(line, sizeof line, from) != NULL && strcmp(line, "refused 0\n") == 0;
    (void)fclose(from);
    bool ended = child_wait(pid) == 0;
    if (!said)
        (void)fprintf(stderr, "kill_writer: the writer says: %s\n", line);
    return said && ended;
}

/* ---- The whole ---- */

static bool judge(const struct run *run, unsigned rounds)
{
    unsigned lost = 0, repeated = 0;
    for (size_t i = 0; i < run->count; i++) {
        lost += run->found[i] == 0;
        repeated += run->found[i] > 1;
    }
    /* At most one in a round was taken by the outbox and not said any more. */
    const bool good = lost == 0 && repeated == 0 && run->strange <= rounds && run->count >= rounds;
    (void)printf("kill_writer: %s: %u rounds, %zu typed, %u lost, %u repeated, %u more\n",
                 good ? "passed" : "FAILED", rounds, run->count, lost, repeated, run->strange);
    return good;
}

static bool perform(struct run *run, unsigned rounds)
{
    if (!scratch_make(run->folder) ||
        !server_process_make(&run->server, run->folder, "admin", PASSWORD) ||
        !server_process_start(&run->server, NULL, 0) || !connect_witness(run, true) ||
        (run->in_note && !note_begin(run)))
        return false;
    (void)snprintf(run->profile, sizeof run->profile, "%s/profile", run->folder);
    for (unsigned round = 0; round < rounds; round++)
        if (!play(run, round))
            return false;
    return settle(run) && count_on_server(run) && judge(run, rounds);
}

static void read_options(int count, char **arguments, unsigned *rounds, struct run *run)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"note", no_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    int option;
    if (getrandom(&run->seed, sizeof run->seed, 0) != (ssize_t)sizeof run->seed)
        run->seed = 1;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1)
        switch (option) {
        case 'r':
            *rounds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 's':
            run->seed = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            run->in_note = true;
            break;
        default:
            exit(2);
        }
}

int main(int count, char **arguments)
{
    static struct run run;
    unsigned rounds = 10;
    read_options(count, arguments, &rounds, &run);
    run.seed |= 1; /* xorshift stays at 0 */
    (void)printf("kill_writer: --seed %llu%s\n", (unsigned long long)run.seed,
                 run.in_note ? " --note" : "");
    (void)fflush(stdout);
    run.typed = calloc(TYPED_MOST, sizeof *run.typed);
    run.found = calloc(TYPED_MOST, sizeof *run.found);
    bool good = run.typed != NULL && run.found != NULL && perform(&run, rounds);
    tandem_close(run.client);
    good = server_process_stop(&run.server) && good;
    scratch_remove(run.folder);
    free(run.typed);
    free(run.found);
    return good ? 0 : 1;
}
