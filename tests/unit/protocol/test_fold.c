/* Folding: what folds to what, and what holds of any bytes. */
#include "support.h"

#include <string.h>

#include "protocol/fold.h"
#include "protocol/wire.h"

#define MOST 64u

/* The whole of it, in room for it. */
static struct bytes fold(struct bytes text, uint8_t out[FOLD_MAX(MOST)])
{
    assert_true(text.size <= MOST);
    return bytes_of(out, fold_begin(text, out, FOLD_MAX(MOST)));
}

static void assert_folds(const char *text, const char *folded)
{
    uint8_t room[FOLD_MAX(MOST)];
    assert_bytes(fold(bytes_text(text), room), bytes_text(folded));
}

static void letters_of_either_case_are_the_same(void **state)
{
    (void)state;
    assert_folds("", "");
    assert_folds("Fjord BRUK 7 @[`{", "fjord bruk 7 @[`{");
    assert_folds("ÅSE ØYVIND ÆGIR", "åse øyvind ægir");
    assert_folds("ÀÖØÞ ×÷ ÿŸ", "àöøþ ×÷ ÿÿ");
    assert_folds("ŠKODA Žižek ŁÓDŹ", "škoda žižek łódź");
    assert_folds("ΑΘΗΝΑ Σς", "αθηνα σσ");
    assert_folds("МОСКВА Ёлка ЎЗБЕК", "москва ёлка ўзбек");
    assert_folds("ԵՐԵՎԱՆ", "երեվան");
    assert_folds("𐐀 Ｚ Ⓐ", "𐐨 ｚ ⓐ");
    assert_folds("東京 ไทย עברית", "東京 ไทย עברית");
}

/* Of some letters the other case has another number of bytes. */
static void sizes_change(void **state)
{
    (void)state;
    assert_folds("ȺȾ", "ⱥⱦ");                                        /* 2 bytes to 3 */
    assert_folds("\u1e9e \u212a \u212b \u2126 \u017f", "ß k å ω s"); /* 3 to 2, to 1, 2 to 1 */
}

/* What only full folding, or a language, would make the same. */
static void some_stay_apart(void **state)
{
    (void)state;
    assert_folds("ß ss ﬁ", "ß ss ﬁ");
    assert_folds("İ ı I i", "İ ı i i");
    assert_folds("e\u0301 é", "e\u0301 é");
    assert_int_not_equal(fold_compare(bytes_text("Åse"), bytes_text("Ase")), 0);
}

static void bytes_that_are_no_text_stay(void **state)
{
    static const char *const texts[] = {"\xc3",     "\x85",         "\xc3(",
                                        "\xe2\x84", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xc1\x81", "\xff\xfe"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_folds(texts[i], texts[i]);
    assert_folds("\xc3\xc3\x85\xc3", "\xc3\xc3\xa5\xc3");
}

static uint32_t random_code(struct random *random)
{
    static const uint32_t below[] = {0x80, 0x250, 0x600, 0x2000, 0x10000, 0x1f000};
    uint32_t code;
    do
        code = (uint32_t)random_below(random, below[random_below(random, 6)]);
    while (code >= 0xd800 && code < 0xe000);
    return code;
}

static size_t put_code(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (code & 63));
    return 4;
}

/* Characters, or now and then any bytes. */
static struct bytes random_letters(struct random *random, uint8_t out[MOST])
{
    const size_t most = random_below(random, MOST - FOLD_CHARACTER_MAX);
    const bool wild = random_below(random, 4) == 0;
    size_t size = 0;
    while (size < most) {
        if (wild && random_below(random, 2) == 0)
            out[size++] = (uint8_t)random_below(random, 256);
        else
            size += put_code(random_code(random), out + size);
    }
    return bytes_of(out, size);
}

static void folding_is_the_same_in_every_way(void **state)
{
    struct random random = random_begin("fold");
    (void)state;
    for (int round = 0; round < 30000; round++) {
        uint8_t room[MOST], whole_room[FOLD_MAX(MOST)], again_room[FOLD_MAX(FOLD_MAX(MOST))];
        const struct bytes text = random_letters(&random, room);
        const struct bytes whole = fold(text, whole_room);
        const size_t again = fold_begin(whole, again_room, sizeof again_room);
        assert_bytes(bytes_of(again_room, again), whole);
        assert_int_equal(wire_utf8_valid(whole), wire_utf8_valid(text));

        /* Cut anywhere it is how the whole begins. */
        uint8_t cut[FOLD_MAX(MOST)];
        const size_t limit = random_below(&random, sizeof cut + 1);
        const size_t size = fold_begin(text, cut, limit);
        assert_int_equal(size, whole.size < limit ? whole.size : limit);
        assert_memory_equal(cut, whole.data, size);

        /* Piece by piece it is the same. */
        struct bytes left = text;
        size_t at = 0, more;
        const size_t piece = FOLD_CHARACTER_MAX + random_below(&random, 8);
        while ((more = fold_next(&left, cut, piece)) > 0) {
            assert_true(more <= piece && at + more <= whole.size);
            assert_memory_equal(cut, whole.data + at, more);
            at += more;
        }
        assert_int_equal(at, whole.size);
        assert_int_equal(left.size, 0);
    }
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void texts_compare_as_their_folded_forms(void **state)
{
    struct random random = random_begin("fold_compare");
    unsigned same = 0;
    (void)state;
    for (int round = 0; round < 30000; round++) {
        uint8_t room[2][MOST], folded_room[2][FOLD_MAX(MOST)];
        struct bytes text[2], folded[2];
        text[0] = random_letters(&random, room[0]);
        text[1] = random_letters(&random, room[1]);
        folded[0] = fold(text[0], folded_room[0]);
        if (random_below(&random, 2) == 0) { /* the same in another case, or how it begins */
            text[1] = bytes_of(folded[0].data, random_below(&random, 4) == 0 && folded[0].size > 0
                                                   ? random_below(&random, folded[0].size)
                                                   : folded[0].size);
        }
        folded[1] = bytes_of(folded_room[1], fold_begin(text[1], folded_room[1], FOLD_MAX(MOST)));
        assert_int_equal(sign(fold_compare(text[0], text[1])),
                         sign(bytes_compare(folded[0], folded[1])));
        same += fold_compare(text[0], text[1]) == 0;
    }
    assert_true(same > 5000);
}

/* Longer than what is folded at a time. */
static void long_texts_compare_to_their_ends(void **state)
{
    char one[3000], other[3000];
    (void)state;
    for (size_t i = 0; i < sizeof one - 2; i += 3) {
        memcpy(one + i, "xȺ", 3);
        memcpy(other + i, "XȺ", 3);
    }
    const struct bytes a = bytes_of(one, sizeof one - 3), b = bytes_of(other, sizeof other - 3);
    assert_int_equal(fold_compare(a, b), 0);
    assert_true(fold_compare(a, bytes_of(other, sizeof other - 4)) > 0);
    assert_true(fold_compare(bytes_of(one, sizeof one - 4), b) < 0);
    other[sizeof other - 6] = 'y';
    assert_true(fold_compare(a, b) < 0);
}

/* No code point becomes longer than it may, and what it folds to folds to itself; text of it comes
 * to the same, whichever way that goes. */
static void every_code_point_folds_once(void **state)
{
    unsigned changed = 0;
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint8_t before[FOLD_CHARACTER_MAX], after[FOLD_CHARACTER_MAX];
        uint8_t text[FOLD_CHARACTER_MAX];
        const uint32_t folded = fold_code(code);
        const size_t size = put_code(code, before), most = put_code(folded, after);
        changed += folded != code;
        assert_true(fold_code(folded) == folded && most <= FOLD_MAX(size));
        if (fold_begin(bytes_of(before, size), text, sizeof text) != most ||
            memcmp(text, after, most) != 0)
            fail_msg("U+%04X", code);
    }
    assert_int_equal(changed, 1454);
    assert_int_equal(fold_code(UINT32_MAX), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_either_case_are_the_same),
        cmocka_unit_test(sizes_change),
        cmocka_unit_test(some_stay_apart),
        cmocka_unit_test(bytes_that_are_no_text_stay),
        cmocka_unit_test(folding_is_the_same_in_every_way),
        cmocka_unit_test(texts_compare_as_their_folded_forms),
        cmocka_unit_test(long_texts_compare_to_their_ends),
        cmocka_unit_test(every_code_point_folds_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
