#include "client-lib/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "client-lib/fault.h"

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

enum status folder_make(const char *folder, tandem_fault *fault)
{
    if (make(folder))
        return STATUS_OK;
    return trouble(fault, STATUS_IO, "", "cannot make the folder %s: %s", folder, strerror(errno));
}
