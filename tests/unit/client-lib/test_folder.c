/* Whose a folder is, and what is not accepted in it. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/storage/folder.h"

/* Somebody else: nobody of ours. */
#define STRANGER 65533

static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = folder_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, mode_t mode)
{
    int file = open(in_folder(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(fchmod(file, mode), 0);
    assert_int_equal(close(file), 0);
}

static void expect_denied(const char *words)
{
    const tandem_options options = {.replica = folder};
    tandem_client *client = NULL;
    tandem_fault fault;
    assert_int_equal(folder_make(folder, &fault), STATUS_DENIED);
    assert_non_null(strstr(fault.detail, words));
    assert_non_null(strstr(fault.detail, folder));
    assert_int_equal(tandem_open(&options, &client, &fault), STATUS_DENIED);
    assert_non_null(strstr(fault.detail, words));
    assert_null(client);
}

static void what_is_made_is_its_owners_alone(void **state)
{
    static const char *const names[] = {"lock", "data.mdb", "lock.mdb", "outbox.mdb",
                                        "outbox.mdb-lock"};
    const tandem_options options = {.replica = folder};
    tandem_client *client = NULL;
    tandem_fault fault;
    struct stat found;
    mode_t before = umask(0);
    (void)state;
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(tandem_open(&options, &client, &fault), TANDEM_OK);
    (void)umask(before);
    assert_int_equal(stat(folder, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0700);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(stat(in_folder(names[i]), &found), 0);
        assert_int_equal(found.st_mode & 07777, 0600);
    }
    tandem_close(client);
}

static void a_folder_that_others_may_write_to_is_refused(void **state)
{
    tandem_fault fault;
    (void)state;
    assert_int_equal(chmod(folder, 0770), 0);
    expect_denied("others may write to the folder");
    assert_int_equal(chmod(folder, 01777), 0);
    expect_denied("others may write to the folder");
    assert_int_equal(chmod(folder, 0755), 0); /* there is nothing in it for them */
    assert_ok(folder_make(folder, &fault));
}

static void a_link_in_the_place_of_a_file_is_refused(void **state)
{
    static const char *const names[] = {"lock", "data.mdb", "lock.mdb", "outbox.mdb",
                                        "outbox.mdb-lock"};
    struct stat found;
    (void)state;
    make_file("victim", 0600);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(symlink("victim", in_folder(names[i])), 0);
        expect_denied("is a link");
        assert_int_equal(unlink(in_folder(names[i])), 0);
    }
    assert_int_equal(stat(in_folder("victim"), &found), 0);
    assert_int_equal(found.st_size, 0);
    assert_int_equal(mkfifo(in_folder("outbox.mdb"), 0600), 0);
    expect_denied("is no file");
}

static void files_that_others_may_read_are_closed_to_them(void **state)
{
    struct stat found;
    tandem_fault fault;
    (void)state;
    make_file("outbox.mdb", 0644);
    assert_ok(folder_make(folder, &fault));
    assert_int_equal(stat(in_folder("outbox.mdb"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
}

static void what_is_somebody_elses_is_refused(void **state)
{
    char path[600];
    tandem_fault fault;
    (void)state;
    if (geteuid() != 0) {
        /* Only the system's own folders are another's for certain. */
        assert_int_equal(folder_make("/usr", &fault), STATUS_DENIED);
        assert_non_null(strstr(fault.detail, "belongs to another user"));
        return;
    }
    make_file("data.mdb", 0600);
    assert_int_equal(chown(in_folder("data.mdb"), STRANGER, STRANGER), 0);
    expect_denied("data.mdb belongs to another user (65533)");
    assert_int_equal(unlink(in_folder("data.mdb")), 0);
    assert_int_equal(chown(folder, STRANGER, STRANGER), 0);
    expect_denied("belongs to another user (65533)");
    /* Also where a link leads there. */
    snprintf(path, sizeof path, "%s.link", folder);
    assert_int_equal(symlink(folder, path), 0);
    assert_int_equal(folder_make(path, &fault), STATUS_DENIED);
    assert_int_equal(unlink(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_made_is_its_owners_alone),
        TEST(a_folder_that_others_may_write_to_is_refused),
        TEST(a_link_in_the_place_of_a_file_is_refused),
        TEST(files_that_others_may_read_are_closed_to_them),
        TEST(what_is_somebody_elses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
