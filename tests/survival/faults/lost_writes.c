#include "tests/survival/faults/lost_writes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/survival/faults/failing_calls.h"

struct lost_write {
    char path[PATH_MAX];
    ino_t file;
    int64_t at;
    int64_t size;
    uint8_t *before;   /* what was there, and zeros where the file had ended */
    int64_t held;      /* bytes that were there */
    int64_t file_size; /* before */
    bool doomed;       /* a flush after it has failed */
    struct lost_write *older;
};

/* Bytes of a file that are durable, from a write or a flush behind others that were lost. */
struct durable_size {
    ino_t file;
    int64_t size;
};

#define FILES_MOST 8

/* The functions of the C library have no context. */
static struct {
    char folder[PATH_MAX];
    struct lost_write *newest;
    struct durable_size durable[FILES_MOST];
    unsigned files;
} watch;

void lost_writes_watch(const char *folder)
{
    assert(watch.newest == NULL);
    watch.files = 0;
    (void)snprintf(watch.folder, sizeof watch.folder, "%s/", folder);
}

static bool path_of(int fd, char out[PATH_MAX])
{
    char name[64];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(name, out, PATH_MAX - 1);
    if (size < 0)
        return false;
    out[size] = '\0';
    return watch.folder[0] != '\0' && strncmp(out, watch.folder, strlen(watch.folder)) == 0;
}

/* Not by open(), which is one of the calls that may fail. */
static int open_now(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);
}

void failing_before_write(int fd, int64_t at, uint64_t size)
{
    struct stat stat;
    if (watch.folder[0] == '\0')
        return;
    struct lost_write *write = malloc(sizeof *write);
    assert(write != NULL);
    if (!path_of(fd, write->path) || fstat(fd, &stat) != 0) {
        free(write);
        return;
    }
    const int file = open_now(write->path, O_RDONLY);
    assert(file >= 0);
    write->file = stat.st_ino;
    write->at = at;
    write->file_size = stat.st_size;
    write->size = (int64_t)size;
    write->before = calloc(1, size);
    write->held = pread(file, write->before, size, at);
    write->doomed = false;
    write->older = watch.newest;
    assert(write->before != NULL && write->held >= 0);
    watch.newest = write;
    (void)close(file);
}

static int64_t *durable_size(ino_t file)
{
    unsigned i = 0;
    while (i < watch.files && watch.durable[i].file != file)
        i++;
    assert(i < FILES_MOST);
    if (i == watch.files)
        watch.durable[watch.files++] = (struct durable_size){.file = file};
    return &watch.durable[i].size;
}

static void reach(ino_t file, int64_t end)
{
    int64_t *size = durable_size(file);
    if (end > *size)
        *size = end;
}

/* What is durable now over a write before it, which a flush has doomed, is not lost with that one.
 */
static void cover(struct lost_write *doomed, const struct lost_write *durable)
{
    const int64_t end = doomed->at + doomed->size, until = durable->at + durable->size;
    const int64_t from = doomed->at > durable->at ? doomed->at : durable->at;
    const int64_t to = end < until ? end : until;
    if (doomed->file != durable->file || !doomed->doomed || from >= to)
        return;
    const int file = open_now(doomed->path, O_RDONLY);
    assert(file >= 0);
    const ssize_t got =
        pread(file, doomed->before + (from - doomed->at), (size_t)(to - from), from);
    assert(got == to - from);
    if (to - doomed->at > doomed->held)
        doomed->held = to - doomed->at;
    (void)close(file);
}

/* Forgets what is durable now. */
static void forget(ino_t file, const struct lost_write *only)
{
    struct lost_write **place = &watch.newest;
    while (*place != NULL) {
        struct lost_write *write = *place;
        if (write->file != file || write->doomed || (only != NULL && write != only)) {
            place = &write->older;
            continue;
        }
        *place = write->older;
        reach(file, write->at + write->size);
        for (struct lost_write *older = write->older; older != NULL; older = older->older)
            cover(older, write);
        free(write->before);
        free(write);
    }
}

void failing_after_write(int fd, bool done)
{
    struct stat stat;
    if (done && failing_flushes(fd) && watch.newest != NULL && fstat(fd, &stat) == 0 &&
        watch.newest->file == stat.st_ino)
        forget(stat.st_ino, watch.newest);
}

void failing_after_sync(int fd, bool done)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return;
    if (done)
        forget(stat.st_ino, NULL);
    for (struct lost_write *write = watch.newest; write != NULL && !done; write = write->older)
        write->doomed = write->doomed || write->file == stat.st_ino;
}

void failing_after_rename(const char *from, const char *to)
{
    for (struct lost_write *write = watch.newest; write != NULL; write = write->older)
        if (strcmp(write->path, from) == 0)
            (void)snprintf(write->path, sizeof write->path, "%s", to);
}

/* Whether the writes to this place are lost: of one page all or none, as a page is written back
 * with what it holds last. The mixing is that of SplitMix64 (Steele, Lea, Flood 2014). */
static bool some_lost(uint64_t seed, int64_t at)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (uint64_t)at;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((z ^ (z >> 31)) & 1u) != 0;
}

/* What a file had grown by is gone when nothing behind it was kept, and zeros else. */
static void undo(const struct lost_write *write, bool cut)
{
    const int file = open_now(write->path, O_WRONLY);
    const int64_t durable = *durable_size(write->file);
    if (file < 0 && errno == ENOENT)
        return; /* the file was removed */
    assert(file >= 0);
    cut = cut && durable <= write->at + write->held;
    const size_t size = cut ? (size_t)write->held : (size_t)write->size;
    const ssize_t put = syscall(SYS_pwrite64, file, write->before, size, write->at);
    assert(put == (ssize_t)size);
    const int64_t left = durable > write->file_size ? durable : write->file_size;
    const int failed = cut ? (int)syscall(SYS_ftruncate, file, left) : 0;
    assert(failed == 0);
    (void)close(file);
}

void lost_writes_take(enum lost_writes which, uint64_t seed)
{
    watch.folder[0] = '\0';
    while (watch.newest != NULL) {
        struct lost_write *write = watch.newest;
        if (which == LOST_ALL || (which == LOST_SOME && some_lost(seed, write->at)))
            undo(write, which == LOST_ALL);
        watch.newest = write->older;
        free(write->before);
        free(write);
    }
}
