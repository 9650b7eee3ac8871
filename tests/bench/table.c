/* How outcomes look: lines of a table for people, an object a line for programs. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_internal.h"

char *bench_number(double value, char out[BENCH_NUMBER])
{
    double size = fabs(value);
    if (size < 1e15 && size >= 999.5) {
        char digits[24];
        int count = snprintf(digits, sizeof digits, "%.0f", size), at = 0;
        if (value < 0) {
            out[at++] = '-';
        }
        for (int i = 0; i < count; i++) {
            out[at++] = digits[i];
            if ((count - i - 1) % 3 == 0 && i + 1 < count) {
                out[at++] = ',';
            }
        }
        out[at] = '\0';
        return out;
    }
    (void)snprintf(out, BENCH_NUMBER, value == 0 ? "0" : "%.3g", value);
    return out;
}

#define NUMBER_WIDTH 12

void bench_print_head(FILE *out, size_t widest)
{
    (void)fprintf(out, "%-*s %8s  %-9s %-6s %*s %*s  %s\n", (int)widest, "ROW", "RESULT", "TARGET",
                  "", NUMBER_WIDTH, "SUBJECT", NUMBER_WIDTH, "LIMIT", "UNIT");
}

static void print_notes(FILE *out, const struct bench_outcome *outcome)
{
    for (size_t i = 0; i < outcome->note_count; i++) {
        struct bench_note copy = outcome->notes[i];
        char number[BENCH_NUMBER];
        (void)fprintf(out, "%s%s %s", i == 0 ? "    " : ", ", copy.name,
                      bench_number(bench_median(copy.values, copy.count), number));
    }
    if (outcome->note_count > 0) {
        (void)fputc('\n', out);
    }
}

void bench_print_row(FILE *out, size_t widest, const struct bench_outcome *outcome)
{
    const struct bench_row *row = outcome->row;
    char subject[BENCH_NUMBER], limit[BENCH_NUMBER], target[BENCH_NUMBER], bound[BENCH_NUMBER + 8],
        result[BENCH_NUMBER + 1] = "-";
    (void)snprintf(bound, sizeof bound, "%s%s%s",
                   row->sense == BENCH_AT_LEAST ? ">= " : "<= ", row->difference ? "+" : "",
                   bench_number(row->target, target));
    if (outcome->measured && row->difference) {
        double over = outcome->subject - outcome->limit;
        char number[BENCH_NUMBER];
        (void)snprintf(result, sizeof result, "%s%s", over < 0 ? "" : "+",
                       bench_number(over, number));
    } else if (outcome->measured) {
        (void)snprintf(result, sizeof result, "%.3f", outcome->ratio);
    }
    (void)fprintf(out, "%-*s %8s  %-9s %-6s %*s %*s  %s\n", (int)widest, row->name, result, bound,
                  outcome->met ? "met" : "MISSED", NUMBER_WIDTH,
                  outcome->measured ? bench_number(outcome->subject, subject) : "-", NUMBER_WIDTH,
                  outcome->measured ? bench_number(outcome->limit, limit) : "-", row->unit);
    (void)fprintf(out, "    %s, against %s\n", row->what, row->against);
    if (!outcome->measured) {
        (void)fprintf(out, "    not measured: %s\n", outcome->why);
    }
    print_notes(out, outcome);
    (void)fflush(out);
}

static json_t *raw_of(const struct bench_outcome *outcome)
{
    const struct bench_row *row = outcome->row;
    json_t *raw =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "what", row->what, "against", row->against, "unit",
                  row->unit, "sense", row->sense == BENCH_AT_LEAST ? "at least" : "at most",
                  "difference", row->difference);
    bool good = raw != NULL;
    if (good && outcome->measured) {
        good = json_object_set_new(raw, "subject", json_real(outcome->subject)) == 0 &&
               json_object_set_new(raw, "limit", json_real(outcome->limit)) == 0 &&
               json_object_set_new(raw, "rounds", json_integer(outcome->rounds)) == 0;
    } else if (good) {
        good = json_object_set_new(raw, "why", json_string(outcome->why)) == 0;
    }
    for (size_t i = 0; i < outcome->note_count && good; i++) {
        struct bench_note copy = outcome->notes[i];
        double median = bench_median(copy.values, copy.count);
        good = json_object_set_new(raw, copy.name,
                                   isfinite(median) ? json_real(median) : json_null()) == 0;
    }
    if (!good) {
        json_decref(raw);
        return NULL;
    }
    return raw;
}

bool bench_print_json(FILE *out, const struct bench_outcome *outcome)
{
    json_t *object = json_object(), *raw = raw_of(outcome);
    json_t *ratio = outcome->measured ? json_real(outcome->ratio) : json_null();
    bool good = json_object_set_new(object, "name", json_string(outcome->row->name)) == 0;
    good = json_object_set_new(object, "ratio", ratio) == 0 && good;
    good = json_object_set_new(object, "target", json_real(outcome->row->target)) == 0 && good;
    good = json_object_set_new(object, "met", json_boolean(outcome->met)) == 0 && good;
    good = json_object_set_new(object, "raw", raw) == 0 && good;
    char *text = good ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(object);
    if (text != NULL) {
        (void)fprintf(out, "%s\n", text);
        (void)fflush(out);
    }
    free(text);
    return text != NULL;
}
