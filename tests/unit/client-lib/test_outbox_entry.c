/* Entries of the outbox as any program or disk may have written them: each key with a value of
 * another kind, states that promise what is not there, lists of what is no change, and all of it
 * cut short is refused; what is right is read. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "client-lib/outbox/outbox_entry.h"
#include "tests/unit/protocol/notation.h"

#define ID "h'000102030405060708090a0b0c0d0e0f'"
#define SCOPE "h'01000102030405060708090a0b0c0d0e0f'"
#define ONE_CHANGE                                                                                 \
    "{\"op\": \"update\", \"id\": " ID ", \"entity\": \"note\", \"fields\": {\"text\": \"x\"}}"
#define CHANGES "\"changes\": [" ONE_CHANGE "]"

static void parse(const char *text, struct buffer *out)
{
    buffer_clear(out);
    assert_true(notation_parse(bytes_text(text), out));
}

static bool reads(const char *text, struct outbox_item *out)
{
    static struct buffer encoded;
    parse(text, &encoded);
    return outbox_entry_decode(buffer_bytes(&encoded), 7, out);
}

static bool is_entry(const char *text)
{
    struct outbox_item item;
    return reads(text, &item);
}

static void expect(bool entry, const char *text)
{
    if (is_entry(text) != entry)
        fail_msg("%s an entry: %s", entry ? "not taken for" : "taken for", text);
}

/* A conflict has every key there is. */
static const char whole[] =
    "{\"state\": 3, \"at\": 5, " CHANGES ", \"number\": 4, \"base\": 9, \"overwrite\": true, "
    "\"seen\": [{\"id\": " ID ", \"entity\": \"note\", \"scope\": " SCOPE
    ", \"seq\": 8, \"fields\": {}, \"lost\": true}], \"seq\": 10, \"status\": \"conflict\", "
    "\"change\": 0, \"field\": \"text\", \"detail\": \"words\", \"conflicts\": [{\"id\": " ID
    ", \"field\": \"text\", \"theirs\": \"y\", \"by\": \"nils\", \"at\": 6, \"seq\": 9}], "
    "\"answered\": 11, \"behind\": 2, \"accessEnded\": true, \"typed\": 3, "
    "\"renames\": [], \"later\": 1}";

static void a_whole_entry_is_read(void **state)
{
    struct outbox_item item;
    struct outbox_conflict conflict;
    struct outbox_seen seen;
    (void)state;
    assert_true(reads(whole, &item));
    assert_int_equal(item.order, 7);
    assert_int_equal(item.state, TANDEM_ENTRY_CONFLICT);
    assert_int_equal(item.number, 4);
    assert_int_equal(item.status, STATUS_CONFLICT);
    assert_int_equal(item.answered_ms, 11);
    assert_int_equal(item.typed, 3);
    assert_true(item.overwrite && item.access_ended);
    struct wire_reader conflicts = outbox_list(item.conflicts), list = outbox_list(item.seen);
    assert_true(outbox_conflict_next(&conflicts, &conflict));
    assert_true(bytes_is(conflict.by, "nils") && conflict.theirs.size > 0);
    assert_true(outbox_seen_next(&list, &seen));
    assert_true(seen.lost && seen.seq == 8 && seen.scope.kind == SCOPE_ACCOUNT);
}

/* `whole` with the value behind a key replaced. The n-th such key, from 0. */
static void replace(const char *key, unsigned n, const char *value, char *out, size_t size)
{
    char name[32];
    (void)snprintf(name, sizeof name, "\"%s\": ", key);
    const char *at = strstr(whole, name);
    for (; n > 0; n--)
        at = strstr(at + 1, name);
    const char *from = at + strlen(name), *end = from;
    for (int depth = 0; depth > 0 || strchr(",}]", *end) == NULL; end++)
        depth += (*end == '[' || *end == '{') - (*end == ']' || *end == '}');
    (void)snprintf(out, size, "%.*s%s%s", (int)(from - whole), whole, value, end);
}

static void a_value_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *key;
        unsigned nth;
        const char *value;
    } wrong[] = {
        {"state", 0, "\"conflict\""},
        {"state", 0, "5"},
        {"at", 0, "\"now\""},
        {"changes", 0, "{}"},
        {"number", 0, "-1"},
        {"typed", 0, "\"x\""},
        {"renames", 0, "{}"},
        {"base", 0, "\"x\""},
        {"overwrite", 0, "1"},
        {"seen", 0, "{}"},
        {"seq", 0, "-2"},
        {"seq", 1, "true"},
        {"status", 0, "1"},
        {"change", 0, "\"x\""},
        {"field", 0, "1"},
        {"detail", 0, "1"},
        {"conflicts", 0, "{}"},
        {"answered", 0, "\"x\""},
        {"behind", 0, "\"x\""},
        {"accessEnded", 0, "1"},
        {"op", 0, "\"rename\""},
        {"op", 0, "1"},
        {"id", 0, "h'00'"},
        {"entity", 0, "1"},
        {"fields", 0, "[]"},
        {"id", 1, "\"x\""},
        {"entity", 1, "1"},
        {"fields", 1, "[]"},
        {"lost", 0, "1"},
        {"scope", 0, "h'09000102030405060708090a0b0c0d0e0f'"},
        {"id", 2, "1"},
        {"field", 1, "1"},
        {"by", 0, "1"},
        {"at", 1, "\"x\""},
        {"seq", 2, "\"x\""},
    };
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        replace(wrong[i].key, wrong[i].nth, wrong[i].value, text, sizeof text);
        assert_string_not_equal(text, whole);
        expect(false, text);
    }
    /* What may be anything, or nothing. */
    replace("theirs", 0, "null", text, sizeof text);
    expect(true, text);
    replace("later", 0, "[1, {}]", text, sizeof text);
    expect(true, text);
    for (const char *op = "create\0remove\0share\0mention\0"; *op != 0; op += strlen(op) + 1) {
        char quoted[16];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", op);
        replace("op", 0, quoted, text, sizeof text);
        expect(true, text);
    }
}

static void states_keep_what_they_promise(void **state)
{
    (void)state;
    expect(true, "{\"state\": 0, " CHANGES "}");
    expect(false, "{\"state\": 0, \"number\": 1, " CHANGES "}");
    expect(true, "{\"state\": 1, \"number\": 1, " CHANGES "}");
    expect(false, "{\"state\": 1, " CHANGES "}");
    expect(false, "{\"state\": 1, \"number\": 1, \"behind\": 1, " CHANGES "}");
    expect(true, "{\"state\": 2, \"seq\": 1, " CHANGES "}");
    expect(false, "{\"state\": 2, " CHANGES "}");
    expect(true, "{\"state\": 3, \"status\": \"conflict\", " CHANGES "}");
    expect(false, "{\"state\": 3, " CHANGES "}");
    expect(true, "{\"state\": 4, \"status\": \"denied\", " CHANGES "}");
    expect(false, "{\"state\": 4, \"status\": \"ok\", " CHANGES "}");
    expect(false, "{\"state\": 0}");
    expect(false, "{" CHANGES "}");
    expect(false, "[]");
    expect(false, "1");
}

static void lists_hold_what_they_are_for(void **state)
{
    (void)state;
    expect(true, "{\"state\": 0, \"changes\": []}");
    expect(false, "{\"state\": 0, \"changes\": [1]}");
    expect(false, "{\"state\": 0, \"changes\": [" ONE_CHANGE ", 1]}");
    expect(false, "{\"state\": 0, \"changes\": [{\"id\": " ID "}]}");
    expect(false, "{\"state\": 0, \"changes\": [{\"op\": \"remove\"}]}");
    expect(false, "{\"state\": 0, " CHANGES ", \"seen\": [1]}");
    expect(false, "{\"state\": 0, " CHANGES ", \"seen\": [{\"seq\": 1}]}");
    expect(false, "{\"state\": 0, " CHANGES ", \"conflicts\": [\"x\"]}");
    expect(true, "{\"state\": 0, " CHANGES ", \"conflicts\": [{\"id\": " ID "}]}");
}

static void what_is_cut_short_is_refused(void **state)
{
    struct buffer encoded = {0};
    struct outbox_item item;
    (void)state;
    parse(whole, &encoded);
    for (size_t size = 0; size < encoded.size; size++)
        assert_false(outbox_entry_decode(bytes_of(encoded.data, size), 1, &item));
    buffer_append_byte(&encoded, 0);
    assert_false(outbox_entry_decode(buffer_bytes(&encoded), 1, &item));
    buffer_release(&encoded);
}

static bool count_id(void *context, struct id id)
{
    unsigned *left = context;
    (void)id;
    return --*left > 0;
}

static void ids_are_found_in_every_depth(void **state)
{
    struct buffer changes = {0};
    unsigned left = 10;
    (void)state;
    outbox_ids((struct bytes){0}, count_id, &left);
    assert_int_equal(left, 10);
    parse("[{\"id\": " ID ", \"fields\": {\"team\": [" ID ", " ID "], \"n\": 1, \"x\": {}}}]",
          &changes);
    outbox_ids(buffer_bytes(&changes), count_id, &left);
    assert_int_equal(left, 7);
    left = 2;
    outbox_ids(buffer_bytes(&changes), count_id, &left);
    assert_int_equal(left, 0);
    buffer_release(&changes);
}

static void only_a_create_creates(void **state)
{
    struct buffer changes = {0};
    struct id id, other = {{1}};
    (void)state;
    for (unsigned i = 0; i < sizeof id.octet; i++)
        id.octet[i] = (uint8_t)i;
    parse("[" ONE_CHANGE ", {\"op\": \"create\", \"id\": " ID "}]", &changes);
    assert_true(outbox_creates(buffer_bytes(&changes), id));
    assert_false(outbox_creates(buffer_bytes(&changes), other));
    parse("[" ONE_CHANGE "]", &changes);
    assert_false(outbox_creates(buffer_bytes(&changes), id));
    buffer_release(&changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_entry_is_read),
        cmocka_unit_test(a_value_of_another_kind_is_refused),
        cmocka_unit_test(states_keep_what_they_promise),
        cmocka_unit_test(lists_hold_what_they_are_for),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(ids_are_found_in_every_depth),
        cmocka_unit_test(only_a_create_creates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
