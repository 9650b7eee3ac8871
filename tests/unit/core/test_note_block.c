/* Rows of a note's log: what is put into them is read from them, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/utf16.h"
#include "protocol/wire.h"
#include "server/core/note/note_append.h"
#include "server/core/note/note_log.h"
#include "tests/unit/core/note_world.h"

#define NOTE nid(10)
#define ENTRIES 400u

/* ---- A log of its own, in memory ---------------------------------------------------------------
 */

struct log {
    struct memory_state *memory;
    struct state state;
    struct change_set sets[ENTRIES];
    struct note_entry entries[ENTRIES]; /* versions 1 and up */
    unsigned count;
};

static int setup(void **state)
{
    struct log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->memory = memory_state_new();
    log->state = memory_state_view(log->memory);
    *state = log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;
    for (unsigned i = 0; i < ENTRIES; i++)
        change_set_release(&log->sets[i]);
    memory_state_free(log->memory);
    free(log);
    return 0;
}

/* The next version, by somebody, `ms` later: its set is to be filled in before the next call. */
static struct change_set *next(struct log *log, unsigned client, const char *by, uint64_t ms)
{
    assert_true(log->count < ENTRIES);
    struct change_set *set = &log->sets[log->count];
    const uint64_t before_ms = log->count > 0 ? log->entries[log->count - 1].at_ms : 1000000;
    log->entries[log->count] = (struct note_entry){.version = log->count + 1,
                                                   .client = nid(client),
                                                   .by = bytes_text(by),
                                                   .at_ms = before_ms + ms,
                                                   .seq = 5 + log->count / 10,
                                                   .set = set};
    log->count++;
    return set;
}

static uint32_t units(const struct log *log)
{
    return log->count > 0 ? log->sets[log->count - 1].after : 0;
}

/* Types a letter at `at` of the text. */
static void type(struct log *log, uint32_t at, const char *letter)
{
    const uint32_t length = units(log);
    struct change_set *set = next(log, 1, "kari", 120);
    change_set_keep(set, at);
    change_set_replace(set, 0, bytes_text(letter), false);
    change_set_keep(set, length - at);
}

/* Writes versions behind `from`, `most` with each transaction; returns the bytes of their rows. */
static uint64_t write_log(struct log *log, unsigned from, unsigned most)
{
    uint64_t bytes = 0;
    while (from < log->count) {
        struct note_append append;
        const uint32_t length = from > 0 ? log->sets[from - 1].after : 0;
        assert_int_equal(note_append_begin(&append, &log->state, NOTE, 0, from, length), STATUS_OK);
        for (unsigned i = 0; i < most && from < log->count; i++)
            assert_int_equal(note_append_add(&append, &log->entries[from++]), STATUS_OK);
        assert_int_equal(note_append_write(&append, &log->state, NOTE), STATUS_OK);
        bytes += append.bytes;
        note_append_release(&append);
    }
    return bytes;
}

static void assert_entry(const struct note_entry *found, const struct note_entry *wanted)
{
    assert_int_equal(found->version, wanted->version);
    assert_true(id_equal(found->client, wanted->client));
    assert_true(bytes_equal(found->by, wanted->by));
    assert_int_equal(found->at_ms, wanted->at_ms);
    assert_int_equal(found->seq, wanted->seq);
    assert_true(change_set_equal(found->set, wanted->set));
    assert_int_equal(found->set->before, wanted->set->before);
    assert_int_equal(found->set->after, wanted->set->after);
}

static void assert_log(const struct log *log)
{
    struct note_log reader;
    struct note_entry entry;
    note_log_begin(&reader, &log->state, NOTE);
    for (unsigned i = 0; i < log->count; i++) {
        assert_int_equal(note_log_next(&reader, i, &entry), STATUS_OK);
        assert_entry(&entry, &log->entries[i]);
    }
    assert_int_equal(note_log_next(&reader, log->count, &entry), STATUS_NOT_FOUND);
    for (unsigned i = log->count; i > 0; i--) {
        assert_int_equal(note_log_before(&reader, i + 1, &entry), STATUS_OK);
        assert_entry(&entry, &log->entries[i - 1]);
    }
    assert_int_equal(note_log_before(&reader, 1, &entry), STATUS_NOT_FOUND);
    for (unsigned i = 0; i < log->count; i++) {
        const unsigned any = i * 7 % log->count;
        assert_int_equal(note_log_at(&reader, any + 1, &entry), STATUS_OK);
        assert_entry(&entry, &log->entries[any]);
    }
    assert_int_equal(note_log_at(&reader, 0, &entry), STATUS_NOT_FOUND);
    assert_int_equal(note_log_at(&reader, log->count + 1, &entry), STATUS_NOT_FOUND);
    assert_int_equal(note_log_at(&reader, UINT64_MAX, &entry), STATUS_NOT_FOUND);
    note_log_release(&reader);
}

static unsigned count_rows(const struct log *log, size_t *largest)
{
    uint64_t version = 0;
    struct bytes row;
    unsigned rows = 0;
    *largest = 0;
    while (log->state.ops->note_next(log->state.self, NOTE_LOG, NOTE, version, &version, &row) ==
           STATUS_OK) {
        *largest = row.size > *largest ? row.size : *largest;
        rows++;
    }
    return rows;
}

/* ---- Sizes -------------------------------------------------------------------------------------
 */

static void a_keystroke_takes_four_bytes(void **state)
{
    struct log *log = *state;
    size_t largest;
    for (unsigned i = 0; i < ENTRIES; i++)
        type(log, i, "x");
    const uint64_t bytes = write_log(log, 0, 1);
    assert_log(log);
    assert_true(bytes < ENTRIES * 9 / 2);
    assert_int_equal(count_rows(log, &largest), 2);
    assert_true(largest <= NOTE_BLOCK_BYTES && largest > NOTE_BLOCK_BYTES - 8);
}

static void taking_back_takes_six(void **state)
{
    struct log *log = *state;
    for (unsigned i = 0; i < 100; i++)
        type(log, i, "x");
    for (unsigned i = 100; i > 0; i--) {
        struct change_set *set = next(log, 1, "kari", 200);
        change_set_keep(set, i - 1);
        change_set_replace(set, 1, bytes_text(""), false);
    }
    const uint64_t bytes = write_log(log, 0, 7);
    assert_log(log);
    assert_true(bytes < 100 * 4 + 100 * 5 + 100);
}

/* A long passage has a row of its own, and what follows goes on in another. */
static void a_long_passage_has_its_own_row(void **state)
{
    struct log *log = *state;
    static char passage[5000];
    size_t largest;
    memset(passage, 'a', sizeof passage - 1);
    type(log, 0, "x");
    type(log, 1, passage);
    type(log, 2, "y");
    type(log, 3, "z");
    write_log(log, 0, 1);
    assert_log(log);
    assert_int_equal(count_rows(log, &largest), 3);
    assert_true(largest > sizeof passage);
}

/* What is dropped up to a snapshot goes by rows: none has versions of both sides. */
static void behind_a_snapshot_another_row_begins(void **state)
{
    struct log *log = *state;
    struct note_append append;
    for (unsigned i = 0; i < 6; i++)
        type(log, i, "x");
    log->count = 5;
    write_log(log, 0, 5);
    log->count = 6;
    for (uint64_t snapshot = 4; snapshot <= 5; snapshot++) {
        assert_int_equal(note_append_begin(&append, &log->state, NOTE, snapshot, 5, 5), STATUS_OK);
        assert_int_equal(note_append_add(&append, &log->entries[5]), STATUS_OK);
        assert_int_equal(append.block.first, 6);
        note_append_release(&append);
    }
}

/* More people than a row may name: another one begins. */
static void many_authors_take_more_rows(void **state)
{
    struct log *log = *state;
    static char names[40][8];
    size_t largest;
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%u", i);
        change_set_replace(next(log, i % 2, names[i], 1), 0, bytes_text("a"), false);
        change_set_keep(&log->sets[i], i);
    }
    write_log(log, 0, 3);
    assert_log(log);
    assert_int_equal(count_rows(log, &largest), 3);
}

/* ---- Anything ----------------------------------------------------------------------------------
 */

static unsigned pick(unsigned below)
{
    return (unsigned)random() % below;
}

static void add_random(struct log *log)
{
    static const char *const people[] = {"ada", "kari", "", "\xc3\xa5se"};
    static const char *const texts[] = {"", "a", "\n", "\xf0\x9f\x98\x80", "two\nlines, and more"};
    const uint32_t length = units(log);
    struct change_set *set = next(log, pick(3), people[pick(4)], 0);
    struct note_entry *entry = &log->entries[log->count - 1];
    entry->at_ms += pick(4) > 0 ? pick(300) : (uint64_t)random() - 1000000; /* clocks are set */
    entry->seq += pick(5) == 0 ? (uint64_t)random() : 0;
    for (unsigned i = pick(4); i > 0; i--) {
        change_set_keep(set, pick(length - set->before + 1));
        change_set_replace(set, pick(length - set->before + 1), bytes_text(texts[pick(5)]), false);
    }
    change_set_keep(set, length - set->before);
    assert_int_equal(set->state, STATUS_OK);
}

static void whatever_is_put_in_is_read(void **state)
{
    struct log *log = *state;
    const char *given = getenv("TANDEM_SEED");
    const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("TANDEM_SEED=%u\n", seed);
    srandom(seed);
    while (log->count < ENTRIES)
        add_random(log);
    for (unsigned from = 0; from < ENTRIES;) {
        const unsigned until = from + 1 + pick(60), all = log->count;
        log->count = until < all ? until : all;
        write_log(log, from, 1 + pick(5));
        from = log->count;
        log->count = all;
    }
    assert_log(log);
}

/* ---- What is damaged, and what is old ----------------------------------------------------------
 */

/* The beginning of a row is a row of fewer entries, or none. */
static void cut_rows_have_no_other_entries(void **state)
{
    struct log *log = *state;
    struct note_block block;
    struct buffer row = {0};
    srandom(7);
    while (log->count < 12)
        add_random(log);
    note_block_start(&block, &row, &log->entries[0]);
    for (unsigned i = 0; i < log->count; i++)
        assert_true(note_block_add(&block, &row, &log->entries[i]));
    for (size_t size = 0; size < row.size; size++) {
        struct note_entry entry;
        struct change_set set = {0};
        unsigned read = 0;
        enum status status = note_block_begin(bytes_of(row.data, size), 1, &block);
        while (status == STATUS_OK && (status = note_block_next(&block, &entry, &set)) == STATUS_OK)
            assert_entry(&entry, &log->entries[read++]);
        assert_true(read < log->count);
        assert_true(status == STATUS_CORRUPT || (status == STATUS_NOT_FOUND && read > 0));
        change_set_release(&set);
    }
    buffer_release(&row);
}

static void rows_that_make_no_sense_are_refused(void **state)
{
    (void)state;
#define AUTHOR                                                                                     \
    "\x00"                                                                                         \
    "0123456789abcdef"                                                                             \
    "\x01"                                                                                         \
    "k"
    static const struct {
        const char *row;
        size_t size;
    } rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW(""),
        ROW("\x03\x00\x00\x00"),
        ROW("\x02\x00\x00\x00"),          /* nothing, another format, no entry */
        ROW("\x02\x00\x00\x00\x01\x00x"), /* by nobody */
        ROW("\x02\x00\x00\x00\x11\x01"
            "0123456789abcdef\x01k\x00x"),                  /* the second before the first */
        ROW("\x02\x00\x00\x00\x31" AUTHOR "\x00\x02x"),     /* behind the text */
        ROW("\x02\x00\x00\x00\x31" AUTHOR "\x00\x01x"),     /* before it */
        ROW("\x02\x00\x00\x00\x50" AUTHOR "\x00\x01"),      /* more goes than there is */
        ROW("\x02\x00\x00\x00\x11" AUTHOR "\x00\xff"),      /* no UTF-8 */
        ROW("\x02\x00\x00\x00\x17" AUTHOR "\x00\x09x"),     /* a text that is not there */
        ROW("\x02\x00\x00\x00\x18" AUTHOR "\x00\x02\x00"),  /* a part that is not there */
        ROW("\x02\x00\x00\x81\x80\x40\x11" AUTHOR "\x00x"), /* of a text that is too long */
        ROW("\x02\x00\x00\x00\x11" AUTHOR
            "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fx"), /* 70 bits */
    };
    static const char fits[] = "\x02\x00\x00\x00\x11" AUTHOR "\x00x";
    struct note_block block;
    struct note_entry entry;
    struct change_set set = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct bytes row = bytes_of(rows[i].row, rows[i].size);
        const enum status status = note_block_begin(row, 1, &block);
        assert_int_equal(status == STATUS_OK ? note_block_next(&block, &entry, &set) : status,
                         STATUS_CORRUPT);
    }
    assert_int_equal(note_block_begin(bytes_of(fits, sizeof fits - 1), 0, &block), STATUS_CORRUPT);
    assert_int_equal(note_block_begin(bytes_of(fits, sizeof fits - 1), 1, &block), STATUS_OK);
    assert_int_equal(note_block_next(&block, &entry, &set), STATUS_OK);
    assert_int_equal(set.after, 1);
    change_set_release(&set);
}

/* As format 1 wrote it. */
static void put_old(struct log *log, const struct note_entry *entry)
{
    struct buffer row = {0};
    buffer_append_byte(&row, 1);
    buffer_append_u64(&row, entry->at_ms);
    buffer_append_u64(&row, entry->seq);
    buffer_append(&row, entry->client.octet, ID_SIZE);
    buffer_append_short(&row, entry->by);
    change_set_write(entry->set, &row);
    assert_int_equal(log->state.ops->put_note_row(log->state.self, NOTE_LOG, NOTE, entry->version,
                                                  buffer_bytes(&row)),
                     STATUS_OK);
    buffer_release(&row);
}

/* Rows of a version each, as they were once written, are read with those behind them. */
static void an_old_log_goes_on(void **state)
{
    struct log *log = *state;
    size_t largest;
    srandom(5);
    while (log->count < 40)
        add_random(log);
    for (unsigned i = 0; i < 25; i++)
        put_old(log, &log->entries[i]);
    write_log(log, 25, 1);
    assert_log(log);
    assert_true(count_rows(log, &largest) < 30);
}

/* A row whose end is damaged is not gone on with, and keeps nobody from writing. */
static void behind_a_damaged_row_another_begins(void **state)
{
    struct log *log = *state;
    struct bytes row;
    uint64_t first;
    struct note_log reader;
    struct note_entry entry;
    for (unsigned i = 0; i < 5; i++)
        type(log, i, "x");
    write_log(log, 0, 5);
    assert_int_equal(log->state.ops->note_before(log->state.self, NOTE_LOG, NOTE, 6, &first, &row),
                     STATUS_OK);
    char *cut = memcpy(malloc(row.size), row.data, row.size);
    assert_int_equal(log->state.ops->put_note_row(log->state.self, NOTE_LOG, NOTE, 1,
                                                  bytes_of(cut, row.size - 1)),
                     STATUS_OK);
    free(cut);
    type(log, 5, "y");
    write_log(log, 5, 1);
    note_log_begin(&reader, &log->state, NOTE);
    assert_int_equal(note_log_at(&reader, 4, &entry), STATUS_OK);
    assert_int_equal(note_log_at(&reader, 5, &entry), STATUS_CORRUPT);
    assert_int_equal(note_log_at(&reader, 6, &entry), STATUS_OK);
    assert_entry(&entry, &log->entries[5]);
    note_log_release(&reader);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_keystroke_takes_four_bytes),
        TEST(taking_back_takes_six),
        TEST(a_long_passage_has_its_own_row),
        TEST(many_authors_take_more_rows),
        TEST(behind_a_snapshot_another_row_begins),
        TEST(whatever_is_put_in_is_read),
        TEST(cut_rows_have_no_other_entries),
        TEST(rows_that_make_no_sense_are_refused),
        TEST(an_old_log_goes_on),
        TEST(behind_a_damaged_row_another_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
