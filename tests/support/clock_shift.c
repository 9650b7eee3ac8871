/* A clock that is wrong by TANDEM_TEST_CLOCK_SHIFT seconds, for a program started with this library
 * preloaded: what happens days from now can be tried without waiting. Only the time of day is
 * shifted; clocks that measure durations run as ever. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, out);
    const char *shift = getenv("TANDEM_TEST_CLOCK_SHIFT");
    if (failed == 0 && clock == CLOCK_REALTIME && shift != NULL) {
        out->tv_sec += (time_t)strtol(shift, NULL, 10);
    }
    return failed;
}
