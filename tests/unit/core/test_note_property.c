/* Random pushes, whole texts, removals and prunings by several people, against a model that keeps
 * every version of every note as an array of letters with their authors. The seed is printed and
 * may be given as TANDEM_SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/wire.h"
#include "server/core/note/note_runs.h"
#include "tests/unit/core/note_world.h"

#define NOTES 3u
#define PEOPLE 3u
#define MOST_VERSIONS 4000u
#define MOST_LETTERS 120u
#define STEPS 2500u

struct letter {
    uint32_t code;
    unsigned author;
};

struct text {
    size_t count;
    struct letter letters[MOST_LETTERS * 2];
};

struct model {
    struct id id;
    uint64_t version; /* newest; 0: never edited live */
    uint64_t settled;
    struct text *texts[MOST_VERSIONS];
};

struct run {
    struct world *w;
    struct model notes[NOTES];
    unsigned next_id;
};

static const char *const names[PEOPLE] = {"kari", "nils", "vera"};

static struct id person(unsigned i)
{
    return nid(900 + i);
}

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static void put_letter(struct buffer *out, uint32_t code)
{
    if (code < 0x80)
        buffer_append_byte(out, (uint8_t)code);
    else
        buffer_append(out, code < 0x800 ? "\xc3\xa9" : "\xf0\x9f\x98\x80", code < 0x800 ? 2 : 4);
}

static unsigned units_of(uint32_t code)
{
    return code > 0xffff ? 2 : 1;
}

static uint32_t any_letter(void)
{
    static const uint32_t some[] = {'a', 'b', ' ', '\n', 0xe9, 0x1f600};
    return some[pick(6)];
}

static void utf8_of(const struct text *text, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < text->count; i++)
        put_letter(out, text->letters[i].code);
}

static struct text *new_text(void)
{
    struct text *text = calloc(1, sizeof *text);
    assert_non_null(text);
    return text;
}

static void insert_some(struct text *to, unsigned author, struct buffer *utf8)
{
    for (unsigned i = pick(4); i > 0 && to->count < MOST_LETTERS; i--) {
        const uint32_t code = any_letter();
        to->letters[to->count++] = (struct letter){code, author};
        put_letter(utf8, code);
    }
}

/* Makes a random change of `from`: as a set, and as what comes of it. */
static struct text *change(const struct text *from, unsigned author, struct change_set *set)
{
    struct text *to = new_text();
    struct buffer utf8 = {0};
    size_t at = 0;
    change_set_clear(set);
    do {
        const unsigned kept = pick(12);
        for (unsigned i = 0; i < kept && at < from->count && to->count < MOST_LETTERS; i++, at++) {
            change_set_keep(set, units_of(from->letters[at].code));
            to->letters[to->count++] = from->letters[at];
        }
        size_t gone = 0;
        for (unsigned i = pick(4); i > 0 && at < from->count; i--, at++)
            gone += units_of(from->letters[at].code);
        while (to->count == MOST_LETTERS && at < from->count)
            gone += units_of(from->letters[at++].code);
        buffer_clear(&utf8);
        insert_some(to, author, &utf8);
        change_set_replace(set, gone, buffer_bytes(&utf8), false);
    } while (at < from->count);
    assert_int_equal(set->state, STATUS_OK);
    buffer_release(&utf8);
    return to;
}

static void add_version(struct model *note, struct text *text)
{
    assert_true(note->version + 1 < MOST_VERSIONS);
    note->texts[++note->version] = text;
}

static void random_push(struct run *run, struct model *note)
{
    const unsigned author = pick(PEOPLE), count = 1 + pick(3);
    struct text *made[3];
    struct change_set set = {0};
    struct buffer list = {0};
    const struct text *from = note->texts[note->version];
    bool empty = false;
    wire_put_array(&list, count);
    for (unsigned i = 0; i < count; i++) {
        made[i] = change(from, author, &set);
        empty = empty || change_set_is_empty(&set);
        change_set_write(&set, &list);
        from = made[i];
    }
    const bool behind = pick(6) == 0 && note->version > 0;
    const struct push_reply reply =
        push_raw(run->w, person(author), note->id, note->version - behind, buffer_bytes(&list));
    assert_int_equal(reply.status, behind  ? STATUS_BEHIND
                                   : empty ? STATUS_INVALID_VALUE
                                           : STATUS_OK);
    for (unsigned i = 0; i < count; i++) {
        if (reply.status == STATUS_OK)
            add_version(note, made[i]);
        else
            free(made[i]);
    }
    assert_int_equal(reply.version, note->version);
    change_set_release(&set);
    buffer_release(&list);
}

/* What the letters become when somebody sets the text as a whole: what both begin and end with
 * stays its authors'. */
static void keep_authors(const struct text *from, struct text *to)
{
    size_t begin = 0, end = 0;
    while (begin < from->count && begin < to->count &&
           from->letters[begin].code == to->letters[begin].code) {
        to->letters[begin] = from->letters[begin];
        begin++;
    }
    while (end < from->count - begin && end < to->count - begin &&
           from->letters[from->count - end - 1].code == to->letters[to->count - end - 1].code) {
        to->letters[to->count - end - 1] = from->letters[from->count - end - 1];
        end++;
    }
}

static bool same_letters(const struct text *a, const struct text *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->letters[i].code != b->letters[i].code)
            return false;
    return a->count == b->count;
}

static struct reply set_text(struct run *run, unsigned author, struct id note, struct bytes utf8)
{
    struct changes changes = {.count = 1};
    struct buffer *out = &changes.list;
    wire_put_map(out, 3);
    wire_put_text(out, "op");
    wire_put_text(out, "update");
    wire_put_text(out, "id");
    wire_put_id(out, note);
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    wire_put_text(out, "text");
    wire_put_str(out, utf8);
    return send(run->w, person(author), &changes);
}

static void whole_text(struct run *run, struct model *note)
{
    const unsigned author = pick(PEOPLE);
    const struct text *from = note->texts[note->version];
    struct change_set set = {0};
    struct buffer utf8 = {0};
    struct text *to = change(from, author, &set);
    for (size_t i = 0; i < to->count; i++)
        to->letters[i].author = author;
    keep_authors(from, to);
    utf8_of(to, &utf8);
    assert_ok(set_text(run, author, note->id, buffer_bytes(&utf8)));
    if (same_letters(from, to)) {
        free(to);
    } else {
        add_version(note, to);
        note->settled = note->version;
    }
    change_set_release(&set);
    buffer_release(&utf8);
}

static void begin_note(struct run *run, struct model *note)
{
    note->id = nid(1000 + run->next_id++);
    note->version = note->settled = 0;
    note->texts[0] = new_text();
    assert_ok(create(run->w, person(0), "note", note->id, "pinned=true"));
}

static void end_note(struct model *note)
{
    for (uint64_t i = 0; i <= note->version; i++)
        free(note->texts[i]);
}

static void replace_note(struct run *run, struct model *note)
{
    assert_ok(erase(run->w, person(pick(PEOPLE)), note->id));
    end_note(note);
    begin_note(run, note);
}

static void look_at_version(struct run *run, const struct model *note, uint64_t version)
{
    const struct text *text = note->texts[version];
    struct buffer found = {0}, runs = {0}, wanted = {0};
    struct note_runs list = {0};
    assert_int_equal(
        note_read_version(&run->w->state, stored(run->w, note->id), version, &found, &runs),
        STATUS_OK);
    utf8_of(text, &wanted);
    assert_true(bytes_equal(buffer_bytes(&found), buffer_bytes(&wanted)));
    assert_int_equal(note_runs_read(buffer_bytes(&runs), &list), STATUS_OK);
    size_t at = 0;
    for (size_t i = 0; i < list.count; i++) {
        uint32_t units = 0;
        const unsigned author = text->letters[at].author;
        for (; at < text->count && text->letters[at].author == author; at++)
            units += units_of(text->letters[at].code);
        assert_int_equal(list.runs[i].length, units);
        assert_true(bytes_is(list.runs[i].by, names[author]));
    }
    assert_int_equal(at, text->count);
    note_runs_release(&list);
    buffer_release(&found);
    buffer_release(&runs);
    buffer_release(&wanted);
}

static void look_at(struct run *run, struct model *note, bool thoroughly)
{
    struct buffer wanted = {0};
    uint64_t oldest = 0;
    if (note->version > 0) {
        const struct note_head head = head_of(run->w, note->id);
        assert_int_equal(head.version, note->version);
        assert_int_equal(head.settled, note->settled);
        assert_true(note->settled == note->version || head.due_ms != 0);
        oldest = head.oldest;
        if (thoroughly)
            check_kept(run->w, note->id);
    }
    utf8_of(note->texts[note->settled], &wanted);
    assert_true(bytes_equal(record_text(stored(run->w, note->id), "text"), buffer_bytes(&wanted)));
    buffer_release(&wanted);
    if (oldest > 0)
        assert_null(text_of(run->w, note->id, oldest - 1));
    for (uint64_t i = thoroughly ? oldest : note->version; i <= note->version; i++)
        look_at_version(run, note, i);
}

/* After long enough everything has settled. */
static void settle_all(struct run *run)
{
    pass(run->w, NOTE_LONGEST_MS);
    for (unsigned i = 0; i < NOTES; i++) {
        struct model *note = &run->notes[i];
        note->settled = note->version;
        if (note->version > 0)
            assert_string_equal(value_of(run->w, note->id, "version"),
                                fmt("%u", (unsigned)note->version));
    }
}

static void step(struct run *run)
{
    struct model *note = &run->notes[pick(NOTES)];
    const unsigned what = pick(100);
    if (note->version > MOST_VERSIONS - 10 || what == 0)
        replace_note(run, note);
    else if (what < 5)
        whole_text(run, note);
    else if (what < 7)
        settle_all(run);
    else if (what == 7)
        run->w->now += 20 * DAY, settle_all(run);
    else if (what == 8)
        prune(run->w, run->w->now - pick(40) * DAY);
    else
        random_push(run, note);
    look_at(run, note, false);
}

static void notes_are_what_was_done_to_them(void **state)
{
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->w = *state;
    const char *given = getenv("TANDEM_SEED");
    const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("TANDEM_SEED=%u\n", seed);
    srand(seed);
    for (unsigned i = 0; i < PEOPLE; i++)
        add_staff(run->w, person(i), names[i], "Member", "sales");
    for (unsigned i = 0; i < NOTES; i++)
        begin_note(run, &run->notes[i]);
    for (unsigned i = 0; i < STEPS; i++) {
        step(run);
        if (i % 250 == 0)
            look_at(run, &run->notes[pick(NOTES)], true);
    }
    settle_all(run);
    for (unsigned i = 0; i < NOTES; i++) {
        look_at(run, &run->notes[i], true);
        end_note(&run->notes[i]);
    }
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(notes_are_what_was_done_to_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
