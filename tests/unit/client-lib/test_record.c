/* Records as callers see them: texts, titles, JSON, and shapes that are no records. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/base/json.h"
#include "client-lib/base/record.h"

/* One field of each kind, encoded, with its JSON and its text. */
struct sample {
    const char *name;
    void (*put)(struct buffer *out);
    const char *json, *text;
};

static void put_time(struct buffer *out)
{
    wire_put_int(out, 1772357400250);
}

static void put_integer(struct buffer *out)
{
    wire_put_int(out, -12);
}

static void put_large(struct buffer *out)
{
    wire_put_uint(out, UINT64_MAX);
}

static void put_text(struct buffer *out)
{
    wire_put_text(out, "Ærlig\t\"talt\"\\\n\x01");
}

static void put_true(struct buffer *out)
{
    wire_put_bool(out, true);
}

static void put_money(struct buffer *out)
{
    wire_put_map(out, 2);
    wire_put_text(out, "amount");
    wire_put_int(out, -5);
    wire_put_text(out, "currency");
    wire_put_text(out, "EUR");
}

static void put_address(struct buffer *out)
{
    wire_put_map(out, 2);
    wire_put_text(out, "city");
    wire_put_text(out, "Bergen");
    wire_put_text(out, "country");
    wire_put_text(out, "NO");
}

static void put_reference(struct buffer *out)
{
    wire_put_id(out, id_of(7));
}

static void put_references(struct buffer *out)
{
    wire_put_array(out, 2);
    wire_put_id(out, id_of(7));
    wire_put_id(out, id_of(8));
}

static void put_tags(struct buffer *out)
{
    wire_put_array(out, 2);
    wire_put_text(out, "vip");
    wire_put_text(out, "north");
}

static void put_blob(struct buffer *out)
{
    uint8_t hash[32];
    for (size_t i = 0; i < sizeof hash; i++)
        hash[i] = (uint8_t)(i + 0xf0);
    wire_put_map(out, 3);
    wire_put_text(out, "sha256");
    wire_put_bin(out, bytes_of(hash, sizeof hash));
    wire_put_text(out, "size");
    wire_put_int(out, 10);
    wire_put_text(out, "name");
    wire_put_text(out, "a.pdf");
}

static const struct sample samples[] = {
    {"dateStart", put_time, "1772357400250", "2026-03-01T09:30:00.250Z"}, /* of an interaction */
    {"custom1", put_integer, "-12", "-12"},
    {"custom2", put_large, "18446744073709551615", NULL},
    {"subject", put_text, "\"Ærlig\\t\\\"talt\\\"\\\\\\n\\u0001\"", NULL},
    {"custom3", put_true, "true", "true"},
    {"custom4", put_money, "{\"amount\":-5,\"currency\":\"EUR\"}", "-0.05 EUR"},
    {"custom5", put_address, "{\"city\":\"Bergen\",\"country\":\"NO\"}", NULL},
    {"assignedUser", put_reference, "\"0192f0c1-5a3e-7000-8000-000000000007\"",
     "0192f0c1-5a3e-7000-8000-000000000007"},
    {"contacts", put_references,
     "[\"0192f0c1-5a3e-7000-8000-000000000007\",\"0192f0c1-5a3e-7000-8000-000000000008\"]", NULL},
    {"tags", put_tags, "[\"vip\",\"north\"]", NULL},
    {"custom6", put_blob,
     "{\"sha256\":\"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f\","
     "\"size\":10,\"name\":\"a.pdf\"}",
     NULL},
};
#define SAMPLES (sizeof samples / sizeof *samples)

static void put_samples(struct buffer *out)
{
    wire_put_map(out, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        wire_put_text(out, samples[i].name);
        samples[i].put(out);
    }
}

static void every_kind_has_its_json_and_its_text(void **state)
{
    (void)state;
    struct buffer fields = {0}, encoded = {0};
    struct tandem_record record;
    put_samples(&fields);
    put_record(&encoded,
               &(struct made){.id = 1, .entity = "interaction", .fields = buffer_bytes(&fields)});
    assert_ok(wire_validate(buffer_bytes(&encoded), NULL));
    assert_true(record_init(&record, buffer_bytes(&encoded), NULL));
    assert_int_equal(tandem_record_field_count(&record), SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        assert_string_equal(tandem_record_field_name(&record, i), samples[i].name);
        char *json = tandem_record_field_json(&record, samples[i].name);
        assert_string_equal(json, samples[i].json);
        tandem_free(json);
        const char *text = tandem_record_text(&record, samples[i].name);
        assert_non_null(text);
        if (samples[i].text != NULL)
            assert_string_equal(text, samples[i].text);
    }
    assert_null(tandem_record_field_name(&record, SAMPLES));
    assert_null(tandem_record_text(&record, "nothing"));
    assert_null(tandem_record_field_json(&record, "nothing"));
    record_release(&record);
    buffer_release(&fields);
    buffer_release(&encoded);
}

static void a_record_as_json_is_complete(void **state)
{
    (void)state;
    struct buffer encoded = {0};
    struct tandem_record record;
    char expected[1024];
    put_record(
        &encoded,
        &(struct made){
            .id = 1, .entity = "account", .seq = 42, .name = "Å", .created_at = 1772357400250});
    assert_true(record_init(&record, buffer_bytes(&encoded), NULL));
    snprintf(expected, sizeof expected,
             "{\"id\":\"%s\",\"entity\":\"account\",\"scope\":\"account:%s\",\"seq\":42,"
             "\"audience\":[\"internal\"],\"createdBy\":\"kari\","
             "\"createdAt\":\"2026-03-01T09:30:00.250Z\",\"modifiedBy\":\"nils\","
             "\"modifiedAt\":\"2026-03-01T09:30:00.251Z\",\"fields\":{\"name\":\"Å\"}}",
             id_text(1), id_text(1));
    char *json = tandem_record_json(&record);
    assert_string_equal(json, expected);
    tandem_free(json);
    assert_string_equal(tandem_record_audience(&record, 0), "internal");
    assert_null(tandem_record_audience(&record, 1));
    assert_int_equal(tandem_record_audience_count(&record), 1);
    assert_int_equal(tandem_record_modified_at(&record), 1772357400251);
    char scope[SCOPE_TEXT_SIZE];
    (void)snprintf(scope, sizeof scope, "account:%s", id_text(1));
    /* A text is written when it is first asked for, and stays. */
    for (int turn = 0; turn < 2; turn++) {
        assert_string_equal(tandem_record_id(&record), id_text(1));
        assert_string_equal(tandem_record_entity(&record), "account");
        assert_string_equal(tandem_record_scope(&record), scope);
        assert_string_equal(tandem_record_created_by(&record), "kari");
        assert_string_equal(tandem_record_modified_by(&record), "nils");
    }
    record_release(&record);
    buffer_release(&encoded);
}

static bool shoe_time(void *context, struct bytes entity, struct bytes name, struct field_def *out,
                      struct custom_field_storage *storage)
{
    (void)context;
    (void)storage;
    *out = (struct field_def){.name = "lastFitting", .kind = KIND_TIME};
    return bytes_is(entity, "account") && bytes_is(name, "lastFitting");
}

static void a_custom_time_reads_as_one_where_its_definition_is_known(void **state)
{
    (void)state;
    const struct field_source source = {NULL, shoe_time};
    struct buffer fields = {0}, encoded = {0};
    struct tandem_record record;
    wire_put_map(&fields, 1);
    wire_put_text(&fields, "lastFitting");
    put_time(&fields);
    put_record(&encoded,
               &(struct made){.id = 1, .entity = "account", .fields = buffer_bytes(&fields)});
    assert_true(record_init(&record, buffer_bytes(&encoded), &source));
    assert_string_equal(tandem_record_text(&record, "lastFitting"), "2026-03-01T09:30:00.250Z");
    record_release(&record);
    assert_true(record_init(&record, buffer_bytes(&encoded), NULL));
    assert_string_equal(tandem_record_text(&record, "lastFitting"), "1772357400250");
    record_release(&record);
    buffer_release(&fields);
    buffer_release(&encoded);
}

static void expect_title(const char *entity, const char *const *pairs, size_t count,
                         const char *expected)
{
    struct buffer fields = {0}, encoded = {0};
    struct tandem_record record;
    wire_put_map(&fields, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(&fields, pairs[2 * i]);
        wire_put_text(&fields, pairs[2 * i + 1]);
    }
    put_record(&encoded,
               &(struct made){.id = 1, .entity = entity, .fields = buffer_bytes(&fields)});
    assert_true(record_init(&record, buffer_bytes(&encoded), NULL));
    assert_string_equal(tandem_record_title(&record), expected);
    record_release(&record);
    buffer_release(&fields);
    buffer_release(&encoded);
}

static void titles_are_what_people_call_it(void **state)
{
    (void)state;
    expect_title("account", (const char *[]){"name", "Fjord Bruk"}, 1, "Fjord Bruk");
    expect_title("contact", (const char *[]){"lastName", "Li", "firstName", "Bo"}, 2, "Bo Li");
    expect_title("contact", (const char *[]){"lastName", "Li"}, 1, "Li");
    expect_title("note", (const char *[]){"text", "first\nsecond"}, 1, "first");
    expect_title("unheardOf", (const char *[]){"subject", "Hello"}, 1, "Hello");
    expect_title("account", (const char *[]){"industry", "Forestry"}, 1, id_text(1));
    expect_title("account", (const char *[]){"name", ""}, 1, id_text(1));
}

/* Every prefix of a record, and every record with one key spoilt, is none. */
static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"id",         "entity",    "scope",     "audience",
                                       "seq",        "createdBy", "createdAt", "modifiedBy",
                                       "modifiedAt", "fields"};
    struct buffer encoded = {0};
    struct record_view view;
    put_record(&encoded, &(struct made){.id = 1, .name = "x"});
    struct bytes whole = buffer_bytes(&encoded);
    assert_true(record_view_read(whole, &view));
    for (size_t size = 0; size < whole.size; size++)
        assert_false(record_view_read(bytes_of(whole.data, size), &view));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint8_t *key = memmem(encoded.data, encoded.size, keys[i], strlen(keys[i]));
        assert_non_null(key);
        *key ^= 0x20; /* another name: now the part is missing */
        assert_false(record_view_read(whole, &view));
        *key ^= 0x20;
    }
    assert_true(record_view_read(whole, &view));
    buffer_release(&encoded);
}

/* A record of which one part is replaced. */
static bool reads_with(const char *part, struct bytes value)
{
    static const struct {
        const char *key, *value;
        size_t size;
    } parts[] = {
        {"id", "\xc4\x10" "0123456789abcdef", 18},
        {"entity", "\xa4note", 5},
        {"scope", "\xc4\x11\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19},
        {"audience", "\x91\xc4\x11\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20},
        {"seq", "\x07", 1},
        {"createdBy", "\xa3" "ada", 4},
        {"createdAt", "\x07", 1},
        {"modifiedBy", "\xa3" "ada", 4},
        {"modifiedAt", "\x07", 1},
        {"fields", "\x81\xa4text\xa1x", 8},
    };
    struct buffer encoded = {0};
    struct record_view view;
    wire_put_map(&encoded, sizeof parts / sizeof *parts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        wire_put_text(&encoded, parts[i].key);
        wire_put_raw(&encoded, strcmp(parts[i].key, part) == 0
                                   ? value
                                   : bytes_of(parts[i].value, parts[i].size));
    }
    bool read = record_view_read(buffer_bytes(&encoded), &view);
    buffer_release(&encoded);
    return read;
}

static struct bytes many(struct buffer *out, bool map, uint32_t count, struct bytes each)
{
    buffer_clear(out);
    if (map)
        wire_put_map(out, count);
    else
        wire_put_array(out, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_raw(out, each);
    return buffer_bytes(out);
}

static void parts_of_the_wrong_shape_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *part, *value;
        size_t size;
    } cases[] = {
        {"id", "\x01", 1},           {"id", "\xc4\x01\x01", 3},     {"entity", "\x01", 1},
        {"entity", "\xa0", 1},       {"scope", "\x01", 1},          {"scope", "\xc4\x01\x01", 3},
        {"audience", "\x01", 1},     {"audience", "\x91\x01", 2},   {"audience", "\x91\xc4\x01\x01", 4},
        {"audience", "\x91\xc4\x11\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20},
        {"seq", "\xff", 1},          {"seq", "\xa1x", 2},           {"createdBy", "\x01", 1},
        {"createdAt", "\xa1x", 2},   {"modifiedBy", "\x90", 1},     {"modifiedAt", "\x80", 1},
        {"fields", "\x90", 1},       {"fields", "\x81\x01\x01", 3},
    };
    assert_true(reads_with("none", bytes_of(NULL, 0)));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (reads_with(cases[i].part, bytes_of(cases[i].value, cases[i].size)))
            fail_msg("%s, case %zu, was taken", cases[i].part, i);
    struct buffer list = {0};
    const struct bytes tag = bytes_of("\xc4\x11\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 19);
    const struct bytes field = bytes_of("\xa1x\x01", 3);
    assert_true(reads_with("audience", many(&list, false, LIMIT_PLACEMENTS, tag)));
    assert_false(reads_with("audience", many(&list, false, LIMIT_PLACEMENTS + 1, tag)));
    assert_true(reads_with("fields", many(&list, true, LIMIT_FIELDS, field)));
    assert_false(reads_with("fields", many(&list, true, LIMIT_FIELDS + 1, field)));
    buffer_release(&list);
}

static void a_record_has_the_time_of_its_field_or_of_its_making(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t size;
        int64_t ms;
    } cases[] = {{"\x05", 1, 5},
                 {"\xaa" "1970-01-02", 11, 86400000},
                 {"\xaa" "1970-02-30", 11, 77}, /* no day: then when it was made */
                 {"\xc0", 1, 77}};
    const struct entity_def *timed = NULL;
    static const char *const entities[] = {"interaction", "task", "note", "document", "order"};
    for (size_t i = 0; i < sizeof entities / sizeof *entities && timed == NULL; i++) {
        const struct entity_def *entity = schema_entity(bytes_text(entities[i]));
        timed = entity != NULL && entity->timeline_field != NULL ? entity : NULL;
    }
    assert_non_null(timed);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer fields = {0};
        wire_put_map(&fields, 1);
        wire_put_text(&fields, timed->timeline_field);
        wire_put_raw(&fields, bytes_of(cases[i].value, cases[i].size));
        struct record_view view = {.entity = bytes_text(timed->name),
                                   .scope = {.kind = SCOPE_ACCOUNT},
                                   .created_at = 77,
                                   .fields = buffer_bytes(&fields)};
        int64_t ms = 0;
        assert_true(record_view_time(&view, &ms));
        assert_true(ms == cases[i].ms);
        view.scope.kind = SCOPE_LIBRARY;
        assert_false(record_view_time(&view, &ms));
        buffer_release(&fields);
    }
}

static void names_that_keys_cannot_hold_are_refused(void **state)
{
    (void)state;
    char longest[66];
    struct record_view view;
    struct buffer encoded = {0};
    for (size_t size = 64; size <= 65; size++) {
        memset(longest, 'e', sizeof longest);
        longest[size] = 0;
        buffer_clear(&encoded);
        put_record(&encoded, &(struct made){.id = 1, .entity = longest});
        assert_int_equal(record_view_read(buffer_bytes(&encoded), &view), size == 64);
    }
    buffer_clear(&encoded);
    put_record(&encoded, &(struct made){.id = 1, .entity = "abc"});
    *(uint8_t *)memmem(encoded.data, encoded.size, "abc", 3) = 0;
    assert_false(record_view_read(buffer_bytes(&encoded), &view));
    buffer_release(&encoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_json_and_its_text),
        cmocka_unit_test(a_record_as_json_is_complete),
        cmocka_unit_test(a_custom_time_reads_as_one_where_its_definition_is_known),
        cmocka_unit_test(titles_are_what_people_call_it),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(names_that_keys_cannot_hold_are_refused),
        cmocka_unit_test(parts_of_the_wrong_shape_are_refused),
        cmocka_unit_test(a_record_has_the_time_of_its_field_or_of_its_making),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
