/* Makes and checks cases of change sets: README.md. */
#include "protocol/change_set.h"
#include "protocol/utf16.h"
#include "tests/codemirror/cases.h"

/* What is given, and what it comes to. */
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
    json_object_set_new(line, "text", case_json_text(buffer_bytes(&scene->text)));
    json_object_set_new(line, "a", case_json_changes(&scene->a));
    json_object_set_new(line, "b", case_json_changes(&scene->b));
    json_object_set_new(line, "c", case_json_changes(&scene->c));
    json_object_set_new(line, "applied", case_json_text(buffer_bytes(&scene->applied)));
    json_object_set_new(line, "inverted", case_json_changes(&scene->inverted));
    json_object_set_new(line, "composed", case_json_changes(&scene->composed));
    json_object_set_new(line, "after", case_json_changes(&scene->after));
    json_object_set_new(line, "before", case_json_changes(&scene->before));
    json_object_set_new(line, "places", json_places(scene));
    return line;
}

static json_t *answer(const json_t *given)
{
    struct scene scene = {0};
    json_t *line = NULL;
    if (case_read_text(json_object_get(given, "text"), &scene.text) &&
        case_read_changes(json_object_get(given, "a"), &scene.a) &&
        case_read_changes(json_object_get(given, "b"), &scene.b) &&
        case_read_changes(json_object_get(given, "c"), &scene.c) && scene_answer(&scene))
        line = scene_json(&scene);
    scene_release(&scene);
    return line;
}

static json_t *make(struct case_maker *maker)
{
    struct scene scene = {0};
    struct buffer after_a = {0};
    json_t *line = NULL;
    case_some_text(maker, 14, &scene.text);
    case_some_changes(maker, buffer_bytes(&scene.text), &scene.a);
    case_some_changes(maker, buffer_bytes(&scene.text), &scene.b);
    if (change_set_apply(&scene.a, buffer_bytes(&scene.text), &after_a, NULL) == STATUS_OK) {
        case_some_changes(maker, buffer_bytes(&after_a), &scene.c);
        line = scene_answer(&scene) ? scene_json(&scene) : NULL;
    }
    buffer_release(&after_a);
    scene_release(&scene);
    return line;
}

int main(int argc, char **argv)
{
    static const struct case_program program = {
        .name = "change_sets", .make = make, .answer = answer};
    return case_main(&program, argc, argv);
}
