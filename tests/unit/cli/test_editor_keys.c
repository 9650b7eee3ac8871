/* What the bytes of different terminals mean. */
#include "prelude.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/editor/editor_keys.h"

/* What came out, one after the other: "<3>" for an action, "text", "[paste]", "[long]". */
struct heard {
    char text[8192];
    size_t size;
};

static void add(struct heard *heard, const char *text, size_t size)
{
    assert_true(heard->size + size < sizeof heard->text);
    memcpy(heard->text + heard->size, text, size);
    heard->size += size;
    heard->text[heard->size] = '\0';
}

static void hear(void *context, const struct editor_key *key)
{
    char action[16];
    struct heard *heard = context;
    if (key->kind == EDITOR_KEY_ACTION) {
        add(heard, action, (size_t)snprintf(action, sizeof action, "<%d>", (int)key->action));
        return;
    }
    bool paste = key->kind != EDITOR_KEY_TEXT;
    add(heard, "[", paste);
    if (key->kind == EDITOR_KEY_PASTE_TOO_LONG) {
        add(heard, "long", 4);
    }
    add(heard, key->text, key->size);
    add(heard, "]", paste);
}

static const char *action(enum editor_action number, char out[16])
{
    (void)snprintf(out, 16, "<%d>", (int)number);
    return out;
}

/* The same whether the bytes come at once or one by one. */
static void means(const char *bytes, const char *expected)
{
    for (size_t step = 1; step < 100; step += 98) {
        struct editor_keys keys = {.pending_size = 0};
        struct heard heard = {.size = 0};
        size_t size = strlen(bytes);
        for (size_t at = 0; at < size; at += step) {
            size_t left = size - at;
            editor_keys_feed(&keys, bytes + at, left < step ? left : step, hear, &heard);
        }
        if (editor_keys_waits(&keys)) {
            editor_keys_flush(&keys, hear, &heard);
        }
        assert_false(editor_keys_waits(&keys));
        assert_string_equal(heard.text, expected);
        editor_keys_release(&keys);
    }
}

static void means_action(const char *bytes, enum editor_action expected)
{
    char text[16];
    means(bytes, action(expected, text));
}

static void keys_of_several_terminals(void **state)
{
    (void)state;
    means_action("\033[A", EDITOR_UP);
    means_action("\033OA", EDITOR_UP);
    means_action("\033[1;5C", EDITOR_WORD_RIGHT);
    means_action("\033[1;3D", EDITOR_WORD_LEFT);
    means_action("\033[1;2D", EDITOR_LEFT);
    means_action("\033Od", EDITOR_WORD_LEFT);
    means_action("\033b", EDITOR_WORD_LEFT);
    means_action("\033[H", EDITOR_ROW_START);
    means_action("\033[1~", EDITOR_ROW_START);
    means_action("\033[7~", EDITOR_ROW_START);
    means_action("\033OF", EDITOR_ROW_END);
    means_action("\033[1;5H", EDITOR_TEXT_START);
    means_action("\033[5~", EDITOR_PAGE_UP);
    means_action("\033[6;5~", EDITOR_TEXT_END);
    means_action("\033[3~", EDITOR_DELETE);
    means_action("\033[3;5~", EDITOR_DELETE_WORD_RIGHT);
    means_action("\033OR", EDITOR_FIND_NEXT);
    means_action("\033[1;2R", EDITOR_FIND_PREVIOUS);
    means_action("\033[13;2~", EDITOR_FIND_PREVIOUS);
    means_action("\033[[A", EDITOR_HELP);
    means_action("\033OP", EDITOR_HELP);
    means_action("\r", EDITOR_ENTER);
    means_action("\n", EDITOR_ENTER);
    means_action("\177", EDITOR_BACKSPACE);
    means_action("\b", EDITOR_BACKSPACE);
    means_action("\033\177", EDITOR_DELETE_WORD_LEFT);
    means_action("\032", EDITOR_UNDO);
    means_action("\021", EDITOR_QUIT);
}

static void what_means_nothing_is_swallowed_whole(void **state)
{
    (void)state;
    means("a\033[?62;1cb", "ab");
    means("a\033[2~b", "ab");
    means("a\033[99;99;99Xb", "ab");
    means("a\033[1111111111111111111111111111111111111111111111111111111;5Ab", "ab");
    means("a\033xb", "ab");
    means("a\033\xC3\xA9"
          "b",
          "ab");
    means("a\x01", "a<9>");
    means("a\x02z", "az");
}

static void escape_alone_is_known_by_the_silence_behind_it(void **state)
{
    (void)state;
    struct editor_keys keys = {.pending_size = 0};
    struct heard heard = {.size = 0};
    char cancel[16];
    editor_keys_feed(&keys, "\033", 1, hear, &heard);
    assert_true(editor_keys_waits(&keys));
    assert_string_equal(heard.text, "");
    editor_keys_flush(&keys, hear, &heard);
    assert_string_equal(heard.text, action(EDITOR_CANCEL, cancel));
    assert_false(editor_keys_waits(&keys));
    means("\033\033", cancel);
    char both[32];
    char quit[16];
    (void)snprintf(both, sizeof both, "%s%s", cancel, action(EDITOR_QUIT, quit));
    means("\033\021", both);
    means_action("\033\033[A", EDITOR_UP); /* with Alt, in some */
    editor_keys_release(&keys);
}

static void text_is_whole_characters(void **state)
{
    (void)state;
    means("Bl\xC3\xA5"
          "b\xC3\xA6r \xF0\x9F\x98\x80",
          "Bl\xC3\xA5"
          "b\xC3\xA6r \xF0\x9F\x98\x80");
    means("a\xFF"
          "b\xC3"
          "c\xE2\x82"
          "d",
          "abcd");
    means("a\xED\xA0\x80"
          "b",
          "ab"); /* half a surrogate pair */
    means("a\xC2\x9B"
          "31mb",
          "a31mb"); /* the other way to begin a sequence */
    means("a\tb", "a\tb");
}

static void a_paste_is_text_whatever_is_in_it(void **state)
{
    (void)state;
    means("\033[200~one\r\ntwo\rthree\n\x11\tfour\033[201~z", "[one\ntwo\nthree\n\tfour]z");
    means("\033[200~a\033[Ab\033[20xc\033[201~", "[a[Ab[20xc]");
    means("\033[200~\xC3\xA5\033\xC3\xA5\033\033[201~", "[\xC3\xA5\xC3\xA5]");
    means("\033[200~\033[201~q", "q");
    means("ab\033[200~c\033[201~", "ab[c]");
}

static void a_paste_without_end_keeps_within_bounds(void **state)
{
    (void)state;
    struct editor_keys keys = {.pending_size = 0};
    struct heard heard = {.size = 0};
    char block[65536];
    memset(block, 'x', sizeof block);
    editor_keys_feed(&keys, "\033[200~", 6, hear, &heard);
    for (size_t i = 0; i < 40; i++) {
        editor_keys_feed(&keys, block, sizeof block, hear, &heard);
    }
    assert_true(keys.paste.size <= EDITOR_PASTE);
    editor_keys_feed(&keys, "\033[201~y", 7, hear, &heard);
    assert_string_equal(heard.text, "[long]y");
    editor_keys_release(&keys);
}

/* Whatever comes, every byte is dealt with and what comes out is UTF-8 without control characters.
 */
static void check_text(void *context, const struct editor_key *key)
{
    (void)context;
    for (size_t i = 0; i < key->size; i++) {
        unsigned char byte = (unsigned char)key->text[i];
        assert_true(byte >= 0x20 || byte == '\t' ||
                    (byte == '\n' && key->kind == EDITOR_KEY_PASTE));
        assert_true(byte != 0x7F);
    }
}

static void noise_is_survived(void **state)
{
    (void)state;
    static const char likely[] =
        "\033[[O;0123456789~ABCDHFR\r\n\tab\xC3\xA5\xF0\x9F\x98\x80\x7F\x01";
    const char *given = getenv("TANDEM_SEED");
    unsigned seed = given == NULL ? 20261122u : (unsigned)strtoul(given, NULL, 10);
    print_message("seed %u\n", seed);
    struct editor_keys keys = {.pending_size = 0};
    for (unsigned round = 0; round < 20000; round++) {
        char bytes[16];
        size_t size = (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = rand_r(&seed) % 8 == 0 ? (char)rand_r(&seed)
                                              : likely[(size_t)rand_r(&seed) % (sizeof likely - 1)];
        }
        editor_keys_feed(&keys, bytes, size, check_text, NULL);
        if (rand_r(&seed) % 16 == 0) {
            editor_keys_flush(&keys, check_text, NULL);
        }
    }
    editor_keys_release(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_several_terminals),
        cmocka_unit_test(what_means_nothing_is_swallowed_whole),
        cmocka_unit_test(escape_alone_is_known_by_the_silence_behind_it),
        cmocka_unit_test(text_is_whole_characters),
        cmocka_unit_test(a_paste_is_text_whatever_is_in_it),
        cmocka_unit_test(a_paste_without_end_keeps_within_bounds),
        cmocka_unit_test(noise_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
