/* An answer about the past: everything told was for the asker to see. Staff who see a record, or
 * saw it when it was deleted, are told all of its past, but for fields that are not for them.
 * Partners are told what happened while the record was theirs to see, and nothing that points to
 * what is not. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/oracle.h"

struct past {
    struct oracle *oracle;
    const struct model_person *who;
    const struct model_record *record;
    uint64_t seq; /* of the entry */
};

static const struct model_version *version_of(const struct model_record *record, uint64_t seq)
{
    const struct model_version *version = record->newest;
    while (version != NULL && version->seq != seq) {
        version = version->before;
    }
    return version;
}

static void wrong(const struct past *past, const char *what, struct bytes field)
{
    struct oracle *oracle = past->oracle;
    oracle_differ(oracle, "%s was told of the past of %s at seq %llu %s %.*s",
                  oracle_user_name(oracle, past->who->user), oracle_name(oracle, past->record->id),
                  (unsigned long long)past->seq, what, (int)field.size, (const char *)field.data);
}

static bool is_nil(struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    return value.size == 0 || wire_peek(&reader) == WIRE_NIL;
}

/* Whether each id in the value, when ids it has, is of something the asker sees now. */
static bool points_to_seen(const struct past *past, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count = 1;
    struct id id;
    if (wire_peek(&reader) == WIRE_ARRAY) {
        wire_get_array(&reader, &count);
    }
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        const struct model_record *target = model_find(past->oracle->model, id);
        if (target == NULL ||
            !model_sees(past->oracle->model, past->who, target, model_head(past->oracle->model))) {
            return false;
        }
    }
    return true;
}

static void judge_value(const struct past *past, struct bytes field, struct bytes told,
                        const struct model_version *version)
{
    char name[65];
    struct bytes value = model_value(version, bytes_to_text(field, name, sizeof name));
    if (is_nil(told)) {
        return;
    }
    if (!bytes_equal(told, value)) {
        wrong(past, "another value of", field);
    }
    if (!past->who->staff && !points_to_seen(past, told)) {
        wrong(past, "the id of something hidden, in", field);
    }
}

static void judge_change(const struct past *past, struct bytes change,
                         const struct model_version *version)
{
    struct bytes field = {NULL, 0}, from = {NULL, 0}, to = {NULL, 0};
    char name[65];
    wire_map_str(change, "field", &field);
    wire_map_find(change, "from", &from);
    wire_map_find(change, "to", &to);
    bytes_to_text(field, name, sizeof name);
    if (!model_field_seen(past->oracle->model, past->who, past->record->entity, name,
                          model_head(past->oracle->model))) {
        wrong(past, "the field", field);
    }
    judge_value(past, field, to, version);
    judge_value(past, field, from, version->before);
    if (!past->who->staff && !is_nil(from) &&
        !model_sees(past->oracle->model, past->who, past->record, past->seq - 1)) {
        wrong(past, "what was not theirs yet, in", field);
    }
}

static void judge_entry(struct past *past, struct bytes entry)
{
    struct bytes changes = {NULL, 0}, change, audience;
    const struct bytes none = {NULL, 0};
    uint32_t count = 0;
    wire_map_uint(entry, "seq", &past->seq);
    const struct model_version *version = version_of(past->record, past->seq);
    if (version == NULL) {
        wrong(past, "a change that never was", none);
        return;
    }
    if (!past->who->staff && wire_map_find(entry, "audience", &audience)) {
        wrong(past, "who else sees it", none);
    }
    if (!past->who->staff && !model_sees(past->oracle->model, past->who, past->record, past->seq)) {
        wrong(past, "a change that was not for them", none);
    }
    wire_map_find(entry, "changes", &changes);
    struct wire_reader reader = wire_read(changes);
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &change)) {
        judge_change(past, change, version);
    }
}

/* Whether the asker sees the record, or did when it was deleted and would still. */
static bool may_ask(const struct past *past)
{
    const struct model *model = past->oracle->model;
    const struct model_version *newest = past->record->newest;
    if (!newest->deleted) {
        return model_sees(model, past->who, past->record, model_head(model));
    }
    return past->who->staff && model_scope_open(model, past->who, newest->scope, model_head(model));
}

void judge_history(struct oracle *oracle, const struct model_person *who,
                   const struct model_record *record, struct bytes entries)
{
    struct past past = {oracle, who, record, 0};
    const struct bytes none = {NULL, 0};
    struct wire_reader reader = wire_read(entries);
    struct bytes entry;
    uint32_t count = 0;
    if (!may_ask(&past)) {
        wrong(&past, "though it is hidden from them", none);
    }
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &entry)) {
        judge_entry(&past, entry);
    }
}
