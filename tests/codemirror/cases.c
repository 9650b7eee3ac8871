#include "tests/codemirror/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/utf16.h"
#include "protocol/wire.h"

/* ---- JSON ----------------------------------------------------------------- */

json_t *case_json_text(struct bytes text)
{
    return json_stringn(text.size > 0 ? (const char *)text.data : "", text.size);
}

static json_t *json_part(const struct change_part *part, struct bytes text)
{
    if (part->kept)
        return json_integer(part->length);
    json_t *array = json_array();
    json_array_append_new(array, json_integer(part->length));
    while (part->inserted > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        json_array_append_new(array, case_json_text(bytes_of(text.data, size)));
        if (end == NULL)
            break;
        text = bytes_of(end + 1, text.size - size - 1);
    }
    return array;
}

json_t *case_json_changes(const struct change_set *set)
{
    json_t *array = json_array();
    size_t at = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct bytes text =
            bytes_slice(buffer_bytes(&set->text), at, set->parts[i].text_size);
        at += text.size;
        json_array_append_new(array, json_part(&set->parts[i], text));
    }
    return array;
}

bool case_read_text(const json_t *value, struct buffer *out)
{
    buffer_clear(out);
    if (!json_is_string(value))
        return false;
    buffer_append(out, json_string_value(value), json_string_length(value));
    return !out->failed;
}

static void put_json(const json_t *value, struct buffer *out)
{
    if (json_is_integer(value)) {
        wire_put_int(out, json_integer_value(value));
    } else if (json_is_string(value)) {
        wire_put_str(out, bytes_of(json_string_value(value), json_string_length(value)));
    } else {
        wire_put_array(out, (uint32_t)json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            put_json(json_array_get(value, i), out);
    }
}

bool case_read_changes(const json_t *value, struct change_set *out)
{
    struct buffer wire = {0};
    put_json(value, &wire);
    const bool read =
        json_is_array(value) && change_set_read(buffer_bytes(&wire), out, NULL) == STATUS_OK;
    buffer_release(&wire);
    return read;
}

/* ---- Chance --------------------------------------------------------------- */

/* splitmix64, Sebastiano Vigna. */
uint32_t case_below(struct case_maker *maker, uint32_t bound)
{
    uint64_t z = maker->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % bound);
}

void case_some_text(struct case_maker *maker, uint32_t most, struct buffer *out)
{
    static const char *const pieces[] = {"x",
                                         "yz",
                                         " ",
                                         "\n",
                                         "\r\n",
                                         "\n\n",
                                         "\xc3\xa5",
                                         "o\xcc\x88",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x9a\x80",
                                         "\xf0\x90\x80\x80",
                                         "\xef\xbf\xbf"};
    buffer_clear(out);
    for (uint32_t n = case_below(maker, most + 1); n > 0; n--) {
        const char *piece = pieces[case_below(maker, sizeof pieces / sizeof *pieces)];
        const size_t skipped = maker->lines_only ? strspn(piece, "\r") : 0;
        buffer_append(out, piece + skipped, strlen(piece + skipped));
    }
}

size_t case_go_on(struct bytes text, uint32_t most, size_t *at)
{
    const size_t begin = *at;
    for (; most > 0 && *at < text.size; most--)
        do
            ++*at;
        while (*at < text.size && (text.data[*at] & 0xc0) == 0x80);
    return utf16_length(bytes_slice(text, begin, *at - begin));
}

void case_some_changes(struct case_maker *maker, struct bytes text, struct change_set *out)
{
    struct buffer inserted = {0};
    size_t at = 0;
    change_set_clear(out);
    do {
        change_set_keep(out, case_go_on(text, case_below(maker, 4), &at));
        const size_t goes =
            case_below(maker, 2) == 0 ? 0 : case_go_on(text, case_below(maker, 5), &at);
        case_some_text(maker, case_below(maker, 3), &inserted);
        change_set_replace(out, goes, buffer_bytes(&inserted), false);
    } while (at < text.size);
    buffer_release(&inserted);
}

/* ---- Checking ------------------------------------------------------------- */

/* Tells the first key that differs. */
static bool same(unsigned number, const json_t *ours, json_t *theirs)
{
    const char *key;
    json_t *value;
    json_object_foreach(theirs, key, value)
    {
        const json_t *own = json_object_get(ours, key);
        if (!json_equal(own, value)) {
            char *text = json_dumps(own, JSON_ENCODE_ANY | JSON_COMPACT);
            (void)fprintf(stderr, "case %u: %s differs: here it is %s\n", number, key,
                          text != NULL ? text : "nothing");
            free(text);
            return false;
        }
    }
    return json_object_size(ours) == json_object_size(theirs);
}

static bool check_line(const struct case_program *program, unsigned number, const char *text)
{
    json_t *theirs = json_loads(text, JSON_ALLOW_NUL, NULL);
    json_t *ours = theirs != NULL ? program->answer(theirs) : NULL;
    if (ours == NULL)
        (void)fprintf(stderr, "case %u cannot be read or answered\n", number);
    const bool good = ours != NULL && same(number, ours, theirs);
    if (!good)
        (void)fprintf(stderr, "%s", text);
    json_decref(ours);
    json_decref(theirs);
    return good;
}

static int check(const struct case_program *program, FILE *from)
{
    char *line = NULL;
    size_t capacity = 0;
    unsigned count = 0;
    bool good = true;
    while (good && getline(&line, &capacity, from) > 0)
        good = check_line(program, ++count, line);
    free(line);
    if (good)
        printf("%u cases agree\n", count);
    return good && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- Making --------------------------------------------------------------- */

static int make(const struct case_program *program, uint64_t seed, uint64_t count)
{
    struct case_maker maker = {.random = seed, .lines_only = program->lines_only};
    bool good = true;
    for (; good && count > 0; count--) {
        json_t *line = program->make(&maker);
        good = line != NULL && json_dumpf(line, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
        json_decref(line);
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int case_main(const struct case_program *program, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check(program, stdin);
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(program, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    (void)fprintf(stderr, "usage: %s make SEED COUNT | %s check\n", program->name, program->name);
    return 2;
}
