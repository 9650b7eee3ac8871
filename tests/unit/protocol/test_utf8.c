#include "support.h"

#include <string.h>

/* By the definition: decode, then ask whether the number needed that many bytes and is a scalar. */
static bool naive_valid(struct bytes text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t at = 0; at < text.size;) {
        const uint8_t lead = text.data[at];
        const size_t length = lead < 0x80             ? 1
                              : (lead & 0xe0) == 0xc0 ? 2
                              : (lead & 0xf0) == 0xe0 ? 3
                              : (lead & 0xf8) == 0xf0 ? 4
                                                      : 0;
        if (length == 0 || text.size - at < length)
            return false;
        uint32_t scalar = length == 1 ? lead : lead & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
            if ((text.data[at + i] & 0xc0) != 0x80)
                return false;
            scalar = scalar << 6 | (text.data[at + i] & 0x3f);
        }
        if (scalar < least[length] || scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff))
            return false;
        at += length;
    }
    return true;
}

static void agrees_with_the_definition_on_short_texts(void **state)
{
    uint8_t text[3];
    (void)state;
    assert_true(wire_utf8_valid(bytes_of(NULL, 0)));
    for (uint32_t i = 0; i < 1u << 24; i++) {
        text[0] = (uint8_t)(i >> 16);
        text[1] = (uint8_t)(i >> 8);
        text[2] = (uint8_t)i;
        const struct bytes all = bytes_of(text, 3);
        if (wire_utf8_valid(all) != naive_valid(all))
            fail_msg("%02x %02x %02x", text[0], text[1], text[2]);
    }
    for (unsigned lead = 0; lead < 256; lead++)
        for (unsigned next = 0; next < 256; next++) {
            text[0] = (uint8_t)lead;
            text[1] = (uint8_t)next;
            assert_int_equal(wire_utf8_valid(bytes_of(text, 2)), naive_valid(bytes_of(text, 2)));
            assert_int_equal(wire_utf8_valid(bytes_of(text, 1)), naive_valid(bytes_of(text, 1)));
        }
}

static void agrees_with_the_definition_on_four_bytes(void **state)
{
    static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    (void)state;
    for (unsigned lead = 0xe0; lead < 256; lead++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t i = 0; i < sizeof edges; i++)
                for (size_t j = 0; j < sizeof edges; j++) {
                    const uint8_t text[] = {(uint8_t)lead, (uint8_t)second, edges[i], edges[j]};
                    assert_int_equal(wire_utf8_valid(bytes_of(text, 4)), naive_valid(bytes_of(text, 4)));
                }
}

static void a_bad_byte_is_found_anywhere_in_ascii(void **state)
{
    uint8_t text[40];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(wire_utf8_valid(bytes_of(text, sizeof text)));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 0xff;
        assert_false(wire_utf8_valid(bytes_of(text, sizeof text)));
        text[i] = 'a';
    }
}

/* Markus Kuhn's decoder test: each numbered line holds a sample between quotes. */
static void passes_the_stress_test(void **state)
{
    struct buffer file = {0};
    unsigned samples = 0, valid = 0;
    (void)state;
    if (!shared_file("unicode/markus_kuhn/UTF-8-test.txt", &file))
        skip();
    const uint8_t *at = file.data, *end = file.data + file.size;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end != NULL ? line_end : end;
        const size_t size = (size_t)(line_end - at);
        const uint8_t *first = memchr(at, '"', size);
        const uint8_t *last = memrchr(at, '"', size);
        if (first != NULL && last > first && size > 5 && at[1] == '.' && at[3] == '.') {
            const struct bytes sample = bytes_of(first + 1, (size_t)(last - first - 1));
            const bool good = wire_utf8_valid(sample);
            assert_int_equal(good, naive_valid(sample));
            /* Sections 3 and 4 are all malformed or overlong; 5.1 and 5.2 are surrogates; 5.3
             * are non-characters, which are well-formed. */
            if (at[0] == '3' || at[0] == '4' || (at[0] == '5' && at[2] != '3'))
                assert_false(good);
            if (at[0] == '5' && at[2] == '3')
                assert_true(good);
            samples++;
            valid += good;
        }
        at = line_end + 1;
    }
    assert_true(samples > 60);
    assert_true(valid > 10);
    buffer_release(&file);
}

static void real_sentences_are_valid(void **state)
{
    struct buffer file = {0};
    (void)state;
    if (!shared_file("unicode/norwegian-ud-bokmaal/sentences-dev.txt", &file))
        skip();
    assert_true(wire_utf8_valid(buffer_bytes(&file)));
    buffer_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition_on_short_texts),
        cmocka_unit_test(agrees_with_the_definition_on_four_bytes),
        cmocka_unit_test(a_bad_byte_is_found_anywhere_in_ascii),
        cmocka_unit_test(passes_the_stress_test),
        cmocka_unit_test(real_sentences_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
