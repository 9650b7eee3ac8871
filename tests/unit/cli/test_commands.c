/* Every command of the table: usage, help, manual page, and what happens without a server. */
#include "prelude.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_arguments.h"
#include "run.h"

#define ID "0192f0c1-5a3e-7c41-9d0e-3b1f6a7c8d9e"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = test_calloc(1, 1u << 20);
    size_t size = fread(text, 1, (1u << 20) - 1, file);
    assert_true(size > 0);
    (void)fclose(file);
    return text;
}

/* Runs "name word" with nothing else, however many words the name has. */
static struct run run_command(const struct command *command, const char *option)
{
    char words[64];
    (void)snprintf(words, sizeof words, "%s", command->name);
    char *space = strchr(words, ' ');
    if (space == NULL) {
        return run_tandem(words, option, (char *)NULL);
    }
    *space = '\0';
    return run_tandem(words, space + 1, option, (char *)NULL);
}

static void every_command_has_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        struct run run = run_command(command, "--help");
        assert_int_equal(run.status, 0);
        assert_non_null(strstr(run.out, command->summary));
        for (const struct option_def *option = command->options;
             option != NULL && option->name != NULL; option++) {
            assert_non_null(strstr(run.out, option->name));
        }
        assert_string_equal(run.err, "");
        run_release(&run);
    }
}

static void wrong_use_of_any_command_exits_with_2(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        struct run run = run_command(command, "--no-such-option");
        assert_int_equal(run.status, 2);
        assert_non_null(strstr(run.err, "--no-such-option"));
        assert_non_null(strstr(run.err, "--help"));
        assert_string_equal(run.out, "");
        run_release(&run);
        if (command->least > 0) {
            run = run_command(command, NULL);
            assert_int_equal(run.status, 2);
            assert_non_null(strstr(run.err, command->arguments));
            run_release(&run);
        }
    }
}

static void expect_usage(struct run run, const char *part)
{
    if (run.status != 2 || strstr(run.err, part) == NULL) {
        print_error("status %d: %s\n", run.status, run.err);
    }
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, part));
    run_release(&run);
}

#define USAGE(part, ...) expect_usage(run_tandem(__VA_ARGS__, (char *)NULL), part)

static void meanings_are_checked_before_anything_is_connected(void **state)
{
    (void)state;
    USAGE("wss://", "login", "ws://localhost", "--user", "kari");
    USAGE("--user", "login", "wss://localhost");
    USAGE("--key", "login", "wss://localhost", "--certificate", "x.pem");
    USAGE("FIELD=VALUE", "add", "account", "name");
    USAGE("FIELD=VALUE", "edit", ID, "name");
    USAGE("--base", "edit", ID, "name=x", "--base", "soon");
    USAGE("no condition", "list", "account", "--where", "name");
    USAGE("--limit", "list", "account", "--limit", "0");
    USAGE("--count", "watch", "--count", "many");
    USAGE("--channel", "log", ID, "text");
    USAGE("the text is empty", "note", ID, "");
    USAGE("the text is empty", "log", ID, " \n", "--channel", "call");
    USAGE("choose one: --edit or --print", "note", ID, "--print", "--edit");
    USAGE("does not go with --print", "note", ID, "text", "--print");
    USAGE("--version is a whole number", "note", ID, "--print", "--version", "-1");
    USAGE("--version goes with", "note", ID, "--version", "3");
    USAGE("--version goes with", "note", ID, "--versions", "--version", "3");
    USAGE("go with --versions", "note", ID, "--blame", "--limit", "3");
    USAGE("go with --versions", "note", ID, "--print", "--all");
    USAGE("--limit is a whole number, at least 1", "note", ID, "--versions", "--limit", "0");
    USAGE("--yes goes with --restore", "note", ID, "--print", "--yes");
    USAGE("--restore is a whole number", "note", ID, "--restore", "last");
    USAGE("for a new note", "note", ID, "--print", "--share", "suppliers");
    USAGE("needs a terminal", "note", ID, "--edit");
    USAGE("needs the id", "note", "Fjord Bruk AS", "--discard");
    USAGE("--limit", "timeline", ID, "--limit", "x");
    USAGE("--with", "share", ID);
    USAGE("--from", "unshare", ID);
    USAGE("--level", "assign", "Nordic Paper", ID);
    USAGE("--kind", "party", "add", "Nordic Paper");
    USAGE("--department", "user", "add", "nils");
    USAGE("not of both", "user", "add", "nils", "--department", "a", "--partner", "b");
    USAGE("--department", "user", "move", "nils");
    USAGE("--kind", "field", "add", "account", "fleet");
    USAGE("--as", "import", "x.csv");
    USAGE("--delimiter", "import", "x.csv", "--as", "account", "--delimiter", "ab");
    USAGE("--encoding", "import", "x.csv", "--as", "account", "--encoding", "ebcdic");
    USAGE("--date-format", "import", "x.csv", "--as", "account", "--date-format", "mars");
    USAGE("FIELD=COLUMN", "import", "x.csv", "--as", "account", "--map", "name");
    USAGE("--json", "export", "account", "--csv", "--json");
    USAGE("--mine, --theirs or --set", "resolve", "12");
    USAGE("choose one", "resolve", "12", "--mine", "--theirs");
    USAGE("FIELD=VALUE", "resolve", "12", "--set", "name");
    USAGE("there is no command outbox 12", "outbox", "12");
    USAGE("one more word", "user");
    USAGE("one more word", "user", "sing");
    USAGE("no command", "frobnicate");
    USAGE("mean tandem list?", "lsit", "account");
    USAGE("mean tandem user?", "usre", "list");
    USAGE("no command x. Try: tandem help", "x");
    USAGE("Usage", "help", "frobnicate");
}

static void programs_get_wrong_use_as_an_object(void **state)
{
    (void)state;
    static const char *const lines[][4] = {
        {"list", "account", "--limt"}, {"list", "--json"}, {"edit", "nothing", "name"},
        {"user"},                      {"frobnicate"},     {"--json", "list"},
        {"list", "account", "--limit"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const *words = lines[i];
        struct run run = {0};
        if (words[2] != NULL) {
            run = run_tandem(words[0], words[1], "--json", words[2], (char *)NULL);
        } else if (words[1] != NULL) {
            run = run_tandem(words[0], words[1], "--json", (char *)NULL);
        } else {
            run = run_tandem(words[0], "--json", (char *)NULL);
        }
        assert_int_equal(run.status, 2);
        assert_string_equal(run.out, "");
        assert_memory_equal(run.err, "{\"error\":", 9);
        assert_string_equal(run.err + strlen(run.err) - 2, "}\n");
        assert_null(strstr(run.err, "Usage: "));
        run_release(&run);
    }
}

static void without_a_sign_in_it_says_how(void **state)
{
    (void)state;
    struct run run = run_tandem("list", "account", (char *)NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "tandem login"));
    run_release(&run);
    run = run_tandem("whoami", "--json", (char *)NULL);
    assert_int_equal(run.status, 1);
    assert_true(run.err[0] == '{' && strstr(run.err, "\"error\"") != NULL);
    run_release(&run);
}

static void an_outbox_that_never_was_is_empty(void **state)
{
    (void)state;
    static const char *const empty[][2] = {{"outbox", NULL}, {"conflicts", NULL}};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct run run = run_tandem(empty[i][0], (char *)NULL);
        assert_int_equal(run.status, 0);
        assert_string_equal(run.out, "");
        assert_true(run.err[0] != '\0');
        run_release(&run);
        run = run_tandem(empty[i][0], "--json", (char *)NULL);
        assert_int_equal(run.status, 0);
        assert_string_equal(run.out, "");
        assert_string_equal(run.err, "");
        run_release(&run);
    }
    struct run run = run_tandem("outbox", "drop", "12", (char *)NULL);
    assert_int_equal(run.status, 1);
    run_release(&run);
    run = run_tandem("offline", (char *)NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "tandem login"));
    run_release(&run);
}

static void an_unreachable_server_exits_with_3(void **state)
{
    (void)state;
    (void)setenv("TANDEM_PASSWORD", "does not matter", 1);
    struct run run =
        run_tandem("login", "wss://127.0.0.1:1", "--user", "kari", (char *)NULL);
    (void)unsetenv("TANDEM_PASSWORD");
    assert_int_equal(run.status, 3);
    assert_non_null(strstr(run.err, "cannot be reached"));
    assert_null(strstr(run.err, "does not matter"));
    run_release(&run);
}

static void expect_failure(struct run run, int status, const char *part)
{
    assert_int_equal(run.status, status);
    if (strstr(run.err, part) == NULL) {
        print_error("%s\n", run.err);
    }
    assert_non_null(strstr(run.err, part));
    run_release(&run);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    (void)state;
    expect_failure(run_tandem("login", "wss://127.0.0.1:1", "--certificate", "/none/x.pem", "--key",
                              "/none/x.key", (char *)NULL),
                   1, "/none/x.pem cannot be read");
    expect_failure(run_tandem("login", "wss://127.0.0.1:1", "--user", "kari", "--ca",
                              "/none/ca.pem", (char *)NULL),
                   1, "/none/ca.pem cannot be read");
    expect_failure(run_tandem("user", "certificate", "kari", "/none/y.pem", (char *)NULL), 1,
                   "/none/y.pem cannot be read");
}

static void the_list_shows_every_command(void **state)
{
    (void)state;
    struct run run = run_tandem("help", (char *)NULL);
    assert_int_equal(run.status, 0);
    for (size_t i = 0; i < commands_count(); i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "\n  %s ", commands_at(i)->name);
        assert_non_null(strstr(run.out, line));
    }
    run_release(&run);
}

static void the_list_is_for_programs_too(void **state)
{
    (void)state;
    struct run run = run_tandem("help", "--json", (char *)NULL);
    size_t lines = 0;
    assert_int_equal(run.status, 0);
    for (char *at = run.out, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++) {
        *end = '\0';
        json_t *object = json_loads(at, 0, NULL);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "command")),
                            commands_at(lines)->name);
        assert_string_equal(json_string_value(json_object_get(object, "summary")),
                            commands_at(lines)->summary);
        json_decref(object);
    }
    assert_int_equal(lines, commands_count());
    run_release(&run);
}

static void expect_help_object(struct run run)
{
    json_t *object = json_loads(run.out, 0, NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(object);
    const json_t *option = json_array_get(json_object_get(object, "options"), 0);
    assert_string_equal(json_string_value(json_object_get(object, "command")), "user move");
    assert_string_equal(json_string_value(json_object_get(option, "name")), "department");
    assert_string_equal(json_string_value(json_object_get(option, "value")), "NAME,...");
    json_decref(object);
    run_release(&run);
}

static void help_of_one_command_is_an_object(void **state)
{
    (void)state;
    expect_help_object(run_tandem("help", "user", "move", "--json", (char *)NULL));
    expect_help_object(run_tandem("user", "move", "--help", "--json", (char *)NULL));
    struct run run = run_tandem("help", "user", "--json", (char *)NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "{\"command\":\"user add\""));
    assert_null(strstr(run.out, "\"whoami\""));
    run_release(&run);
}

/* In the manual page a dash is written "\-". */
static void escape(const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (; *text != '\0' && used + 3 < size; text++) {
        if (*text == '-') {
            out[used++] = '\\';
        }
        out[used++] = *text;
    }
    out[used] = '\0';
}

/* Where the page describes the command, and not one whose name begins alike. */
static const char *find_section(const char *page, const char *name)
{
    char heading[128];
    (void)snprintf(heading, sizeof heading, ".It Nm tandem Cm %s", name);
    const char *found = strstr(page, heading);
    while (found != NULL && strncmp(found + strlen(heading), "\n", 1) != 0 &&
           strncmp(found + strlen(heading), " Ar", 3) != 0) {
        found = strstr(found + 1, heading);
    }
    return found;
}

static void the_manual_page_has_every_command_and_option(void **state)
{
    (void)state;
    char *page = read_file(TANDEM_SOURCE "/docs/man/tandem.1");
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        const char *section = find_section(page, command->name);
        assert_non_null(section);
        const char *end = strstr(section + 1, ".It Nm tandem Cm");
        for (const struct option_def *option = command->options;
             option != NULL && option->name != NULL; option++) {
            char line[128] = ".It Fl \\-";
            escape(option->name, line + strlen(line), sizeof line - strlen(line));
            const char *found = strstr(section, line);
            if (found == NULL || (end != NULL && found > end)) {
                fail_msg("docs/man/tandem.1: %s lacks --%s", command->name, option->name);
            }
        }
    }
    test_free(page);
}

static void the_schema_page_is_what_schema_prints(void **state)
{
    (void)state;
    char *page = read_file(TANDEM_SOURCE "/docs/SCHEMA.md");
    struct run run = run_tandem("schema", "--markdown", (char *)NULL);
    assert_int_equal(run.status, 0);
    if (strcmp(page, run.out) != 0) {
        fail_msg("docs/SCHEMA.md is out of date: tandem schema --markdown > docs/SCHEMA.md");
    }
    run_release(&run);
    test_free(page);
}

static void the_schema_is_told_to_people_and_programs(void **state)
{
    (void)state;
    struct run run = run_tandem("schema", "opportunity", (char *)NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "Closed Won"));
    run_release(&run);
    run = run_tandem("schema", "opportunity", "--json", (char *)NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "{\"entity\":\"opportunity\""));
    run_release(&run);
    run = run_tandem("schema", "dragon", (char *)NULL);
    assert_int_equal(run.status, 1);
    run_release(&run);
}

static void version_and_bare_use(void **state)
{
    (void)state;
    struct run run = run_tandem("version", (char *)NULL);
    assert_string_equal(run.out, "tandem " TANDEM_VERSION "\n");
    assert_int_equal(run.status, 0);
    run_release(&run);
    run = run_tandem(NULL, (char *)NULL);
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.err, "Usage"));
    run_release(&run);
    run = run_tandem("logout", (char *)NULL);
    assert_int_equal(run.status, 0);
    run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help),
        cmocka_unit_test(the_list_is_for_programs_too),
        cmocka_unit_test(help_of_one_command_is_an_object),
        cmocka_unit_test(wrong_use_of_any_command_exits_with_2),
        cmocka_unit_test(meanings_are_checked_before_anything_is_connected),
        cmocka_unit_test(programs_get_wrong_use_as_an_object),
        cmocka_unit_test(without_a_sign_in_it_says_how),
        cmocka_unit_test(an_outbox_that_never_was_is_empty),
        cmocka_unit_test(an_unreachable_server_exits_with_3),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
        cmocka_unit_test(the_list_shows_every_command),
        cmocka_unit_test(the_manual_page_has_every_command_and_option),
        cmocka_unit_test(the_schema_page_is_what_schema_prints),
        cmocka_unit_test(the_schema_is_told_to_people_and_programs),
        cmocka_unit_test(version_and_bare_use),
    };
    char folder[64];
    (void)run_folder(folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    run_delete(folder);
    return failed;
}
