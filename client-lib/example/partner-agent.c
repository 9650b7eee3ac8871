/* Keeps a file for each record that others share with a partner, for the partner's own systems.
 *
 *     cc partner-agent.c $(pkg-config --cflags --libs tandem) -o partner-agent
 *     TANDEM_PASSWORD=... ./partner-agent wss://localhost:7443 certs/ca.pem eva ./folder ./files
 *
 * files/ID.json is written once when a record appears and again only when it changes, whole or not
 * at all. When access to a record ends, its file goes: overwritten, then deleted. The replica in
 * the folder is the memory of all that; the program may be ended or killed at any time. What
 * happened between two runs, or between a change of the replica and that of the files, is found by
 * comparing the two, at the start and whenever one change after the other cannot be told.
 *
 * Runs until the server cannot be used any more, and prints a line for each file.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tandem/tandem.h>
#include <unistd.h>

#define PATH_SIZE 4096

struct agent {
    tandem_client *client;
    const char *files; /* the folder */
    bool refilled; /* the replica, or a scope: what did not come again is swept once caught up */
    bool failed;   /* a file could not be written or deleted: ends the program */
};

static void fail(struct agent *agent, const char *what)
{
    fprintf(stderr, "%s: cannot %s: %s\n", agent->files, what, strerror(errno));
    agent->failed = true;
}

static void path_of(const struct agent *agent, const char *name, const char *ending,
                    char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s%s", agent->files, name, ending);
}

/* ---- Files --------------------------------------------------------------------------------- */

/* Overwrites what the file holds, which may still be open under no name. Closes it. */
static bool wipe(int file)
{
    static const char nothing[4096];
    struct stat about;
    bool good = fstat(file, &about) == 0;
    for (off_t done = 0; good && done < about.st_size;) {
        const off_t left = about.st_size - done;
        const size_t size = left < (off_t)sizeof nothing ? (size_t)left : sizeof nothing;
        const ssize_t written = write(file, nothing, size);
        good = written > 0;
        done += written;
    }
    good = good && fsync(file) == 0;
    return close(file) == 0 && good;
}

static void forget_file(struct agent *agent, const char *name)
{
    char path[PATH_SIZE];
    path_of(agent, name, "", path);
    const int file = open(path, O_WRONLY | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return;
    const bool wiped = file >= 0 && wipe(file);
    if (unlink(path) != 0 || !wiped)
        fail(agent, "delete a file");
    else
        printf("gone %s\n", name);
}

static bool write_whole(const char *path, const char *text, size_t size)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    bool good = file >= 0;
    for (size_t done = 0; good && done < size;) {
        const ssize_t written = write(file, text + done, size - done);
        good = written > 0;
        done += good ? (size_t)written : 0;
    }
    good = good && fsync(file) == 0;
    return file >= 0 && close(file) == 0 && good;
}

/* Whether the file at `path` is exactly this text. */
static bool is_there(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t at = 0;
    int c = EOF;
    while (file != NULL && at < size && (c = getc(file)) == (unsigned char)text[at])
        at++;
    const bool same = file != NULL && at == size && getc(file) == EOF;
    if (file != NULL)
        fclose(file);
    return same;
}

/* The file appears whole. The version before it, which may say more than is shared now, is wiped.
 */
static void write_record(struct agent *agent, const tandem_record *record)
{
    char path[PATH_SIZE], fresh[PATH_SIZE];
    char *text = tandem_record_json(record);
    const size_t size = text == NULL ? 0 : strlen(text);
    path_of(agent, tandem_record_id(record), ".json", path);
    path_of(agent, tandem_record_id(record), ".new", fresh);
    if (text == NULL) {
        fail(agent, "find memory");
    } else if (!is_there(path, text, size)) {
        const int before = open(path, O_WRONLY | O_NOFOLLOW);
        if (!write_whole(fresh, text, size) || rename(fresh, path) != 0)
            fail(agent, "write a file");
        printf("%s %s.json %s\n", before < 0 ? "new" : "changed", tandem_record_id(record),
               tandem_record_entity(record));
        if (before >= 0 && !wipe(before))
            fail(agent, "overwrite a file");
    }
    tandem_free(text);
}

/* ---- Which ones ---------------------------------------------------------------------------- */

/* What concerns accounts; not the partner's own users, assignments and settings. */
static bool is_wanted(const tandem_record *record)
{
    return strncmp(tandem_record_scope(record), "account:", strlen("account:")) == 0 &&
           strcmp(tandem_record_entity(record), "assignment") != 0;
}

static bool download(void *context, const tandem_record *record)
{
    struct agent *agent = context;
    if (is_wanted(record))
        write_record(agent, record);
    return !agent->failed;
}

static bool note_wanted(void *context, const tandem_record *record)
{
    bool *wanted = context;
    *wanted = is_wanted(record);
    return false;
}

/* Deletes the files of what is not held any more, and of what was never finished. */
static void sweep(struct agent *agent)
{
    DIR *folder = opendir(agent->files);
    const struct dirent *file;
    while (folder != NULL && !agent->failed && (file = readdir(folder)) != NULL) {
        char id[TANDEM_ID_TEXT];
        const char *ending = strchr(file->d_name, '.');
        const size_t size = ending == NULL ? 0 : (size_t)(ending - file->d_name);
        if (size != sizeof id - 1)
            continue; /* not ours */
        bool wanted = false;
        snprintf(id, sizeof id, "%.*s", (int)size, file->d_name);
        if (strcmp(ending, ".json") == 0)
            tandem_get(agent->client, id, note_wanted, &wanted);
        if (!wanted)
            forget_file(agent, file->d_name);
    }
    if (folder == NULL || closedir(folder) != 0)
        fail(agent, "read the folder");
}

static void compare_all(struct agent *agent)
{
    sweep(agent);
    if (!agent->failed)
        tandem_each(agent->client, NULL, download, agent);
}

static void on_event(void *context, const tandem_event *event)
{
    struct agent *agent = context;
    char name[TANDEM_ID_TEXT + sizeof ".json"];
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        download(agent, event->record);
        break;
    case TANDEM_EVENT_REMOVED:
        snprintf(name, sizeof name, "%s.json", event->id);
        forget_file(agent, name);
        break;
    case TANDEM_EVENT_PURGED: /* the replica holds nothing of the scope any more */
        sweep(agent);
        break;
    case TANDEM_EVENT_RESET:
    case TANDEM_EVENT_ENTERED:
    case TANDEM_EVENT_REPAIRED: /* what is shared comes again now */
        agent->refilled = true;
        break;
    case TANDEM_EVENT_RELOAD: /* told by another process that shares the folder */
        compare_all(agent);
        break;
    case TANDEM_EVENT_CAUGHT_UP:
        if (agent->refilled)
            sweep(agent);
        agent->refilled = false;
        break;
    case TANDEM_EVENT_DISCONNECTED:
        fprintf(stderr, "not connected: %s\n", event->detail);
        break;
    default:
        break;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct agent agent = {.files = argc == 6 ? argv[5] : ""};
    tandem_fault fault = {.code = TANDEM_OK};
    if (argc != 6 || strlen(argv[5]) > PATH_SIZE / 2 || getenv("TANDEM_PASSWORD") == NULL) {
        fprintf(stderr, "TANDEM_PASSWORD=... %s URL CA-FILE USER FOLDER FILES-FOLDER\n", argv[0]);
        return TANDEM_USAGE;
    }
    if (mkdir(agent.files, 0700) != 0 && errno != EEXIST) {
        perror(agent.files);
        return TANDEM_USAGE;
    }
    const tandem_options options = {.replica = argv[4], .on_event = on_event, .context = &agent};
    const tandem_server server = {.url = argv[1],
                                  .ca = argv[2],
                                  .user = argv[3],
                                  .method = TANDEM_SIGN_IN_PASSWORD,
                                  .secret = getenv("TANDEM_PASSWORD"),
                                  .agent = "partner-agent"};
    tandem_code code = tandem_open(&options, &agent.client, &fault);
    if (code == TANDEM_OK) {
        compare_all(&agent);
        code = tandem_connect(agent.client, &server, &fault);
    }
    if (code == TANDEM_OK)
        code = tandem_subscribe(agent.client, NULL, 0);
    while (code == TANDEM_OK && !agent.failed) {
        code = tandem_wait(agent.client, -1);
        tandem_last_fault(agent.client, &fault);
    }
    if (!agent.failed)
        fprintf(stderr, "%s: %s\n", tandem_error_text(code), fault.detail);
    tandem_close(agent.client);
    return agent.failed ? TANDEM_REFUSED : (int)tandem_error_class(code);
}
