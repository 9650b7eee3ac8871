/* Settings from files and flags, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/options.h"

static char folder[] = "/tmp/tandem-config-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tandemd.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    remove(path);
    return rmdir(folder);
}

static enum status read_text(const char *text, struct config *config, struct fault *fault)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    config_init(config);
    fault_clear(fault);
    return config_read(config, path, fault);
}

static void test_good(void **state)
{
    (void)state;
    struct config config;
    struct fault fault;
    assert_int_equal(read_text("# a comment\n\n"
                               "data = /var/lib/tandem\n"
                               "cert=server.pem\n"
                               "key = /etc/tandem/server.key ; another\n"
                               "listen = [::]:443\n"
                               "origins = https://a.example https://b.example:8443\n"
                               "  threads = 4\n"
                               "drain = 0\n",
                               &config, &fault),
                     STATUS_OK);
    assert_string_equal(config.data, "/var/lib/tandem");
    assert_string_equal(config.key, "/etc/tandem/server.key");
    assert_string_equal(config.listen, "[::]:443");
    assert_string_equal(config.origins, "https://a.example https://b.example:8443");
    assert_int_equal(config.threads, 4);
    assert_int_equal(config.drain, 0);
    /* Not named: the default. Relative: from the file's folder. */
    assert_int_equal(config.idle, 60);
    char expected[96];
    snprintf(expected, sizeof expected, "%s/server.pem", folder);
    assert_string_equal(config.cert, expected);
    assert_int_equal(config_complete(&config, &fault), STATUS_OK);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *says;
    } cases[] = {
        {"data = /x\ncolour = red\n", "line 2", "no setting \"colour\""},
        {"threads = four\n", "line 1", "0 to 16"},
        {"\n\nthreads = 17\n", "line 3", "0 to 16"},
        {"threads = -1\n", "line 1", "0 to 16"},
        {"threads = 4x\n", "line 1", "0 to 16"},
        {"threads =\n", "line 1", "0 to 16"},
        {"idle = 99999999999999999999\n", "line 1", "30 to 86400"},
        {"[server]\ndata = /x\n", "line 2", "no sections"},
        {"data = /x\n  /y\n", "line 2", "name = value"},
        {"data = /x\nnonsense\n", "line 2", "name = value"},
        {"listen =\n", "line 1", "1 to 300"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        struct fault fault;
        assert_int_not_equal(read_text(cases[i].text, &config, &fault), STATUS_OK);
        if (!strstr(fault.detail, cases[i].line) || !strstr(fault.detail, cases[i].says))
            print_error("%s: %s\n", cases[i].text, fault.detail);
        assert_non_null(strstr(fault.detail, cases[i].line));
        assert_non_null(strstr(fault.detail, cases[i].says));
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    struct config config;
    struct fault fault;
    char *text = malloc(10000);
    memset(text, 'x', 10000);
    memcpy(text, "data = ", 7);
    text[9999] = '\0';
    assert_int_equal(read_text(text, &config, &fault), STATUS_TOO_LARGE);
    /* The end of a long comment is not read as a setting. */
    memset(text, ' ', 9000);
    text[0] = '#';
    snprintf(text + 199, 100, "threads = 3\n");
    assert_int_not_equal(read_text(text, &config, &fault), STATUS_OK);
    assert_int_equal(config.threads, 0);
    free(text);
    assert_int_equal(config_read(&config, "/nonexistent/tandemd.conf", &fault), STATUS_NOT_FOUND);
}

static void test_incomplete(void **state)
{
    (void)state;
    struct config config;
    struct fault fault;
    assert_int_equal(read_text("data = /x\ncert = /c\n", &config, &fault), STATUS_OK);
    assert_int_equal(config_complete(&config, &fault), STATUS_MISSING_FIELD);
    assert_string_equal(fault.field, "key");
}

static enum status parse(struct options *options, struct fault *fault, const char *flags,
                         bool word, int count, const char *const *arguments)
{
    char *argv[16];
    for (int i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)arguments[i];
    fault_clear(fault);
    return options_parse(count, argv, flags, word, options, fault);
}

#define PARSE(flags, word, ...)                                                              \
    parse(&options, &fault, flags, word,                                                     \
          (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)),               \
          (const char *[]){__VA_ARGS__})

static void test_flags(void **state)
{
    (void)state;
    struct options options;
    struct fault fault;
    assert_int_equal(PARSE("settings json", false, "--data", "/d", "--threads=3", "--json"),
                     STATUS_OK);
    assert_string_equal(options.config.data, "/d");
    assert_int_equal(options.config.threads, 3);
    assert_true(options.json);
    assert_int_equal(PARSE("data", true, "--data=/d", "kari"), STATUS_OK);
    assert_string_equal(options.word, "kari");
    /* What the command does not take. */
    assert_int_equal(PARSE("data", false, "--threads", "3"), STATUS_USAGE);
    assert_int_equal(PARSE("data", false, "kari"), STATUS_USAGE);
    assert_int_equal(PARSE("data", true, "kari", "nils"), STATUS_USAGE);
    assert_int_equal(PARSE("data", false, "--data"), STATUS_USAGE);
    assert_int_equal(PARSE("settings", false, "--colour", "red"), STATUS_USAGE);
    assert_int_equal(PARSE("settings", false, "--threads", "99"), STATUS_USAGE);
    assert_non_null(strstr(fault.detail, "0 to 16"));
}

static void test_flags_win(void **state)
{
    (void)state;
    struct options options;
    struct config config;
    struct fault fault;
    assert_int_equal(read_text("threads = 2\nidle = 90\n", &config, &fault), STATUS_OK);
    assert_int_equal(PARSE("settings config", false, "--threads", "5", "--config", path),
                     STATUS_OK);
    assert_int_equal(options.config.threads, 5);
    assert_int_equal(options.config.idle, 90);
}

/* Every setting can be set to what is printed of it. */
static void set_again(void *context, const char *name, const char *value, bool is_number,
                      const char *unit, const char *about)
{
    (void)is_number, (void)unit;
    struct config *config = context;
    struct fault fault;
    assert_true(about[0] != '\0');
    assert_int_equal(config_set(config, name, value, &fault), STATUS_OK);
}

static void test_each(void **state)
{
    (void)state;
    struct config config, copy;
    config_init(&config);
    config_init(&copy);
    config_each(&config, set_again, &copy);
    assert_memory_equal(&config, &copy, sizeof config);
}

/* The example and the manual page name every setting, the example with its default. */
struct documents {
    char example[20000], manual[20000];
    struct config config;
};

static void read_document(const char *name, char out[20000])
{
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    size_t size = fread(out, 1, 19999, file);
    out[size] = '\0';
    fclose(file);
}

static void find_setting(void *context, const char *name, const char *value, bool is_number,
                         const char *unit, const char *about)
{
    (void)unit, (void)about;
    struct documents *documents = context;
    char line[CONFIG_TEXT_MAX + 80], heading[80];
    snprintf(line, sizeof line, "\n%s = %s", name, is_number ? value : "");
    if (!strstr(documents->example, line))
        snprintf(line, sizeof line, "\n# %s = ", name);
    assert_non_null(strstr(documents->example, line));
    size_t at = (size_t)snprintf(heading, sizeof heading, "\\fB");
    if (strcmp(name, "key") != 0) /* shares its heading with cert */
        at = (size_t)snprintf(heading, sizeof heading, ".TP\n.B ");
    for (const char *c = name; *c; c++)
        at += (size_t)snprintf(heading + at, sizeof heading - at, *c == '-' ? "\\-" : "%c", *c);
    assert_non_null(strstr(documents->manual, heading));
}

static void test_documents(void **state)
{
    (void)state;
    static struct documents documents;
    struct fault fault;
    read_document(SOURCE "/server/app/tandemd.conf.example", documents.example);
    read_document(SOURCE "/docs/man/tandemd.conf.5", documents.manual);
    config_init(&documents.config);
    config_each(&documents.config, find_setting, &documents);
    struct config config;
    config_init(&config);
    assert_int_equal(config_read(&config, SOURCE "/server/app/tandemd.conf.example", &fault),
                     STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long_lines), cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_flags),      cmocka_unit_test(test_flags_win),
        cmocka_unit_test(test_each),       cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
