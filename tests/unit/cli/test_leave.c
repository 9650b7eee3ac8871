/* At a terminal, who leaves with something in the outbox is asked. The server is away throughout:
 * the question comes before it is needed. */
#include "prelude.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_copy.h"
#include "run.h"

static char folder[64];

/* A profile with one change in its outbox. */
static void begin_profile(struct profile *profile)
{
    char problem[256];
    char path[PROFILE_PATH];
    char id[TANDEM_ID_TEXT];
    struct copy copy = {.caught_up_ms = 1772357400000, .url = "wss://127.0.0.1:9", .user = "kari"};
    tandem_client *client = NULL;
    assert_true(profile_load(profile, problem));
    (void)snprintf(profile->session.url, sizeof profile->session.url, "wss://127.0.0.1:9");
    (void)snprintf(profile->session.user, sizeof profile->session.user, "kari");
    (void)snprintf(profile->session.token, sizeof profile->session.token, "no-token");
    assert_true(profile_save(profile, problem));
    const tandem_options options = {.replica = profile_replica(profile, path)};
    assert_int_equal(tandem_open(&options, &client, NULL), TANDEM_OK);
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_int_equal(tandem_create(mutation, "account", id), TANDEM_OK);
    assert_int_equal(tandem_set_text(mutation, "name", "Fjord Bruk AS"), TANDEM_OK);
    assert_int_equal(tandem_send(client, mutation, NULL, NULL), TANDEM_OK);
    tandem_mutation_free(mutation);
    tandem_close(client);
    assert_true(copy_save(profile, &copy, problem));
}

static size_t entries_left(const struct profile *profile)
{
    char path[PROFILE_PATH];
    tandem_client *client = NULL;
    const tandem_options options = {.replica = profile_replica(profile, path)};
    assert_int_equal(tandem_open(&options, &client, NULL), TANDEM_OK);
    size_t count = tandem_outbox_count(client, 0);
    tandem_close(client);
    return count;
}

/* Runs `tandem logout` with the terminal as its own. */
static void log_out(const char *terminal)
{
    char *words[] = {(char *)"tandem", (char *)"logout", NULL};
    (void)setsid();
    int file = open(terminal, O_RDWR);
    (void)ioctl(file, TIOCSCTTY, 0);
    (void)dup2(file, STDIN_FILENO);
    (void)dup2(file, STDOUT_FILENO);
    (void)dup2(file, STDERR_FILENO);
    _exit(cli_main(2, words, stdout, stderr));
}

/* Reads what is said until it ends with `until`, or the other side is gone. */
static void read_until(int master, const char *until, struct buffer *said)
{
    struct pollfd polled = {.fd = master, .events = POLLIN};
    char block[512];
    ssize_t size = 0;
    size_t length = strlen(until);
    while (poll(&polled, 1, 30000) == 1 && (size = read(master, block, sizeof block)) > 0) {
        buffer_append(said, block, (size_t)size);
        if (length > 0 && said->size >= length &&
            memcmp(said->data + said->size - length, until, length) == 0) {
            return;
        }
    }
}

static int answer(const char *word, struct buffer *said)
{
    int status = 0;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    const char *terminal = ptsname(master);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        log_out(terminal);
    }
    read_until(master, "(yes/no) ", said);
    assert_true(write(master, word, strlen(word)) > 0);
    read_until(master, "", said);
    buffer_append_byte(said, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(master);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const struct buffer *said, const char *text)
{
    if (strstr((const char *)said->data, text) == NULL) {
        print_error("%s\n", (const char *)said->data);
    }
    assert_non_null(strstr((const char *)said->data, text));
}

static void without_a_yes_nothing_is_thrown_away(void **state)
{
    struct profile profile;
    struct buffer said = {0};
    (void)state;
    begin_profile(&profile);
    assert_int_equal(answer("no\n", &said), TANDEM_REFUSED);
    expect(&said, "1 change of kari is not with the server yet:");
    expect(&said, "Fjord Bruk AS");
    expect(&said, "Send what waits: tandem online");
    expect(&said, "Throw it away for good? (yes/no)");
    expect(&said, "not signed out, and nothing was thrown away");
    assert_int_equal(entries_left(&profile), 1);
    buffer_release(&said);
}

/* It goes on, to the server, without which nobody is signed out. */
static void a_yes_is_enough(void **state)
{
    struct profile profile;
    struct buffer said = {0};
    char problem[256];
    (void)state;
    assert_true(profile_load(&profile, problem));
    assert_int_equal(answer("yes\n", &said), TANDEM_UNREACHABLE);
    expect(&said, "You are still signed in.");
    assert_int_equal(entries_left(&profile), 1);
    buffer_release(&said);
}

static void elsewhere_the_flag_is_needed(void **state)
{
    (void)state;
    struct run run = run_tandem("logout", (char *)NULL);
    assert_int_equal(run.status, TANDEM_REFUSED);
    assert_non_null(strstr(run.err, "--discard"));
    assert_non_null(strstr(run.err, "Fjord Bruk AS"));
    run_release(&run);
}

/* What could not be read was kept for somebody to repair. */
static void a_damaged_outbox_is_not_deleted_by_the_way(void **state)
{
    struct profile profile;
    char problem[256];
    char path[PROFILE_PATH];
    char damaged[PROFILE_PATH + 32];
    (void)state;
    assert_true(profile_load(&profile, problem));
    struct run run = run_tandem("outbox", "drop", "1", (char *)NULL);
    assert_int_equal(run.status, TANDEM_DONE);
    run_release(&run);
    (void)snprintf(damaged, sizeof damaged, "%s/outbox.mdb.damaged-1",
                   profile_replica(&profile, path));
    FILE *file = fopen(damaged, "w");
    assert_non_null(file);
    (void)fclose(file);
    run = run_tandem("logout", (char *)NULL);
    assert_int_equal(run.status, TANDEM_REFUSED);
    assert_non_null(strstr(run.err, damaged));
    assert_non_null(strstr(run.err, "--discard"));
    run_release(&run);
    assert_int_equal(access(damaged, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_yes_nothing_is_thrown_away),
        cmocka_unit_test(a_yes_is_enough),
        cmocka_unit_test(elsewhere_the_flag_is_needed),
        cmocka_unit_test(a_damaged_outbox_is_not_deleted_by_the_way),
    };
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
