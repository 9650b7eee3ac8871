/* server, tandemd, run, certificates: the server's life in a scenario. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

#define LOG "STDERR=server.log"
/* Ends a run that hangs; nothing is measured by it. */
#define RELOAD_MS 60000

/* Runs what `words` name from `first` on, behind `program`, and checks the exit status. */
static bool run_expecting(struct scenario *scenario, const char *program, const struct words *words,
                          size_t first, int status)
{
    char *argv[SCENARIO_WORDS + 2] = {(char *)(uintptr_t)program};
    static const char *const settings[] = {"TANDEM_PASSWORD=admin-password-1"};
    for (size_t i = first; i < words->count; i++)
        argv[1 + i - first] = (char *)(uintptr_t)words->word[i];
    if (!process_run(scenario, argv, settings, 1))
        return false;
    return scenario->last.status == status ||
           scenario_fail(scenario, "%s ended with %d instead of %d\n%s%s", program,
                         scenario->last.status, status, (char *)scenario->last.out.data,
                         (char *)scenario->last.err.data);
}

/* Reads "[fails N]:" at `at`: the status meant, and the place behind. */
static bool expected_status(struct scenario *scenario, const struct words *words, size_t *at,
                            int *status)
{
    *status = 0;
    if (words_is(words, *at, "fails") && *at + 1 < words->count) {
        *status = (int)strtol(words->word[*at + 1], NULL, 10);
        *at += 2;
    }
    if (!words_is(words, *at, ":"))
        return scenario_fail(scenario, "a colon divides who from what");
    ++*at;
    return true;
}

bool step_tandemd(struct scenario *scenario, const struct words *words)
{
    char program[SCENARIO_PATH + 16];
    size_t at = 1;
    int status;
    snprintf(program, sizeof program, "%s/tandemd", scenario->bin);
    return expected_status(scenario, words, &at, &status) &&
           run_expecting(scenario, program, words, at, status);
}

bool step_run(struct scenario *scenario, const struct words *words)
{
    size_t at = 1;
    int status;
    return expected_status(scenario, words, &at, &status) && at < words->count &&
           run_expecting(scenario, words->word[at], words, at + 1, status);
}

bool step_certificates(struct scenario *scenario, const struct words *words)
{
    char program[SCENARIO_PATH + 16];
    snprintf(program, sizeof program, "%s/certs/make", scenario->source);
    return run_expecting(scenario, program, words, 1, 0);
}

/* Reads the line that says the server is ready, for the port. */
static bool await_ready(struct scenario *scenario)
{
    struct buffer text = {.data = NULL};
    char *line = NULL, url[64];
    bool ready = process_line(scenario->server_out, &text, &line);
    json_t *said = ready ? json_loads(line, 0, NULL) : NULL;
    const char *address = json_string_value(json_object_get(said, "ready"));
    const char *colon = address ? strrchr(address, ':') : NULL;
    if (colon)
        scenario->port = (unsigned)strtoul(colon + 1, NULL, 10);
    json_decref(said);
    memory_free(line);
    buffer_release(&text);
    snprintf(url, sizeof url, "wss://127.0.0.1:%u", scenario->port);
    if (!colon)
        return scenario_fail(scenario, "the server did not say that it is ready");
    return variable_set(scenario, "URL", url);
}

static bool start(struct scenario *scenario, const struct words *words)
{
    char program[SCENARIO_PATH + 16], listen[32];
    static const char *const settings[] = {LOG};
    const char *fixed[] = {"run",       "--json",
                           "--data",    "store",
                           "--cert",    "certs/server.pem",
                           "--key",     "certs/server.key",
                           "--ca",      "certs/ca.pem",
                           "--threads", "2",
                           "--listen",  listen};
    const size_t count = sizeof fixed / sizeof *fixed;
    char *argv[SCENARIO_WORDS + 16] = {program};
    int err;
    snprintf(program, sizeof program, "%s/tandemd", scenario->bin);
    /* A restart keeps its address, as a server's would, so that watchers find it again. */
    snprintf(listen, sizeof listen, "127.0.0.1:%u", scenario->port);
    for (size_t i = 0; i < count; i++)
        argv[1 + i] = (char *)(uintptr_t)fixed[i];
    for (size_t i = 2; i < words->count; i++)
        argv[1 + count + i - 2] = (char *)(uintptr_t)words->word[i];
    if (scenario->server)
        return scenario_fail(scenario, "the server runs already");
    scenario->server = process_start(scenario, argv, settings, 1, &scenario->server_out, &err);
    if (scenario->server < 0) {
        scenario->server = 0;
        return scenario_fail(scenario, "the server cannot be started");
    }
    close(err);
    return await_ready(scenario);
}

static int end(struct scenario *scenario, int signal_number)
{
    kill(scenario->server, signal_number);
    int status = process_wait(scenario->server);
    close(scenario->server_out);
    scenario->server = 0;
    return status;
}

void server_kill(struct scenario *scenario)
{
    if (scenario->server)
        (void)end(scenario, SIGKILL);
}

static bool init(struct scenario *scenario)
{
    static const char *const make[] = {"certificates", "certs"};
    static const char *const found[] = {"tandemd", ":",       "init", "--data",
                                        "store",   "--admin", "admin"};
    struct words words = {.count = 2};
    memcpy(words.word, make, sizeof make);
    if (!step_certificates(scenario, &words))
        return false;
    words.count = sizeof found / sizeof *found;
    memcpy(words.word, found, sizeof found);
    return step_tandemd(scenario, &words);
}

static bool sign_in_admin(struct scenario *scenario)
{
    const char *login[] = {"login",       variable_get(scenario, "URL"), "--user", "admin", "--ca",
                           "certs/ca.pem"};
    static const char *const settings[] = {"TANDEM_PASSWORD=admin-password-1"};
    return command_tandem(scenario, "admin", login, 6, settings, 1) &&
           (scenario->last.status == 0 ||
            scenario_fail(scenario, "admin cannot sign in: %s", (char *)scenario->last.err.data));
}

/* `signal_number` 0: it has been asked already. */
static bool stop(struct scenario *scenario, int signal_number)
{
    if (!scenario->server)
        return scenario_fail(scenario, "no server runs");
    int status = end(scenario, signal_number);
    return status == 0 || scenario_fail(scenario, "the server ended with %d instead of 0", status);
}

/* How often the server's log says what came of a reload. */
static unsigned reloads_logged(const char *path)
{
    char line[1024];
    unsigned count = 0;
    FILE *log = fopen(path, "re");
    while (log && fgets(line, sizeof line, log))
        count += strstr(line, "new certificates are in use") != NULL ||
                 strstr(line, "the old certificates stay") != NULL;
    if (log)
        fclose(log);
    return count;
}

/* Sends the signal, and returns when the server has said what came of it. */
static bool reload(struct scenario *scenario)
{
    char path[2 * SCENARIO_PATH], events[4096];
    snprintf(path, sizeof path, "%s/server.log", scenario->dir);
    unsigned before = reloads_logged(path);
    int watch = inotify_init1(IN_CLOEXEC);
    bool told = watch >= 0 && inotify_add_watch(watch, path, IN_MODIFY) >= 0 &&
                kill(scenario->server, SIGHUP) == 0;
    struct pollfd ready = {.fd = watch, .events = POLLIN};
    while (told && reloads_logged(path) == before)
        told = poll(&ready, 1, RELOAD_MS) > 0 && read(watch, events, sizeof events) > 0;
    if (watch >= 0)
        close(watch);
    return told || scenario_fail(scenario, "the server did not say what came of the reload");
}

bool step_server(struct scenario *scenario, const struct words *words)
{
    const struct words none = {.count = 0};
    if (words_is(words, 1, "new"))
        return init(scenario) && start(scenario, words) && sign_in_admin(scenario);
    if (words_is(words, 1, "init"))
        return init(scenario);
    if (words_is(words, 1, "start"))
        return start(scenario, words);
    if (words_is(words, 1, "stop"))
        return stop(scenario, SIGTERM);
    if (words_is(words, 1, "asked") && scenario->server)
        return kill(scenario->server, SIGTERM) == 0;
    if (words_is(words, 1, "ends"))
        return stop(scenario, 0);
    if (words_is(words, 1, "restart"))
        return stop(scenario, SIGTERM) && start(scenario, &none);
    if (words_is(words, 1, "crash")) {
        server_kill(scenario);
        return true;
    }
    if (words_is(words, 1, "reload") && scenario->server)
        return reload(scenario);
    return scenario_fail(scenario, "server new, init, start, stop, asked to stop, ends, restart, "
                                   "crash or reload");
}
