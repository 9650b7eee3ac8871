/* Makes and checks cases of change sets: README.md. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/change_set.h"
#include "protocol/utf16.h"

/* What is given, what it comes to, and room to work in. */
struct scene {
    struct buffer text;
    struct change_set a, b, c;
    struct buffer applied;
    struct change_set inverted, composed, after, before;
};

static void scene_release(struct scene *scene)
{
    struct change_set *const sets[] = {&scene->a,        &scene->b,        &scene->c,
                                       &scene->inverted, &scene->composed, &scene->after,
                                       &scene->before};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        change_set_release(sets[i]);
    buffer_release(&scene->text);
    buffer_release(&scene->applied);
}

static bool scene_answer(struct scene *scene)
{
    const struct bytes text = buffer_bytes(&scene->text);
    buffer_clear(&scene->applied);
    return change_set_apply(&scene->a, text, &scene->applied, NULL) == STATUS_OK &&
           change_set_invert(&scene->a, text, &scene->inverted, NULL) == STATUS_OK &&
           change_set_compose(&scene->a, &scene->c, &scene->composed, NULL) == STATUS_OK &&
           change_set_map(&scene->a, &scene->b, false, &scene->after, NULL) == STATUS_OK &&
           change_set_map(&scene->a, &scene->b, true, &scene->before, NULL) == STATUS_OK;
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *json_text(struct bytes text)
{
    return json_stringn((const char *)text.data, text.size);
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
        json_array_append_new(array, json_text(bytes_of(text.data, size)));
        if (end == NULL)
            break;
        text = bytes_of(end + 1, text.size - size - 1);
    }
    return array;
}

static json_t *json_changes(const struct change_set *set)
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

static json_t *json_places(const struct scene *scene)
{
    json_t *array = json_array();
    const struct bytes text = buffer_bytes(&scene->text);
    for (uint32_t at = 0; at <= scene->a.before; at++) {
        size_t byte = 0;
        if (!utf16_skip(text, at, &byte))
            continue;
        json_array_append_new(array, json_pack("[iii]", (int)at,
                                               (int)change_set_map_place(&scene->a, at, false),
                                               (int)change_set_map_place(&scene->a, at, true)));
    }
    return array;
}

static json_t *scene_json(const struct scene *scene)
{
    json_t *line = json_object();
    json_object_set_new(line, "text", json_text(buffer_bytes(&scene->text)));
    json_object_set_new(line, "a", json_changes(&scene->a));
    json_object_set_new(line, "b", json_changes(&scene->b));
    json_object_set_new(line, "c", json_changes(&scene->c));
    json_object_set_new(line, "applied", json_text(buffer_bytes(&scene->applied)));
    json_object_set_new(line, "inverted", json_changes(&scene->inverted));
    json_object_set_new(line, "composed", json_changes(&scene->composed));
    json_object_set_new(line, "after", json_changes(&scene->after));
    json_object_set_new(line, "before", json_changes(&scene->before));
    json_object_set_new(line, "places", json_places(scene));
    return line;
}

/* ---- Checking ------------------------------------------------------------- */

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

static bool read_changes(const json_t *line, const char *key, struct change_set *out)
{
    struct buffer wire = {0};
    put_json(json_object_get(line, key), &wire);
    const bool read = change_set_read(buffer_bytes(&wire), out, NULL) == STATUS_OK;
    buffer_release(&wire);
    return read;
}

static bool read_scene(const json_t *line, struct scene *scene)
{
    const json_t *text = json_object_get(line, "text");
    buffer_clear(&scene->text);
    if (!json_is_string(text))
        return false;
    buffer_append(&scene->text, json_string_value(text), json_string_length(text));
    return read_changes(line, "a", &scene->a) && read_changes(line, "b", &scene->b) &&
           read_changes(line, "c", &scene->c);
}

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

static bool check_line(unsigned number, const char *text, struct scene *scene)
{
    json_t *theirs = json_loads(text, JSON_ALLOW_NUL, NULL);
    bool good = theirs != NULL && read_scene(theirs, scene) && scene_answer(scene);
    if (good) {
        json_t *ours = scene_json(scene);
        good = same(number, ours, theirs);
        json_decref(ours);
    } else
        (void)fprintf(stderr, "case %u cannot be read or answered\n", number);
    if (!good)
        (void)fprintf(stderr, "%s", text);
    json_decref(theirs);
    return good;
}

static int check(FILE *from)
{
    struct scene scene = {0};
    char *line = NULL;
    size_t capacity = 0;
    unsigned count = 0;
    bool good = true;
    while (good && getline(&line, &capacity, from) > 0)
        good = check_line(++count, line, &scene);
    free(line);
    scene_release(&scene);
    if (good)
        printf("%u cases agree\n", count);
    return good && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- Making --------------------------------------------------------------- */

/* splitmix64, Sebastiano Vigna. */
static uint32_t below(uint64_t *random, uint32_t bound)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % bound);
}

static void some_text(uint64_t *random, uint32_t most, struct buffer *out)
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
    for (uint32_t n = below(random, most + 1); n > 0; n--) {
        const char *piece = pieces[below(random, sizeof pieces / sizeof *pieces)];
        buffer_append(out, piece, strlen(piece));
    }
}

/* Units of up to `most` characters that follow `*at`, which moves behind them. */
static size_t go_on(struct bytes text, uint32_t most, size_t *at)
{
    const size_t begin = *at;
    for (; most > 0 && *at < text.size; most--)
        do
            ++*at;
        while (*at < text.size && (text.data[*at] & 0xc0) == 0x80);
    return utf16_length(bytes_slice(text, begin, *at - begin));
}

static void some_changes(uint64_t *random, struct bytes text, struct change_set *out)
{
    struct buffer inserted = {0};
    size_t at = 0;
    change_set_clear(out);
    do {
        change_set_keep(out, go_on(text, below(random, 4), &at));
        const size_t goes = below(random, 2) == 0 ? 0 : go_on(text, below(random, 5), &at);
        some_text(random, below(random, 3), &inserted);
        change_set_replace(out, goes, buffer_bytes(&inserted), false);
    } while (at < text.size);
    buffer_release(&inserted);
}

static bool make_one(uint64_t *random, struct scene *scene, struct buffer *after_a)
{
    some_text(random, 14, &scene->text);
    some_changes(random, buffer_bytes(&scene->text), &scene->a);
    some_changes(random, buffer_bytes(&scene->text), &scene->b);
    buffer_clear(after_a);
    if (change_set_apply(&scene->a, buffer_bytes(&scene->text), after_a, NULL) != STATUS_OK)
        return false;
    some_changes(random, buffer_bytes(after_a), &scene->c);
    return scene_answer(scene);
}

static int make(uint64_t seed, uint64_t count)
{
    struct scene scene = {0};
    struct buffer after_a = {0};
    bool good = true;
    for (; good && count > 0; count--) {
        good = make_one(&seed, &scene, &after_a);
        json_t *line = scene_json(&scene);
        good = good && json_dumpf(line, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
        json_decref(line);
    }
    buffer_release(&after_a);
    scene_release(&scene);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "check") == 0)
        return check(stdin);
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    (void)fprintf(stderr, "usage: change_sets make SEED COUNT | change_sets check\n");
    return 2;
}
