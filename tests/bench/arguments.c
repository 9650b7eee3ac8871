/* The command line: which rows, and what to say when there is no such row. */
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_internal.h"

#define STATUS_MET 0
#define STATUS_MISSED 1
#define STATUS_USAGE 2
#define MOST_ROWS 256
#define LONGEST_NAME 63

struct bench {
    const struct bench_row *rows[MOST_ROWS];
    bool chosen[MOST_ROWS];
    size_t count;
    bool list, json, help;
    struct bench_settings settings;
    FILE *out, *err;
};

static const char usage[] =
    "./dev bench [ROW...] [--list] [--json] [--rounds N] [--help]\n"
    "\n"
    "Measures Tandem against what this machine allows, and prints the ratios.\n"
    "\n"
    "  ROW          only these rows; a pattern such as 'growth-*' names several\n"
    "  --list       the rows' names and what they measure\n"
    "  --json       one JSON object a row: name, ratio, target, met, raw; where raw.difference is\n"
    "               true the target bounds raw.subject - raw.limit, not the ratio\n"
    "  --rounds N   measure each row N times (default: 5, or what the row asks for)\n"
    "\n"
    "All rows take about 25 minutes, the first time a few minutes more, and 10 GB of disk.\n"
    "Data lies in build/bench, or where TANDEM_BENCH_DIR says: use the disk to be measured.\n"
    "Exit status: 0 all targets met, 1 something missed, 2 usage.\n";

unsigned bench_distance(const char *a, const char *b)
{
    unsigned row[LONGEST_NAME + 1];
    size_t length = strlen(b);
    if (length > LONGEST_NAME || strlen(a) > LONGEST_NAME) {
        return 99;
    }
    for (unsigned j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned above = row[j], best = corner + (a[i - 1] != b[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = above;
        }
    }
    return row[length];
}

static bool is_near(const char *asked, const char *name)
{
    size_t length = strlen(asked);
    return bench_distance(asked, name) <= 1 + length / 4 || strstr(name, asked) != NULL ||
           strncmp(asked, name, length < 5 ? length : 5) == 0;
}

static void say_near(const struct bench *bench, const char *asked)
{
    bool any = false;
    (void)fprintf(bench->err, "There is no row \"%s\".", asked);
    for (size_t i = 0; i < bench->count; i++) {
        if (is_near(asked, bench->rows[i]->name)) {
            (void)fprintf(bench->err, "%s %s", any ? "," : " Near it:", bench->rows[i]->name);
            any = true;
        }
    }
    (void)fprintf(bench->err, "%s\n", any ? "" : " --list names all.");
}

/* A name with a pattern's letters may stand for several rows. */
static bool choose(struct bench *bench, const char *asked)
{
    bool found = false;
    for (size_t i = 0; i < bench->count; i++) {
        if (fnmatch(asked, bench->rows[i]->name, 0) == 0) {
            bench->chosen[i] = found = true;
        }
    }
    if (!found) {
        say_near(bench, asked);
    }
    return found;
}

static bool read_rounds(struct bench *bench, const char *text)
{
    char *end;
    unsigned long rounds = strtoul(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && *end == '\0' && rounds >= 1 &&
                rounds <= BENCH_MOST_ROUNDS;
    bench->settings.rounds = (unsigned)rounds;
    if (!good) {
        (void)fprintf(bench->err, "--rounds takes a number from 1 to %d\n", BENCH_MOST_ROUNDS);
    }
    return good;
}

static bool read_arguments(struct bench *bench, int count, char **words)
{
    static const struct option options[] = {{"list", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool good = true;
    optind = 0; /* begin anew, also for a second command line in one process */
    for (int option; good && (option = getopt_long(count, words, "h", options, NULL)) != -1;) {
        bench->list = bench->list || option == 'l';
        bench->json = bench->json || option == 'j';
        bench->help = bench->help || option == 'h';
        good = option != '?' && (option != 'r' || read_rounds(bench, optarg));
    }
    bool all = optind >= count;
    for (size_t i = 0; i < bench->count; i++) {
        bench->chosen[i] = all;
    }
    for (int i = optind; i < count; i++) {
        good = choose(bench, words[i]) && good;
    }
    return good;
}

static size_t widest_name(const struct bench *bench)
{
    size_t widest = 3;
    for (size_t i = 0; i < bench->count; i++) {
        size_t length = strlen(bench->rows[i]->name);
        widest = bench->chosen[i] && length > widest ? length : widest;
    }
    return widest;
}

static void list_rows(const struct bench *bench)
{
    int widest = (int)widest_name(bench);
    for (size_t i = 0; i < bench->count; i++) {
        if (bench->chosen[i]) {
            (void)fprintf(bench->out, "%-*s  %s, against %s\n", widest, bench->rows[i]->name,
                          bench->rows[i]->what, bench->rows[i]->against);
        }
    }
}

static int run_rows(const struct bench *bench)
{
    size_t widest = widest_name(bench);
    bool all_met = true, headed = false;
    struct bench_outcome *outcome = malloc(sizeof *outcome);
    if (outcome == NULL) {
        (void)fprintf(bench->err, "out of memory\n");
        return STATUS_MISSED;
    }
    for (size_t i = 0; i < bench->count; i++) {
        if (!bench->chosen[i]) {
            continue;
        }
        bench_measure(bench->rows[i], &bench->settings, outcome);
        all_met = all_met && outcome->met;
        if (!bench->json && !headed) {
            bench_print_head(bench->out, widest);
            headed = true;
        }
        if (!bench->json) {
            bench_print_row(bench->out, widest, outcome);
        } else if (!bench_print_json(bench->out, outcome)) {
            (void)fprintf(bench->err, "%s: cannot be written as JSON\n", bench->rows[i]->name);
            all_met = false;
        }
    }
    free(outcome);
    return all_met ? STATUS_MET : STATUS_MISSED;
}

int bench_main(int count, char **words, const struct bench_rows *const *tables, size_t table_count,
               FILE *out, FILE *err)
{
    const char *folder = getenv("TANDEM_BENCH_DIR");
    struct bench bench = {.out = out, .err = err};
    bench.settings.folder = folder != NULL && folder[0] != '\0' ? folder : "build/bench";
    bench.settings.progress = err;
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t]->count && bench.count < MOST_ROWS; i++) {
            bench.rows[bench.count++] = &tables[t]->rows[i];
        }
    }
    if (!read_arguments(&bench, count, words)) {
        (void)fprintf(err, "./dev bench --help says more.\n");
        return STATUS_USAGE;
    }
    if (bench.help) {
        (void)fputs(usage, out);
        return STATUS_MET;
    }
    if (bench.list) {
        list_rows(&bench);
        return STATUS_MET;
    }
    return run_rows(&bench);
}
