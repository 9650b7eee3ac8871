/* What is said of troubles on this machine: what happened, what is safe, what to do. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/cli.h"
#include "protocol/status.h"
#include "run.h"

static char folder[64];
static bool disk_is_full;

/* The linker puts it in the place of the system's. */
int __real_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out)
{
    int code = __real_statvfs(path, out);
    if (disk_is_full) {
        out->f_bavail = 1;
    }
    return code;
}

static struct cli begin(char path[PROFILE_PATH])
{
    struct cli cli = {.in_folder = true};
    char problem[256];
    assert_true(profile_load(&cli.profile, problem));
    (void)profile_replica(&cli.profile, path);
    return cli;
}

/* The sentence says all of these. */
static void expect_failure(struct cli *cli, tandem_code code, const char *detail,
                           const char *const *parts, enum tandem_failure failure)
{
    char *said = NULL;
    size_t size = 0;
    tandem_fault fault = {.code = code, .change = -1};
    (void)snprintf(fault.detail, sizeof fault.detail, "%s", detail);
    cli->err = open_memstream(&said, &size);
    assert_non_null(cli->err);
    assert_int_equal(cli_fault(cli, "nothing was changed", &fault), failure);
    (void)fclose(cli->err);
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (strstr(said, parts[i]) == NULL) {
            print_error("%s\n", said);
        }
        assert_non_null(strstr(said, parts[i]));
    }
    free(said);
}

static void expect(struct cli *cli, tandem_code code, const char *detail, const char *const *parts)
{
    expect_failure(cli, code, detail, parts, tandem_error_class(code));
}

static void expect_without(struct cli *cli, tandem_code code, const char *detail, const char *part)
{
    char *said = NULL;
    size_t size = 0;
    tandem_fault fault = {.code = code, .change = -1};
    (void)snprintf(fault.detail, sizeof fault.detail, "%s", detail);
    cli->err = open_memstream(&said, &size);
    assert_non_null(cli->err);
    (void)cli_fault(cli, NULL, &fault);
    (void)fclose(cli->err);
    assert_null(strstr(said, part));
    free(said);
}

static void an_outbox_of_a_newer_version(void **state)
{
    char path[PROFILE_PATH];
    struct cli cli = begin(path);
    (void)state;
    expect(&cli, STATUS_FORMAT_VERSION, "a newer version wrote the outbox, in which 1 changes wait",
           (const char *const[]){"a newer version of tandem wrote the outbox in ", path,
                                 "in which 1 change waits", "Nothing was touched", "tandem online",
                                 NULL});
    expect(&cli, STATUS_FORMAT_VERSION, "in which 12 changes wait",
           (const char *const[]){"in which 12 changes wait.", NULL});
    expect_without(&cli, STATUS_FORMAT_VERSION,
                   "a newer version wrote the outbox, in which 0 changes wait", "change");
    cli.in_folder = false; /* then it is about something else */
    expect(&cli, STATUS_FORMAT_VERSION, "", (const char *const[]){"by another version", NULL});
}

static void others_in_the_way(void **state)
{
    char path[PROFILE_PATH];
    struct cli cli = begin(path);
    (void)state;
    expect(&cli, STATUS_LOCKED, "the outbox in x is damaged, and others have it open",
           (const char *const[]){"the outbox in x is damaged, and others have it open.",
                                 "nothing is thrown away", "tandem watch", NULL});
    expect(&cli, STATUS_LOCKED, "another program holds up x",
           (const char *const[]){"another program has stopped", path, "Nothing was changed", "fg",
                                 NULL});
}

static void an_outbox_that_is_full(void **state)
{
    char path[PROFILE_PATH];
    struct cli cli = begin(path);
    (void)state;
    expect(&cli, STATUS_LIMIT, "",
           (const char *const[]){"the outbox holds no more", "is kept", "tandem online", NULL});
}

/* Also where it only looks as if the server were away: what it says cannot be noted down. */
static void a_disk_that_is_full(void **state)
{
    static const char *const parts[] = {
        "the disk with ", "/replica is full.", "What is in the outbox is kept",
        "Make room",      "tandem outbox",     NULL};
    static const char *const away[] = {"the server cannot be reached", NULL};
    char path[PROFILE_PATH];
    char problem[256];
    struct cli cli = begin(path);
    (void)state;
    assert_true(profile_make_folder(path, problem));
    expect(&cli, STATUS_UNREACHABLE, "no answer came in time", away);
    disk_is_full = true;
    expect(&cli, STATUS_IO, "", parts);
    expect_failure(&cli, STATUS_UNREACHABLE, "no answer came in time", parts, TANDEM_REFUSED);
    disk_is_full = false;
    assert_int_equal(rmdir(path), 0);
}

/* A folder that is none, and one in which the disk fails. */
static void a_folder_that_is_none(void **state)
{
    char path[PROFILE_PATH];
    struct cli cli = begin(path);
    char problem[256];
    (void)state;
    assert_true(profile_make_folder(path, problem));
    expect(&cli, STATUS_IO, "cannot read it",
           (const char *const[]){"the disk reported an error in ", path, ": cannot read it",
                                 "stays on the disk", "tandem outbox", NULL});
    assert_int_equal(rmdir(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    expect(&cli, STATUS_IO, "cannot open it",
           (const char *const[]){path, " is not a folder", "Nothing was changed", "TANDEM_PROFILE",
                                 NULL});
    assert_false(profile_make_folder(path, problem));
    assert_non_null(strstr(problem, "Not a directory"));
    assert_int_equal(unlink(path), 0);
}

/* A profile that is no folder is not one where nobody is signed in. */
static void a_profile_that_is_none(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    (void)setenv("TANDEM_PROFILE", path, 1);
    struct run run = run_tandem("outbox", (char *)NULL);
    assert_int_equal(run.status, TANDEM_REFUSED);
    assert_non_null(strstr(run.err, "is not a folder"));
    run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outbox_of_a_newer_version), cmocka_unit_test(others_in_the_way),
        cmocka_unit_test(an_outbox_that_is_full),       cmocka_unit_test(a_disk_that_is_full),
        cmocka_unit_test(a_folder_that_is_none),        cmocka_unit_test(a_profile_that_is_none),
    };
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
