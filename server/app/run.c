/* run: serve until a signal says otherwise.
 *
 *     SIGTERM, SIGINT   answer what was taken, tell everybody, end; a second one ends at once
 *     SIGHUP            read the certificates again
 *     SIGUSR1           from within: the store has failed
 *
 * Signals are blocked before any thread is made and awaited here, so that no thread of the server
 * is ever interrupted by one.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/app/app_log.h"
#include "server/app/commands.h"
#include "server/app/json.h"
#include "server/app/service.h"

/* Descriptors besides those of connections: the store, the loops, the log, libraries. */
#define OTHER_DESCRIPTORS 256

static void print_value(void *context, const char *name, const char *value, bool is_number,
                        const char *unit, const char *about)
{
    (void)context, (void)is_number, (void)about;
    printf("%s = %s%s%s\n", name, value, unit[0] && value[0] ? " ; " : "",
           value[0] ? unit : "");
}

static void json_value(void *context, const char *name, const char *value, bool is_number,
                       const char *unit, const char *about)
{
    (void)unit, (void)about;
    struct json *json = context;
    if (is_number) {
        uint64_t number = 0;
        for (const char *at = value; *at; at++)
            number = number * 10 + (uint64_t)(*at - '0');
        json_number(json, name, number);
    } else {
        json_text(json, name, value);
    }
}

static enum status check_settings(const struct options *options, struct fault *fault)
{
    enum status status = config_complete(&options->config, fault);
    return status == STATUS_OK ? service_check(&options->config, fault) : status;
}

int command_check_config(const struct options *given)
{
    struct options options = *given;
    struct fault fault;
    fault_clear(&fault);
    if (options.word) {
        enum status status = options.config_path
                                 ? fault_set(&fault, STATUS_USAGE, bytes_of(NULL, 0),
                                             "which file, %s or %s?", options.word,
                                             options.config_path)
                                 : config_read(&options.config, options.word, &fault);
        if (status != STATUS_OK)
            return command_failed("configuration", status, &fault);
    }
    if (options.json) {
        struct json json;
        json_begin(&json, stdout);
        config_each(&options.config, json_value, &json);
        json_end(&json);
    } else {
        config_each(&options.config, print_value, NULL);
    }
    enum status status = check_settings(&options, &fault);
    return status == STATUS_OK ? EXIT_DONE : command_failed("configuration", status, &fault);
}

/* As many descriptors as there may be connections, as far as the system lets us. */
static void raise_descriptors(uint32_t connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        app_log("only %llu files may be open: about %llu connections instead of %u",
                (unsigned long long)limit.rlim_cur,
                (unsigned long long)(limit.rlim_cur > OTHER_DESCRIPTORS
                                         ? limit.rlim_cur - OTHER_DESCRIPTORS
                                         : 0),
                connections);
}

static void end_now(int signal_number)
{
    _exit(128 + signal_number);
}

static void block_signals(sigset_t *set)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* From now on the next SIGTERM or SIGINT does not wait for anything. */
static void let_signals_end(void)
{
    struct sigaction end = {.sa_handler = end_now};
    sigset_t set;
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void on_failed(void)
{
    kill(getpid(), SIGUSR1);
}

static void reload(struct service *service)
{
    struct fault fault;
    fault_clear(&fault);
    if (service_reload(service, &fault) == STATUS_OK)
        app_log("new certificates are in use");
    else
        app_log("the old certificates stay: %s", fault.detail);
}

/* Returns the exit status once a signal ends the service. */
static int await_signals(struct service *service, const sigset_t *set)
{
    for (;;) {
        int number = 0;
        if (sigwait(set, &number) != 0)
            continue;
        if (number == SIGHUP) {
            reload(service);
        } else if (number == SIGUSR1) {
            app_log("stopping, because the store failed; start again to see what is stored");
            return EXIT_FAILED;
        } else {
            app_log("stopping");
            return EXIT_DONE;
        }
    }
}

static void say_ready(const struct options *options, const struct service *service)
{
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "ready", service_address(service));
        json_text(&json, "data", options->config.data);
        json_number(&json, "seq", service_seq(service));
        json_end(&json);
    } else {
        printf("tandemd: ready on wss://%s, data in %s (seq %llu)\n", service_address(service),
               options->config.data, (unsigned long long)service_seq(service));
    }
    fflush(stdout);
}

int command_run(const struct options *options)
{
    if (options->check_config)
        return command_check_config(options);
    struct fault fault;
    struct service *service;
    sigset_t set;
    fault_clear(&fault);
    if (config_complete(&options->config, &fault) != STATUS_OK)
        return command_usage(fault.detail);
    raise_descriptors(options->config.connections);
    block_signals(&set);
    enum status status = service_start(&options->config, on_failed, &service, &fault);
    if (status != STATUS_OK)
        return command_failed("run", status, &fault);
    say_ready(options, service);
    int result = await_signals(service, &set);
    let_signals_end();
    service_stop(service);
    return result;
}
