#include "tests/survival/disk/small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define PAGE 4096u

static bool write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t written = file < 0 ? -1 : write(file, text, strlen(text));
    if (file >= 0) {
        (void)close(file);
    }
    return written == (ssize_t)strlen(text);
}

/* Mounts seen by nobody else: as root, or as whoever is root in a user namespace of their own. */
static bool leave_the_others(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
            return false;
        }
        (void)write_text("/proc/self/setgroups", "deny"); /* older kernels have none */
        (void)snprintf(map, sizeof map, "0 %u 1", uid);
        if (!write_text("/proc/self/uid_map", map)) {
            return false;
        }
        (void)snprintf(map, sizeof map, "0 %u 1", gid);
        if (!write_text("/proc/self/gid_map", map)) {
            return false;
        }
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

enum small_disk_made small_disk_make(const char *path, unsigned mib)
{
    char size[64];
    (void)snprintf(size, sizeof size, "size=%um,mode=0700", mib);
    if (mkdir(path, 0700) != 0) {
        perror(path);
        return SMALL_DISK_FAILED;
    }
    if (!leave_the_others() || mount("small", path, "tmpfs", MS_NOSUID | MS_NODEV, size) != 0) {
        (void)fprintf(stderr,
                      "a small disk cannot be mounted here (%s): it needs root, or user "
                      "namespaces\n",
                      strerror(errno));
        return errno == EPERM || errno == EACCES || errno == EINVAL || errno == ENOSPC
                   ? SMALL_DISK_NOT_PERMITTED
                   : SMALL_DISK_FAILED;
    }
    return SMALL_DISK_MADE;
}

void small_disk_remove(const char *path)
{
    if (umount2(path, MNT_DETACH) != 0) {
        perror(path);
    }
}

uint64_t small_disk_free(const char *path)
{
    struct statvfs disk;
    return statvfs(path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

static void ballast(const char *path, char out[SCRATCH_PATH + 64])
{
    (void)snprintf(out, SCRATCH_PATH + 64, "%s/ballast", path);
}

/* In halves, since others write meanwhile and what is free now may be taken the next moment. */
bool small_disk_fill(const char *path, uint64_t leave)
{
    char name[SCRATCH_PATH + 64];
    ballast(path, name);
    int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    uint64_t unit = small_disk_free(path);
    off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    while (size >= 0 && unit >= PAGE && small_disk_free(path) > leave) {
        uint64_t most = small_disk_free(path) - leave;
        uint64_t take = (unit < most ? unit : most) / PAGE * PAGE;
        if (take > 0 && fallocate(file, 0, size, (off_t)take) == 0) {
            size += (off_t)take;
        } else {
            unit /= 2;
        }
    }
    if (file >= 0) {
        (void)close(file);
    }
    return size >= 0;
}

bool small_disk_clear(const char *path)
{
    char name[SCRATCH_PATH + 64];
    ballast(path, name);
    return unlink(name) == 0;
}
