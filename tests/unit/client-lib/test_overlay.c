/* Pending changes laid over a record, against a model that keeps fields in an array. The random
 * test prints its seed and takes another from TANDEM_SEED. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-lib/outbox/overlay.h"

/* ---- The model ---- */

#define FIELDS 7
#define TAGS 5
#define RECORDS 3

/* "phone" is another name of "phoneNumber" where the entity has that. */
static const char *const field_names[FIELDS] = {"name",  "description", "account", "phoneNumber",
                                                "phone", "made",        "tags"};
enum { NAME, DESCRIPTION, ACCOUNT, PHONE_NUMBER, PHONE, MADE, TAGS_FIELD };

struct kind {
    const char *name;
    enum home home;
    bool partners, has_phone;
};
static const struct kind kinds[] = {{"account", HOME_SELF, true, true},
                                    {"contact", HOME_ANY, true, true},
                                    {"lead", HOME_LIBRARY, false, true},
                                    {"profile", HOME_ACCOUNT, false, false},
                                    {"machine", HOME_ANY, false, false}};
#define KINDS (sizeof kinds / sizeof *kinds)

struct model {
    bool exists, apart;
    const struct kind *kind;
    unsigned id;
    struct scope scope;
    bool tags[TAGS];
    unsigned fields[FIELDS]; /* 0: not set */
    uint64_t seq;
    bool mine, modified_mine;
    int64_t created_at, modified_at;
    tandem_state state;
    uint64_t entry;
};

enum op { CREATE, UPDATE, REMOVE, SHARE };
struct edit {
    enum op op;
    unsigned record;
    const struct kind *kind;
    bool named, chosen; /* create: a scope, an audience */
    bool set[FIELDS];
    unsigned value[FIELDS]; /* 0: cleared */
    bool add[TAGS], remove[TAGS];
};
#define EDITS 4
struct entry {
    struct edit edits[EDITS];
    size_t count;
    tandem_entry_state state;
    uint64_t seq, order;
    int64_t at_ms;
};

static const struct scope library = {.kind = SCOPE_LIBRARY};
static struct scope team_scope(void)
{
    return (struct scope){SCOPE_PARTY, id_of(900)};
}

static struct tag tag_at(size_t index)
{
    static const uint8_t tag_kinds[TAGS] = {TAG_INTERNAL, TAG_PARTNERS, TAG_SUPPLIERS,
                                            TAG_DEPARTMENT, TAG_PARTNER};
    struct tag tag = {.kind = tag_kinds[index]};
    if (tag.kind == TAG_DEPARTMENT || tag.kind == TAG_PARTNER)
        tag.id = id_of(900);
    return tag;
}

static void model_scope(struct model *model, bool is_new, bool named)
{
    enum home home = model->kind->home;
    bool has_account = model->fields[ACCOUNT] != 0;
    if (home == HOME_SELF)
        model->scope = is_new ? account_of(model->id) : model->scope;
    else if (home == HOME_LIBRARY)
        model->scope = is_new ? library : model->scope;
    else if (has_account)
        model->scope = account_of(model->fields[ACCOUNT]);
    else if (is_new)
        model->scope = named && home == HOME_ANY ? team_scope() : library;
    else if (model->scope.kind == SCOPE_ACCOUNT)
        model->scope = library;
}

/* Whether anything is different afterwards. */
static bool model_set(struct model *model, const struct edit *edit)
{
    unsigned before[FIELDS];
    memcpy(before, model->fields, sizeof before);
    for (size_t i = 0; i < FIELDS; i++) {
        size_t field = i == PHONE && model->kind->has_phone ? PHONE_NUMBER : i;
        if (edit->set[i])
            model->fields[field] = edit->value[i];
    }
    return memcmp(before, model->fields, sizeof before) != 0;
}

static void model_edit(struct model *model, const struct edit *edit, int64_t at_ms)
{
    if (edit->op == CREATE && !model->exists) {
        unsigned id = model->id;
        struct model fresh = {.exists = true,
                              .apart = model->apart,
                              .kind = edit->kind,
                              .id = id,
                              .mine = true,
                              .modified_mine = true,
                              .created_at = at_ms,
                              .modified_at = at_ms,
                              .state = model->state,
                              .entry = model->entry};
        *model = fresh;
        (void)model_set(model, edit);
        model_scope(model, true, edit->named);
        if (edit->chosen) {
            memcpy(model->tags, edit->add, sizeof model->tags);
        } else if (model->scope.kind == SCOPE_PARTY) {
            model->tags[3] = true;
        } else {
            model->tags[0] = true;
            model->tags[1] = model->kind->partners;
        }
    } else if (edit->op == UPDATE && model->exists) {
        if (model_set(model, edit)) {
            model->modified_mine = true;
            model->modified_at = at_ms;
            model_scope(model, false, false);
        }
    } else if (edit->op == REMOVE) {
        model->exists = false;
    } else if (edit->op == SHARE && model->exists) {
        for (size_t i = 0; i < TAGS; i++)
            model->tags[i] = (model->tags[i] || edit->add[i]) && !edit->remove[i];
    }
}

static void model_entry(struct model *model, const struct entry *entry, unsigned record,
                        uint64_t shown)
{
    bool quarantined =
        entry->state == TANDEM_ENTRY_CONFLICT || entry->state == TANDEM_ENTRY_REFUSED;
    bool lies = !quarantined, met = false;
    if (entry->state == TANDEM_ENTRY_ACCEPTED && entry->seq <= shown)
        return;
    for (size_t i = 0; i < entry->count; i++) {
        if (entry->edits[i].record != record)
            continue;
        met = true;
        if (!lies && entry->edits[i].op == CREATE && !model->exists)
            lies = model->apart = true;
        if (lies)
            model_edit(model, &entry->edits[i], entry->at_ms);
    }
    if (!met)
        return;
    if (entry->state == TANDEM_ENTRY_CONFLICT)
        model->state = TANDEM_STATE_CONFLICT;
    else if (entry->state == TANDEM_ENTRY_REFUSED && model->state != TANDEM_STATE_CONFLICT)
        model->state = TANDEM_STATE_REFUSED;
    else if (model->state == TANDEM_STATE_SYNCED)
        model->state = TANDEM_STATE_PENDING;
    if (!quarantined)
        model->entry = entry->order;
}

/* ---- As bytes ---- */

static void put_value(struct buffer *out, size_t field, unsigned value)
{
    char text[32];
    snprintf(text, sizeof text, "value %u", value);
    if (value == 0) {
        wire_put_nil(out);
    } else if (field == ACCOUNT) {
        wire_put_id(out, id_of(value));
    } else if (field == TAGS_FIELD) {
        wire_put_array(out, 1);
        wire_put_text(out, text);
    } else {
        wire_put_text(out, text);
    }
}

static void put_tags(struct buffer *out, const char *key, const bool tags[TAGS])
{
    uint32_t count = 0;
    wire_put_text(out, key);
    size_t begin = wire_begin_array(out);
    for (size_t i = 0; i < TAGS; i++) {
        uint8_t octets[TAG_SIZE];
        if (!tags[i])
            continue;
        tag_put(tag_at(i), octets);
        wire_put_bin(out, bytes_of(octets, sizeof octets));
        count++;
    }
    wire_end(out, begin, count);
}

static void put_fields(struct buffer *out, const bool set[FIELDS], const unsigned value[FIELDS])
{
    uint32_t count = 0;
    wire_put_text(out, "fields");
    size_t begin = wire_begin_map(out);
    for (size_t i = 0; i < FIELDS; i++) {
        if (!set[i])
            continue;
        wire_put_text(out, field_names[i]);
        put_value(out, i, value[i]);
        count++;
    }
    wire_end(out, begin, count);
}

static void put_scope(struct buffer *out, struct scope scope)
{
    uint8_t octets[SCOPE_SIZE];
    scope_put(scope, octets);
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(octets, sizeof octets));
}

static void put_edit(struct buffer *out, const struct edit *edit)
{
    static const char *const names[] = {"create", "update", "remove", "share"};
    bool creates = edit->op == CREATE, fields = creates || edit->op == UPDATE;
    bool shares = edit->op == SHARE;
    wire_put_map(out, 2u + creates + fields + (creates && edit->named) + (creates && edit->chosen) +
                          2u * shares);
    wire_put_text(out, "op");
    wire_put_text(out, names[edit->op]);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(edit->record));
    if (creates) {
        wire_put_text(out, "entity");
        wire_put_text(out, edit->kind->name);
        if (edit->named)
            put_scope(out, team_scope());
        if (edit->chosen)
            put_tags(out, "audience", edit->add);
    }
    if (fields)
        put_fields(out, edit->set, edit->value);
    if (shares) {
        put_tags(out, "add", edit->add);
        put_tags(out, "remove", edit->remove);
    }
}

static void put_changes(struct buffer *out, const struct entry *entry)
{
    wire_put_array(out, (uint32_t)entry->count);
    for (size_t i = 0; i < entry->count; i++)
        put_edit(out, &entry->edits[i]);
}

static void put_model(struct buffer *out, const struct model *model)
{
    bool set[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        set[i] = model->fields[i] != 0;
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(model->id));
    wire_put_text(out, "entity");
    wire_put_text(out, model->kind->name);
    put_scope(out, model->scope);
    put_tags(out, "audience", model->tags);
    wire_put_text(out, "seq");
    wire_put_uint(out, model->seq);
    wire_put_text(out, "createdBy");
    wire_put_text(out, "nils");
    wire_put_text(out, "createdAt");
    wire_put_int(out, model->created_at);
    wire_put_text(out, "modifiedBy");
    wire_put_text(out, "nils");
    wire_put_text(out, "modifiedAt");
    wire_put_int(out, model->modified_at);
    put_fields(out, set, model->fields);
}

/* ---- Comparing ---- */

static void expect_fields(const struct record_view *view, const struct model *model)
{
    uint32_t expected = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        struct buffer value = {0};
        struct bytes found = {0};
        put_value(&value, i, model->fields[i]);
        bool has = wire_map_find(view->fields, field_names[i], &found);
        assert_int_equal(has, model->fields[i] != 0);
        assert_true(!has || bytes_equal(found, buffer_bytes(&value)));
        expected += has;
        buffer_release(&value);
    }
    assert_int_equal(view->field_count, expected);
}

static void expect_tags(const struct record_view *view, const struct model *model)
{
    struct wire_reader reader = wire_read(view->audience);
    uint32_t count = 0, expected = 0;
    bool met[TAGS] = {false};
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes;
        struct tag tag;
        assert_true(wire_get_bin(&reader, &bytes) && tag_from_bytes(bytes, &tag));
        for (size_t t = 0; t < TAGS; t++)
            met[t] = met[t] || tag_equal(tag, tag_at(t));
    }
    for (size_t t = 0; t < TAGS; t++) {
        assert_int_equal(met[t], model->tags[t]);
        expected += met[t];
    }
    assert_int_equal(count, expected);
}

static void expect_model(const struct overlay *overlay, const struct model *model)
{
    struct record_view view;
    assert_int_equal(overlay->state, model->state);
    assert_int_equal(overlay->entry, model->entry);
    assert_int_equal(overlay->apart, model->apart);
    assert_int_equal(overlay->record.size > 0, model->exists);
    if (!model->exists)
        return;
    assert_ok(wire_validate(buffer_bytes(&overlay->record), NULL));
    assert_true(record_view_read(buffer_bytes(&overlay->record), &view));
    assert_true(id_equal(view.id, id_of(model->id)));
    assert_true(bytes_is(view.entity, model->kind->name));
    assert_true(scope_equal(view.scope, model->scope));
    assert_int_equal(view.seq, model->seq);
    assert_true(bytes_is(view.created_by, model->mine ? "kari" : "nils"));
    assert_true(bytes_is(view.modified_by, model->modified_mine ? "kari" : "nils"));
    assert_int_equal(view.created_at, model->created_at);
    assert_int_equal(view.modified_at, model->modified_at);
    expect_fields(&view, model);
    expect_tags(&view, model);
}

/* ---- Random histories ---- */

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *seed, unsigned bound)
{
    return (unsigned)(next_random(seed) % bound);
}

static void random_bools(uint64_t *seed, bool *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = below(seed, 3) == 0;
}

static void random_model(uint64_t *seed, unsigned id, struct model *out)
{
    *out = (struct model){.id = id, .kind = &kinds[below(seed, KINDS)]};
    out->exists = below(seed, 3) > 0;
    for (size_t i = 0; i < FIELDS && out->exists; i++)
        out->fields[i] = below(seed, 4);
    if (out->kind->has_phone)
        out->fields[PHONE] = 0;
    if (!out->exists)
        return;
    random_bools(seed, out->tags, TAGS);
    model_scope(out, true, below(seed, 2) == 0);
    out->seq = 1 + below(seed, 20);
    out->created_at = below(seed, 1000);
    out->modified_at = out->created_at + below(seed, 1000);
}

static void random_edit(uint64_t *seed, struct edit *out)
{
    static const enum op ops[] = {CREATE, UPDATE, UPDATE, UPDATE, REMOVE, SHARE};
    *out = (struct edit){.op = ops[below(seed, 6)], .record = below(seed, RECORDS)};
    out->kind = &kinds[below(seed, KINDS)];
    out->named = below(seed, 2) == 0;
    out->chosen = below(seed, 2) == 0;
    random_bools(seed, out->set, FIELDS);
    for (size_t i = 0; i < FIELDS; i++)
        out->value[i] = below(seed, 4);
    random_bools(seed, out->add, TAGS);
    random_bools(seed, out->remove, TAGS);
}

static void random_entry(uint64_t *seed, uint64_t order, struct entry *out)
{
    *out = (struct entry){.order = order, .at_ms = 5000 + (int64_t)order};
    out->count = 1 + below(seed, EDITS);
    for (size_t i = 0; i < out->count; i++)
        random_edit(seed, &out->edits[i]);
    out->state = (tandem_entry_state)below(seed, TANDEM_ENTRY_STATES);
    out->seq = 1 + below(seed, 40);
}

static const struct overlay_author *kari(void)
{
    static struct id department;
    static struct overlay_author author;
    department = id_of(900);
    author = (struct overlay_author){bytes_text("kari"), false, &department, 1};
    return &author;
}

static void one_history(uint64_t *seed)
{
    struct model models[RECORDS];
    struct overlay overlays[RECORDS];
    struct buffer encoded = {0};
    uint64_t cursor = below(seed, 40);
    unsigned entries = below(seed, 7);
    memset(overlays, 0, sizeof overlays);
    for (unsigned i = 0; i < RECORDS; i++) {
        random_model(seed, i, &models[i]);
        buffer_clear(&encoded);
        if (models[i].exists)
            put_model(&encoded, &models[i]);
        assert_ok(overlay_begin(&overlays[i], buffer_bytes(&encoded)));
    }
    for (uint64_t order = 1; order <= entries; order++) {
        struct entry entry;
        random_entry(seed, order, &entry);
        buffer_clear(&encoded);
        put_changes(&encoded, &entry);
        const struct outbox_item item = {.order = order,
                                         .state = entry.state,
                                         .seq = entry.seq,
                                         .at_ms = entry.at_ms,
                                         .changes = buffer_bytes(&encoded)};
        for (unsigned i = 0; i < RECORDS; i++) {
            uint64_t shown = models[i].seq > cursor ? models[i].seq : cursor;
            assert_ok(overlay_add(&overlays[i], &item, id_of(i), shown, kari()));
            model_entry(&models[i], &entry, i, shown);
            expect_model(&overlays[i], &models[i]);
        }
    }
    for (unsigned i = 0; i < RECORDS; i++)
        overlay_release(&overlays[i]);
    buffer_release(&encoded);
}

static void records_are_as_the_model_says(void **state)
{
    (void)state;
    const char *given = getenv("TANDEM_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20261122;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 6000; i++) {
        uint64_t own = seed + i;
        one_history(&own);
    }
}

/* ---- What random histories do not reach ---- */

/* An entry that makes contact 1, whose audience and scope are left to others. */
static void put_create(struct buffer *out, bool in_party, unsigned party)
{
    wire_put_array(out, 1);
    wire_put_map(out, in_party ? 5 : 4);
    wire_put_text(out, "op");
    wire_put_text(out, "create");
    wire_put_text(out, "id");
    wire_put_id(out, id_of(1));
    wire_put_text(out, "entity");
    wire_put_text(out, "contact");
    wire_put_text(out, "fields");
    wire_put_map(out, 0);
    if (in_party)
        put_scope(out, (struct scope){SCOPE_PARTY, id_of(party)});
}

static void expect_audience(const struct overlay_author *author, bool in_party, unsigned party,
                            const char *expected)
{
    struct overlay overlay = {0};
    struct buffer changes = {0};
    struct tandem_record record;
    char text[128] = "";
    put_create(&changes, in_party, party);
    const struct outbox_item item = {.order = 1, .changes = buffer_bytes(&changes)};
    assert_ok(overlay_begin(&overlay, (struct bytes){0}));
    assert_ok(overlay_add(&overlay, &item, id_of(1), 0, author));
    assert_true(record_init(&record, buffer_bytes(&overlay.record), NULL));
    for (size_t i = 0; i < tandem_record_audience_count(&record); i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%.8s ", tandem_record_audience(&record, i));
    }
    assert_string_equal(text, expected);
    record_release(&record);
    overlay_release(&overlay);
    buffer_release(&changes);
}

static void a_new_record_is_seen_by_those_its_author_would_be_told_of(void **state)
{
    (void)state;
    const struct id supplier = id_of(7);
    const struct overlay_author partner = {bytes_text("sven"), true, &supplier, 1};
    expect_audience(kari(), false, 0, "internal partners ");
    expect_audience(kari(), true, 900, "dept:019 ");
    expect_audience(kari(), true, 7, ""); /* is it a department, or a partner? */
    expect_audience(&partner, false, 0, "partner: ");
    expect_audience(&partner, true, 7, "partner: ");
}

/* More fields than a record may have. */
static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    struct overlay overlay = {0};
    struct buffer fields = {0}, held = {0}, changes = {0};
    struct record_view view;
    char name[16];
    wire_put_map(&fields, LIMIT_FIELDS);
    for (unsigned i = 0; i < LIMIT_FIELDS; i++) {
        snprintf(name, sizeof name, "field%u", i);
        wire_put_text(&fields, name);
        wire_put_uint(&fields, i);
    }
    put_record(&held, &(struct made){.id = 1, .fields = buffer_bytes(&fields)});
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 3);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, "update");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id_of(1));
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 2);
    wire_put_text(&changes, "field3");
    wire_put_uint(&changes, 1000);
    wire_put_text(&changes, "onemore");
    wire_put_uint(&changes, 1);
    const struct outbox_item item = {.order = 1, .changes = buffer_bytes(&changes)};
    assert_ok(overlay_begin(&overlay, buffer_bytes(&held)));
    assert_ok(overlay_add(&overlay, &item, id_of(1), 0, kari()));
    assert_true(record_view_read(buffer_bytes(&overlay.record), &view));
    assert_int_equal(view.field_count, LIMIT_FIELDS);
    uint64_t value = 0;
    assert_true(wire_map_uint(view.fields, "field3", &value));
    assert_int_equal(value, 1000);
    overlay_release(&overlay);
    buffer_release(&fields);
    buffer_release(&held);
    buffer_release(&changes);
}

/* Every beginning of an entry's bytes, and every entry with one byte changed: nothing is read
 * beyond its end, and what comes out is a record or nothing. */
static void stored_bytes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct entry entry = {.count = 3, .order = 1};
    struct buffer changes = {0}, held = {0};
    struct overlay overlay = {0};
    struct record_view view;
    entry.edits[0] = (struct edit){.op = CREATE,
                                   .record = 1,
                                   .kind = &kinds[1],
                                   .named = true,
                                   .chosen = true,
                                   .set = {true, true, true},
                                   .value = {1, 2, 3},
                                   .add = {true, true}};
    entry.edits[1] = (struct edit){.op = UPDATE, .record = 1, .set = {true}, .value = {2}};
    entry.edits[2] = (struct edit){.op = SHARE, .record = 1, .add = {true}, .remove = {true}};
    put_changes(&changes, &entry);
    put_record(&held, &(struct made){.id = 1, .entity = "contact", .seq = 1});
    unsigned refused = 0;
    for (size_t i = 0; i < changes.size * 3; i++) {
        uint8_t *copy = malloc(changes.size);
        size_t at = i % changes.size;
        assert_non_null(copy);
        memcpy(copy, changes.data, changes.size);
        if (i >= changes.size)
            copy[at] ^= (uint8_t)(i >= 2 * changes.size ? 0x81 : 0x17);
        size_t size = i < changes.size ? at : changes.size;
        const struct outbox_item item = {.order = 1, .changes = bytes_of(copy, size)};
        bool over_nothing = i % 2 == 0;
        assert_ok(overlay_begin(&overlay, over_nothing ? (struct bytes){0} : buffer_bytes(&held)));
        enum status status = overlay_add(&overlay, &item, id_of(1), 0, kari());
        assert_true(status == STATUS_OK || status == STATUS_MALFORMED);
        refused += status != STATUS_OK;
        assert_true(overlay.record.size == 0 ||
                    record_view_read(buffer_bytes(&overlay.record), &view));
        free(copy);
    }
    assert_true(refused > changes.size);
    overlay_release(&overlay);
    buffer_release(&changes);
    buffer_release(&held);
}

static void the_ids_of_an_entry_are_those_of_its_changes(void **state)
{
    (void)state;
    struct entry entry = {.count = 3};
    struct buffer changes = {0};
    struct id id;
    entry.edits[0] = (struct edit){.op = REMOVE, .record = 4};
    entry.edits[1] = (struct edit){.op = REMOVE, .record = 2};
    entry.edits[2] = (struct edit){.op = REMOVE, .record = 4};
    put_changes(&changes, &entry);
    struct overlay_ids ids = overlay_ids(buffer_bytes(&changes));
    static const unsigned expected[] = {4, 2, 4};
    for (size_t i = 0; i < 3; i++) {
        assert_true(overlay_ids_next(&ids, &id));
        assert_true(id_equal(id, id_of(expected[i])));
    }
    assert_false(overlay_ids_next(&ids, &id));
    ids = overlay_ids(bytes_text("x"));
    assert_false(overlay_ids_next(&ids, &id));
    buffer_release(&changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_as_the_model_says),
        cmocka_unit_test(a_new_record_is_seen_by_those_its_author_would_be_told_of),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(stored_bytes_that_make_no_sense_are_refused),
        cmocka_unit_test(the_ids_of_an_entry_are_those_of_its_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
