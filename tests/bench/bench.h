/* The bench: how Tandem compares with what the machine allows, taken side by side in one run.
 *
 * A row names a subject, the limit it is compared with, and the target for their ratio. The bench
 * prepares a row once, then measures subject and limit in turn, at least five times each, first the
 * one and then the other, and prints the ratio of the medians beside the medians themselves. A row
 * whose limit is a figure of the subject under another condition (a hundred times the data, say)
 * measures that in `limit`.
 *
 * Rows are measured one after another in one process; what a row starts (servers, clients) it
 * pins: the subject's server to BENCH_SERVER_CPU, whatever loads it to BENCH_LOAD_CPU.
 */
#ifndef TANDEM_TESTS_BENCH_BENCH_H
#define TANDEM_TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_SERVER_CPU 0
#define BENCH_LOAD_CPU 1
#define BENCH_FOLDER_MAX 600 /* bytes of a path in a row's folder, if the name is short */

/* What a good ratio (subject / limit) is. */
enum bench_sense {
    BENCH_AT_LEAST, /* rates: target or more */
    BENCH_AT_MOST   /* times, bytes: target or less */
};

struct bench_run; /* one row being measured */

struct bench_row {
    const char *name;    /* "deliveries-1000": words with hyphens, as given on the command line */
    const char *what;    /* the subject, in a few words of a person */
    const char *against; /* the limit, likewise */
    const char *unit;    /* of both figures: "deliveries/CPU s", "us", "bytes" */
    enum bench_sense sense;
    double target;
    /* True when the target is a bound on subject - limit instead of on their ratio (same unit);
     * the ratio is then printed for information. */
    bool difference;
    unsigned rounds; /* 0: 5 */

    /* Each returns false after bench_fail(). `context` is what set_up left in *context; tear_down
     * is called also after a failure, with whatever set_up left (NULL perhaps). */
    bool (*set_up)(struct bench_run *run, void **context);
    bool (*subject)(struct bench_run *run, void *context, double *figure);
    bool (*limit)(struct bench_run *run, void *context, double *figure);
    void (*tear_down)(void *context);
    long parameter; /* for rows that differ in one number: bench_parameter() */
};

long bench_parameter(const struct bench_run *run);
/* A folder of this row's own on the disk that is measured (TANDEM_BENCH_DIR, else build/bench),
 * emptied before and removed after the row. */
const char *bench_folder(const struct bench_run *run);
/* A folder kept from run to run, for what takes long to make; the maker checks what is in it. */
const char *bench_kept_folder(const struct bench_run *run);
/* Why the row cannot be measured, in words; printed with the row, which is then not met. */
void bench_fail(struct bench_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A further raw figure of the row ("p99 ms", "CPU us a delivery"): the median over rounds of what is
 * noted under one name is printed beside the row and in its `raw`. */
void bench_note(struct bench_run *run, const char *name, double value);
/* One line on standard error, for long preparations. */
void bench_progress(const struct bench_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- Measuring ----------------------------------------------------------------------------- */

uint64_t bench_now_ns(void);
/* CPU time of a process (all its threads, user and system), in nanoseconds; 0 when it is gone. */
uint64_t bench_cpu_ns(int pid);
/* The same of the calling thread alone. */
uint64_t bench_thread_cpu_ns(void);
/* Resident memory of a process in bytes. */
uint64_t bench_resident(int pid);
/* The part of it that is the process's own: without files it has mapped, such as a store. */
uint64_t bench_resident_anonymous(int pid);
/* Value at a fraction (0.5, 0.99, 0.999) of `count` values; sorts them. 0 when there are none. */
double bench_percentile(double *values, size_t count, double fraction);
/* Pins the calling thread, and what it starts from now on, to one CPU; does nothing on a machine
 * that has only one. */
void bench_pin(int cpu);

/* Fills the processor's caches with other bytes, as a busy machine does between two requests: for
 * rows that compare much data with little, which would otherwise show how much of it fits into a
 * cache. Takes some 10 ms, to be left out of what is measured. NULL when out of memory. */
struct bench_cooler;
struct bench_cooler *bench_cooler_new(void);
void bench_cool(struct bench_cooler *cooler);
void bench_cooler_free(struct bench_cooler *cooler); /* NULL is fine */

/* Each file of rows has one table, named in rows.c. */
struct bench_rows {
    const struct bench_row *rows;
    size_t count;
};

#endif
