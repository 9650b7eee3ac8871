/* Opening a replica, until the first record has been read from it. What has to be read for that are
 * the pages on the way to one record, so that many records cost a level of a tree or two. A replica
 * is opened many times in a round; both are kept from run to run, and in memory. */
#include "tests/bench/rows_replica_fill.h"

#define OPENINGS 200u

bool replica_open_set_up(struct bench_run *run, void **context)
{
    return replica_pair_open(run, context);
}

void replica_open_tear_down(void *context)
{
    replica_pair_close(context);
}

static bool look(void *context, const tandem_record *record)
{
    *(bool *)context = tandem_record_seq(record) != 0;
    return true;
}

/* False when it cannot be opened or read. */
static bool open_once(const char *replica, const char *id, double *us)
{
    tandem_client *client = NULL;
    bool found = false;
    const tandem_options options = {.replica = replica};
    uint64_t start = bench_now_ns();
    bool opened = tandem_open(&options, &client, NULL) == TANDEM_OK &&
                  tandem_get(client, id, look, &found) == TANDEM_OK;
    *us = (double)(bench_now_ns() - start) / 1e3;
    tandem_close(client);
    return opened && found;
}

/* The median of many openings, each of which reads another record. */
static bool openings(struct bench_run *run, const struct replica_source *source, double *figure)
{
    double us[OPENINGS];
    for (size_t i = 0; i < OPENINGS; i++) {
        char id[ID_TEXT_SIZE];
        uint64_t index = source->records / OPENINGS * i;
        id_to_text(seed_record_id(&source->kept.options, index), id);
        if (!open_once(source->replica, id, &us[i])) {
            bench_fail(run, "%s cannot be opened and read", source->replica);
            return false;
        }
    }
    *figure = bench_percentile(us, OPENINGS, 0.5);
    return true;
}

bool replica_open_subject(struct bench_run *run, void *context, double *figure)
{
    return openings(run, &((const struct replica_pair *)context)->large, figure);
}

bool replica_open_limit(struct bench_run *run, void *context, double *figure)
{
    return openings(run, &((const struct replica_pair *)context)->small, figure);
}
