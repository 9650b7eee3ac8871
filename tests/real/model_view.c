/* What a viewer sees of the model, and what they are told of when it changes (model.h). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/real/model.h"

bool model_is_internal(const char *field)
{
    static const char *const internal[] = {"externalId", "rating",      "restricted",
                                           "team",       "supplier",    "assignedUser",
                                           "role",       "departments", "probability"};
    for (size_t i = 0; i < sizeof internal / sizeof internal[0]; i++) {
        if (strcmp(field, internal[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool viewer_holds_tag(const struct viewer *viewer, const char *tag)
{
    if (viewer->supplier != NULL) {
        return strcmp(tag, "partners") == 0 || strcmp(tag, "suppliers") == 0 ||
               (strncmp(tag, "partner:", 8) == 0 && strcmp(tag + 8, viewer->supplier) == 0);
    }
    for (size_t i = 0; i < 2 && viewer->departments[i] != NULL; i++) {
        if (strncmp(tag, "dept:", 5) == 0 && strcmp(tag + 5, viewer->departments[i]) == 0) {
            return true;
        }
    }
    return strcmp(tag, "internal") == 0;
}

static void open_scopes(const struct model *model, const struct viewer *viewer, struct sight *sight)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct item *item = model->items[i];
        bool opens = false;
        if (item->gone) {
            continue;
        }
        if (viewer->supplier == NULL && strcmp(item->entity, "account") == 0) {
            bool restricted = strcmp(item_get(item, "restricted"), "true") == 0;
            opens = !restricted || strcmp(item_get(item, "team"), viewer->user) == 0;
            if (restricted && opens) {
                text_list_add(&sight->as_team, item->scope);
            }
        } else if (viewer->supplier != NULL && strcmp(item->entity, "assignment") == 0) {
            opens = strcmp(item_get(item, "party"), viewer->supplier) == 0 &&
                    strcmp(item_get(item, "status"), "Active") == 0;
        }
        if (opens) {
            text_list_add(&sight->open, item->scope);
        }
        if (strcmp(item->entity, "account") == 0) {
            text_list_add(&sight->accounts, item->scope);
        }
    }
    text_list_sort(&sight->open);
    text_list_sort(&sight->as_team);
    text_list_sort(&sight->accounts);
}

static bool scope_open(const struct sight *sight, const struct viewer *viewer, const char *scope)
{
    if (strcmp(scope, "library") == 0 || text_list_finds(&sight->open, scope)) {
        return true;
    }
    if (strncmp(scope, "party:", 6) != 0) {
        return false;
    }
    const char *party = scope + 6;
    bool member = viewer->supplier != NULL && strcmp(party, viewer->supplier) == 0;
    for (size_t i = 0; i < 2 && viewer->departments[i] != NULL; i++) {
        member = member || strcmp(party, viewer->departments[i]) == 0;
    }
    return member;
}

static bool sees(const struct sight *sight, const struct viewer *viewer, const struct item *item)
{
    bool tagged = false;
    for (size_t i = 0; i < item->tag_count; i++) {
        tagged = tagged || viewer_holds_tag(viewer, item->tags[i]);
    }
    return !item->gone && tagged && scope_open(sight, viewer, item->scope);
}

char *line_make(const char *entity, const char *scope, struct text_list *tags,
                struct text_list *fields)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL) {
        abort();
    }
    text_list_sort(tags);
    text_list_sort(fields);
    (void)fprintf(out, "%s in %s for", entity, scope);
    for (size_t i = 0; i < tags->count; i++) {
        (void)fprintf(out, " <%s>", tags->items[i]);
    }
    for (size_t i = 0; i < fields->count; i++) {
        (void)fprintf(out, " | %s", fields->items[i]);
    }
    if (fclose(out) != 0) {
        abort();
    }
    return line;
}

static char *line_of(const struct viewer *viewer, const struct item *item)
{
    struct text_list tags = {.count = 0}, fields = {.count = 0};
    for (size_t i = 0; i < item->tag_count; i++) {
        if (viewer->supplier == NULL || viewer_holds_tag(viewer, item->tags[i])) {
            text_list_add(&tags, item->tags[i]);
        }
    }
    for (size_t i = 0; i < item->field_count; i++) {
        bool hidden = viewer->supplier != NULL && model_is_internal(item->fields[i].name);
        if (!hidden && item->fields[i].value[0] != '\0') {
            text_list_addf(&fields, "%s=%s", item->fields[i].name, item->fields[i].value);
        }
    }
    char *line = line_make(item->entity, item->scope, &tags, &fields);
    text_list_release(&tags);
    text_list_release(&fields);
    return line;
}

void sight_take(struct sight *sight, const struct model *model, const struct viewer *viewer)
{
    *sight = (struct sight){.places = calloc(model->count + 1, sizeof *sight->places)};
    if (sight->places == NULL) {
        abort();
    }
    open_scopes(model, viewer, sight);
    for (size_t i = 0; i < model->count; i++) {
        const struct item *item = model->items[i];
        if (sees(sight, viewer, item)) {
            char *line = line_of(viewer, item);
            sight->places[sight->lines.count] = i;
            text_list_add(&sight->lines, line);
            text_list_add(&sight->scopes, item->scope);
            free(line);
        }
    }
}

void sight_release(struct sight *sight)
{
    text_list_release(&sight->accounts);
    text_list_release(&sight->open);
    text_list_release(&sight->as_team);
    text_list_release(&sight->lines);
    text_list_release(&sight->scopes);
    free(sight->places);
    *sight = (struct sight){.places = NULL};
}

/* Accounts open in `here` and not in `there`, though they existed in both; `anew`: also those that
 * are open for another reason. */
static void opened(const struct sight *here, const struct sight *there, bool anew,
                   struct text_list *out)
{
    for (size_t i = 0; i < here->open.count; i++) {
        const char *scope = here->open.items[i];
        bool existed =
            text_list_finds(&there->accounts, scope) && text_list_finds(&here->accounts, scope);
        bool same = text_list_finds(&there->open, scope) &&
                    (!anew || text_list_finds(&here->as_team, scope) ==
                                  text_list_finds(&there->as_team, scope));
        if (existed && !same) {
            text_list_add(out, scope);
        }
    }
    text_list_sort(out);
}

static void tell_record(const struct sight *before, size_t b, const struct sight *after, size_t a,
                        const struct text_list *entered, struct text_list *out)
{
    bool same = strcmp(before->lines.items[b], after->lines.items[a]) == 0;
    if (!same || text_list_finds(entered, after->scopes.items[a])) {
        text_list_addf(out, "changed %s", after->lines.items[a]);
    }
}

void sight_news(const struct sight *before, const struct sight *after, struct text_list *out)
{
    struct text_list entered = {.count = 0}, purged = {.count = 0};
    opened(after, before, true, &entered);
    opened(before, after, false, &purged);
    for (size_t i = 0; i < entered.count; i++) {
        text_list_addf(out, "entered %s", entered.items[i]);
    }
    for (size_t i = 0; i < purged.count; i++) {
        text_list_addf(out, "purged %s", purged.items[i]);
    }
    size_t b = 0, a = 0;
    while (b < before->lines.count || a < after->lines.count) {
        size_t old = b < before->lines.count ? before->places[b] : SIZE_MAX;
        size_t new = a < after->lines.count ? after->places[a] : SIZE_MAX;
        if (old == new) {
            tell_record(before, b, after, a, &entered, out);
        } else if (new < old) {
            text_list_addf(out, "changed %s", after->lines.items[a]);
        } else if (!text_list_finds(&purged, before->scopes.items[b])) {
            text_list_addf(out, "removed %s", before->lines.items[b]);
        }
        b += old <= new;
        a += new <= old;
    }
    text_list_release(&entered);
    text_list_release(&purged);
}
