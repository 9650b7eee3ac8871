/* One record that somebody received, against what the model says they may be told. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/judge_view.h"

struct complaint {
    char *why;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(const struct complaint *complaint,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->why, complaint->size, format, arguments);
    va_end(arguments);
    return false;
}

static bool check_keys(struct bytes record, const struct complaint *complaint)
{
    static const char *const keys[] = {"id",         "entity",    "scope",     "audience",
                                       "seq",        "createdBy", "createdAt", "modifiedBy",
                                       "modifiedAt", "fields"};
    struct wire_reader reader = wire_read(record);
    struct bytes key;
    uint32_t count = 0;
    wire_get_map(&reader, &count);
    for (uint32_t i = 0; i < count && wire_get_str(&reader, &key); i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            known = known || bytes_is(key, keys[k]);
        }
        if (!known || !wire_skip(&reader, NULL)) {
            return wrong(complaint, "it says %.*s, which no page knows", (int)key.size,
                         (const char *)key.data);
        }
    }
    return count == sizeof keys / sizeof *keys || wrong(complaint, "it lacks a key");
}

static bool check_text(struct bytes record, const char *key, const char *expected,
                       const struct complaint *complaint)
{
    struct bytes text = {NULL, 0};
    wire_map_str(record, key, &text);
    return bytes_is(text, expected) || wrong(complaint, "%s is %.*s and should be %s", key,
                                             (int)text.size, (const char *)text.data, expected);
}

static bool check_number(struct bytes record, const char *key, uint64_t expected,
                         const struct complaint *complaint)
{
    uint64_t number = 0;
    wire_map_uint(record, key, &number);
    return number == expected || wrong(complaint, "%s is %llu and should be %llu", key,
                                       (unsigned long long)number, (unsigned long long)expected);
}

static bool check_scope(const struct model_view *view, struct bytes record,
                        const struct complaint *complaint)
{
    struct bytes octets = {NULL, 0};
    struct scope scope;
    char is[SCOPE_TEXT_SIZE], should[SCOPE_TEXT_SIZE];
    if (!wire_map_bin(record, "scope", &octets) || !scope_from_bytes(octets, &scope)) {
        return wrong(complaint, "it has no scope");
    }
    return scope_equal(scope, view->scope) ||
           wrong(complaint, "its scope is %s and should be %s", scope_to_text(scope, is),
                 scope_to_text(view->scope, should));
}

static bool has_tag(const struct model_view *view, struct tag tag)
{
    for (unsigned i = 0; i < view->tag_count; i++) {
        if (tag_equal(view->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool check_audience(const struct model_view *view, struct bytes record,
                           const struct complaint *complaint)
{
    struct bytes array = {NULL, 0}, octets;
    struct tag tag;
    uint32_t count = 0;
    char text[TAG_TEXT_SIZE];
    wire_map_find(record, "audience", &array);
    struct wire_reader reader = wire_read(array);
    if (!wire_get_array(&reader, &count) || count != view->tag_count) {
        return wrong(complaint, "its audience has %u tags and should have %u", count,
                     view->tag_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!wire_get_bin(&reader, &octets) || !tag_from_bytes(octets, &tag)) {
            return wrong(complaint, "its audience holds what is no tag");
        }
        if (!has_tag(view, tag)) {
            return wrong(complaint, "the tag %s is not told them", tag_to_text(tag, text));
        }
    }
    return true;
}

static bool check_fields(const struct model_view *view, struct bytes record,
                         const struct complaint *complaint)
{
    struct bytes map = {NULL, 0}, name, value;
    uint32_t count = 0;
    wire_map_find(record, "fields", &map);
    struct wire_reader reader = wire_read(map);
    if (!wire_get_map(&reader, &count)) {
        return wrong(complaint, "it has no fields");
    }
    for (uint32_t i = 0; i < count; i++) {
        unsigned at = 0;
        if (!wire_get_str(&reader, &name) || !wire_skip(&reader, &value)) {
            return wrong(complaint, "its fields cannot be read");
        }
        while (at < view->field_count && !bytes_is(name, view->fields[at].name)) {
            at++;
        }
        if (at == view->field_count) {
            return wrong(complaint, "the field %.*s is not for them, or not set", (int)name.size,
                         (const char *)name.data);
        }
        if (!bytes_equal(value, view->fields[at].value)) {
            return wrong(complaint, "the field %s has another value", view->fields[at].name);
        }
    }
    for (unsigned i = 0; i < view->field_count; i++) {
        if (!wire_map_find(map, view->fields[i].name, &value)) {
            return wrong(complaint, "the field %s is missing", view->fields[i].name);
        }
    }
    return true;
}

bool judge_record(const struct model_view *view, struct bytes record, char *why, size_t size)
{
    const struct complaint complaint = {why, size};
    return check_keys(record, &complaint) &&
           check_text(record, "entity", view->record->entity, &complaint) &&
           check_scope(view, record, &complaint) && check_fields(view, record, &complaint) &&
           check_audience(view, record, &complaint) &&
           check_text(record, "createdBy", view->record->created_by, &complaint) &&
           check_number(record, "createdAt", view->record->created_ms, &complaint) &&
           check_number(record, "seq", view->seq, &complaint) &&
           check_text(record, "modifiedBy", view->modified_by, &complaint) &&
           check_number(record, "modifiedAt", view->modified_ms, &complaint);
}

/* Where it is and for whom, which is why they may not see it. */
static bool wrong_hidden(const struct model_record *record, uint64_t seq,
                         const struct complaint *complaint)
{
    const struct model_version *version = model_version_at(record, seq);
    char place[SCOPE_TEXT_SIZE], tag[TAG_TEXT_SIZE], tags[400] = "";
    for (unsigned i = 0; version != NULL && i < version->tag_count && i < 6; i++) {
        strncat(tags, " ", sizeof tags - strlen(tags) - 1);
        strncat(tags, tag_to_text(version->tags[i], tag), sizeof tags - strlen(tags) - 1);
    }
    return version == NULL ? wrong(complaint, "it is not there at %llu", (unsigned long long)seq)
                           : wrong(complaint, "they may not see it: it is in %s for%s",
                                   scope_to_text(version->scope, place), tags);
}

bool judge_record_at(const struct model *model, struct id user, struct bytes record, uint64_t seq,
                     char *why, size_t size)
{
    const struct complaint complaint = {why, size};
    struct model_person who;
    struct model_view view;
    struct id id;
    if (!wire_map_id(record, "id", &id)) {
        return wrong(&complaint, "it has no id");
    }
    const struct model_record *meant = model_find(model, id);
    if (meant == NULL) {
        return wrong(&complaint, "there never was such a record");
    }
    if (!model_person(model, user, seq, &who)) {
        return wrong(&complaint, "the user may not sign in");
    }
    if (!model_view(model, &who, meant, seq, &view)) {
        return wrong_hidden(meant, seq, &complaint);
    }
    return judge_record(&view, record, why, size);
}
