#include "cli/cli_copy.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MAX 4096
#define LOCK_TRIES 100u
#define LOCK_PAUSE_MS 10

static bool copy_path(const struct profile *profile, const char *name, char out[PROFILE_PATH])
{
    char folder[PROFILE_PATH];
    int size = snprintf(out, PROFILE_PATH, "%s/%s", profile_replica(profile, folder), name);
    return size > 0 && size < PROFILE_PATH;
}

/* Copies the value of a line "name value". False when it does not fit. */
static bool take_line(const char *line, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || line[length] != ' ') {
        return true;
    }
    return snprintf(out, size, "%s", line + length + 1) < (int)size;
}

static bool parse(char *text, struct copy *out)
{
    char caught_up[32] = "0";
    char offline[8] = "0";
    bool good = true;
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        good = good && take_line(line, "url", out->url, sizeof out->url) &&
               take_line(line, "user", out->user, sizeof out->user) &&
               take_line(line, "role", out->role, sizeof out->role) &&
               take_line(line, "offline", offline, sizeof offline) &&
               take_line(line, "caught-up", caught_up, sizeof caught_up);
        line = end == NULL ? NULL : end + 1;
    }
    out->offline = strcmp(offline, "1") == 0;
    out->caught_up_ms = strtoll(caught_up, NULL, 10);
    return good && out->url[0] != '\0' && out->user[0] != '\0' && out->caught_up_ms >= 0;
}

void copy_load(const struct profile *profile, struct copy *out)
{
    char path[PROFILE_PATH];
    char text[COPY_MAX + 1];
    *out = (struct copy){.kept = false};
    if (!copy_path(profile, "copy", path)) {
        return;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        out->kept = errno != ENOENT; /* what is in the way is told by who opens the folder */
        return;
    }
    size_t size = fread(text, 1, COPY_MAX, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    text[size] = '\0';
    if (failed || !parse(text, out)) {
        *out = (struct copy){.kept = false};
    }
    /* What waits beside an unreadable file is still there to be sent. */
    out->kept = true;
}

/* A line break in what a server sent would begin a line of its own. */
static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (iscntrl((unsigned char)*text)) {
            return true;
        }
    }
    return false;
}

static bool write_file(const char *path, const struct copy *copy)
{
    (void)unlink(path);
    int handle = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = handle < 0 ? NULL : fdopen(handle, "w");
    if (file == NULL) {
        if (handle >= 0) {
            (void)close(handle);
        }
        return false;
    }
    bool good = fprintf(file, "url %s\nuser %s\nrole %s\noffline %d\ncaught-up %lld\n", copy->url,
                        copy->user, copy->role, copy->offline, (long long)copy->caught_up_ms) > 0;
    good = fflush(file) == 0 && fsync(handle) == 0 && good;
    return fclose(file) == 0 && good;
}

/* Other commands of the profile write too. The lock is the folder's own, and ends with the handle,
 * or the process; when there is none to be had, since somebody was stopped with it, it is done all
 * the same. */
static int lock_folder(const struct profile *profile)
{
    char folder[PROFILE_PATH];
    int handle = open(profile_replica(profile, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < LOCK_TRIES && handle >= 0 && flock(handle, LOCK_EX | LOCK_NB) != 0;
         i++) {
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return handle;
}

static void unlock_folder(int handle)
{
    if (handle >= 0) {
        (void)close(handle);
    }
}

static bool save(const struct profile *profile, const struct copy *copy, char problem[256])
{
    char path[PROFILE_PATH];
    char fresh[PROFILE_PATH];
    if (has_control(copy->url) || has_control(copy->user) || has_control(copy->role)) {
        (void)snprintf(problem, 256, "the server sent a name or a role with control characters");
        return false;
    }
    if (!copy_path(profile, "copy", path) || !copy_path(profile, "copy.new", fresh)) {
        (void)snprintf(problem, 256, "the name of the folder is too long");
        return false;
    }
    if (!write_file(fresh, copy) || rename(fresh, path) != 0) {
        (void)snprintf(problem, 256, "%.150s cannot be written: %s", path, strerror(errno));
        (void)unlink(fresh);
        return false;
    }
    return true;
}

bool copy_save(const struct profile *profile, const struct copy *copy, char problem[256])
{
    int lock = lock_folder(profile);
    bool saved = save(profile, copy, problem);
    unlock_folder(lock);
    return saved;
}

bool copy_note_time(const struct profile *profile, int64_t caught_up_ms, char problem[256])
{
    struct copy copy;
    int lock = lock_folder(profile);
    copy_load(profile, &copy);
    copy.caught_up_ms = caught_up_ms;
    bool ours = copy.kept && strcmp(copy.url, profile->session.url) == 0 &&
                strcmp(copy.user, profile->session.user) == 0;
    bool noted = !ours || save(profile, &copy, problem);
    unlock_folder(lock);
    return noted;
}

bool copy_is_foreign(const struct profile *profile, const char *url, const char *user)
{
    struct copy copy;
    copy_load(profile, &copy);
    bool known = copy.url[0] != '\0';
    return strcmp(known ? copy.url : profile->session.url, url) != 0 ||
           strcmp(known ? copy.user : profile->session.user, user) != 0;
}
