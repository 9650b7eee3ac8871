/* The file in which `tandem` remembers who is signed in, with any bytes: refused in words, or a
 * session that is saved and read again as it was, unless saving refuses it. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_profile.h"

static char folder[64], path[80];

static void leave(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "%s/tandem-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/session", folder);
    MUST(setenv("TANDEM_PROFILE", folder, 1) == 0);
    atexit(leave);
}

static void write_file(const uint8_t *data, size_t size)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(file >= 0 && write(file, data, size) == (ssize_t)size);
    (void)close(file);
}

static bool same(const struct session *a, const struct session *b)
{
    return strcmp(a->url, b->url) == 0 && strcmp(a->ca, b->ca) == 0 &&
           strcmp(a->user, b->user) == 0 && strcmp(a->token, b->token) == 0;
}

static void expect_words(const char problem[256])
{
    MUST(problem[0] != '\0' && strnlen(problem, 256) < 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct profile profile, again;
    struct stat stat_of;
    char problem[256] = "";
    if (folder[0] == '\0')
        begin();
    write_file(data, size);
    if (!profile_load(&profile, problem)) {
        expect_words(problem);
        return 0;
    }
    MUST(profile.signed_in && profile.session.url[0] != '\0' && profile.session.token[0] != '\0');
    if (!profile_save(&profile, problem)) {
        expect_words(problem);
        return 0;
    }
    MUST(profile_load(&again, problem) && same(&profile.session, &again.session));
    MUST(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0600);
    return 0;
}
