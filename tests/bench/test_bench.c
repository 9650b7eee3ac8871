#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/bench/bench_internal.h"

/* ---- Figures -------------------------------------------------------------------------------- */

static void medians(void **state)
{
    (void)state;
    double odd[] = {5, 1, 9}, even[] = {4, 1, 10, 2}, one[] = {7};
    assert_true(bench_median(odd, 3) == 5);
    assert_true(bench_median(even, 4) == 3);
    assert_true(bench_median(one, 1) == 7);
    assert_true(bench_median(one, 0) == 0);
}

static void percentiles(void **state)
{
    (void)state;
    double values[1000];
    for (int i = 0; i < 1000; i++) {
        values[i] = (i * 7) % 1000 + 1; /* 1 to 1,000 in some order */
    }
    assert_true(bench_percentile(values, 1000, 0.5) == 500);
    assert_true(bench_percentile(values, 1000, 0.99) == 990);
    assert_true(bench_percentile(values, 1000, 0.999) == 999);
    assert_true(bench_percentile(values, 1000, 1.0) == 1000);
    assert_true(bench_percentile(values, 1000, 0) == 1);
    double few[] = {3, 1, 2};
    assert_true(bench_percentile(few, 3, 0.5) == 2);
    assert_true(bench_percentile(few, 3, 0.99) == 3);
    assert_true(bench_percentile(few, 0, 0.5) == 0);
}

static bool judged(enum bench_sense sense, bool difference, double target, double subject,
                   double limit)
{
    double ratio;
    const struct bench_row row = {.sense = sense, .difference = difference, .target = target};
    return bench_judge(&row, subject, limit, &ratio);
}

static void targets(void **state)
{
    (void)state;
    assert_true(judged(BENCH_AT_LEAST, false, 0.5, 50, 100));
    assert_false(judged(BENCH_AT_LEAST, false, 0.5, 49, 100));
    assert_true(judged(BENCH_AT_MOST, false, 1.1, 110, 100));
    assert_false(judged(BENCH_AT_MOST, false, 1.1, 111, 100));
    assert_true(judged(BENCH_AT_MOST, true, 8192, 23000, 15000));
    assert_false(judged(BENCH_AT_MOST, true, 8192, 24000, 15000));
    assert_true(judged(BENCH_AT_MOST, true, 8192, 10000, 15000));
    assert_true(judged(BENCH_AT_LEAST, true, 10, 30, 20));
    assert_false(judged(BENCH_AT_LEAST, true, 10, 29, 20));
    assert_false(judged(BENCH_AT_LEAST, false, 0.5, 50, 0));
    double ratio;
    const struct bench_row row = {.sense = BENCH_AT_LEAST, .target = 0.5};
    assert_true(bench_judge(&row, 30, 40, &ratio));
    assert_true(ratio == 0.75);
}

static void numbers(void **state)
{
    (void)state;
    char out[BENCH_NUMBER];
    assert_string_equal(bench_number(0, out), "0");
    assert_string_equal(bench_number(0.01234, out), "0.0123");
    assert_string_equal(bench_number(12.345, out), "12.3");
    assert_string_equal(bench_number(999.4, out), "999");
    assert_string_equal(bench_number(999.6, out), "1,000");
    assert_string_equal(bench_number(1234567, out), "1,234,567");
    assert_string_equal(bench_number(-45678.4, out), "-45,678");
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(bench_distance("growth", "growth"), 0);
    assert_int_equal(bench_distance("grwth", "growth"), 1);
    assert_int_equal(bench_distance("", "abc"), 3);
    assert_int_equal(bench_distance("kitten", "sitting"), 3);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* What the fake rows did, and what they are to find. */
struct log {
    char order[64];
    int rounds;
    char folder[BENCH_PATH];
    bool torn_down;
};
static struct log log_of;

static void did(char what)
{
    size_t length = strlen(log_of.order);
    if (length + 1 < sizeof log_of.order) {
        log_of.order[length] = what;
    }
}

static bool set_up(struct bench_run *run, void **context)
{
    char path[BENCH_PATH + 8];
    log_of = (struct log){.rounds = 0};
    (void)snprintf(log_of.folder, sizeof log_of.folder, "%s", bench_folder(run));
    (void)snprintf(path, sizeof path, "%s/left", log_of.folder);
    if (access(path, F_OK) == 0 || access(bench_kept_folder(run), W_OK) != 0) {
        bench_fail(run, "the folder is not as it should be");
        return false;
    }
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        (void)fclose(file);
    }
    *context = &log_of;
    return file != NULL;
}

static bool subject(struct bench_run *run, void *context, double *figure)
{
    static const double figures[] = {100, 900, 300, 200, 400};
    struct log *log = context;
    did('s');
    *figure = figures[log->rounds % 5] * (double)bench_parameter(run);
    bench_note(run, "p99 ms", (double)log->rounds);
    return true;
}

static bool limit(struct bench_run *run, void *context, double *figure)
{
    struct log *log = context;
    did('l');
    log->rounds++;
    *figure = 600;
    bench_note(run, "limit \"seen\"", 2.5);
    return true;
}

static bool limit_fails(struct bench_run *run, void *context, double *figure)
{
    (void)context;
    *figure = 1;
    bench_fail(run, "no more %s", "sockets");
    bench_fail(run, "a later reason");
    return false;
}

static void tear_down(void *context)
{
    log_of.torn_down = context == &log_of;
}

static const struct bench_row rows[] = {
    {"fake-met", "a fake", "another", "runs/s", BENCH_AT_LEAST, 0.5, false, 0, set_up, subject,
     limit, tear_down, 1},
    {"fake-missed", "a fake", "another", "runs/s", BENCH_AT_MOST, 0.9, false, 3, set_up, subject,
     limit, tear_down, 2},
    {"fake-broken", "a fake", "nothing", "runs/s", BENCH_AT_MOST, 0.9, false, 0, set_up, subject,
     limit_fails, tear_down, 1}};
static const struct bench_rows table = {rows, 3};

struct output {
    int status;
    char *out, *err;
};

static struct output run(const char *first, const char *second, const char *third)
{
    struct output output = {0};
    size_t out_size, err_size;
    const struct bench_rows *const tables[] = {&table};
    char program[] = "tandem-bench", words[3][32];
    char *arguments[5] = {program};
    const char *const given[] = {first, second, third};
    int count = 1;
    for (int i = 0; i < 3 && given[i] != NULL; i++) {
        (void)snprintf(words[i], sizeof words[i], "%s", given[i]);
        arguments[count++] = words[i];
    }
    FILE *out = open_memstream(&output.out, &out_size);
    FILE *err = open_memstream(&output.err, &err_size);
    assert_non_null(out);
    assert_non_null(err);
    output.status = bench_main(count, arguments, tables, 1, out, err);
    (void)fclose(out);
    (void)fclose(err);
    return output;
}

static void release(struct output *output)
{
    free(output->out);
    free(output->err);
}

static void row_is_measured_in_turn(void **state)
{
    (void)state;
    struct output output = run("fake-met", NULL, NULL);
    assert_int_equal(output.status, 0);
    assert_string_equal(log_of.order, "slslslslsl");
    assert_true(log_of.torn_down);
    assert_int_not_equal(access(log_of.folder, F_OK), 0);
    assert_non_null(strstr(output.out, "fake-met"));
    assert_non_null(strstr(output.out, "0.500"));
    assert_non_null(strstr(output.out, " met "));
    assert_non_null(strstr(output.out, "p99 ms 2"));
    assert_null(strstr(output.out, "fake-missed"));
    release(&output);
    output = run("fake-met", "--rounds", "7");
    assert_string_equal(log_of.order, "slslslslslslsl");
    release(&output);
}

static void missed_row_shows(void **state)
{
    (void)state;
    struct output output = run("fake-missed", NULL, NULL);
    assert_int_equal(output.status, 1);
    assert_string_equal(log_of.order, "slslsl");
    assert_non_null(strstr(output.out, "MISSED"));
    release(&output);
}

static void broken_row_says_why(void **state)
{
    (void)state;
    struct output output = run("fake-broken", NULL, NULL);
    assert_int_equal(output.status, 1);
    assert_non_null(strstr(output.out, "not measured: no more sockets"));
    assert_true(log_of.torn_down);
    release(&output);
}

static void json_has_an_object_a_row(void **state)
{
    (void)state;
    struct output output = run("--json", "fake-m*", NULL);
    assert_int_equal(output.status, 1);
    char *second = strchr(output.out, '\n');
    assert_non_null(second);
    json_t *met = json_loadb(output.out, (size_t)(second - output.out), 0, NULL);
    json_t *missed = json_loads(second, 0, NULL);
    assert_non_null(met);
    assert_non_null(missed);
    assert_string_equal(json_string_value(json_object_get(met, "name")), "fake-met");
    assert_true(json_real_value(json_object_get(met, "ratio")) == 0.5);
    assert_true(json_real_value(json_object_get(met, "target")) == 0.5);
    assert_true(json_is_true(json_object_get(met, "met")));
    json_t *raw = json_object_get(met, "raw");
    assert_true(json_real_value(json_object_get(raw, "subject")) == 300);
    assert_true(json_real_value(json_object_get(raw, "limit")) == 600);
    assert_true(json_real_value(json_object_get(raw, "limit \"seen\"")) == 2.5);
    assert_int_equal(json_integer_value(json_object_get(raw, "rounds")), 5);
    assert_string_equal(json_string_value(json_object_get(missed, "name")), "fake-missed");
    assert_true(json_is_false(json_object_get(missed, "met")));
    json_decref(met);
    json_decref(missed);
    release(&output);
    output = run("--json", "fake-broken", NULL);
    json_t *broken = json_loads(output.out, 0, NULL);
    assert_true(json_is_null(json_object_get(broken, "ratio")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(broken, "raw"), "why")),
                        "no more sockets");
    json_decref(broken);
    release(&output);
}

static void list_names_all(void **state)
{
    (void)state;
    struct output output = run("--list", NULL, NULL);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "fake-met "));
    assert_non_null(strstr(output.out, "fake-missed "));
    assert_non_null(strstr(output.out, "fake-broken "));
    release(&output);
}

static void wrong_words_are_usage(void **state)
{
    (void)state;
    struct output output = run("fake-mett", NULL, NULL);
    assert_int_equal(output.status, 2);
    assert_string_equal(output.out, "");
    assert_non_null(strstr(output.err, "no row \"fake-mett\". Near it: fake-met"));
    release(&output);
    output = run("--rounds", "0", NULL);
    assert_int_equal(output.status, 2);
    release(&output);
    output = run("--rounds", "5x", NULL);
    assert_int_equal(output.status, 2);
    release(&output);
    output = run("--nonsense", NULL, NULL);
    assert_int_equal(output.status, 2);
    release(&output);
}

static void own_process_is_seen(void **state)
{
    (void)state;
    assert_true(bench_resident(getpid()) > bench_resident_anonymous(getpid()));
    assert_true(bench_resident_anonymous(getpid()) > 0);
    uint64_t before = bench_cpu_ns(getpid());
    assert_true(before > 0);
    for (volatile unsigned i = 0; i < 1000000; i++) {
    }
    assert_true(bench_cpu_ns(getpid()) > before);
}

int main(void)
{
    char folder[] = "/tmp/tandem-bench-XXXXXX", path[64];
    if (mkdtemp(folder) == NULL || setenv("TANDEM_BENCH_DIR", folder, 1) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians),
        cmocka_unit_test(percentiles),
        cmocka_unit_test(targets),
        cmocka_unit_test(numbers),
        cmocka_unit_test(distances),
        cmocka_unit_test(row_is_measured_in_turn),
        cmocka_unit_test(missed_row_shows),
        cmocka_unit_test(broken_row_says_why),
        cmocka_unit_test(json_has_an_object_a_row),
        cmocka_unit_test(list_names_all),
        cmocka_unit_test(wrong_words_are_usage),
        cmocka_unit_test(own_process_is_seen),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(path, sizeof path, "%s/rows", folder);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/kept", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
    return status;
}
