/* A clock of durations that runs TANDEM_TEST_CLOCK_RATE times as fast, for a program started with
 * this library preloaded: what a minute allows can be tried in seconds. The time of day runs as
 * ever. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, out);
    const char *text = getenv("TANDEM_TEST_CLOCK_RATE");
    if (failed == 0 && clock == CLOCK_MONOTONIC && text != NULL) {
        long long rate = strtol(text, NULL, 10);
        long long fraction = out->tv_nsec * rate;
        out->tv_sec = (time_t)(out->tv_sec * rate + fraction / 1000000000);
        out->tv_nsec = (long)(fraction % 1000000000);
    }
    return failed;
}
