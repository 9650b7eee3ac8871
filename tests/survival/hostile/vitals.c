#include "tests/survival/hostile/vitals.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/survival/hostile/talk.h"

static bool count_descriptors(pid_t pid, unsigned *count)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    *count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        *count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return true;
}

static bool read_anonymous(pid_t pid, uint64_t *bytes)
{
    char path[64], line[256];
    unsigned long long kilobytes = 0;
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = sscanf(line, "RssAnon: %llu kB", &kilobytes) == 1;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    *bytes = kilobytes * 1024;
    return found;
}

static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

bool vitals_read(pid_t pid, struct vitals *out)
{
    out->cpu_ns = cpu_of(pid);
    return count_descriptors(pid, &out->descriptors) && read_anonymous(pid, &out->anonymous);
}

/* Looks until it has no more than `most` of both, or time is up; `now` is the last look. */
static bool wait_for(pid_t pid, const struct vitals *most, unsigned limit_ms, struct vitals *now)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    for (unsigned waited = 0; vitals_read(pid, now) && waited <= limit_ms; waited += 10) {
        if (now->descriptors <= most->descriptors && now->anonymous <= most->anonymous) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

bool vitals_wait_descriptors(pid_t pid, unsigned most, unsigned limit_ms)
{
    struct vitals now = {0};
    if (wait_for(pid, &(struct vitals){.descriptors = most, .anonymous = UINT64_MAX}, limit_ms,
                 &now)) {
        return true;
    }
    (void)fprintf(stderr, "%u descriptors where %u were before\n", now.descriptors, most);
    return false;
}

bool vitals_wait_memory(pid_t pid, uint64_t most, unsigned limit_ms)
{
    struct vitals now = {0};
    return wait_for(pid, &(struct vitals){.descriptors = UINT_MAX, .anonymous = most}, limit_ms,
                    &now);
}

bool vitals_healthy(const struct server_process *server)
{
    struct net_client client;
    const struct net_client_options options = {.authority = server->ca};
    char head[512];
    bool healthy = net_client_tcp(&client, server->address, 0) &&
                   net_client_tls(&client, &options) &&
                   net_client_request(&client, "GET /healthz", "", head, sizeof head) == 200;
    net_client_close(&client);
    return healthy;
}

static bool is_usual(const char *line)
{
    static const char *const usual[] = {"refused ",     " was busy for ",  "made  ",
                                        "slowed down ", "newcomers from ", "A new store is in ",
                                        "Next: ",       "then: "};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strstr(line, usual[i]) != NULL) {
            return true;
        }
    }
    return *line == '\0';
}

bool vitals_log_is_calm(const struct server_process *server)
{
    char path[SCRATCH_PATH + 32];
    size_t size = 0;
    bool calm = true;
    (void)snprintf(path, sizeof path, "%s/server.log", server->folder);
    char *text = scratch_read(path, &size), *rest = text;
    for (char *line; text != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        if (!is_usual(line)) {
            (void)fprintf(stderr, "the log says: %s\n", line);
            calm = false;
        }
    }
    free(text);
    return calm && text != NULL;
}
