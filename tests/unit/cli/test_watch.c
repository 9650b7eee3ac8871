/* A watch that is killed leaves nothing in the temporary folder, however early that happens. The
 * server here takes the connection and says nothing. */
#include "prelude.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli_profile.h"
#include "run.h"

static char folder[64];
static char temporary[96];

static int listen_on(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server >= 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server, 4), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return server;
}

static void remember_a_session(unsigned port)
{
    struct profile profile;
    char problem[256];
    memset(&profile, 0, sizeof profile);
    assert_true(profile_load(&profile, problem));
    (void)snprintf(profile.session.url, sizeof profile.session.url, "wss://127.0.0.1:%u", port);
    (void)snprintf(profile.session.user, sizeof profile.session.user, "kari");
    (void)snprintf(profile.session.token, sizeof profile.session.token, "no-token");
    assert_true(profile_save(&profile, problem));
}

static size_t files_left(void)
{
    size_t count = 0;
    DIR *directory = opendir(temporary);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(directory);
    return count;
}

static void a_watch_killed_before_it_is_connected_leaves_nothing(void **state)
{
    (void)state;
    unsigned port = 0;
    int server = listen_on(&port);
    remember_a_session(port);
    pid_t watch = fork();
    assert_true(watch >= 0);
    if (watch == 0) {
        struct run run = run_tandem("watch", "--fresh", "--json", (char *)NULL);
        _exit(run.status);
    }
    struct pollfd polled = {.fd = server, .events = POLLIN};
    assert_int_equal(poll(&polled, 1, 30000), 1);
    assert_int_equal(kill(watch, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(watch, &status, 0), watch);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(files_left(), 0);
    (void)close(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_killed_before_it_is_connected_leaves_nothing),
    };
    (void)run_folder(folder);
    (void)snprintf(temporary, sizeof temporary, "%s/tmp", folder);
    if (mkdir(temporary, 0700) != 0) {
        return 1;
    }
    (void)setenv("TMPDIR", temporary, 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
