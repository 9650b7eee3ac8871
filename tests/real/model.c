#include "tests/real/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void item_free(struct item *item)
{
    for (size_t i = 0; i < item->field_count; i++) {
        free(item->fields[i].value);
    }
    for (size_t i = 0; i < item->tag_count; i++) {
        free(item->tags[i]);
    }
    free(item->entity);
    free(item->title);
    free(item->scope);
    free(item);
}

void model_release(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        item_free(model->items[i]);
    }
    free(model->items);
    *model = (struct model){.count = 0};
}

struct item *model_add(struct model *model, const char *entity, const char *title,
                       const char *scope)
{
    if (model->count == model->capacity) {
        model->capacity = model->capacity == 0 ? 256 : model->capacity * 2;
        model->items = reallocarray(model->items, model->capacity, sizeof(struct item *));
    }
    struct item *item = calloc(1, sizeof *item);
    if (model->items == NULL || item == NULL) {
        abort();
    }
    item->entity = text_copied(entity);
    item->title = text_copied(title);
    item->scope = text_copied(scope);
    model->items[model->count++] = item;
    item_tag(item, "internal");
    return item;
}

struct item *model_find(const struct model *model, const char *entity, const char *title)
{
    for (size_t i = 0; i < model->count; i++) {
        struct item *item = model->items[i];
        if (!item->gone && strcmp(item->entity, entity) == 0 && strcmp(item->title, title) == 0) {
            return item;
        }
    }
    (void)fprintf(stderr, "the model has no %s %s\n", entity, title);
    abort();
}

void item_set(struct item *item, const char *name, const char *value)
{
    size_t at = 0;
    while (at < item->field_count && strcmp(item->fields[at].name, name) != 0) {
        at++;
    }
    if (at == MODEL_FIELDS) {
        abort();
    }
    if (at == item->field_count) {
        item->fields[item->field_count++].name = name;
    }
    free(item->fields[at].value);
    item->fields[at].value = text_copied(value == NULL ? "" : value);
}

const char *item_get(const struct item *item, const char *name)
{
    for (size_t i = 0; i < item->field_count; i++) {
        if (strcmp(item->fields[i].name, name) == 0) {
            return item->fields[i].value;
        }
    }
    return "";
}

void item_tag(struct item *item, const char *tag)
{
    if (item->tag_count == MODEL_TAGS) {
        abort();
    }
    item->tags[item->tag_count++] = text_copied(tag);
}

void item_untag(struct item *item, const char *tag)
{
    for (size_t i = 0; i < item->tag_count; i++) {
        if (strcmp(item->tags[i], tag) == 0) {
            free(item->tags[i]);
            item->tags[i] = item->tags[--item->tag_count];
            return;
        }
    }
}

void item_move(struct item *item, const char *scope)
{
    char *copy = text_copied(scope);
    free(item->scope);
    item->scope = copy;
}
