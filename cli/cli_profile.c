#include "cli/cli_profile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSION_MAX 8192

static bool fill(char *out, size_t size, const char *format, const char *a, const char *b)
{
    int written = snprintf(out, size, format, a, b);
    return written > 0 && (size_t)written < size;
}

static bool find_folder(struct profile *profile)
{
    size_t size = sizeof profile->folder;
    const char *named = getenv("TANDEM_PROFILE");
    if (named != NULL && named[0] != '\0') {
        return fill(profile->folder, size, "%s%s", named, "");
    }
    const char *state = getenv("XDG_STATE_HOME");
    if (state != NULL && state[0] == '/') {
        return fill(profile->folder, size, "%s/%s", state, "tandem");
    }
    const char *home = getenv("HOME");
    return home != NULL && home[0] != '\0' &&
           fill(profile->folder, size, "%s/%s", home, ".local/state/tandem");
}

static bool session_path(const struct profile *profile, const char *name, char out[PROFILE_PATH])
{
    return fill(out, PROFILE_PATH, "%s/%s", profile->folder, name);
}

/* Copies the value of a line "name value" into `out`; false when it does not fit. A value may be
 * empty, as the CA of a server that the system trusts is. */
static bool take_line(const char *line, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || line[length] != ' ') {
        return true;
    }
    const char *value = line + length + 1;
    return snprintf(out, size, "%s", value) < (int)size;
}

static bool parse_session(char *text, struct session *out)
{
    bool good = true;
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        good = good && take_line(line, "url", out->url, sizeof out->url) &&
               take_line(line, "ca", out->ca, sizeof out->ca) &&
               take_line(line, "user", out->user, sizeof out->user) &&
               take_line(line, "token", out->token, sizeof out->token);
        line = end == NULL ? NULL : end + 1;
    }
    return good && out->url[0] != '\0' && out->token[0] != '\0';
}

static bool read_session(struct profile *profile, const char *path, char problem[256])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno == ENOENT) {
            return true;
        }
        if (errno == ENOTDIR) {
            (void)snprintf(problem, 256,
                           "%.150s is not a folder. Move it away, or name another profile: "
                           "TANDEM_PROFILE",
                           profile->folder);
            return false;
        }
        (void)snprintf(problem, 256, "the session in %.150s cannot be read: %s", path,
                       strerror(errno));
        return false;
    }
    char text[SESSION_MAX + 1];
    size_t size = fread(text, 1, SESSION_MAX, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    text[size] = '\0';
    profile->signed_in = !failed && parse_session(text, &profile->session);
    if (!profile->signed_in) {
        (void)snprintf(problem, 256, "the session in %.150s is damaged; delete it and sign in again",
                       path);
    }
    return profile->signed_in;
}

bool profile_load(struct profile *profile, char problem[256])
{
    *profile = (struct profile){0};
    char path[PROFILE_PATH];
    if (!find_folder(profile) || !session_path(profile, "session", path)) {
        (void)snprintf(problem, 256, "set TANDEM_PROFILE to a folder for what tandem remembers");
        return false;
    }
    return read_session(profile, path, problem);
}

bool profile_make_folder(const char *path, char problem[256])
{
    char partial[PROFILE_PATH];
    if (!fill(partial, sizeof partial, "%s%s", path, "")) {
        (void)snprintf(problem, 256, "the name of the folder is too long");
        return false;
    }
    for (char *slash = strchr(partial + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(partial, 0700);
        *slash = '/';
    }
    struct stat status;
    bool made = mkdir(partial, 0700) == 0 || errno == EEXIST;
    if (made && stat(partial, &status) == 0 && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        made = false;
    }
    if (!made) {
        (void)snprintf(problem, 256,
                       "the folder %.120s cannot be made: %s. Another can be named: TANDEM_PROFILE",
                       path, strerror(errno));
    }
    return made;
}

static bool write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, text, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text += written;
        size -= (size_t)written;
    }
    return true;
}

static bool write_session(const struct session *session, const char *path)
{
    char text[SESSION_MAX];
    int size = snprintf(text, sizeof text, "url %s\nca %s\nuser %s\ntoken %s\n", session->url,
                        session->ca, session->user, session->token);
    if (size < 0 || (size_t)size >= sizeof text) {
        errno = ENAMETOOLONG;
        return false;
    }
    (void)unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return false;
    }
    bool good = write_all(file, text, (size_t)size) && fsync(file) == 0;
    return close(file) == 0 && good;
}

/* The name of a file lasts when its folder is flushed. Not every file system can, and each has a
 * word of its own for that. */
static bool flush_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return false;
    }
    bool good = fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
    return close(folder) == 0 && good;
}

/* A line break in what a server sent would begin a line of its own: another address, say. */
static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (iscntrl((unsigned char)*text)) {
            return true;
        }
    }
    return false;
}

bool profile_save(const struct profile *profile, char problem[256])
{
    char path[PROFILE_PATH];
    char fresh[PROFILE_PATH];
    const struct session *session = &profile->session;
    if (has_control(session->user) || has_control(session->token)) {
        (void)snprintf(problem, 256, "the server sent a name or a token with control characters");
        return false;
    }
    if (has_control(session->url) || has_control(session->ca)) {
        (void)snprintf(problem, 256, "the address or a path has control characters");
        return false;
    }
    if (!profile_make_folder(profile->folder, problem)) {
        return false;
    }
    (void)chmod(profile->folder, 0700);
    if (!session_path(profile, "session", path) || !session_path(profile, "session.new", fresh)) {
        (void)snprintf(problem, 256, "the name of the folder is too long");
        return false;
    }
    if (!write_session(&profile->session, fresh) || rename(fresh, path) != 0 ||
        !flush_folder(profile->folder)) {
        (void)snprintf(problem, 256, "the session cannot be written to %.150s: %s", path,
                       strerror(errno));
        (void)unlink(fresh);
        return false;
    }
    return true;
}

void profile_forget_session(const struct profile *profile)
{
    char path[PROFILE_PATH];
    if (session_path(profile, "session", path)) {
        (void)unlink(path);
    }
}

const char *profile_replica(const struct profile *profile, char out[PROFILE_PATH])
{
    (void)session_path(profile, "replica", out);
    return out;
}

void profile_delete_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    (void)rmdir(path);
}
