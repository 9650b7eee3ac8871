/* watch: every change as it arrives. */
#include "cli/cli_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"
#include "protocol/status.h"

/* A replica for one run, when the profile's own would not fit what is asked. Its files live on
 * without names from when the connection is begun, so nothing is left behind however the run ends. */
static enum tandem_failure open_temporary(struct watch *watch)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(watch->folder, sizeof watch->folder, "%s/tandem-watch-XXXXXX",
                   folder == NULL || folder[0] == '\0' ? "/tmp" : folder);
    if (mkdtemp(watch->folder) == NULL) {
        return cli_refuse(watch->cli, TANDEM_REFUSED, "no temporary folder: %s", strerror(errno));
    }
    watch->cli->nameless = watch->folder;
    return cli_open(watch->cli, watch->folder);
}

static enum tandem_failure open_replica(struct watch *watch)
{
    struct cli *cli = watch->cli;
    char path[PROFILE_PATH];
    char problem[256];
    if (!watch->own) {
        return open_temporary(watch);
    }
    if (!profile_make_folder(profile_replica(&cli->profile, path), problem)) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s", problem);
    }
    return cli_open(cli, path);
}

/* Ctrl-C and the like arrive as bytes to read, so that no handler runs in between. */
static int open_signals(sigset_t *before)
{
    sigset_t set;
    /* A shell starts what it puts into the background with SIGINT ignored, and ignored signals
     * cannot be read. SIGHUP stays as it is, for nohup. */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Of two waits, -1 being one without end. */
static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One turn of the loop. False when it is over. */
static bool turn(struct watch *watch, int signals)
{
    tandem_client *client = watch->cli->client;
    int want = tandem_want(client);
    struct pollfd polled[2] = {
        {.fd = signals, .events = POLLIN},
        {.fd = tandem_fd(client),
         .events = (short)((want & TANDEM_WANT_READ ? POLLIN : 0) |
                           (want & TANDEM_WANT_WRITE ? POLLOUT : 0))},
    };
    int ready = poll(polled, 2, sooner(tandem_timeout(client), watch_copy_due(watch)));
    if ((ready < 0 && errno != EINTR) || polled[0].revents != 0) {
        return false;
    }
    tandem_code code = tandem_service(client);
    watch_look_at_line(watch);
    watch_note_copy(watch, false);
    watch_advance(watch);
    watch->stop = watch->stop || (watch->enough && watch->line_count == 0);
    return code == TANDEM_OK && !watch->stop && !watch->cli->lost;
}

static enum tandem_failure ended(struct watch *watch)
{
    struct cli *cli = watch->cli;
    watch_flush(watch);
    watch_note_copy(watch, true);
    if (!cli->lost) {
        return TANDEM_DONE;
    }
    tandem_last_fault(cli->client, &cli->fault);
    if (cli->fault.code == STATUS_NOT_SIGNED_IN || cli->fault.code == STATUS_SIGN_IN_FAILED) {
        return cli_fault(cli, "your access has ended", &cli->fault);
    }
    return cli_fault(cli, "the watch ended", &cli->fault);
}

static enum tandem_failure loop(struct watch *watch)
{
    sigset_t before;
    int signals = open_signals(&before);
    if (signals < 0) {
        return cli_refuse(watch->cli, TANDEM_REFUSED, "no way to be told of signals");
    }
    while (!watch->stop && turn(watch, signals)) {
    }
    enum tandem_failure failure = ended(watch);
    /* What is not read here would be delivered once the signals are let through again. */
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    }
    (void)close(signals);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return failure;
}

/* Where the records asked for live, as scopes to subscribe to. */
static enum tandem_failure find_scopes(struct watch *watch, const char *scopes[WATCH_IDS])
{
    for (size_t i = 0; i < watch->id_count; i++) {
        struct sighting record;
        enum tandem_failure failure = lookup_account(watch->cli, watch->ids[i], &record);
        if (failure != TANDEM_DONE) {
            return failure;
        }
        (void)snprintf(watch->scopes[i], sizeof watch->scopes[i], "%s", record.scope);
        scopes[i] = watch->scopes[i];
        /* An id may be written in capitals: events have it as the server does. */
        (void)snprintf(watch->found[i], sizeof watch->found[i], "%s", record.id);
        watch->ids[i] = watch->found[i];
        if (strcmp(record.entity, "account") == 0) {
            watch->ids[i] = NULL;
        }
    }
    return TANDEM_DONE;
}

static enum tandem_failure sign_in(struct cli *cli)
{
    tandem_server server = cli_server(cli, false);
    enum tandem_failure failure = cli_sign_in(cli, &server);
    const char *what = cli->fault.code == STATUS_SIGN_IN_FAILED ? "your sign-in has ended" : NULL;
    return failure == TANDEM_DONE ? TANDEM_DONE : cli_fault(cli, what, &cli->fault);
}

static enum tandem_failure watch_run(struct watch *watch)
{
    struct cli *cli = watch->cli;
    const char *scopes[WATCH_IDS];
    watch->live = tandem_cursor(cli->client) > 0;
    watch->head = tandem_cursor(cli->client);
    watch->catching = true;
    watch_names_begin(watch);
    if (watch->all && watch->live) {
        (void)tandem_each(cli->client, NULL, watch_print_held, watch);
    }
    (void)watch_look_at_outbox(watch, false);
    cli->on_event = watch_on_event;
    cli->event_context = watch;
    enum tandem_failure failure = sign_in(cli);
    if (failure == TANDEM_DONE) {
        failure = find_scopes(watch, scopes);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code = tandem_subscribe(cli->client, scopes, watch->id_count);
    if (code != TANDEM_OK) {
        tandem_last_fault(cli->client, &cli->fault);
        cli->fault.code = code;
        return cli_fault(cli, NULL, &cli->fault);
    }
    return loop(watch);
}

static enum tandem_failure read_options(struct cli *cli, const struct arguments *arguments,
                                        struct watch *watch)
{
    const char *count = arguments_value(arguments, "count");
    if (count != NULL && !arguments_number(count, 1, 1000000000, &watch->count)) {
        return cli_usage(cli, "--count is a number of changes, at least 1");
    }
    if (arguments->count > WATCH_IDS) {
        return cli_usage(cli, "at most %u records at once", WATCH_IDS);
    }
    for (size_t i = 0; i < arguments->count; i++) {
        watch->ids[watch->id_count++] = arguments->positional[i];
    }
    return TANDEM_DONE;
}

/* The profile is offline for each of its commands, also for one with a replica of its own. */
static enum tandem_failure check_online(struct cli *cli)
{
    copy_load(&cli->profile, &cli->copy);
    enum tandem_failure failure = cli->copy.kept ? cli_open_copy(cli) : TANDEM_DONE;
    if (cli->client != NULL && tandem_paused(cli->client)) {
        failure = cli_refuse(cli, TANDEM_REFUSED,
                             "this profile is offline, so nothing arrives. Connect again: tandem "
                             "online");
    }
    if (cli->client != NULL) {
        cli_close(cli);
    }
    return failure;
}

enum tandem_failure command_watch(struct cli *cli, const struct arguments *arguments)
{
    struct watch watch = {.cli = cli,
                          .all = arguments_has(arguments, "all"),
                          .until_caught_up = arguments_has(arguments, "until-caught-up")};
    enum tandem_failure failure = read_options(cli, arguments, &watch);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    watch.own = watch.id_count == 0 && !arguments_has(arguments, "fresh");
    failure = check_online(cli);
    if (failure == TANDEM_DONE) {
        failure = open_replica(&watch);
    }
    if (failure == TANDEM_DONE) {
        failure = watch_run(&watch);
    }
    cli->on_event = NULL;
    cli_close(cli);
    if (cli->nameless != NULL) {
        profile_delete_folder(cli->nameless);
        cli->nameless = NULL;
    }
    watch_names_release(&watch);
    watch_release(&watch);
    return failure;
}
