#include "tests/bench/store_kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/store/store_struct.h"
#include "tests/bench/limit_lmdb.h"

const char *kept_size_name(uint64_t records, char out[24])
{
    bool millions = records >= 1000000;
    (void)snprintf(out, 24, "%llu%c", (unsigned long long)(records / (millions ? 1000000 : 1000)),
                   millions ? 'm' : 'k');
    return out;
}

static void tell(void *context, uint64_t done, uint64_t of)
{
    if (done % (4096 * 64) == 0) {
        bench_progress(context, "seeding: %llu of %llu records", (unsigned long long)done,
                       (unsigned long long)of);
    }
}

bool kept_open(struct kept *kept, struct bench_run *run, uint64_t records)
{
    char name[24];
    bool made;
    *kept = (struct kept){.seeded = NULL};
    int size = snprintf(kept->folder, sizeof kept->folder - 8, "%s/store-%s",
                        bench_kept_folder(run), kept_size_name(records, name));
    if (size < 0 || (size_t)size >= sizeof kept->folder - 8) {
        bench_fail(run, "the path %s is too long", bench_kept_folder(run));
        return false;
    }
    if (mkdir(kept->folder, 0700) != 0 && errno != EEXIST) {
        bench_fail(run, "cannot make %s: %s", kept->folder, strerror(errno));
        return false;
    }
    (void)snprintf(kept->data, sizeof kept->data, "%.*s/data", size, kept->folder);
    kept->options = (struct seed_options){.folder = kept->data,
                                          .seed = 1,
                                          .records = records,
                                          .accounts = records / 20,
                                          .staff = 8,
                                          .partners = 10,
                                          .accounts_a_partner = 10,
                                          .shared_percent = 50,
                                          .progress = tell,
                                          .context = run};
    kept->seeded = seed_keep(&kept->options, &made);
    if (kept->seeded == NULL) {
        bench_fail(run, "the store %s cannot be seeded", kept->data);
        return false;
    }
    if (made) {
        bench_progress(run, "seeded %s", kept->data);
    }
    return true;
}

void kept_release(struct kept *kept)
{
    seed_free(kept->seeded);
    kept->seeded = NULL;
}

bool kept_store(const struct kept *kept, struct bench_run *run, struct store **out)
{
    struct fault fault;
    fault_clear(&fault);
    enum status status = store_open(&(struct store_options){.path = kept->data}, out, &fault);
    if (status != STATUS_OK) {
        bench_fail(run, "%s: %s", kept->data, fault.detail);
        return false;
    }
    int code = lmdb_warm((*out)->env);
    if (code != 0) {
        bench_fail(run, "%s: %s", kept->data, mdb_strerror(code));
        store_close(*out);
        *out = NULL;
    }
    return code == 0;
}

struct id kept_interaction(const struct kept *kept, uint64_t index)
{
    const struct seed_options *options = &kept->options;
    while (strcmp(seed_record_entity(options, index), "interaction") != 0) {
        index = (index + options->accounts) % options->records;
    }
    return seed_record_id(options, index);
}
