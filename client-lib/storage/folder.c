#include "client-lib/storage/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/base/fault.h"

/* Folders above it whose names are flushed. */
#define ABOVE_MOST 16

static bool make(const char *folder)
{
    char path[PATH_MAX];
    size_t length = strlen(folder);
    if (length == 0 || length >= sizeof path) {
        errno = length == 0 ? ENOENT : ENAMETOOLONG;
        return false;
    }
    memcpy(path, folder, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        char end = path[i];
        path[i] = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        path[i] = end;
    }
    return true;
}

/* ---- Whose it is ---- */

static enum status check_folder(int directory, const char *folder, tandem_fault *fault)
{
    struct stat found;
    if (fstat(directory, &found) != 0)
        return trouble(fault, STATUS_IO, "", "cannot look at %s: %s", folder, strerror(errno));
    if (found.st_uid != geteuid())
        return trouble(fault, STATUS_DENIED, "", "the folder %s belongs to another user (%u)",
                       folder, (unsigned)found.st_uid);
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return trouble(fault, STATUS_DENIED, "", "others may write to the folder %s: chmod 700 it",
                       folder);
    return STATUS_OK;
}

/* Nobody but us can write to the folder, so that what is found stays as it is. The files are not
 * opened: closing one would give up the locks that LMDB has on it. */
static enum status check_file(int directory, const char *folder, const char *name,
                              tandem_fault *fault)
{
    struct stat found;
    if (fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return STATUS_OK;
        return trouble(fault, STATUS_IO, "", "cannot look at %s/%s: %s", folder, name,
                       strerror(errno));
    }
    if (!S_ISREG(found.st_mode))
        return trouble(fault, STATUS_DENIED, "", "%s/%s is %s", folder, name,
                       S_ISLNK(found.st_mode) ? "a link" : "no file");
    if (found.st_uid != geteuid())
        return trouble(fault, STATUS_DENIED, "", "%s/%s belongs to another user (%u)", folder, name,
                       (unsigned)found.st_uid);
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0 && fchmodat(directory, name, 0600, 0) != 0)
        return trouble(fault, STATUS_DENIED, "", "others may read or write %s/%s: %s", folder, name,
                       strerror(errno));
    return STATUS_OK;
}

static enum status check(const char *folder, tandem_fault *fault)
{
    static const char *const names[] = {"lock", "data.mdb", "lock.mdb", "outbox.mdb",
                                        "outbox.mdb-lock"};
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return trouble(fault, STATUS_IO, "", "cannot open the folder %s: %s", folder,
                       strerror(errno));
    enum status status = check_folder(directory, folder, fault);
    for (size_t i = 0; i < sizeof names / sizeof *names && status == STATUS_OK; i++)
        status = check_file(directory, folder, names[i], fault);
    (void)close(directory);
    return status;
}

enum status folder_make(const char *folder, tandem_fault *fault)
{
    if (make(folder))
        return check(folder, fault);
    return trouble(fault, STATUS_IO, "", "cannot make the folder %s: %s", folder, strerror(errno));
}

/* ---- Names that last ---- */

/* Whether it is as durable as it can be. Not every file system knows how to flush a folder, and
 * each has a word of its own for that; with one that is read only there is nothing to flush. */
static bool flush(int directory)
{
    return fsync(directory) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS ||
           errno == EROFS;
}

static bool is_ours(int directory)
{
    struct stat found;
    return fstat(directory, &found) == 0 && found.st_uid == geteuid();
}

static bool is_top(int directory, int above)
{
    struct stat one, other;
    return fstat(directory, &one) != 0 || fstat(above, &other) != 0 ||
           (one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

/* The folder above may be somebody else's, in whose hands our name in it is: it is flushed too when
 * it can be opened, and is the last. */
enum status folder_sync(const char *folder)
{
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = directory >= 0 && flush(directory);
    for (int i = 0; i < ABOVE_MOST && good && is_ours(directory); i++) {
        int above = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (above < 0 || is_top(directory, above)) {
            good = above >= 0 || errno == EACCES || errno == EPERM;
            if (above >= 0)
                (void)close(above);
            break;
        }
        (void)close(directory);
        directory = above;
        good = flush(directory);
    }
    if (directory >= 0)
        (void)close(directory);
    return good ? STATUS_OK : STATUS_IO;
}
