/* Clocks, /proc, and what is made of many values. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench_internal.h"

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec at;
    return clock_gettime(clock, &at) == 0
               ? (uint64_t)at.tv_sec * UINT64_C(1000000000) + (uint64_t)at.tv_nsec
               : 0;
}

uint64_t bench_now_ns(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(int pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? nanoseconds(clock) : 0;
}

uint64_t bench_thread_cpu_ns(void)
{
    return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

/* A value of /proc/PID/status, which are in KiB. */
static uint64_t status_bytes(int pid, const char *name)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    size_t length = strlen(name);
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            kib = strtoull(line + length + 1, NULL, 10);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib * 1024;
}

uint64_t bench_resident(int pid)
{
    return status_bytes(pid, "VmRSS");
}

uint64_t bench_resident_anonymous(int pid)
{
    return status_bytes(pid, "RssAnon");
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_percentile(double *values, size_t count, double fraction)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, compare);
    /* The nearest rank: the least value that at least `fraction` of all do not exceed. */
    double rank = fraction * (double)count;
    size_t at = (size_t)rank;
    if ((double)at < rank) {
        at++;
    }
    at = at == 0 ? 1 : at;
    return values[(at > count ? count : at) - 1];
}

double bench_median(double *values, size_t count)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, compare);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1 && sched_setaffinity(0, sizeof set, &set) != 0) {
        perror("sched_setaffinity"); /* the figures are still figures, only less steady */
    }
}

/* Twice the last-level cache of the machines that the figures are for. */
#define COOLING_BYTES ((size_t)64 << 20)
#define CACHE_LINE 64u

struct bench_cooler {
    unsigned char *bytes;
};

struct bench_cooler *bench_cooler_new(void)
{
    struct bench_cooler *cooler = malloc(sizeof *cooler);
    if (cooler == NULL) {
        return NULL;
    }
    cooler->bytes = malloc(COOLING_BYTES);
    if (cooler->bytes == NULL) {
        free(cooler);
        return NULL;
    }
    memset(cooler->bytes, 1, COOLING_BYTES);
    return cooler;
}

void bench_cool(struct bench_cooler *cooler)
{
    volatile unsigned char *bytes = cooler->bytes;
    for (size_t i = 0; i < COOLING_BYTES; i += CACHE_LINE) {
        bytes[i]++;
    }
}

void bench_cooler_free(struct bench_cooler *cooler)
{
    if (cooler != NULL) {
        free(cooler->bytes);
    }
    free(cooler);
}

bool bench_judge(const struct bench_row *row, double subject, double limit, double *ratio)
{
    *ratio = limit > 0 ? subject / limit : 0;
    if (!(limit > 0)) {
        return false;
    }
    double compared = row->difference ? subject - limit : *ratio;
    return row->sense == BENCH_AT_LEAST ? compared >= row->target : compared <= row->target;
}
