#include "fixture.h"

#include <dirent.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "protocol/wire.h"

const struct tag tag_internal = {.kind = TAG_INTERNAL};
const struct tag tag_partners = {.kind = TAG_PARTNERS};
const struct tag tag_suppliers = {.kind = TAG_SUPPLIERS};

struct fixture *fixture_new(void)
{
    struct fixture *fixture = memory_new(sizeof *fixture);
    assert_non_null(fixture);
    strcpy(fixture->path, "/tmp/tandem-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->path));
    return fixture;
}

void fixture_free(struct fixture *fixture)
{
    fixture_close(fixture);
    DIR *directory = opendir(fixture->path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    assert_int_equal(rmdir(fixture->path), 0);
    memory_free(fixture);
}

struct store_options fixture_options(const struct fixture *fixture)
{
    return (struct store_options){
        .path = fixture->path, .no_sync = true, .reserve_bytes = 1, .epoch = id_number(999)};
}

void fixture_open(struct fixture *fixture, bool create)
{
    struct store_options options = fixture_options(fixture);
    struct fault fault;
    options.create = create;
    if (store_open(&options, &fixture->store, &fault) != STATUS_OK)
        fail_msg("%s", fault.detail);
    assert_ok(store_reader_new(fixture->store, &fixture->reader));
}

void fixture_close(struct fixture *fixture)
{
    if (fixture->reading)
        fixture_done(fixture);
    if (fixture->writing)
        fixture_abort(fixture);
    store_reader_free(fixture->reader);
    store_close(fixture->store);
    fixture->reader = NULL;
    fixture->store = NULL;
}

int fixture_setup(void **state)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture, true);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

void fixture_begin(struct fixture *fixture)
{
    assert_ok(store_write_begin(fixture->store, &fixture->write));
    fixture->writing = true;
}

void fixture_commit(struct fixture *fixture)
{
    fixture->writing = false;
    assert_ok(store_write_commit(fixture->store));
}

void fixture_commit_fails(struct fixture *fixture, enum status status)
{
    fixture->writing = false;
    assert_int_equal(store_write_commit(fixture->store), status);
}

void fixture_abort(struct fixture *fixture)
{
    fixture->writing = false;
    store_write_abort(fixture->store);
}

void fixture_look(struct fixture *fixture)
{
    assert_ok(store_read_begin(fixture->reader, &fixture->read));
    fixture->reading = true;
}

void fixture_done(struct fixture *fixture)
{
    fixture->reading = false;
    store_read_end(fixture->reader);
}

static void raw_open(const struct fixture *fixture, const char *table, MDB_env **env, MDB_txn **txn,
                     MDB_dbi *dbi)
{
    assert_null(fixture->store);
    assert_int_equal(mdb_env_create(env), 0);
    assert_int_equal(mdb_env_set_maxdbs(*env, 32), 0);
    assert_int_equal(mdb_env_open(*env, fixture->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(*env, NULL, 0, txn), 0);
    assert_int_equal(mdb_dbi_open(*txn, table, 0, dbi), 0);
}

void fixture_tamper(const struct fixture *fixture, const char *table, const void *key,
                    size_t key_size, void (*change)(uint8_t *value, size_t size))
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val at = {key_size, (void *)(uintptr_t)key}, value;
    raw_open(fixture, table, &env, &txn, &dbi);
    assert_int_equal(mdb_get(txn, dbi, &at, &value), 0);
    uint8_t *copy = memory_copy(value.mv_data, value.mv_size);
    value.mv_data = copy;
    if (change == NULL) {
        assert_int_equal(mdb_del(txn, dbi, &at, NULL), 0);
    } else {
        change(copy, value.mv_size);
        assert_int_equal(mdb_put(txn, dbi, &at, &value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    memory_free(copy);
    mdb_env_close(env);
}

void fixture_smuggle(const struct fixture *fixture, const char *table, const void *key,
                     size_t key_size, const void *value, size_t value_size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val at = {key_size, (void *)(uintptr_t)key};
    MDB_val data = {value_size, (void *)(uintptr_t)value};
    raw_open(fixture, table, &env, &txn, &dbi);
    assert_int_equal(mdb_put(txn, dbi, &at, &data, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

struct id id_number(unsigned number)
{
    struct id id = {{1}};
    put_u32(id.octet + 12, number);
    return id;
}

struct scope account_scope(unsigned number)
{
    return (struct scope){.kind = SCOPE_ACCOUNT, .id = id_number(number)};
}

struct made *made_new(unsigned number, const char *entity, struct scope scope, uint64_t seq)
{
    struct made *made = memory_new(sizeof *made);
    assert_non_null(made);
    struct record *record = &made->record;
    record->id = id_number(number);
    record->entity = bytes_text(entity);
    record->scope = scope;
    record->seq = record->shared_seq = seq;
    record->created = (struct stamp){.seq = seq, .at_ms = 1000, .by = bytes_text("kari")};
    record->stamps[0] = record->created;
    record->stamp_count = 1;
    return made;
}

void made_free(struct made *made)
{
    for (size_t i = 0; i < MADE_FIELDS; i++)
        buffer_release(&made->values[i]);
    memory_free(made);
}

struct made *made_copy(const struct made *made)
{
    struct made *copy = memory_copy(made, sizeof *made);
    assert_non_null(copy);
    memset(copy->values, 0, sizeof copy->values);
    for (size_t i = 0; i < made->record.field_count; i++) {
        buffer_append(&copy->values[i], made->values[i].data, made->values[i].size);
        copy->record.fields[i].value = buffer_bytes(&copy->values[i]);
    }
    return copy;
}

static struct buffer *made_value(struct made *made, const char *field)
{
    struct record *record = &made->record;
    size_t at = 0;
    while (at < record->field_count && !bytes_is(record->fields[at].name, field))
        at++;
    assert_true(at < MADE_FIELDS);
    if (at == record->field_count)
        record->field_count++;
    record->fields[at].name = bytes_text(field);
    buffer_clear(&made->values[at]);
    return &made->values[at];
}

static void made_settle(struct made *made)
{
    for (size_t i = 0; i < made->record.field_count; i++)
        made->record.fields[i].value = buffer_bytes(&made->values[i]);
}

void made_text(struct made *made, const char *field, const char *text)
{
    made_bytes(made, field, bytes_text(text));
}

void made_bytes(struct made *made, const char *field, struct bytes text)
{
    wire_put_str(made_value(made, field), text);
    made_settle(made);
}

void made_time(struct made *made, const char *field, int64_t ms)
{
    wire_put_int(made_value(made, field), ms);
    made_settle(made);
}

void made_clear(struct made *made, const char *field)
{
    wire_put_nil(made_value(made, field));
    made_settle(made);
}

void made_place(struct made *made, struct scope scope, struct tag tag, uint64_t added)
{
    struct record *record = &made->record;
    assert_true(record->placement_count < LIMIT_PLACEMENTS);
    record->placements[record->placement_count++] =
        (struct placement){.scope = scope, .tag = tag, .added = added};
}

void made_seq(struct made *made, uint64_t seq)
{
    made->record.seq = made->record.shared_seq = seq;
}

void put(struct state state, const struct made *old, const struct made *made)
{
    assert_ok(state.ops->put_record(state.self, old == NULL ? NULL : &old->record, &made->record));
}
