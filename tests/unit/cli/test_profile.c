#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_profile.h"
#include "run.h"

static char folder[64];

static void nobody_is_signed_in_at_first(void **state)
{
    (void)state;
    struct profile profile;
    char problem[256];
    assert_true(profile_load(&profile, problem));
    assert_false(profile.signed_in);
    assert_non_null(strstr(profile.folder, "/profile"));
}

static void fill(struct profile *profile)
{
    char problem[256];
    assert_true(profile_load(profile, problem));
    (void)snprintf(profile->session.url, sizeof profile->session.url, "wss://localhost:7443");
    (void)snprintf(profile->session.ca, sizeof profile->session.ca, "/a folder/ca.pem");
    (void)snprintf(profile->session.user, sizeof profile->session.user, "kari");
    (void)snprintf(profile->session.token, sizeof profile->session.token, "secret-token");
    assert_true(profile_save(profile, problem));
}

static void a_session_is_remembered_for_its_owner_alone(void **state)
{
    (void)state;
    struct profile saved;
    struct profile loaded;
    struct stat stat_now;
    char path[PROFILE_PATH];
    char problem[256];
    fill(&saved);
    fill(&saved);
    assert_true(profile_load(&loaded, problem));
    assert_true(loaded.signed_in);
    assert_string_equal(loaded.session.url, "wss://localhost:7443");
    assert_string_equal(loaded.session.ca, "/a folder/ca.pem");
    assert_string_equal(loaded.session.user, "kari");
    assert_string_equal(loaded.session.token, "secret-token");
    (void)snprintf(path, sizeof path, "%.3000s/session", saved.folder);
    assert_int_equal(stat(path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0600);
    assert_int_equal(stat(saved.folder, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0700);
    profile_forget_session(&loaded);
    assert_true(profile_load(&loaded, problem));
    assert_false(loaded.signed_in);
}

static void nothing_begins_a_line_of_its_own(void **state)
{
    (void)state;
    struct profile profile;
    struct profile loaded;
    char problem[256];
    char *const parts[] = {profile.session.url, profile.session.ca, profile.session.user,
                           profile.session.token};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fill(&profile);
        (void)snprintf(parts[i], 64, "x\nurl wss://elsewhere");
        assert_false(profile_save(&profile, problem));
        assert_non_null(strstr(problem, "control characters"));
        assert_true(profile_load(&loaded, problem));
        assert_string_equal(loaded.session.url, "wss://localhost:7443");
        assert_string_equal(loaded.session.token, "secret-token");
    }
    profile_forget_session(&loaded);
}

static void damage_is_named(void **state)
{
    (void)state;
    static const char *const damaged[] = {"", "nonsense", "url wss://x\n", "token only\n"};
    struct profile profile;
    char path[PROFILE_PATH];
    char problem[256];
    fill(&profile);
    (void)snprintf(path, sizeof path, "%.3000s/session", profile.folder);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(damaged[i], file);
        (void)fclose(file);
        assert_false(profile_load(&profile, problem));
        assert_non_null(strstr(problem, "damaged"));
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "url wss://x\ntoken %01000d\n", 1);
    (void)fclose(file);
    assert_false(profile_load(&profile, problem));
}

static void folders_of_files_are_deleted(void **state)
{
    (void)state;
    struct profile profile;
    char path[PROFILE_PATH];
    char file_path[PROFILE_PATH + 16];
    char problem[256];
    (void)profile_load(&profile, problem);
    profile_replica(&profile, path);
    assert_true(profile_make_folder(path, problem));
    (void)snprintf(file_path, sizeof file_path, "%s/data.mdb", path);
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    (void)fclose(file);
    profile_delete_folder(path);
    assert_int_not_equal(access(path, F_OK), 0);
    profile_delete_folder(path);
}

static void the_folder_follows_the_environment(void **state)
{
    (void)state;
    struct profile profile;
    char problem[256];
    char kept[128];
    (void)snprintf(kept, sizeof kept, "%s", getenv("TANDEM_PROFILE"));
    (void)unsetenv("TANDEM_PROFILE");
    (void)setenv("XDG_STATE_HOME", "/xdg", 1);
    (void)setenv("HOME", "/home/kari", 1);
    assert_true(profile_load(&profile, problem));
    assert_string_equal(profile.folder, "/xdg/tandem");
    (void)setenv("XDG_STATE_HOME", "relative", 1);
    assert_true(profile_load(&profile, problem));
    assert_string_equal(profile.folder, "/home/kari/.local/state/tandem");
    (void)unsetenv("XDG_STATE_HOME");
    (void)unsetenv("HOME");
    assert_false(profile_load(&profile, problem));
    (void)setenv("TANDEM_PROFILE", kept, 1);
}

/* The server's certificate is trusted by the system: no file is named. */
static void a_session_without_a_ca_is_remembered(void **state)
{
    (void)state;
    struct profile saved;
    struct profile loaded;
    char problem[256];
    fill(&saved);
    saved.session.ca[0] = '\0';
    assert_true(profile_save(&saved, problem));
    assert_true(profile_load(&loaded, problem));
    assert_true(loaded.signed_in);
    assert_string_equal(loaded.session.ca, "");
    assert_string_equal(loaded.session.token, "secret-token");
    profile_forget_session(&loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_signed_in_at_first),
        cmocka_unit_test(a_session_is_remembered_for_its_owner_alone),
        cmocka_unit_test(a_session_without_a_ca_is_remembered),
        cmocka_unit_test(nothing_begins_a_line_of_its_own),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(folders_of_files_are_deleted),
        cmocka_unit_test(the_folder_follows_the_environment),
    };
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
