/* A clock that is wrong, for a program started with this library preloaded: what happens days from
 * now can be tried without waiting. Only the time of day is shifted; clocks that measure durations
 * run as ever.
 *
 *     TANDEM_TEST_CLOCK_SHIFT    by so many seconds, from the start
 *     TANDEM_TEST_CLOCK_FILE     by what the file holds now: an int64_t, which a test can change at
 *                                any time, and thereby set the clock of a program that runs
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Mapped at the first call and then read for ever; threads that come first together all map it. */
static _Atomic(const _Atomic int64_t *) shared;

static const _Atomic int64_t *map_file(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) {
        (void)close(file);
    }
    if (map == MAP_FAILED) {
        abort();
    }
    return map;
}

static time_t shift(void)
{
    const char *path = getenv("TANDEM_TEST_CLOCK_FILE");
    const char *fixed = getenv("TANDEM_TEST_CLOCK_SHIFT");
    if (path != NULL) {
        const _Atomic int64_t *map = atomic_load(&shared);
        if (map == NULL) {
            map = map_file(path);
            atomic_store(&shared, map);
        }
        return (time_t)atomic_load(map);
    }
    return fixed == NULL ? 0 : (time_t)strtol(fixed, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, out);
    if (failed == 0 && clock == CLOCK_REALTIME) {
        out->tv_sec += shift();
    }
    return failed;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *out)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return (time_t)-1;
    }
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
