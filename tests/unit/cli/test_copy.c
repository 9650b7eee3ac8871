/* What is known of a profile's copy. */
#include "prelude.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli_copy.h"
#include "run.h"

static struct profile profile;

static int set_up(void **state)
{
    char path[PROFILE_PATH];
    char problem[256];
    (void)state;
    assert_true(profile_load(&profile, problem));
    profile_delete_folder(profile_replica(&profile, path));
    (void)snprintf(profile.session.url, sizeof profile.session.url, "wss://localhost:7443");
    (void)snprintf(profile.session.user, sizeof profile.session.user, "kari");
    return 0;
}

static const struct copy known = {
    .url = "wss://localhost:7443", .user = "kari", .role = "Member", .offline = true,
    .caught_up_ms = 1772357400123};

static void save(const struct copy *copy)
{
    char path[PROFILE_PATH];
    char problem[256];
    assert_true(profile_make_folder(profile_replica(&profile, path), problem));
    assert_true(copy_save(&profile, copy, problem));
}

static void there_is_none_at_first(void **state)
{
    struct copy copy;
    (void)state;
    copy_load(&profile, &copy);
    assert_false(copy.kept);
    assert_int_equal(copy.caught_up_ms, 0);
}

static void it_is_remembered(void **state)
{
    struct copy copy;
    struct stat found;
    char path[PROFILE_PATH + 16];
    char folder[PROFILE_PATH];
    (void)state;
    save(&known);
    copy_load(&profile, &copy);
    assert_true(copy.kept);
    assert_string_equal(copy.url, known.url);
    assert_string_equal(copy.user, known.user);
    assert_string_equal(copy.role, known.role);
    assert_true(copy.offline);
    assert_int_equal(copy.caught_up_ms, known.caught_up_ms);
    (void)snprintf(path, sizeof path, "%s/copy", profile_replica(&profile, folder));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

/* What waits in the outbox beside it must be found all the same. */
static void a_damaged_one_is_kept_and_not_trusted(void **state)
{
    static const char *const damaged[] = {"", "nonsense\n", "caught-up 5\n",
                                          "url wss://x\nuser kari\ncaught-up -5\n"};
    char path[PROFILE_PATH + 16];
    char folder[PROFILE_PATH];
    (void)state;
    save(&known);
    (void)snprintf(path, sizeof path, "%s/copy", profile_replica(&profile, folder));
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct copy copy;
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(damaged[i], file);
        (void)fclose(file);
        copy_load(&profile, &copy);
        assert_true(copy.kept);
        assert_int_equal(copy.caught_up_ms, 0);
        assert_string_equal(copy.user, "");
    }
}

static void nothing_begins_a_line_of_its_own(void **state)
{
    struct copy copy = known;
    char problem[256];
    (void)state;
    save(&known);
    (void)snprintf(copy.role, sizeof copy.role, "Member\nuser nils");
    assert_false(copy_save(&profile, &copy, problem));
    assert_non_null(strstr(problem, "control characters"));
    copy_load(&profile, &copy);
    assert_string_equal(copy.user, "kari");
    assert_string_equal(copy.role, "Member");
}

/* Also when nobody is signed in any more, as after a change of the password. */
static void it_belongs_to_whom_it_was_made_for(void **state)
{
    (void)state;
    assert_false(copy_is_foreign(&profile, known.url, "kari")); /* by the session */
    assert_true(copy_is_foreign(&profile, known.url, "nils"));
    assert_true(copy_is_foreign(&profile, "wss://elsewhere", "kari"));
    save(&known);
    profile.session = (struct session){.url = ""};
    assert_false(copy_is_foreign(&profile, known.url, "kari"));
    assert_true(copy_is_foreign(&profile, known.url, "nils"));
    assert_true(copy_is_foreign(&profile, "wss://elsewhere", "kari"));
}

/* A watch notes how new the copy is while commands write the rest. */
static void only_its_age_is_noted(void **state)
{
    struct copy copy;
    char problem[256];
    (void)state;
    assert_true(copy_note_time(&profile, 1, problem)); /* there is none to note it of */
    copy_load(&profile, &copy);
    assert_false(copy.kept);
    save(&known);
    assert_true(copy_note_time(&profile, known.caught_up_ms + 60000, problem));
    copy_load(&profile, &copy);
    assert_true(copy.offline);
    assert_string_equal(copy.role, known.role);
    assert_int_equal(copy.caught_up_ms, known.caught_up_ms + 60000);
}

/* Who signed in since has a copy of their own. */
static void the_age_of_another_ones_copy_is_left_alone(void **state)
{
    struct copy copy;
    char problem[256];
    (void)state;
    save(&known);
    (void)snprintf(profile.session.user, sizeof profile.session.user, "nils");
    assert_true(copy_note_time(&profile, known.caught_up_ms + 60000, problem));
    copy_load(&profile, &copy);
    assert_int_equal(copy.caught_up_ms, known.caught_up_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(there_is_none_at_first, set_up),
        cmocka_unit_test_setup(it_is_remembered, set_up),
        cmocka_unit_test_setup(a_damaged_one_is_kept_and_not_trusted, set_up),
        cmocka_unit_test_setup(nothing_begins_a_line_of_its_own, set_up),
        cmocka_unit_test_setup(it_belongs_to_whom_it_was_made_for, set_up),
        cmocka_unit_test_setup(only_its_age_is_noted, set_up),
        cmocka_unit_test_setup(the_age_of_another_ones_copy_is_left_alone, set_up),
    };
    char folder[64];
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
