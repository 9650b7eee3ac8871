/* The program from outside: commands, exit statuses, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/core/session/session.h"
#include "server/store/store.h"
#include "tests/unit/net/net_certs.h"
#include "tests/unit/net/net_client.h"

static char folder[] = "/tmp/tandem-process-XXXXXX";
static struct test_authority ca;

struct process {
    pid_t pid;
    int out, err;
};

/* Runs tandemd with these arguments (NULL at the end) in the test's folder. */
static struct process start(const char *const *arguments)
{
    int out[2], err[2];
    char *argv[24] = {(char *)(uintptr_t)TANDEMD};
    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    struct process process = {.pid = fork(), .out = out[0], .err = err[0]};
    if (process.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        if (chdir(folder) == 0)
            execv(TANDEMD, argv);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    return process;
}

/* One line, or what there is until the end; empty after ten seconds of silence. */
static void read_line(int fd, char out[512])
{
    size_t at = 0;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    while (at < 511 && poll(&polled, 1, 10000) == 1 && read(fd, out + at, 1) == 1) {
        if (out[at++] == '\n')
            break;
    }
    out[at] = '\0';
}

static void await_line(int fd, const char *part)
{
    char line[512];
    do {
        read_line(fd, line);
        if (line[0] == '\0')
            print_error("\"%s\" was never said\n", part);
        assert_true(line[0] != '\0');
    } while (!strstr(line, part));
}

static int finish(struct process *process)
{
    int status = 0;
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    close(process->out);
    close(process->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define START(...) start((const char *const[]){__VA_ARGS__, NULL})

/* Exit status, with a part of what is said on standard error ("" for anything). */
static int run_to_end(struct process process, const char *says)
{
    if (says[0])
        await_line(process.err, says);
    return finish(&process);
}

#define SERVE \
    "run", "--data", "data", "--listen", "127.0.0.1:0", "--cert", "server.pem", "--key", "server.key"

static struct process serve(char address[64])
{
    struct process process = START(SERVE);
    char line[512];
    read_line(process.out, line);
    assert_int_equal(sscanf(line, "tandemd: ready on wss://%63[^,], data in data (seq", address), 1);
    return process;
}

static void write_certificate(const char *name)
{
    char certificate[96], key[96];
    snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
    snprintf(key, sizeof key, "%s/server.key", folder);
    test_certificate_write(&ca, name, 10, certificate, key, NULL);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    ca = test_authority_make("test authority");
    write_certificate("first");
    setenv("TANDEM_PASSWORD", "correct horse", 1);
    struct process process = START("init", "--data", "data", "--admin", "kari");
    await_line(process.out, "kari");
    return finish(&process);
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    test_authority_free(&ca);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_usage(void **state)
{
    (void)state;
    assert_int_equal(run_to_end(START("fly"), "no command \"fly\""), 2);
    assert_int_equal(run_to_end(START("init", "--data", "other"), "needs --data and --admin"), 2);
    assert_int_equal(run_to_end(START("run", "--data", "data"), "cert is not set"), 2);
    assert_int_equal(run_to_end(START("run", "--colour", "red"), "no flag --colour"), 2);
    assert_int_equal(run_to_end(START("--version"), ""), 0);
    assert_int_equal(run_to_end(START("--help"), ""), 0);
}

static void test_init(void **state)
{
    (void)state;
    struct stat about;
    char path[96];
    snprintf(path, sizeof path, "%s/data", folder);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(run_to_end(START("init", "--data", "data", "--admin", "nils"), "is a store"),
                     1);
    setenv("TANDEM_PASSWORD", "short", 1);
    assert_int_equal(run_to_end(START("init", "--data", "weak", "--admin", "nils"), "8 to 1,000"),
                     1);
    setenv("TANDEM_PASSWORD", "correct horse", 1);
    /* A refusal leaves nothing in the way of the next attempt. */
    char name[200];
    memset(name, 'x', sizeof name);
    name[199] = '\0';
    assert_int_equal(run_to_end(START("init", "--data", "again", "--admin", name), "init: "), 1);
    assert_int_equal(run_to_end(START("init", "--data", "again", "--admin", "nils"), ""), 0);
}

static void test_offline(void **state)
{
    (void)state;
    struct process process = START("check", "--data", "data", "--json");
    await_line(process.out, "\"status\":\"ok\"");
    assert_int_equal(finish(&process), 0);
    assert_int_equal(run_to_end(START("check", "--data", "nowhere"), "check: "), 1);
    assert_int_equal(run_to_end(START("reset-password", "--data", "data", "kari"), ""), 0);
    assert_int_equal(
        run_to_end(START("reset-password", "--data", "data", "nobody"), "no user nobody"), 1);
    assert_int_equal(run_to_end(START("backup", "--data", "data", "--to", "copy"), ""), 0);
    assert_int_equal(run_to_end(START("check", "--data", "copy"), ""), 0);
    assert_int_equal(run_to_end(START("backup", "--data", "data", "--to", "copy"), "not empty"), 1);
}

static struct id epoch_of(const char *name)
{
    char path[96];
    struct store *store;
    struct store_reader *reader;
    struct state snapshot;
    struct meta meta;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct store_options options = {.path = path};
    assert_int_equal(store_open(&options, &store, NULL), STATUS_OK);
    assert_int_equal(store_reader_new(store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &snapshot), STATUS_OK);
    assert_int_equal(snapshot.ops->meta(snapshot.self, &meta), STATUS_OK);
    store_read_end(reader);
    store_reader_free(reader);
    store_close(store);
    return meta.epoch;
}

/* A backup is the same history, what is restored from it another. */
static void test_restore(void **state)
{
    (void)state;
    assert_int_equal(run_to_end(START("backup", "--data", "data", "--to", "saved"), ""), 0);
    assert_int_equal(run_to_end(START("restore", "--from", "saved", "--data", "new"), ""), 0);
    assert_int_equal(run_to_end(START("check", "--data", "new"), ""), 0);
    assert_true(id_equal(epoch_of("data"), epoch_of("saved")));
    assert_false(id_equal(epoch_of("saved"), epoch_of("new")));
    assert_int_equal(
        run_to_end(START("restore", "--from", "saved", "--data", "data"), "not empty"), 1);
    assert_int_equal(run_to_end(START("restore", "--from", "none", "--data", "x"), "restore: "), 1);
}

static void test_check_config(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof path, "%s/tandemd.conf", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("data = data\ncert = server.pem\nkey = server.key\nthreads = 3\n", file);
    fclose(file);
    struct process process = START("--check-config", "tandemd.conf");
    await_line(process.out, "threads = 3");
    assert_int_equal(finish(&process), 0);
    process = START("run", "--config", "tandemd.conf", "--check-config", "--threads", "5");
    await_line(process.out, "threads = 5");
    assert_int_equal(finish(&process), 0);
    assert_int_equal(
        run_to_end(START("run", "--config", "tandemd.conf", "--check-config", "--key", "none"),
                   "cannot read the key none"),
        1);
    assert_int_equal(
        run_to_end(START("run", "--config", "tandemd.conf", "--check-config", "--listen", "here"),
                   "not an address"),
        1);
}

static void test_terminate(void **state)
{
    (void)state;
    char address[64];
    struct process process = serve(address);
    struct net_client client;
    assert_true(net_client_open(&client, address, &(struct net_client_options){.max_version = 0}));
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    assert_int_equal(net_client_close_code(&client), CLOSE_STOPPING);
    net_client_close(&client);
    assert_int_equal(run_to_end(process, "stopping"), 0);
    /* Nothing is in the way of the next start. */
    process = serve(address);
    assert_int_equal(kill(process.pid, SIGINT), 0);
    assert_int_equal(finish(&process), 0);
}

/* A peer that does not answer holds up the goodbyes, but not a second signal. */
static void test_second_signal(void **state)
{
    (void)state;
    char address[64];
    struct process process = serve(address);
    struct net_client client;
    assert_true(net_client_open(&client, address, &(struct net_client_options){.max_version = 0}));
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    await_line(process.err, "stopping");
    assert_int_equal(net_client_close_code(&client), CLOSE_STOPPING);
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    assert_int_equal(finish(&process), 128 + SIGTERM);
    net_client_close(&client);
}

static void shown_name(const char *address, char out[64])
{
    struct net_client client;
    assert_true(net_client_open(&client, address, &(struct net_client_options){.max_version = 0}));
    X509 *shown = SSL_get1_peer_certificate(client.ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, out, 64);
    X509_free(shown);
    net_client_close(&client);
}

static void test_reload(void **state)
{
    (void)state;
    char address[64], shown[64], certificate[96];
    struct process process = serve(address);
    write_certificate("second");
    assert_int_equal(kill(process.pid, SIGHUP), 0);
    await_line(process.err, "new certificates");
    shown_name(address, shown);
    assert_string_equal(shown, "second");
    snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
    assert_int_equal(remove(certificate), 0);
    assert_int_equal(kill(process.pid, SIGHUP), 0);
    await_line(process.err, "the old certificates stay");
    shown_name(address, shown);
    assert_string_equal(shown, "second");
    write_certificate("third");
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    assert_int_equal(finish(&process), 0);
}

static void test_while_served(void **state)
{
    (void)state;
    char address[64];
    struct process process = serve(address);
    assert_int_equal(run_to_end(START(SERVE), "in use by another process"), 1);
    assert_int_equal(run_to_end(START("check", "--data", "data"), "in use"), 1);
    struct process backup = START("backup", "--data", "data", "--to", "live copy");
    await_line(backup.out, "Copied to");
    assert_int_equal(finish(&backup), 0);
    await_line(process.err, "copied the store");
    assert_int_equal(
        run_to_end(START("backup", "--data", "data", "--to", "live copy"), "not empty"), 1);
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    assert_int_equal(finish(&process), 0);
    assert_int_equal(run_to_end(START("check", "--data", "live copy"), ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),         cmocka_unit_test(test_init),
        cmocka_unit_test(test_offline),       cmocka_unit_test(test_restore),
        cmocka_unit_test(test_check_config),
        cmocka_unit_test(test_terminate),     cmocka_unit_test(test_second_signal),
        cmocka_unit_test(test_reload),        cmocka_unit_test(test_while_served),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
