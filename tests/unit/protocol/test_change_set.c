#include "support.h"

#include <stdio.h>
#include <string.h>

#include "notation.h"
#include "protocol/change_set.h"
#include "protocol/memory.h"
#include "protocol/utf16.h"
#include "tests/survival/faults/failing_memory.h"

#define ROUNDS 4000u
#define TEXT_MOST 60u
#define INSERT_MOST 9u

/* ---- Random texts and changes of them ------------------------------------- */

static void lines_text(struct random *random, size_t most, struct buffer *out)
{
    const size_t begin = out->size;
    random_text(random, most, out);
    for (size_t i = begin; i < out->size; i++)
        if (out->data[i] == 'e' || out->data[i] == ' ')
            out->data[i] = random_below(random, 4) == 0 ? '\r' : '\n';
}

/* Units of the next few characters of `text` from the byte `*at`, which moves on. */
static size_t some_units(struct random *random, struct bytes text, size_t *at)
{
    const size_t begin = *at;
    size_t characters = (size_t)random_below(random, 8);
    for (; characters > 0 && *at < text.size; characters--)
        do
            ++*at;
        while (*at < text.size && (text.data[*at] & 0xc0) == 0x80);
    return utf16_length(bytes_slice(text, begin, *at - begin));
}

static void random_changes(struct random *random, struct bytes text, struct change_set *out)
{
    size_t at = 0;
    change_set_clear(out);
    do {
        struct buffer inserted = {0};
        change_set_keep(out, some_units(random, text, &at));
        const size_t goes = random_below(random, 2) == 0 ? 0 : some_units(random, text, &at);
        if (random_below(random, 3) != 0)
            lines_text(random, INSERT_MOST, &inserted);
        change_set_replace(out, goes, buffer_bytes(&inserted), false);
        buffer_release(&inserted);
    } while (at < text.size);
    assert_int_equal(out->state, STATUS_OK);
    assert_int_equal(out->before, utf16_length(text));
}

static void apply(const struct change_set *set, const struct buffer *text, struct buffer *out)
{
    buffer_clear(out);
    assert_int_equal(change_set_apply(set, buffer_bytes(text), out, NULL), STATUS_OK);
    assert_int_equal(utf16_length(buffer_bytes(out)), set->after);
}

/* What a test of two or three sets needs. */
struct scene {
    struct random random;
    struct buffer text, after_a, after_b, left, right;
    struct change_set a, b, c, ab, ba, whole, other;
};

static struct scene scene_begin(const char *test)
{
    return (struct scene){.random = random_begin(test)};
}

static void scene_new_text(struct scene *scene)
{
    buffer_clear(&scene->text);
    lines_text(&scene->random, TEXT_MOST, &scene->text);
}

static void scene_end(struct scene *scene)
{
    struct change_set *const sets[] = {&scene->a,  &scene->b,     &scene->c,    &scene->ab,
                                       &scene->ba, &scene->whole, &scene->other};
    struct buffer *const texts[] = {&scene->text, &scene->after_a, &scene->after_b, &scene->left,
                                    &scene->right};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        change_set_release(sets[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        buffer_release(texts[i]);
}

static void assert_same(const struct change_set *got, const struct change_set *wanted)
{
    struct buffer left = {0}, right = {0};
    change_set_write(got, &left);
    change_set_write(wanted, &right);
    assert_bytes(buffer_bytes(&left), buffer_bytes(&right));
    buffer_release(&left);
    buffer_release(&right);
}

/* ---- What holds of all ---------------------------------------------------- */

static void both_ways_round_come_to_one_text(void **state)
{
    struct scene s = scene_begin("both_ways_round_come_to_one_text");
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        random_changes(&s.random, buffer_bytes(&s.text), &s.b);
        assert_int_equal(change_set_map(&s.b, &s.a, false, &s.ba, NULL), STATUS_OK);
        assert_int_equal(change_set_map(&s.a, &s.b, true, &s.ab, NULL), STATUS_OK);
        apply(&s.a, &s.text, &s.after_a);
        apply(&s.ba, &s.after_a, &s.left);
        apply(&s.b, &s.text, &s.after_b);
        apply(&s.ab, &s.after_b, &s.right);
        assert_bytes(buffer_bytes(&s.left), buffer_bytes(&s.right));
    }
    scene_end(&s);
}

static void one_composed_does_what_both_do(void **state)
{
    struct scene s = scene_begin("one_composed_does_what_both_do");
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        apply(&s.a, &s.text, &s.after_a);
        random_changes(&s.random, buffer_bytes(&s.after_a), &s.b);
        apply(&s.b, &s.after_a, &s.right);
        assert_int_equal(change_set_compose(&s.a, &s.b, &s.whole, NULL), STATUS_OK);
        apply(&s.whole, &s.text, &s.left);
        assert_bytes(buffer_bytes(&s.left), buffer_bytes(&s.right));
    }
    scene_end(&s);
}

static void an_inverse_restores_the_text(void **state)
{
    struct scene s = scene_begin("an_inverse_restores_the_text");
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        apply(&s.a, &s.text, &s.after_a);
        assert_int_equal(change_set_invert(&s.a, buffer_bytes(&s.text), &s.b, NULL), STATUS_OK);
        apply(&s.b, &s.after_a, &s.left);
        assert_bytes(buffer_bytes(&s.left), buffer_bytes(&s.text));
        assert_int_equal(change_set_invert(&s.b, buffer_bytes(&s.after_a), &s.other, NULL),
                         STATUS_OK);
        assert_same(&s.other, &s.a);
    }
    scene_end(&s);
}

static void what_is_written_is_read_again(void **state)
{
    struct scene s = scene_begin("what_is_written_is_read_again");
    struct buffer wire = {0};
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        buffer_clear(&wire);
        change_set_write(&s.a, &wire);
        assert_int_equal(wire_validate(buffer_bytes(&wire), NULL), STATUS_OK);
        assert_int_equal(change_set_read(buffer_bytes(&wire), &s.b, NULL), STATUS_OK);
        assert_same(&s.b, &s.a);
        assert_int_equal(s.b.before, s.a.before);
        assert_int_equal(s.b.after, s.a.after);
    }
    buffer_release(&wire);
    scene_end(&s);
}

static void a_copy_is_the_same_and_no_other_set_is(void **state)
{
    struct scene s = scene_begin("a_copy_is_the_same_and_no_other_set_is");
    struct buffer left = {0}, right = {0};
    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        random_changes(&s.random, buffer_bytes(&s.text), &s.b);
        assert_int_equal(change_set_copy(&s.a, &s.c), STATUS_OK);
        assert_same(&s.c, &s.a);
        assert_int_equal(s.c.before, s.a.before);
        assert_int_equal(s.c.after, s.a.after);
        assert_true(change_set_equal(&s.c, &s.a));
        buffer_clear(&left);
        buffer_clear(&right);
        change_set_write(&s.a, &left);
        change_set_write(&s.b, &right);
        assert_int_equal(change_set_equal(&s.a, &s.b),
                         bytes_equal(buffer_bytes(&left), buffer_bytes(&right)));
    }
    buffer_release(&left);
    buffer_release(&right);
    scene_end(&s);
}

static void mapping_over_nothing_changes_nothing(void **state)
{
    struct scene s = scene_begin("mapping_over_nothing_changes_nothing");
    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        change_set_clear(&s.b);
        change_set_keep(&s.b, s.a.before);
        assert_true(change_set_is_empty(&s.b));
        assert_int_equal(change_set_map(&s.a, &s.b, i % 2 == 0, &s.c, NULL), STATUS_OK);
        assert_same(&s.c, &s.a);
    }
    scene_end(&s);
}

static void places_keep_their_order(void **state)
{
    struct scene s = scene_begin("places_keep_their_order");
    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        scene_new_text(&s);
        random_changes(&s.random, buffer_bytes(&s.text), &s.a);
        uint32_t last = 0;
        for (uint32_t at = 0; at <= s.a.before; at++) {
            const uint32_t before = change_set_map_place(&s.a, at, false);
            const uint32_t after = change_set_map_place(&s.a, at, true);
            assert_true(before >= last && after >= before && after <= s.a.after);
            last = before;
        }
    }
    scene_end(&s);
}

/* ---- Cases ---------------------------------------------------------------- */

static enum status read_notation(const char *value, struct change_set *out, struct fault *fault)
{
    struct buffer wire = {0};
    assert_true(notation_parse(bytes_text(value), &wire));
    assert_int_equal(wire_validate(buffer_bytes(&wire), NULL), STATUS_OK);
    const enum status status = change_set_read(buffer_bytes(&wire), out, fault);
    buffer_release(&wire);
    return status;
}

static void assert_applies(const char *changes, const char *text, const char *wanted)
{
    struct change_set set = {0};
    struct buffer out = {0};
    assert_int_equal(read_notation(changes, &set, NULL), STATUS_OK);
    assert_int_equal(change_set_apply(&set, bytes_text(text), &out, NULL), STATUS_OK);
    assert_bytes(buffer_bytes(&out), bytes_text(wanted));
    change_set_release(&set);
    buffer_release(&out);
}

static void parts_follow_the_text(void **state)
{
    (void)state;
    assert_applies("[]", "", "");
    assert_applies("[[0, \"a\", \"\"]]", "", "a\n");
    assert_applies("[3, [2], 1, [0, \"one\", \"two\"]]", "abcdef", "abcfone\ntwo");
    assert_applies("[2, [1, \"x\"]]", "\xf0\x9f\x98\x80o", "\xf0\x9f\x98\x80x"); /* two units */
}

static void assert_refused(const char *changes, enum status wanted)
{
    struct change_set set = {0};
    struct fault fault = {0};
    assert_int_equal(read_notation(changes, &set, &fault), wanted);
    assert_true(fault.detail[0] != '\0');
    change_set_release(&set);
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    assert_refused("1", STATUS_WRONG_KIND);
    assert_refused("[-1]", STATUS_WRONG_KIND);
    assert_refused("[\"a\"]", STATUS_WRONG_KIND);
    assert_refused("[[]]", STATUS_WRONG_KIND);
    assert_refused("[[\"a\"]]", STATUS_WRONG_KIND);
    assert_refused("[[1, 2]]", STATUS_WRONG_KIND);
    assert_refused("[[-1, \"a\"]]", STATUS_WRONG_KIND);
    assert_refused("[1048577]", STATUS_TOO_LARGE);
    assert_refused("[1048576, 1]", STATUS_TOO_LARGE);
    assert_refused("[18446744073709551615, 1]", STATUS_TOO_LARGE);
    assert_refused("[1048576, [0, \"a\"]]", STATUS_TOO_LARGE);
}

static void a_line_holds_no_line_break(void **state)
{
    struct change_set set = {0};
    struct buffer wire = {0};
    (void)state;
    wire_put_array(&wire, 1);
    wire_put_array(&wire, 2);
    wire_put_uint(&wire, 0);
    wire_put_text(&wire, "a\nb");
    assert_int_equal(change_set_read(buffer_bytes(&wire), &set, NULL), STATUS_INVALID_VALUE);
    buffer_release(&wire);
    change_set_release(&set);
}

static enum status read_many(uint32_t parts, uint32_t lines)
{
    struct change_set set = {0};
    struct buffer wire = {0};
    wire_put_array(&wire, parts + (lines > 0));
    for (uint32_t i = 0; i < parts; i++)
        wire_put_uint(&wire, 1);
    if (lines > 0) {
        wire_put_array(&wire, 1 + lines);
        wire_put_uint(&wire, 0);
    }
    for (uint32_t i = 0; i < lines; i++)
        wire_put_text(&wire, "x");
    const enum status status = change_set_read(buffer_bytes(&wire), &set, NULL);
    buffer_release(&wire);
    change_set_release(&set);
    return status;
}

static void parts_and_lines_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(read_many(CHANGE_PARTS_MAX, 0), STATUS_OK);
    assert_int_equal(read_many(CHANGE_PARTS_MAX + 1, 0), STATUS_LIMIT);
    assert_int_equal(read_many(0, CHANGE_LINES_MAX), STATUS_OK);
    assert_int_equal(read_many(0, CHANGE_LINES_MAX + 1), STATUS_LIMIT);
}

static void no_character_is_cut(void **state)
{
    const char *const text = "a\xf0\x9f\x98\x80z"; /* four units */
    static const char *const cuts[] = {"[2, [2]]", "[1, [1], 2]", "[2, [0, \"x\"], 2]"};
    struct change_set set = {0}, inverse = {0};
    struct buffer out = {0};
    (void)state;
    buffer_append(&out, "before", 6);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        assert_int_equal(read_notation(cuts[i], &set, NULL), STATUS_OK);
        assert_int_equal(change_set_apply(&set, bytes_text(text), &out, NULL),
                         STATUS_INVALID_VALUE);
        assert_bytes(buffer_bytes(&out), bytes_text("before"));
        assert_int_equal(change_set_invert(&set, bytes_text(text), &inverse, NULL),
                         STATUS_INVALID_VALUE);
    }
    change_set_release(&set);
    change_set_release(&inverse);
    buffer_release(&out);
}

static void an_inserted_character_is_not_cut(void **state)
{
    struct change_set first = {0}, next = {0}, out = {0};
    (void)state;
    assert_int_equal(read_notation("[[0, \"\xf0\x9f\x98\x80\"]]", &first, NULL), STATUS_OK);
    assert_int_equal(read_notation("[1, [1]]", &next, NULL), STATUS_OK);
    assert_int_equal(change_set_compose(&first, &next, &out, NULL), STATUS_INVALID_VALUE);
    change_set_release(&first);
    change_set_release(&next);
    change_set_release(&out);
}

static void lengths_must_meet(void **state)
{
    struct change_set three = {0}, four = {0}, out = {0};
    struct buffer text = {0};
    (void)state;
    assert_int_equal(read_notation("[3]", &three, NULL), STATUS_OK);
    assert_int_equal(read_notation("[4]", &four, NULL), STATUS_OK);
    assert_int_equal(change_set_apply(&three, bytes_text("abcd"), &text, NULL),
                     STATUS_INVALID_VALUE);
    assert_int_equal(change_set_invert(&three, bytes_text("ab"), &out, NULL), STATUS_INVALID_VALUE);
    assert_int_equal(change_set_compose(&three, &four, &out, NULL), STATUS_INVALID_VALUE);
    assert_int_equal(change_set_map(&three, &four, true, &out, NULL), STATUS_INVALID_VALUE);
    assert_int_equal(change_set_compose(&three, &three, &out, NULL), STATUS_OK);
    change_set_release(&three);
    change_set_release(&four);
    change_set_release(&out);
    buffer_release(&text);
}

static void a_text_does_not_outgrow_its_bound(void **state)
{
    struct change_set grows = {0}, also = {0}, out = {0};
    (void)state;
    assert_int_equal(read_notation("[1048575, [0, \"a\"]]", &grows, NULL), STATUS_OK);
    assert_int_equal(read_notation("[[0, \"b\"], 1048575]", &also, NULL), STATUS_OK);
    assert_int_equal(change_set_map(&grows, &also, false, &out, NULL), STATUS_TOO_LARGE);
    change_set_release(&grows);
    change_set_release(&also);
    change_set_release(&out);
}

static bool do_everything(void *context)
{
    struct scene scene = {.random = {1}};
    struct buffer wire = {0};
    const struct bytes *encoded = context;
    bool done = false;
    buffer_append(&scene.text, "Some text\nof two lines", 22);
    const struct bytes text = buffer_bytes(&scene.text);
    if (!scene.text.failed && change_set_read(encoded[0], &scene.a, NULL) == STATUS_OK &&
        change_set_read(encoded[1], &scene.b, NULL) == STATUS_OK &&
        change_set_invert(&scene.a, text, &scene.c, NULL) == STATUS_OK &&
        change_set_compose(&scene.a, &scene.c, &scene.whole, NULL) == STATUS_OK &&
        change_set_map(&scene.a, &scene.b, true, &scene.ab, NULL) == STATUS_OK &&
        change_set_copy(&scene.ab, &scene.other) == STATUS_OK &&
        change_set_apply(&scene.whole, text, &scene.left, NULL) == STATUS_OK) {
        change_set_write(&scene.ab, &wire);
        done = !wire.failed;
        assert_bytes(buffer_bytes(&scene.left), text);
    }
    buffer_release(&wire);
    scene_end(&scene);
    return done;
}

static void want_of_memory_is_told(void **state)
{
    static const char *const changes[] = {"[[1, \"s\"], 2, [1], 1, [0, \"a\", \"b\"], 2, [1, "
                                          "\"c\"], 3, [2], 1, [3, \"long text\"], 5]",
                                          "[2, [0, \"x\"], 5, [3], 2, [0, \"y\"], 10]"};
    struct buffer wire[2] = {{0}, {0}};
    struct bytes encoded[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(notation_parse(bytes_text(changes[i]), &wire[i]));
        encoded[i] = buffer_bytes(&wire[i]);
    }
    failing_memory_each(do_everything, encoded);
    buffer_release(&wire[0]);
    buffer_release(&wire[1]);
}

/* ---- Units ---------------------------------------------------------------- */

/* Texts that are counted in large steps. */
#define LONG_EVERY 16u

static void units_are_counted_as_one_by_one(void **state)
{
    struct random random = random_begin("units_are_counted_as_one_by_one");
    struct buffer text = {0};
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        buffer_clear(&text);
        random_text(&random, i % LONG_EVERY == 0 ? 500 : 80, &text);
        const size_t all = utf16_length(buffer_bytes(&text));
        size_t at = 0, units = 0;
        while (at < text.size) {
            size_t found = 0;
            assert_true(utf16_skip(buffer_bytes(&text), units, &found));
            assert_int_equal(found, at);
            const bool pair = text.data[at] >= 0xf0;
            found = 0;
            if (pair)
                assert_false(utf16_skip(buffer_bytes(&text), units + 1, &found));
            found = at;
            assert_true(utf16_skip_back(buffer_bytes(&text), units, &found));
            assert_int_equal(found, 0);
            found = text.size;
            assert_true(utf16_skip_back(buffer_bytes(&text), all - units, &found));
            assert_int_equal(found, at);
            found = text.size;
            if (pair)
                assert_false(utf16_skip_back(buffer_bytes(&text), all - units - 1, &found));
            assert_int_equal(found, text.size);
            found = at;
            assert_false(utf16_skip_back(buffer_bytes(&text), units + 1, &found));
            assert_int_equal(found, at);
            units += pair ? 2 : 1;
            do
                at++;
            while (at < text.size && (text.data[at] & 0xc0) == 0x80);
        }
        size_t end = 0;
        assert_int_equal(utf16_length(buffer_bytes(&text)), units);
        assert_true(utf16_skip(buffer_bytes(&text), units, &end));
        assert_int_equal(end, text.size);
        end = 0;
        assert_false(utf16_skip(buffer_bytes(&text), units + 1, &end));
        assert_int_equal(end, 0);
    }
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_round_come_to_one_text),
        cmocka_unit_test(one_composed_does_what_both_do),
        cmocka_unit_test(an_inverse_restores_the_text),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_copy_is_the_same_and_no_other_set_is),
        cmocka_unit_test(mapping_over_nothing_changes_nothing),
        cmocka_unit_test(places_keep_their_order),
        cmocka_unit_test(parts_follow_the_text),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(a_line_holds_no_line_break),
        cmocka_unit_test(parts_and_lines_are_bounded),
        cmocka_unit_test(no_character_is_cut),
        cmocka_unit_test(an_inserted_character_is_not_cut),
        cmocka_unit_test(lengths_must_meet),
        cmocka_unit_test(a_text_does_not_outgrow_its_bound),
        cmocka_unit_test(want_of_memory_is_told),
        cmocka_unit_test(units_are_counted_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
