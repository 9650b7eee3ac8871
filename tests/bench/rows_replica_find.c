/* Finding by a field of which there is an index: pages of 20 records from a text on, in its order,
 * of a replica of 100 thousand, against LMDB alone in the same file. What a find has to do is to
 * come to the place in the index, to walk 20 entries on, and to find and read the record of each;
 * where in the file they are the index does not tell, so that each comes from memory by itself. */
#include <stdlib.h>
#include <string.h>

#include "client-lib/replica/replica_index.h"
#include "protocol/ordered.h"
#include "tests/bench/rows_replica_bare.h"
#include "tests/bench/rows_replica_fill.h"

#define RECORDS 100000u
#define FINDS 2000u
#define FOUND 20u
#define ENTITY "interaction"
#define FIELD "subject"
#define TEXT_MOST 80

struct finding {
    struct replica_source source;
    char (*texts)[TEXT_MOST]; /* to find from */
    size_t text_count;
    uint64_t met, step; /* one record in so many gives a text */
    uint64_t found;     /* by the client */
};

/* ---- Making the index ----------------------------------------------------------------------- */

/* As the loop of a client does that leads. */
static enum status build(struct replica *replica)
{
    static const struct replica_index_name name = {{(const uint8_t *)ENTITY, sizeof ENTITY - 1},
                                                   {(const uint8_t *)FIELD, sizeof FIELD - 1},
                                                   KIND_TEXT};
    enum replica_index_state made = REPLICA_INDEX_NONE;
    enum status status = STATUS_OK;
    replica_index_want(replica, &name);
    while (status == STATUS_OK && replica_index_due(replica) == 0) {
        status = replica_index_run(replica, 0);
    }
    if (status == STATUS_OK) {
        status = replica_index_look(replica, &name, &made);
    }
    return status == STATUS_OK && made != REPLICA_INDEX_WHOLE ? STATUS_INTERNAL : status;
}

static bool index_it(struct bench_run *run, const struct finding *row)
{
    struct replica *replica = NULL;
    enum status status = replica_open(row->source.replica, 0, port_system(), &replica, NULL);
    if (status == STATUS_OK) {
        status = build(replica);
    }
    replica_close(replica);
    if (status != STATUS_OK) {
        bench_fail(run, "the index: %s", status_text(status));
    }
    return status == STATUS_OK;
}

/* ---- What to look for ----------------------------------------------------------------------- */

static bool take_text(void *context, const tandem_record *record)
{
    struct finding *row = context;
    const char *text = tandem_record_text(record, FIELD);
    if (row->met++ % row->step == 0 && text != NULL && strlen(text) < TEXT_MOST) {
        memcpy(row->texts[row->text_count++], text, strlen(text) + 1);
    }
    return row->text_count < FINDS;
}

static uint64_t scattered(uint64_t n)
{
    uint64_t z = n * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 27);
}

/* In no order. */
static void shuffle(struct finding *row)
{
    for (size_t i = row->text_count; i > 1; i--) {
        char kept[TEXT_MOST];
        size_t other = scattered(i) % i;
        memcpy(kept, row->texts[i - 1], TEXT_MOST);
        memcpy(row->texts[i - 1], row->texts[other], TEXT_MOST);
        memcpy(row->texts[other], kept, TEXT_MOST);
    }
}

static tandem_client *open_client(struct bench_run *run, const struct finding *row)
{
    tandem_client *client = NULL;
    tandem_fault fault;
    const tandem_options options = {.replica = row->source.replica};
    if (tandem_open(&options, &client, &fault) != TANDEM_OK) {
        bench_fail(run, "the replica: %s", fault.detail);
    }
    return client;
}

static bool choose_texts(struct bench_run *run, struct finding *row)
{
    tandem_client *client = open_client(run, row);
    row->texts = malloc(FINDS * sizeof *row->texts);
    row->step = row->source.records / (2 * FINDS) + 1;
    if (client == NULL || row->texts == NULL) {
        tandem_close(client);
        return false;
    }
    tandem_code code = tandem_each(client, ENTITY, take_text, row);
    tandem_close(client);
    shuffle(row);
    if (code != TANDEM_OK || row->text_count == 0) {
        bench_fail(run, "there is nothing to look for");
    }
    return code == TANDEM_OK && row->text_count > 0;
}

/* ---- As the library does it ----------------------------------------------------------------- */

static bool count_record(void *context, const tandem_record *record)
{
    *(uint64_t *)context += tandem_record_seq(record) != 0;
    return true;
}

static uint64_t find_all(tandem_client *client, const struct finding *row)
{
    uint64_t found = 0;
    for (size_t i = 0; i < row->text_count; i++) {
        const tandem_condition from = {.field = FIELD, .op = ">=", .text = row->texts[i]};
        const tandem_find find = {
            .entity = ENTITY, .where = &from, .where_count = 1, .sort = FIELD, .limit = FOUND};
        if (tandem_find_each(client, &find, count_record, &found) != TANDEM_OK) {
            return 0;
        }
    }
    return found;
}

bool replica_find_subject(struct bench_run *run, void *context, double *figure)
{
    struct finding *row = context;
    tandem_client *client = open_client(run, row);
    if (client == NULL) {
        return false;
    }
    uint64_t before = find_all(client, row), start = bench_thread_cpu_ns();
    row->found = find_all(client, row);
    *figure = (double)row->found * 1e9 / (double)(bench_thread_cpu_ns() - start);
    tandem_close(client);
    if (row->found == 0 || row->found != before) {
        bench_fail(run, "the replica was not read");
    }
    return row->found != 0 && row->found == before;
}

/* ---- As LMDB does it ------------------------------------------------------------------------ */

/* Where the index begins that has the text: it is the only one, and its number 0. */
static size_t put_start(const char *text, uint8_t out[2 + ORDERED_MAX])
{
    struct buffer value = {0}, key = {0};
    size_t size = 2;
    out[0] = out[1] = 0;
    wire_put_text(&value, text);
    schema_index_key(KIND_TEXT, buffer_bytes(&value), &key);
    if (key.size > 0) {
        size += ordered_put(buffer_bytes(&key), out + size);
    }
    buffer_release(&value);
    buffer_release(&key);
    return size;
}

static int find_from(struct bare *bare, const char *text)
{
    uint8_t start[2 + ORDERED_MAX];
    MDB_val key = {put_start(text, start), start}, nothing, value;
    MDB_cursor *cursor;
    int code = mdb_cursor_open(bare->txn, bare->fields, &cursor);
    if (code != 0) {
        return code;
    }
    code = mdb_cursor_get(cursor, &key, &nothing, MDB_SET_RANGE);
    for (unsigned found = 0; code == 0 && found < FOUND; found++) {
        if (key.mv_size < ID_SIZE + 2 || memcmp(key.mv_data, "\0\0", 2) != 0) {
            break;
        }
        const size_t at = key.mv_size - ID_SIZE;
        code = bare_find(bare, (MDB_val){ID_SIZE, (uint8_t *)key.mv_data + at}, &value);
        if (code == 0) {
            bare_read(bare, value);
            code = mdb_cursor_get(cursor, &key, &nothing, MDB_NEXT);
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int bare_finds(struct bare *bare, const void *context)
{
    const struct finding *row = context;
    int code = 0;
    for (size_t i = 0; i < row->text_count && code == 0; i++) {
        code = mdb_txn_renew(bare->txn);
        if (code == 0) {
            code = find_from(bare, row->texts[i]);
            mdb_txn_reset(bare->txn);
        }
    }
    return code;
}

bool replica_find_limit(struct bench_run *run, void *context, double *figure)
{
    const struct finding *row = context;
    return bare_time(run, row->source.replica, bare_finds, row, row->found, figure);
}

/* ---- The row -------------------------------------------------------------------------------- */

bool replica_find_set_up(struct bench_run *run, void **context)
{
    struct sync_figures figures;
    struct finding *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL || !replica_source_open(&row->source, run, replica_fewer(run, RECORDS)) ||
        !replica_sync(run, &row->source, &figures)) {
        return false;
    }
    served_stop(&row->source.server);
    return index_it(run, row) && choose_texts(run, row);
}

void replica_find_tear_down(void *context)
{
    struct finding *row = context;
    if (row != NULL) {
        replica_source_close(&row->source);
        free(row->texts);
    }
    free(row);
}
