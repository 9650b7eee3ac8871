/* Places in lists travel to clients and back as bytes: any bytes as one, over a real store.
 * Refused, or the walk goes on inside the same list and in its order. */
#include "fuzz.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "server/store/store.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/stage.h"

#define WALK 200u

static struct {
    char folder[64];
    struct store *store;
    struct store_reader *reader;
    struct scope account;
} held;

static int delete_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void close_store(void)
{
    store_reader_free(held.reader);
    store_close(held.store);
    (void)nftw(held.folder, delete_one, 4, FTW_DEPTH | FTW_PHYS);
}

/* The stage's company, written to disk. */
static void fill(const struct state *from, const struct state *to)
{
    static struct record record;
    struct bytes bytes;
    uint64_t seq = 0;
    struct id id = {{0}};
    while (from->ops->feed_next(from->self, &seq, &id) == STATUS_OK) {
        MUST(from->ops->record(from->self, id, &bytes) == STATUS_OK);
        MUST(record_decode(bytes, &record) == STATUS_OK);
        MUST(to->ops->put_record(to->self, NULL, &record) == STATUS_OK);
    }
}

static void open_store(void)
{
    struct stage *stage = stage_new();
    struct state to;
    const struct state from = world_state(stage->world);
    snprintf(held.folder, sizeof held.folder, "/tmp/tandem-fuzz-XXXXXX");
    MUST(mkdtemp(held.folder) != NULL);
    const struct store_options options = {.path = held.folder,
                                          .map_bytes = 64u << 20,
                                          .reserve_bytes = 1,
                                          .create = true,
                                          .epoch = {{1}},
                                          .no_sync = true};
    held.account = (struct scope){SCOPE_ACCOUNT, stage->account};
    MUST(store_open(&options, &held.store, NULL) == STATUS_OK);
    MUST(store_write_begin(held.store, &to) == STATUS_OK);
    fill(&from, &to);
    MUST(store_write_commit(held.store) == STATUS_OK);
    MUST(store_reader_new(held.store, &held.reader) == STATUS_OK);
    stage_free(stage);
    atexit(close_store);
}

struct list {
    struct bytes entity, field, exact;
    bool descending, timeline;
};

static enum status step(const struct state *state, const struct list *list, struct buffer *place,
                        struct id *id)
{
    return list->timeline ? state->ops->timeline_next(state->self, held.account, place, id)
                          : state->ops->index_next(state->self, list->entity, list->field,
                                                   list->exact, list->descending, place, id);
}

/* What a place leads to is the end of the whole list. */
static void walk(const struct state *state, const struct list *list, struct bytes place)
{
    struct id whole[WALK], rest[WALK], id;
    size_t whole_count = 0, rest_count = 0;
    struct buffer at = {0};
    enum status status;
    while ((status = step(state, list, &at, &id)) == STATUS_OK && whole_count < WALK)
        whole[whole_count++] = id;
    MUST(status == STATUS_NOT_FOUND || (status == STATUS_INVALID_VALUE && whole_count == 0));
    buffer_clear(&at);
    buffer_append(&at, place.data, place.size);
    while ((status = step(state, list, &at, &id)) == STATUS_OK && rest_count < WALK) {
        MUST(at.size <= 256);
        rest[rest_count++] = id;
    }
    MUST(status == STATUS_NOT_FOUND || (status == STATUS_INVALID_VALUE && rest_count == 0));
    MUST(rest_count <= whole_count);
    for (size_t i = 0; i < rest_count; i++)
        MUST(id_equal(rest[rest_count - 1 - i], whole[whole_count - 1 - i]));
    buffer_release(&at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const entities[] = {"contact", "account", "note", "user"};
    static const char *const fields[] = {"", "name", "lastName", "account"};
    struct script script = script_of(data, size);
    const uint8_t what = script_take(&script);
    struct list list = {.entity = bytes_text(entities[what % 4]),
                        .field = bytes_text(fields[what / 4 % 4]),
                        .descending = what & 16,
                        .timeline = what & 32};
    struct state state;
    if (held.store == NULL)
        open_store();
    if (what & 64)
        list.exact = script_take_bytes(&script);
    if (what & 128)
        list.entity = script_take_bytes(&script);
    MUST(store_read_begin(held.reader, &state) == STATUS_OK);
    walk(&state, &list, bytes_of(script.at, (size_t)(script.end - script.at)));
    store_read_end(held.reader);
    return 0;
}
