/* Rows of a store as a disk may give them back: a script writes, bends, moves and removes rows of
 * any table, with or without a checksum that fits. Then the store is opened, checked, read through
 * all its port, live notes and their versions too, and a committer begins on it. A row that is
 * wrong may be called so; nothing else may come of it. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/core/access/principal.h"
#include "server/core/note/note_log.h"
#include "server/core/record/record.h"
#include "server/store/store_struct.h"
#include "server/store/tables.h"
#include "tests/fuzz/script.h"
#include "tests/survival/faults/service.h"

#define EDITS_MOST 12u
#define WALK_MOST 400u
#define BATCHES_MOST 4u
#define KEY_MOST 511u

static struct {
    struct history history;
    struct service service;
    struct buffer data; /* the file of the store as it was */
    char path[SCRATCH_PATH + 16];
} held;

/* ---- The store ---- */

static void read_file(void)
{
    struct stat stat;
    const int file = open(held.path, O_RDONLY | O_CLOEXEC);
    MUST(file >= 0 && fstat(file, &stat) == 0);
    uint8_t *to = buffer_extend(&held.data, (size_t)stat.st_size);
    MUST(to != NULL && read(file, to, (size_t)stat.st_size) == stat.st_size);
    (void)close(file);
}

static void restore_file(void)
{
    const int file = open(held.path, O_WRONLY | O_CLOEXEC);
    MUST(file >= 0 && ftruncate(file, (off_t)held.data.size) == 0);
    MUST(pwrite(file, held.data.data, held.data.size, 0) == (ssize_t)held.data.size);
    (void)close(file);
}

static void leave(void)
{
    service_remove(&held.service);
    history_release(&held.history);
    buffer_release(&held.data);
}

static void begin(void)
{
    struct buffer final = {0};
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
    history_make(&held.history);
    service_rehearse(&held.service, &held.history, &final);
    service_close(&held.service);
    buffer_release(&final);
    (void)snprintf(held.path, sizeof held.path, "%s/data.mdb", held.service.folder);
    read_file();
    atexit(leave);
}

static enum status open_store(struct store **store)
{
    const struct store_options options = {
        .path = held.service.folder, .map_bytes = 64u << 20, .reserve_bytes = 1, .no_sync = true};
    struct fault fault;
    fault_clear(&fault);
    const enum status status = store_open(&options, store, &fault);
    MUST(status == STATUS_OK || (*store == NULL && fault.detail[0] != '\0'));
    return status;
}

/* ---- Edits ---- */

static void put(struct txn *txn, enum table table, const struct buffer *key, struct bytes value)
{
    if (key->size > 0 && key->size <= KEY_MOST && !key->failed)
        MUST(txn_put(txn, table, buffer_bytes(key), value, 0) == STATUS_OK);
}

static void put_new(struct script *script, struct txn *txn, enum table table, bool sealed)
{
    struct buffer key = {0}, value = {0};
    const struct bytes name = script_take_bytes(script), payload = script_take_bytes(script);
    buffer_append(&key, name.data, name.size);
    if (sealed)
        sealed_put(&value, name, payload);
    else
        buffer_append(&value, payload.data, payload.size);
    put(txn, table, &key, buffer_bytes(&value));
    buffer_release(&key);
    buffer_release(&value);
}

/* The n-th row of a table, copied, or the last one. */
static bool find_row(struct txn *txn, enum table table, unsigned n, struct buffer *key,
                     struct buffer *value)
{
    struct bytes at = {0}, found = {0}, name, content;
    bool any = false;
    while (txn_behind(txn, table, at, false, &name, &content) == STATUS_OK) {
        at = name;
        found = content;
        any = true;
        if (n-- == 0)
            break;
    }
    buffer_append(key, at.data, at.size);
    buffer_append(value, found.data, found.size);
    return any;
}

/* Bends its key, or its value, or what the checksum of its value covers. */
static void bend_row(struct script *script, struct txn *txn, enum table table, uint8_t how)
{
    struct buffer key = {0}, value = {0}, payload = {0}, sealed = {0};
    if (find_row(txn, table, script_take(script), &key, &value)) {
        struct bytes content = buffer_bytes(&value);
        MUST(txn_delete(txn, table, buffer_bytes(&key)) == STATUS_OK);
        const bool seals = (how & 1) != 0 && content.size >= LAYOUT_CHECKSUM_SIZE;
        const size_t skipped = seals ? LAYOUT_CHECKSUM_SIZE : 0;
        if (content.size > skipped)
            buffer_append(&payload, content.data + skipped, content.size - skipped);
        if ((how & 2) != 0)
            script_bend(script, &key);
        if ((how & 4) != 0)
            script_bend(script, &payload);
        if (seals)
            sealed_put(&sealed, buffer_bytes(&key), buffer_bytes(&payload));
        put(txn, table, &key, buffer_bytes(seals ? &sealed : &payload));
    }
    buffer_release(&key);
    buffer_release(&value);
    buffer_release(&payload);
    buffer_release(&sealed);
}

/* The row of meta has its checksum at its end. */
static void bend_meta(struct script *script, struct txn *txn)
{
    struct buffer key = {0}, value = {0};
    uint8_t sum[LAYOUT_CHECKSUM_SIZE];
    if (find_row(txn, TABLE_META, 0, &key, &value) && value.size > sizeof sum) {
        value.size -= sizeof sum;
        script_bend(script, &value);
        put_u64(sum, sealed_checksum(buffer_bytes(&key), buffer_bytes(&value)));
        buffer_append(&value, sum, sizeof sum);
        put(txn, TABLE_META, &key, buffer_bytes(&value));
    }
    buffer_release(&key);
    buffer_release(&value);
}

static void edit(struct script *script, struct txn *txn)
{
    for (unsigned i = 0; i < EDITS_MOST && !script_ended(script); i++) {
        const uint8_t what = script_take(script);
        const enum table table = (enum table)(script_take(script) % TABLE_COUNT);
        if (what % 16 < 2)
            put_new(script, txn, table, what % 2 != 0);
        else if (what % 16 == 2)
            bend_meta(script, txn);
        else
            bend_row(script, txn, table, what % 16);
    }
}

static void damage(struct script *script)
{
    struct store *store;
    struct state state;
    MUST(open_store(&store) == STATUS_OK);
    MUST(store_write_begin(store, &state) == STATUS_OK);
    edit(script, txn_from(state.self));
    MUST(store_write_commit(store) == STATUS_OK);
    store_close(store);
}

/* ---- Reading ---- */

/* Between two snapshots a version may be none, though both are: only of those does the check know.
 */
static void read_versions(const struct state *state, const struct record *record,
                          const struct note_head *head, bool sound)
{
    struct buffer text = {0}, runs = {0};
    for (uint64_t version = head->oldest, i = 0; i < WALK_MOST && version <= head->version;
         version++, i++) {
        const enum status status = note_read_version(state, record, version, &text, &runs);
        const bool stored = version == head->oldest || version == head->version;
        MUST(status == STATUS_OK || status == STATUS_CORRUPT);
        MUST(status == STATUS_OK || !sound || !stored);
        buffer_clear(&text);
        buffer_clear(&runs);
    }
    buffer_release(&text);
    buffer_release(&runs);
}

static void read_log(const struct state *state, struct id note, const struct note_head *head,
                     bool sound)
{
    struct note_log log;
    struct note_entry entry;
    uint64_t after = head->oldest, before = UINT64_MAX;
    note_log_begin(&log, state, note);
    for (unsigned i = 0; i < WALK_MOST && note_log_next(&log, after, &entry) == STATUS_OK; i++) {
        MUST(entry.version > after && (entry.version == after + 1 || !sound));
        after = entry.version;
    }
    MUST(after == head->version || !sound || after - head->oldest == WALK_MOST);
    for (unsigned i = 0; i < WALK_MOST && note_log_before(&log, before, &entry) == STATUS_OK; i++) {
        MUST(entry.version < before);
        before = entry.version;
    }
    note_log_release(&log);
}

static void read_note(const struct state *state, const struct record *record, bool sound)
{
    struct buffer scratch = {0};
    struct note_head head;
    const enum status status = note_read_head(state, record, &scratch, &head);
    MUST(status == STATUS_OK || !sound);
    if (status == STATUS_OK) {
        read_versions(state, record, &head, sound);
        read_log(state, record->id, &head, sound);
    }
    buffer_release(&scratch);
}

static void read_record(const struct state *state, struct id id, bool sound)
{
    static struct record record;
    static struct principal principal;
    struct bytes bytes;
    uint64_t before = UINT64_MAX, seq = 0;
    struct scope after = {0}, scope;
    struct access_row row;
    const enum status status = state->ops->record(state->self, id, &bytes);
    MUST(status == STATUS_OK || !sound);
    const bool known = status == STATUS_OK && record_decode(bytes, &record) == STATUS_OK;
    MUST(known || status != STATUS_OK || !sound);
    if (known && !record.deleted && bytes_is(record.entity, "note"))
        read_note(state, &record, sound);
    for (unsigned i = 0; i < WALK_MOST && state->ops->history_next(state->self, id, before, &seq,
                                                                   &bytes) == STATUS_OK;
         i++, before = seq)
        MUST(seq < before);
    for (unsigned i = 0; i < WALK_MOST &&
                         state->ops->access_next(state->self, id, after, &scope, &row) == STATUS_OK;
         i++, after = scope)
        (void)state->ops->access(state->self, id, scope, &row);
    seq = 0;
    after = (struct scope){0};
    for (unsigned i = 0; i < WALK_MOST &&
                         state->ops->access_change_next(state->self, id, &seq, &after) == STATUS_OK;
         i++) {
    }
    (void)principal_load(state, id, &principal);
}

static void read_rows(const struct state *state,
                      enum status (*next)(void *, struct bytes, struct buffer *, struct bytes *))
{
    struct buffer key = {0};
    struct bytes value;
    for (unsigned i = 0;
         i < WALK_MOST && next(state->self, bytes_text(""), &key, &value) == STATUS_OK; i++)
        MUST(key.size > 0);
    buffer_release(&key);
}

static void read_lists(const struct state *state)
{
    static const char *const entities[] = {"account", "note", "user"};
    struct buffer place = {0};
    struct id id;
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        buffer_clear(&place);
        for (unsigned n = 0;
             n < WALK_MOST &&
             state->ops->index_next(state->self, bytes_text(entities[i]), bytes_text("name"),
                                    bytes_text(""), false, &place, &id) == STATUS_OK;
             n++) {
        }
    }
    buffer_release(&place);
}

static void read_all(struct store *store, bool sound)
{
    struct store_reader *reader;
    struct state state;
    struct meta meta;
    uint64_t seq = 0, at_ms = 0;
    struct id id = {{0}}, user;
    MUST(store_reader_new(store, &reader) == STATUS_OK);
    MUST(store_read_begin(reader, &state) == STATUS_OK);
    MUST(state.ops->meta(state.self, &meta) == STATUS_OK || !sound);
    for (unsigned i = 0; i < WALK_MOST && state.ops->feed_next(state.self, &seq, &id) == STATUS_OK;
         i++)
        read_record(&state, id, sound);
    read_rows(&state, state.ops->client_next);
    read_rows(&state, state.ops->credential_next);
    read_lists(&state);
    (void)state.ops->due_first(state.self, &at_ms, &id);
    (void)principal_find_user(&state, bytes_text("kari"), &user);
    store_read_end(reader);
    store_reader_free(reader);
}

/* ---- Checking ---- */

static void report(void *context, const char *text)
{
    MUST(text[0] != '\0');
    ++*(unsigned *)context;
}

static bool is_sound(struct store *store)
{
    unsigned findings = 0;
    uint64_t records = 0;
    const enum status status = store_check(store, report, &findings, &records);
    MUST(status == (findings > 0 ? STATUS_CORRUPT : STATUS_OK));
    return status == STATUS_OK;
}

/* ---- The committer ---- */

static uint64_t now(void *self)
{
    (void)self;
    return held.history.commands[held.history.count - 1].at_ms;
}

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    memset(out, 7, size);
}

static void answered(void *self, struct origin origin, enum status status, struct bytes answer)
{
    (void)self, (void)origin, (void)status, (void)answer;
}

static void announce(void *self, struct notice *notice)
{
    (void)self, (void)notice;
}

static void gave_up(void *self, enum status status)
{
    (void)self;
    MUST(status != STATUS_OK);
}

/* What is due, and every command of the history once more. */
static void commit(struct store *store)
{
    const struct commit_port port = {NULL, now, fill_random, answered, announce, gave_up};
    const struct commit_options options = {.queue_commands = HISTORY_MOST, .batch_commands = 32};
    struct committer *committer = committer_new(store, &port, &options);
    if (committer == NULL)
        return;
    for (size_t i = 0; i < held.history.count; i++)
        (void)committer_submit(committer, (struct origin){0, 1, i}, &held.history.commands[i]);
    for (unsigned i = 0; i < BATCHES_MOST && committer_run_batch(committer) > 0; i++) {
    }
    committer_stop(committer);
    committer_free(committer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_of(data, size);
    struct store *store;
    if (held.data.size == 0)
        begin();
    damage(&script);
    const enum status status = open_store(&store);
    if (status == STATUS_OK) {
        read_all(store, is_sound(store));
        commit(store);
        store_close(store);
    } else {
        MUST(status == STATUS_CORRUPT || status == STATUS_FORMAT_VERSION);
    }
    restore_file();
    return 0;
}
