#include "tests/survival/faults/failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct failing_plan own;
static struct failing_plan *shared;
/* Descriptors that were to be opened with O_DSYNC, when nothing is really flushed. */
static atomic_bool flushing[1024];

/* In a program it is loaded into; runs before the program's own code. */
__attribute__((constructor)) static void share(void)
{
    const char *path = getenv("TANDEM_TEST_FAILING");
    if (path == NULL)
        return;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at != MAP_FAILED)
        shared = at;
}

struct failing_plan *failing_plan(void)
{
    return shared != NULL ? shared : &own;
}

void failing_calls_arm(struct failing_plan *plan)
{
    atomic_store(&plan->met, 0);
    atomic_store(&plan->failed, 0);
    atomic_store(&plan->armed, 1);
}

void failing_calls_arm_disk(enum failing_way way, int error, uint64_t nth, bool onwards)
{
    struct failing_plan *plan = failing_plan();
    *plan = (struct failing_plan){.calls = CALL_DISK,
                                  .way = way,
                                  .error = error,
                                  .nth = nth,
                                  .onwards = onwards,
                                  .skip_flush = 1};
    failing_calls_arm(plan);
}

uint64_t failing_calls_disarm(struct failing_plan *plan)
{
    atomic_store(&plan->armed, 0);
    return atomic_load(&plan->failed);
}

bool failing_hit(uint32_t call)
{
    struct failing_plan *plan = failing_plan();
    if (atomic_load(&plan->armed) == 0 || (plan->calls & call) == 0)
        return false;
    const uint64_t n = atomic_fetch_add(&plan->met, 1) + 1;
    if (n != plan->nth && !(plan->onwards != 0 && n > plan->nth))
        return false;
    atomic_fetch_add(&plan->failed, 1);
    if (plan->way == FAILING_KILLED)
        (void)syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    return true;
}

int failing_error(void)
{
    errno = failing_plan()->error;
    return -1;
}

mode_t failing_kind(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 ? stat.st_mode & S_IFMT : 0;
}

/* ---- Bytes that go out ---- */

struct transfer {
    int fd;
    int64_t at; /* -1: where the file stands */
    const struct iovec *parts;
    int count;
};

static ssize_t do_write(const struct transfer *t, const struct iovec *parts, int count)
{
    if (t->at < 0)
        return syscall(SYS_writev, t->fd, parts, count);
    return syscall(SYS_pwritev, t->fd, parts, count, t->at, 0);
}

static uint64_t size_of(const struct transfer *t)
{
    uint64_t size = 0;
    for (int i = 0; i < t->count; i++)
        size += t->parts[i].iov_len;
    return size;
}

static ssize_t write_half(const struct transfer *t)
{
    struct iovec half = t->parts[0];
    uint64_t size = size_of(t) / 2;
    if (size == 0)
        return failing_error();
    half.iov_len = half.iov_len < size ? half.iov_len : size;
    return do_write(t, &half, 1);
}

static ssize_t transfer_out(const struct transfer *t)
{
    const mode_t kind = failing_kind(t->fd);
    const bool file = S_ISREG(kind);
    const uint32_t call = file ? CALL_WRITE : S_ISSOCK(kind) ? CALL_SEND : CALL_WAKE;
    const bool hit = failing_hit(call);
    const uint32_t way = failing_plan()->way;
    if (hit && way == FAILING_NOTHING_DONE)
        return failing_error();
    if (file && failing_before_write != NULL)
        failing_before_write(t->fd, t->at >= 0 ? t->at : lseek(t->fd, 0, SEEK_CUR), size_of(t));
    if (hit && way == FAILING_HALF_DONE)
        return write_half(t);
    const ssize_t done = do_write(t, t->parts, t->count);
    if (file && failing_after_write != NULL)
        failing_after_write(t->fd, !hit && done >= 0);
    return hit ? failing_error() : done;
}

ssize_t write(int fd, const void *data, size_t size)
{
    const struct iovec part = {(void *)(uintptr_t)data, size};
    return transfer_out(&(struct transfer){fd, -1, &part, 1});
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    const struct iovec part = {(void *)(uintptr_t)data, size};
    return transfer_out(&(struct transfer){fd, at, &part, 1});
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return transfer_out(&(struct transfer){fd, -1, parts, count});
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return transfer_out(&(struct transfer){fd, at, parts, count});
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
    __attribute__((alias("pwritev")));

/* ---- Files ---- */

static int sync_file(int fd, long call)
{
    const struct failing_plan *plan = failing_plan();
    const bool hit = failing_hit(CALL_SYNC | (S_ISDIR(failing_kind(fd)) ? CALL_SYNC_FOLDER : 0));
    const int failed = plan->skip_flush != 0 ? 0 : (int)syscall(call, fd);
    if (failing_after_sync != NULL)
        failing_after_sync(fd, !hit || plan->way == FAILING_ALL_DONE);
    return hit ? failing_error() : failed;
}

int fsync(int fd)
{
    return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_file(fd, SYS_fdatasync);
}

int msync(void *at, size_t size, int flags)
{
    return failing_hit(CALL_SYNC) ? failing_error() : (int)syscall(SYS_msync, at, size, flags);
}

int ftruncate(int fd, off_t size)
{
    return failing_hit(CALL_TRUNCATE) ? failing_error() : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    if (failing_hit(CALL_OPEN))
        return failing_error();
    const int skipped = failing_plan()->skip_flush != 0 ? O_SYNC : 0; /* O_DSYNC is a part of it */
    const int fd = (int)syscall(SYS_openat, folder, path, flags & ~skipped, mode);
    if (fd >= 0 && fd < (int)(sizeof flushing / sizeof *flushing))
        atomic_store(&flushing[fd], (flags & O_DSYNC) != 0);
    return fd;
}

bool failing_flushes(int fd)
{
    return fd >= 0 && fd < (int)(sizeof flushing / sizeof *flushing) && atomic_load(&flushing[fd]);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(folder, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

int mkdir(const char *path, mode_t mode)
{
    return failing_hit(CALL_OPEN) ? failing_error()
                                  : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *from, const char *to)
{
    if (failing_hit(CALL_OPEN))
        return failing_error();
    const int failed = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (failed == 0 && failing_after_rename != NULL)
        failing_after_rename(from, to);
    return failed;
}

int unlinkat(int folder, const char *path, int flags)
{
    return failing_hit(CALL_REMOVE) ? failing_error()
                                    : (int)syscall(SYS_unlinkat, folder, path, flags);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int chmod(const char *path, mode_t mode)
{
    return failing_hit(CALL_REMOVE) ? failing_error()
                                    : (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}
