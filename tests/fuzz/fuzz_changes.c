/* Change sets: the input is [text, a, b, c], a and b being changes of the text and c of what a
 * makes. What can be read is written and read again as the same; whatever applies keeps the
 * promises of change_set.h. */
#include "fuzz.h"

#include "protocol/change_set.h"
#include "protocol/utf16.h"

struct scene {
    struct bytes text;
    struct change_set a, b, c, made, other;
    struct buffer after_a, after_b, left, right;
};

static bool same_bytes(const struct buffer *left, const struct buffer *right)
{
    return bytes_equal(buffer_bytes(left), buffer_bytes(right));
}

/* Writes `set`, and reads it again into `made`. */
static void write_and_read(const struct change_set *set, struct scene *scene)
{
    buffer_clear(&scene->left);
    buffer_clear(&scene->right);
    change_set_write(set, &scene->left);
    MUST(wire_validate(buffer_bytes(&scene->left), NULL) == STATUS_OK);
    MUST(change_set_read(buffer_bytes(&scene->left), &scene->made, NULL) == STATUS_OK);
    change_set_write(&scene->made, &scene->right);
    MUST(same_bytes(&scene->left, &scene->right));
}

static bool apply(const struct change_set *set, struct bytes text, struct buffer *out)
{
    buffer_clear(out);
    if (change_set_apply(set, text, out, NULL) != STATUS_OK) {
        MUST(out->size == 0);
        return false;
    }
    MUST(wire_utf8_valid(buffer_bytes(out)));
    MUST(utf16_length(buffer_bytes(out)) == set->after);
    return true;
}

static void invert(struct scene *scene)
{
    MUST(change_set_invert(&scene->a, scene->text, &scene->made, NULL) == STATUS_OK);
    MUST(apply(&scene->made, buffer_bytes(&scene->after_a), &scene->left));
    MUST(bytes_equal(buffer_bytes(&scene->left), scene->text));
}

static void compose(struct scene *scene)
{
    if (!apply(&scene->c, buffer_bytes(&scene->after_a), &scene->left))
        return;
    MUST(change_set_compose(&scene->a, &scene->c, &scene->made, NULL) == STATUS_OK);
    MUST(apply(&scene->made, scene->text, &scene->right));
    MUST(same_bytes(&scene->left, &scene->right));
}

static void meet(struct scene *scene)
{
    if (!apply(&scene->b, scene->text, &scene->after_b))
        return;
    const enum status status = change_set_map(&scene->b, &scene->a, false, &scene->made, NULL);
    MUST(status == STATUS_OK || status == STATUS_TOO_LARGE);
    MUST(change_set_map(&scene->a, &scene->b, true, &scene->other, NULL) == status);
    if (status != STATUS_OK)
        return;
    MUST(apply(&scene->made, buffer_bytes(&scene->after_a), &scene->left));
    MUST(apply(&scene->other, buffer_bytes(&scene->after_b), &scene->right));
    MUST(same_bytes(&scene->left, &scene->right));
}

/* Where the sets were not made for texts of one length, or cut characters, they are refused. */
static void use_anyhow(struct scene *scene)
{
    (void)change_set_compose(&scene->a, &scene->c, &scene->made, NULL);
    (void)change_set_map(&scene->b, &scene->a, true, &scene->made, NULL);
    (void)change_set_invert(&scene->b, scene->text, &scene->made, NULL);
    for (uint32_t at = 0; at <= scene->a.before && at < 64; at++)
        MUST(change_set_map_place(&scene->a, at, at % 2 == 0) <= scene->a.after);
}

static bool read_set(struct wire_reader *reader, struct change_set *set, struct scene *scene)
{
    struct bytes encoded;
    if (!wire_skip(reader, &encoded) || change_set_read(encoded, set, NULL) != STATUS_OK)
        return false;
    write_and_read(set, scene);
    return true;
}

static void use(struct bytes input, struct scene *scene)
{
    struct wire_reader reader = wire_read(input);
    uint32_t count;
    if (wire_validate(input, NULL) != STATUS_OK || !wire_get_array(&reader, &count) || count != 4 ||
        !wire_get_str(&reader, &scene->text) || !read_set(&reader, &scene->a, scene) ||
        !read_set(&reader, &scene->b, scene) || !read_set(&reader, &scene->c, scene))
        return;
    use_anyhow(scene);
    if (apply(&scene->a, scene->text, &scene->after_a)) {
        invert(scene);
        compose(scene);
        meet(scene);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene scene = {.text = bytes_of(NULL, 0)};
    struct change_set *const sets[] = {&scene.a, &scene.b, &scene.c, &scene.made, &scene.other};
    struct buffer *const texts[] = {&scene.after_a, &scene.after_b, &scene.left, &scene.right};
    use(bytes_of(data, size), &scene);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        change_set_release(sets[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        buffer_release(texts[i]);
    return 0;
}
