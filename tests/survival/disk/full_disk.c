/* A disk that is full from one moment to the next, for a program started with this library
 * preloaded: while the file TANDEM_TEST_FULL_DISK is there, writes to the store's data fail as its
 * first letter says:
 *
 *     w    nothing is written, ENOSPC
 *     s    the first half is written
 *     f    all is written, and then flushing says ENOSPC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_data(int file)
{
    static const char name[] = "/data.mdb";
    char link[64], path[1024];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path);
    size_t length = strlen(name);
    return size >= (ssize_t)length && memcmp(path + size - length, name, length) == 0;
}

/* NUL: there is room. */
static char how_full(int data)
{
    const char *path = getenv("TANDEM_TEST_FULL_DISK");
    char letter = '\0';
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (read(file, &letter, 1) != 1 || !is_data(data)) {
            letter = '\0';
        }
        (void)close(file);
    }
    return letter;
}

static ssize_t no_space(void)
{
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at)
{
    char full = how_full(file);
    return full == 'w' ? no_space()
                       : syscall(SYS_pwrite64, file, data, full == 's' ? size / 2 : size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t at)
{
    return pwrite(file, data, size, at);
}

ssize_t write(int file, const void *data, size_t size)
{
    char full = how_full(file);
    return full == 'w' ? no_space() : syscall(SYS_write, file, data, full == 's' ? size / 2 : size);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    char full = how_full(file);
    return full == 'w' ? no_space()
                       : syscall(SYS_writev, file, parts, full == 's' ? (count + 1) / 2 : count);
}

int fdatasync(int file)
{
    int result = (int)syscall(SYS_fdatasync, file);
    return result == 0 && how_full(file) == 'f' ? (int)no_space() : result;
}
