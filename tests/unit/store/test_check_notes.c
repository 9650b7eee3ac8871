/* What the scrub finds of live notes. */
#include "fixture.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/note/note_block.h"
#include "server/core/note/note_row.h"
#include "server/core/note/note_runs.h"
#include "server/store/layout.h"

/* The note: versions 1 to 4, of which 1 is the oldest that is kept; snapshots of 1 and 3. Each has
 * a letter more than the one before. */
#define NOTE 1
#define OLDEST 1
#define NEWEST 4
#define TEXT "abc\xc3\xa9"

static const char *const letters[] = {"", "a", "b", "c", "\xc3\xa9", "f"};

static struct buffer runs_of(uint32_t units)
{
    struct note_runs runs = {0};
    struct buffer out = {0};
    note_runs_add(&runs, units, bytes_text("ada"), 1);
    note_runs_write(&runs, &out);
    note_runs_release(&runs);
    return out;
}

/* Bytes of the log's row of version 4. */
#define LOGGED 30u

static const struct note_head sound_head = {
    .version = NEWEST, .oldest = OLDEST, .settled = NEWEST, .snapshot = 3, .logged = LOGGED};

static void write_head(struct fixture *fixture, struct note_head head, const char *text,
                       struct bytes runs)
{
    struct buffer row = {0};
    head.by = bytes_text("ada");
    head.text = bytes_text(text);
    head.runs = runs;
    note_head_encode(&row, &head);
    assert_ok(fixture->write.ops->put_note_head(fixture->write.self, id_number(NOTE),
                                                buffer_bytes(&row)));
    buffer_release(&row);
}

static void put_head(struct fixture *fixture, const char *text, uint32_t units)
{
    struct buffer runs = runs_of(units);
    write_head(fixture, sound_head, text, buffer_bytes(&runs));
    buffer_release(&runs);
}

/* The sound text under other numbers. */
static void put_numbers(struct fixture *fixture, struct note_head head)
{
    struct buffer runs = runs_of(4);
    write_head(fixture, head, TEXT, buffer_bytes(&runs));
    buffer_release(&runs);
}

static void put_snapshot(struct fixture *fixture, uint64_t version, const char *text,
                         uint32_t units)
{
    struct buffer row = {0}, runs = runs_of(units);
    const struct note_snapshot snapshot = {1, bytes_text(text), buffer_bytes(&runs)};
    note_snapshot_encode(&row, &snapshot);
    assert_ok(fixture->write.ops->put_note_row(fixture->write.self, NOTE_SNAPSHOT, id_number(NOTE),
                                               version, buffer_bytes(&row)));
    buffer_release(&row);
    buffer_release(&runs);
}

/* One row of the log; each version adds a letter. */
static void put_row(struct fixture *fixture, unsigned note, uint64_t first, uint64_t last)
{
    struct note_block block;
    struct buffer row = {0};
    struct change_set set = {0};
    for (uint64_t version = first; version <= last; version++) {
        const struct note_entry entry = {
            .version = version, .by = bytes_text("ada"), .at_ms = 1, .set = &set};
        change_set_clear(&set);
        change_set_keep(&set, version - 1);
        change_set_replace(&set, 0, bytes_text(letters[version]), false);
        if (version == first)
            note_block_start(&block, &row, &entry);
        assert_true(note_block_add(&block, &row, &entry));
    }
    assert_ok(fixture->write.ops->put_note_row(fixture->write.self, NOTE_LOG, id_number(note),
                                               first, buffer_bytes(&row)));
    change_set_release(&set);
    buffer_release(&row);
}

static void put_bytes(struct fixture *fixture, uint64_t version, struct bytes row)
{
    assert_ok(fixture->write.ops->put_note_row(fixture->write.self, NOTE_LOG, id_number(NOTE),
                                               version, row));
}

static void put_record(struct fixture *fixture, unsigned number, const char *entity, uint64_t seq,
                       bool deleted)
{
    struct made *made = made_new(number, entity, account_scope(1), seq);
    made_text(made, "text", TEXT);
    if (!deleted)
        made_place(made, account_scope(1), tag_internal, seq);
    made->record.deleted = deleted;
    put(fixture->write, NULL, made);
    made_free(made);
}

static void put_meta(struct fixture *fixture, uint64_t horizon)
{
    const struct meta meta = {.epoch = id_number(999), .seq = 9, .horizon = horizon};
    assert_ok(fixture->write.ops->put_meta(fixture->write.self, &meta));
}

static int setup(void **state)
{
    fixture_setup(state);
    struct fixture *fixture = *state;
    struct buffer horizon = {0};
    fixture_begin(fixture);
    put_record(fixture, NOTE, "note", 1, false);
    put_head(fixture, TEXT, 4);
    put_snapshot(fixture, OLDEST, "a", 1);
    put_snapshot(fixture, 3, "abc", 3);
    put_row(fixture, NOTE, 2, 3);
    put_row(fixture, NOTE, 4, 4);
    note_horizon_encode(&horizon, 77);
    assert_ok(fixture->write.ops->put_note_head(fixture->write.self, (struct id){{0}},
                                                buffer_bytes(&horizon)));
    put_meta(fixture, 0);
    fixture_commit(fixture);
    assert_ok(store_check(fixture->store, NULL, NULL, NULL));
    fixture_begin(fixture);
    buffer_release(&horizon);
    return 0;
}

static void collect(void *context, const char *text)
{
    struct buffer *out = context;
    buffer_append(out, text, strlen(text));
    buffer_append(out, "\n", 1);
}

/* Commits what the test has done to the store: the check finds `count` things, each with `what`. */
static void expect_findings(struct fixture *fixture, size_t count, const char *what)
{
    struct buffer out = {0};
    fixture_commit(fixture);
    const enum status status = store_check(fixture->store, collect, &out, NULL);
    assert_int_equal(status, count > 0 ? STATUS_CORRUPT : STATUS_OK);
    buffer_append_byte(&out, 0);
    size_t lines = 0;
    for (char *line = strtok((char *)out.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, what) == NULL)
            fail_msg("expected \"%s\", found \"%s\"", what, line);
        lines++;
    }
    assert_int_equal(lines, count);
    buffer_release(&out);
}

static void drop(struct fixture *fixture, enum note_rows rows, uint64_t version)
{
    assert_ok(fixture->write.ops->put_note_row(fixture->write.self, rows, id_number(NOTE), version,
                                               (struct bytes){NULL, 0}));
}

static void a_gap_in_the_log_is_found(void **state)
{
    drop(*state, NOTE_LOG, 2);
    expect_findings(*state, 1, "0000000000000002: missing");
    fixture_begin(*state);
    put_row(*state, NOTE, 2, 2);
    expect_findings(*state, 1, "0000000000000003: missing");
    fixture_begin(*state);
    put_row(*state, NOTE, 2, 3);
    drop(*state, NOTE_LOG, 4);
    expect_findings(*state, 1, "0000000000000004: missing");
}

static void a_version_in_two_rows_is_found(void **state)
{
    put_row(*state, NOTE, 2, 4);
    expect_findings(*state, 1, "is in two rows");
}

static void more_versions_than_the_note_has_are_found(void **state)
{
    put_row(*state, NOTE, 4, 5);
    expect_findings(*state, 1, "has versions that its note has not");
}

static void a_log_of_another_size_is_found(void **state)
{
    struct note_head head = sound_head;
    head.logged++;
    put_numbers(*state, head);
    expect_findings(*state, 1, "says another size of its log");
}

/* ---- What the log makes ------------------------------------------------------------------------
 */

static void a_head_with_another_text_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct made *old = made_new(NOTE, "note", account_scope(1), 1);
    struct made *shown = made_new(NOTE, "note", account_scope(1), 1);
    made_place(old, account_scope(1), tag_internal, 1);
    made_place(shown, account_scope(1), tag_internal, 1);
    made_text(shown, "text", "abcd");
    put_head(fixture, "abcd", 4);
    put(fixture->write, old, shown);
    expect_findings(fixture, 1,
                    "note_head 01000000000000000000000000000001: has another text than");
    made_free(old);
    made_free(shown);
}

/* From a snapshot that is wrong nothing right is made, either. */
static void a_snapshot_with_another_text_is_found(void **state)
{
    put_snapshot(*state, 3, "abd", 3);
    expect_findings(*state, 2, "has another text than the note's log makes");
    fixture_begin(*state);
    put_snapshot(*state, 3, "abc", 3);
    put_snapshot(*state, OLDEST, "b", 1);
    expect_findings(*state, 1, "has another text than the note's log makes");
}

static void other_authors_and_times_are_found(void **state)
{
    static const struct note_run wrong[] = {{4, {(const uint8_t *)"kari", 4}, 1},
                                            {4, {(const uint8_t *)"ada", 3}, 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct note_runs runs = {0};
        struct buffer encoded = {0};
        note_runs_add(&runs, wrong[i].length, wrong[i].by, wrong[i].at_ms);
        note_runs_write(&runs, &encoded);
        write_head(*state, sound_head, TEXT, buffer_bytes(&encoded));
        expect_findings(*state, 1, "names other authors than the note's log");
        fixture_begin(*state);
        note_runs_release(&runs);
        buffer_release(&encoded);
    }
}

/* The last change of the log is of another text than the changes before it make. */
static void a_log_that_does_not_fit_together_is_found(void **state)
{
    struct note_block block;
    struct buffer row = {0};
    struct change_set set = {0};
    const struct note_entry entry = {.version = 4, .by = bytes_text("ada"), .set = &set};
    change_set_keep(&set, 4);
    change_set_replace(&set, 0, bytes_text("d"), false);
    note_block_start(&block, &row, &entry);
    assert_true(note_block_add(&block, &row, &entry));
    assert_int_equal(row.size, LOGGED - 1); /* of a letter of one byte */
    put_bytes(*state, 4, buffer_bytes(&row));
    struct note_head head = sound_head;
    head.logged = row.size;
    put_numbers(*state, head);
    expect_findings(*state, 1, "cannot be made of the note's log");
    change_set_release(&set);
    buffer_release(&row);
}

/* ---- Settling ----------------------------------------------------------------------------------
 */

static void put_due(struct fixture *fixture, uint64_t at_ms, bool present)
{
    assert_ok(fixture->write.ops->put_due(fixture->write.self, at_ms, id_number(NOTE), present));
}

static void a_note_that_is_not_to_settle_is_found(void **state)
{
    struct note_head head = sound_head;
    head.settled--;
    put_numbers(*state, head);
    expect_findings(*state, 1, "has not settled, and is not to");
    fixture_begin(*state);
    head.due_ms = 70;
    put_numbers(*state, head);
    expect_findings(*state, 1, "missing: its note waits to settle");
    fixture_begin(*state);
    put_due(*state, 70, true);
    expect_findings(*state, 0, "");
}

static void a_note_that_is_to_settle_at_another_time_is_found(void **state)
{
    put_due(*state, 71, true);
    expect_findings(*state, 1, "is not when its note is to settle");
}

static void a_record_that_shows_another_text_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct made *old = made_new(NOTE, "note", account_scope(1), 1);
    struct made *shown = made_new(NOTE, "note", account_scope(1), 1);
    made_place(old, account_scope(1), tag_internal, 1);
    made_place(shown, account_scope(1), tag_internal, 1);
    made_text(shown, "text", "ab");
    put(fixture->write, old, shown);
    expect_findings(fixture, 1, "shows another text than its note settled with");
    made_free(old);
    made_free(shown);
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

/* Rows of one version each, as they once were. */
static void rows_of_an_older_format_are_read(void **state)
{
    struct fixture *fixture = *state;
    static const uint8_t changes[] = {0x92, 0x01, 0x92, 0x00, 0xa1, 'b'}; /* [1, [0, "b"]] */
    struct buffer row = {0};
    buffer_append_byte(&row, 1);
    buffer_append_u64(&row, 1);
    buffer_append_u64(&row, 0);
    memset(buffer_extend(&row, ID_SIZE), 0, ID_SIZE);
    buffer_append_short(&row, bytes_text("ada"));
    buffer_append(&row, changes, sizeof changes);
    put_bytes(fixture, 2, buffer_bytes(&row));
    put_row(fixture, NOTE, 3, 3);
    expect_findings(fixture, 0, "");
    fixture_begin(fixture);
    put_bytes(fixture, 2, bytes_slice(buffer_bytes(&row), 0, row.size - 1));
    expect_findings(fixture, 1, "cannot be decoded");
    buffer_release(&row);
}

static void missing_snapshots_are_found(void **state)
{
    drop(*state, NOTE_SNAPSHOT, OLDEST);
    expect_findings(*state, 1, "lacks a snapshot");
    fixture_begin(*state);
    put_snapshot(*state, OLDEST, "a", 1);
    drop(*state, NOTE_SNAPSHOT, 3);
    expect_findings(*state, 1, "lacks a snapshot");
}

static void rows_out_of_range_are_found(void **state)
{
    struct fixture *fixture = *state;
    put_row(fixture, NOTE, OLDEST, OLDEST);
    put_row(fixture, NOTE, NEWEST + 1, NEWEST + 1);
    put_row(fixture, 7, 1, 1);
    put_snapshot(fixture, OLDEST - 1, "", 0);
    put_snapshot(fixture, NEWEST + 1, "", 0);
    expect_findings(fixture, 5, "belongs to no note");
}

static void runs_of_another_length_are_found(void **state)
{
    put_head(*state, "abc\xc3\xa9", 5);
    put_snapshot(*state, 2, "ab", 3);
    expect_findings(*state, 2, "another length than its text");
}

static void texts_that_are_not_utf8_are_found(void **state)
{
    put_head(*state, "abc\xff", 4);
    put_snapshot(*state, 2, "\x80", 1);
    expect_findings(*state, 2, "not UTF-8");
}

static void rows_that_cannot_be_decoded_are_found(void **state)
{
    struct fixture *fixture = *state;
    void *self = fixture->write.self;
    const struct state_ops *ops = fixture->write.ops;
    put_bytes(fixture, 2, bytes_text("nonsense"));
    put_bytes(fixture, 4, bytes_text("\x02\x01"));
    assert_ok(ops->put_note_row(self, NOTE_SNAPSHOT, id_number(NOTE), 2, bytes_text("no")));
    assert_ok(ops->put_note_head(self, (struct id){{0}}, bytes_text("no horizon")));
    expect_findings(fixture, 4, "cannot be decoded");
}

static void heads_of_what_is_no_note_are_found(void **state)
{
    struct fixture *fixture = *state;
    put_record(fixture, 2, "lead", 2, false);
    struct buffer row = {0}, runs = runs_of(1);
    const struct note_head head = {.text = bytes_text("a"), .runs = buffer_bytes(&runs)};
    note_head_encode(&row, &head);
    for (unsigned note = 2; note <= 3; note++)
        assert_ok(fixture->write.ops->put_note_head(fixture->write.self, id_number(note),
                                                    buffer_bytes(&row)));
    fixture_commit(fixture);
    struct buffer out = {0};
    assert_status(store_check(fixture->store, collect, &out, NULL), CORRUPT);
    buffer_append_byte(&out, 0);
    unsigned strangers = 0;
    for (const char *at = (char *)out.data; (at = strstr(at, "belongs to no note")) != NULL; at++)
        strangers++;
    assert_int_equal(strangers, 2);
    buffer_release(&row);
    buffer_release(&runs);
    buffer_release(&out);
}

static void flip_last(uint8_t *value, size_t size)
{
    value[size - 1] ^= 1;
}

static void spoilt_rows_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct key key = {0};
    key_add_id(&key, id_number(NOTE));
    fixture_abort(fixture);
    fixture_close(fixture);
    struct key log = key, snapshot = key;
    key_add_u64(&log, 2);
    key_add_u64(&snapshot, 3);
    fixture_tamper(fixture, "note_log", log.data, log.size, flip_last);
    fixture_tamper(fixture, "note_snapshot", snapshot.data, snapshot.size, flip_last);
    fixture_open(fixture, false);
    fixture_begin(fixture);
    expect_findings(fixture, 2, "fails its checksum");
    fixture_close(fixture);
    fixture_tamper(fixture, "note_head", key.data, key.size, flip_last);
    fixture_open(fixture, false);
    fixture_begin(fixture);
    expect_findings(fixture, 1, "note_head");
}

static void keys_of_another_shape_are_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const tables[] = {"note_head", "note_log", "note_snapshot"};
    fixture_abort(fixture);
    fixture_close(fixture);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        fixture_smuggle(fixture, tables[i], "1234567", 7, "", 0);
    fixture_open(fixture, false);
    fixture_begin(fixture);
    expect_findings(fixture, 3, "is no key of this table");
}

/* Of a note that was removed long ago some rows may be gone. */
static void what_is_going_may_be_gone_in_part(void **state)
{
    struct fixture *fixture = *state;
    struct made *old = made_new(NOTE, "note", account_scope(1), 1);
    struct made *gone = made_new(NOTE, "note", account_scope(1), 2);
    made_place(old, account_scope(1), tag_internal, 1);
    gone->record.deleted = true;
    put(fixture->write, old, gone);
    drop(fixture, NOTE_LOG, 4);
    drop(fixture, NOTE_LOG, 2);
    drop(fixture, NOTE_SNAPSHOT, 3);
    fixture_commit(fixture);
    assert_status(store_check(fixture->store, NULL, NULL, NULL), CORRUPT);
    fixture_begin(fixture);
    put_meta(fixture, 2);
    expect_findings(fixture, 0, "");
    made_free(old);
    made_free(gone);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_head_with_another_text_is_found),
        TEST(a_snapshot_with_another_text_is_found),
        TEST(other_authors_and_times_are_found),
        TEST(a_log_that_does_not_fit_together_is_found),
        TEST(a_note_that_is_not_to_settle_is_found),
        TEST(a_note_that_is_to_settle_at_another_time_is_found),
        TEST(a_record_that_shows_another_text_is_found),
        TEST(a_version_in_two_rows_is_found),
        TEST(more_versions_than_the_note_has_are_found),
        TEST(a_log_of_another_size_is_found),
        TEST(rows_of_an_older_format_are_read),
        TEST(a_gap_in_the_log_is_found),
        TEST(missing_snapshots_are_found),
        TEST(rows_out_of_range_are_found),
        TEST(runs_of_another_length_are_found),
        TEST(texts_that_are_not_utf8_are_found),
        TEST(rows_that_cannot_be_decoded_are_found),
        TEST(heads_of_what_is_no_note_are_found),
        TEST(spoilt_rows_are_found),
        TEST(keys_of_another_shape_are_found),
        TEST(what_is_going_may_be_gone_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
