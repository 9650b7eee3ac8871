#include "tests/support/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/child.h"

#define MOST_ARGUMENTS 32

static void path_of(const struct server_process *server, const char *name,
                    char out[SCRATCH_PATH + 32])
{
    (void)snprintf(out, SCRATCH_PATH + 32, "%s/%s", server->folder, name);
}

static void show_log(const struct server_process *server)
{
    char path[SCRATCH_PATH + 32];
    size_t size = 0;
    path_of(server, "server.log", path);
    char *text = scratch_read(path, &size);
    if (text != NULL) {
        (void)fprintf(stderr, "---- server.log\n%s----\n", text);
    }
    free(text);
}

static int open_log(const struct server_process *server)
{
    char path[SCRATCH_PATH + 32];
    path_of(server, "server.log", path);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* A program that prepares something and ends. */
static bool run(const struct server_process *server, const char *const *arguments,
                const char *const *environment)
{
    int log = open_log(server);
    const struct child_streams streams = {-1, log, log};
    pid_t pid = child_start(arguments, environment, &streams, CHILD_SECONDS);
    int status = pid < 0 ? 127 : child_wait(pid);
    (void)close(log);
    if (status != 0) {
        (void)fprintf(stderr, "%s ended with %d\n", arguments[0], status);
        show_log(server);
    }
    return status == 0;
}

void server_process_adopt(struct server_process *server, const char *folder)
{
    *server = (struct server_process){.pid = 0};
    (void)snprintf(server->folder, sizeof server->folder, "%s", folder);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:0");
    path_of(server, "certs/ca.pem", server->ca);
}

bool server_process_make(struct server_process *server, const char *folder, const char *admin,
                         const char *password)
{
    char certs[SCRATCH_PATH + 32], data[SCRATCH_PATH + 32], secret[128];
    server_process_adopt(server, folder);
    (void)snprintf(secret, sizeof secret, "TANDEM_PASSWORD=%s", password);
    path_of(server, "certs", certs);
    path_of(server, "data", data);
    const char *const make[] = {"sh", CERTS_MAKE, certs, NULL};
    const char *const init[] = {TANDEMD_PROGRAM, "init", "--data", data, "--admin", admin, NULL};
    const char *const environment[] = {secret, NULL};
    return run(server, make, NULL) && run(server, init, environment);
}

/* The line that says the server is ready, which names its address. */
static bool read_ready(struct server_process *server, int descriptor)
{
    static const char name[] = "\"ready\":\"";
    char line[1024];
    FILE *stream = fdopen(descriptor, "re");
    const char *at =
        stream != NULL && fgets(line, sizeof line, stream) != NULL ? strstr(line, name) : NULL;
    if (stream != NULL) {
        (void)fclose(stream);
    } else {
        (void)close(descriptor);
    }
    if (at == NULL) {
        return false;
    }
    at += strlen(name);
    (void)snprintf(server->address, sizeof server->address, "%.*s", (int)strcspn(at, "\""), at);
    (void)snprintf(server->url, sizeof server->url, "wss://%s", server->address);
    return true;
}

static pid_t launch(const struct server_process *server, const char *const *more, long clock_shift,
                    int out)
{
    char data[SCRATCH_PATH + 32], cert[SCRATCH_PATH + 32], key[SCRATCH_PATH + 32];
    char shift[64], sanitizer[256];
    const char *options = getenv("ASAN_OPTIONS");
    path_of(server, "data", data);
    path_of(server, "certs/server.pem", cert);
    path_of(server, "certs/server.key", key);
    (void)snprintf(shift, sizeof shift, "TANDEM_TEST_CLOCK_SHIFT=%ld", clock_shift);
    /* The sanitizer wants to be the first library; the clock is nothing it watches. */
    (void)snprintf(sanitizer, sizeof sanitizer, "ASAN_OPTIONS=verify_asan_link_order=0:%s",
                   options == NULL ? "" : options);
    const char *const own[] = {TANDEMD_PROGRAM, "run",      "--data", data,    "--listen",
                               server->address, "--cert",   cert,     "--key", key,
                               "--ca",          server->ca, "--json", NULL};
    const char *const *const parts[] = {server->wrapper, own, more};
    const char *arguments[MOST_ARGUMENTS] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        for (size_t j = 0; parts[i] != NULL && parts[i][j] != NULL; j++) {
            if (count + 1 < MOST_ARGUMENTS) {
                arguments[count++] = parts[i][j];
            }
        }
    }
    const char *const shifted[] = {shift, sanitizer, "LD_PRELOAD=" CLOCK_SHIFT_LIBRARY, NULL};
    int log = open_log(server);
    const struct child_streams streams = {-1, out, log};
    pid_t pid = child_start(arguments, clock_shift == 0 ? NULL : shifted, &streams, 0);
    (void)close(log);
    return pid;
}

bool server_process_start(struct server_process *server, const char *const *arguments,
                          long clock_shift)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        perror("pipe");
        return false;
    }
    pid_t pid = launch(server, arguments, clock_shift, ends[1]);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return false;
    }
    server->pid = pid;
    if (read_ready(server, ends[0])) {
        return true;
    }
    (void)fprintf(stderr, "the server did not say that it is ready\n");
    (void)kill(pid, SIGKILL);
    (void)child_wait(pid);
    server->pid = 0;
    show_log(server);
    return false;
}

bool server_process_stop(struct server_process *server)
{
    if (server->pid == 0) {
        return true;
    }
    (void)kill(server->pid, SIGTERM);
    int status = child_wait(server->pid);
    server->pid = 0;
    if (status != 0) {
        (void)fprintf(stderr, "the server ended with %d\n", status);
        show_log(server);
    }
    return status == 0;
}

void server_process_kill(struct server_process *server)
{
    if (server->pid != 0) {
        (void)kill(server->pid, SIGKILL);
        (void)child_wait(server->pid);
        server->pid = 0;
    }
}

bool server_process_check(const struct server_process *server)
{
    char data[SCRATCH_PATH + 32];
    path_of(server, "data", data);
    const char *const arguments[] = {TANDEMD_PROGRAM, "check", "--data", data, NULL};
    return run(server, arguments, NULL);
}
