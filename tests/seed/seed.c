#include "tests/seed/seed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store/store.h"
#include "tests/seed/seed_internal.h"
#include "tests/support/child.h"

/* Raised when the same options make other records than before. */
#define SEED_VERSION 1

static bool make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return true;
    }
    (void)fprintf(stderr, "seed: cannot make %s: %s\n", path, strerror(errno));
    return false;
}

struct seeded *seed_store(const struct seed_options *options)
{
    struct seed_options complete;
    if (!seed_complete(options, &complete) || !make_folder(complete.folder)) {
        return NULL;
    }
    struct seeded *seeded = seed_plan(&complete);
    if (seeded == NULL) {
        (void)fprintf(stderr, "seed: out of memory\n");
    } else if (!seed_fill(&complete, seeded)) {
        seed_free(seeded);
        seeded = NULL;
    }
    return seeded;
}

/* ---- Kept stores ---------------------------------------------------------------------------- */

#define NOTE_SIZE 512

/* What a kept store was made from, written beside its folder. */
static void describe(const struct seed_options *complete, char out[NOTE_SIZE])
{
    (void)snprintf(out, NOTE_SIZE,
                   "seed %d: %llu, records %llu, accounts %llu, staff %u, partners %u, "
                   "of %u accounts, shared %u %%\n",
                   SEED_VERSION, (unsigned long long)complete->seed,
                   (unsigned long long)complete->records, (unsigned long long)complete->accounts,
                   complete->staff, complete->partners, complete->accounts_a_partner,
                   complete->shared_percent);
}

static FILE *open_note(const char *folder, const char *mode)
{
    char path[SEED_PATH + 8];
    (void)snprintf(path, sizeof path, "%s.seed", folder);
    return fopen(path, mode);
}

/* Whether the note beside the store says the same; how far the store was then. */
static bool noted(const struct seed_options *complete, uint64_t *seq)
{
    char expected[NOTE_SIZE], found[NOTE_SIZE];
    unsigned long long value = 0;
    FILE *file = open_note(complete->folder, "re");
    if (file == NULL) {
        return false;
    }
    describe(complete, expected);
    bool same = fgets(found, sizeof found, file) != NULL && strcmp(expected, found) == 0 &&
                fscanf(file, "seq %llu", &value) == 1;
    (void)fclose(file);
    *seq = value;
    return same;
}

static bool note(const struct seed_options *complete, uint64_t seq)
{
    char text[NOTE_SIZE];
    FILE *file = open_note(complete->folder, "we");
    if (file == NULL) {
        return false;
    }
    describe(complete, text);
    bool written = fprintf(file, "%sseq %llu\n", text, (unsigned long long)seq) > 0;
    return fclose(file) == 0 && written;
}

static enum status read_meta(const char *folder, struct meta *meta)
{
    struct store *store = NULL;
    struct store_reader *reader = NULL;
    struct state state;
    enum status status = store_open(&(struct store_options){.path = folder}, &store, NULL);
    if (status == STATUS_OK) {
        status = store_reader_new(store, &reader);
    }
    if (status == STATUS_OK) {
        status = store_read_begin(reader, &state);
        if (status == STATUS_OK) {
            status = state.ops->meta(state.self, meta);
            store_read_end(reader);
        }
    }
    store_reader_free(reader);
    store_close(store);
    return status;
}

static struct seeded *open_kept(const struct seed_options *complete)
{
    struct meta meta;
    uint64_t seq;
    if (!noted(complete, &seq) || read_meta(complete->folder, &meta) != STATUS_OK ||
        meta.seq > seq + complete->records / 10) {
        return NULL;
    }
    struct seeded *seeded = seed_plan(complete);
    if (seeded != NULL && !id_equal(seeded->epoch, meta.epoch)) {
        seed_free(seeded);
        return NULL;
    }
    if (seeded != NULL) {
        seeded->seq = meta.seq;
    }
    return seeded;
}

static void empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

struct seeded *seed_keep(const struct seed_options *options, bool *made)
{
    struct seed_options complete;
    if (!seed_complete(options, &complete) || strlen(complete.folder) >= SEED_PATH) {
        return NULL;
    }
    struct seeded *seeded = open_kept(&complete);
    if (made != NULL) {
        *made = seeded == NULL;
    }
    if (seeded != NULL) {
        return seeded;
    }
    empty_folder(complete.folder);
    seeded = seed_store(&complete);
    if (seeded != NULL && !note(&complete, seeded->seq)) {
        (void)fprintf(stderr, "seed: cannot write the note beside %s\n", complete.folder);
    }
    return seeded;
}

/* ---- Certificates --------------------------------------------------------------------------- */

bool seed_certificates(const char *folder, char cert[512], char key[512], char ca[512])
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const char *const arguments[] = {"sh", CERTS_MAKE, folder, NULL};
    const struct child_streams streams = {-1, null, STDERR_FILENO};
    pid_t pid = child_start(arguments, NULL, &streams, CHILD_SECONDS);
    bool done = pid >= 0 && child_wait(pid) == 0;
    if (null >= 0) {
        (void)close(null);
    }
    if (!done || snprintf(cert, 512, "%s/server.pem", folder) >= 512 ||
        snprintf(key, 512, "%s/server.key", folder) >= 512 ||
        snprintf(ca, 512, "%s/ca.pem", folder) >= 512) {
        (void)fprintf(stderr, "seed: cannot make certificates in %s\n", folder);
        return false;
    }
    return true;
}
