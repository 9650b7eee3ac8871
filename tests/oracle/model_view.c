/* Seeing: the pages' sentences one after the other. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/model.h"

static const struct model_version *version_of(const struct model *model, struct id id,
                                              const char *entity, uint64_t seq)
{
    const struct model_record *record = model_find(model, id);
    if (record == NULL || strcmp(record->entity, entity) != 0) {
        return NULL;
    }
    return model_version_at(record, seq);
}

bool model_person(const struct model *model, struct id user, uint64_t seq, struct model_person *out)
{
    const struct model_version *version = version_of(model, user, "user", seq);
    *out = (struct model_person){.user = user};
    if (version == NULL || model_truth(version, "disabled")) {
        return false;
    }
    out->name = model_text(version, "name");
    out->role = model_text(version, "role");
    out->staff = !bytes_is(out->role, "Partner");
    out->administrator = bytes_is(out->role, "Administrator");
    if (!out->staff) {
        out->party = model_reference(version, "partner");
        out->party_kind = model_text(version_of(model, out->party, "party", seq), "kind");
        return true;
    }
    struct wire_reader reader = wire_read(model_value(version, "departments"));
    uint32_t count = 0;
    struct id id;
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        if (out->department_count == MODEL_MAX_DEPARTMENTS) {
            model_impossible("too many departments");
        }
        out->departments[out->department_count++] = id;
    }
    return true;
}

static bool in_department(const struct model_person *who, struct id department)
{
    for (unsigned i = 0; i < who->department_count; i++) {
        if (id_equal(who->departments[i], department)) {
            return true;
        }
    }
    return false;
}

static bool speaks_to(struct tag tag, const struct model_person *who)
{
    switch (tag.kind) {
    case TAG_INTERNAL:
        return who->staff;
    case TAG_DEPARTMENT:
        return in_department(who, tag.id);
    case TAG_PARTNERS:
        return !who->staff;
    case TAG_SUPPLIERS:
        return !who->staff && bytes_is(who->party_kind, "supplier");
    case TAG_DISTRIBUTORS:
        return !who->staff &&
               (bytes_is(who->party_kind, "distributor") || bytes_is(who->party_kind, "reseller"));
    case TAG_PARTNER:
        return !who->staff && id_equal(tag.id, who->party);
    default:
        return false;
    }
}

static bool is_assigned(const struct model *model, struct id party, struct id account, uint64_t seq)
{
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        if (strcmp(record->entity, "assignment") != 0) {
            continue;
        }
        const struct model_version *version = model_version_at(record, seq);
        if (version != NULL && id_equal(model_reference(version, "party"), party) &&
            id_equal(model_reference(version, "account"), account) &&
            bytes_is(model_text(version, "status"), "Active")) {
            return true;
        }
    }
    return false;
}

static bool account_open(const struct model *model, const struct model_person *who,
                         struct id account, uint64_t seq)
{
    const struct model_record *record = model_find(model, account);
    const struct model_version *version = record != NULL ? record->newest : NULL;
    while (version != NULL && (version->seq > seq || version->deleted)) {
        version = version->before;
    }
    if (version == NULL || strcmp(record->entity, "account") != 0) {
        return false;
    }
    if (!who->staff) {
        return is_assigned(model, who->party, account, seq);
    }
    return !model_truth(version, "restricted") || model_refers(version, "team", who->user) ||
           model_refers(version, "assignedUser", who->user);
}

bool model_scope_open(const struct model *model, const struct model_person *who, struct scope scope,
                      uint64_t seq)
{
    switch (scope.kind) {
    case SCOPE_ACCOUNT:
        return account_open(model, who, scope.id, seq);
    case SCOPE_PARTY:
        return who->staff ? in_department(who, scope.id) : id_equal(who->party, scope.id);
    case SCOPE_USER:
        return id_equal(who->user, scope.id);
    case SCOPE_LIBRARY:
        return true;
    default:
        return false;
    }
}

bool model_spoken_to(const struct model_version *version, const struct model_person *who)
{
    for (unsigned i = 0; i < version->tag_count; i++) {
        if (speaks_to(version->tags[i], who)) {
            return true;
        }
    }
    return false;
}

bool model_sees(const struct model *model, const struct model_person *who,
                const struct model_record *record, uint64_t seq)
{
    const struct model_version *version = model_version_at(record, seq);
    return version != NULL && model_spoken_to(version, who) &&
           model_scope_open(model, who, version->scope, seq);
}

/* What the customField record says of the field, also when it has been removed since: the values
 * that were set stay what they were. NULL when there never was one. */
static const struct model_version *custom_field(const struct model *model, const char *entity,
                                                const char *field, uint64_t seq)
{
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        if (strcmp(record->entity, "customField") != 0) {
            continue;
        }
        const struct model_version *version = record->newest;
        while (version != NULL && (version->seq > seq || version->deleted)) {
            version = version->before;
        }
        if (version != NULL && bytes_is(model_text(version, "entity"), entity) &&
            bytes_is(model_text(version, "name"), field)) {
            return version;
        }
    }
    return NULL;
}

static bool works_in_one_of(const struct model *model, const struct model_person *who,
                            struct bytes names, uint64_t seq)
{
    struct wire_reader reader = wire_read(names);
    struct bytes name;
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_str(&reader, &name)) {
        for (unsigned i = 0; i < who->department_count; i++) {
            const struct model_version *party =
                version_of(model, who->departments[i], "party", seq);
            if (bytes_equal(model_text(party, "name"), name)) {
                return true;
            }
        }
    }
    return false;
}

bool model_field_seen(const struct model *model, const struct model_person *who, const char *entity,
                      const char *field, uint64_t seq)
{
    const struct model_field_def *def = model_schema_field(model_schema_of(model), entity, field);
    if (def != NULL) {
        return strcmp(def->class, "shared") == 0 || who->staff;
    }
    const struct model_version *custom = custom_field(model, entity, field, seq);
    if (custom == NULL) {
        /* The name and the account of a record of the company's own entity. */
        return model_schema_entity(model_schema_of(model), entity) == NULL;
    }
    struct bytes class = model_text(custom, "class");
    if (bytes_is(class, "shared")) {
        return true;
    }
    if (bytes_is(class, "restricted")) {
        return who->administrator ||
               works_in_one_of(model, who, model_value(custom, "departments"), seq);
    }
    return who->staff;
}

struct told {
    const struct model *model;
    const struct model_person *who;
    const char *entity;
    uint64_t seq;
};

static bool tag_told(const struct told *told, struct tag tag)
{
    return told->who->staff || speaks_to(tag, told->who);
}

static bool every_tag_in(const struct told *told, const struct model_version *a,
                         const struct model_version *b)
{
    for (unsigned i = 0; i < a->tag_count; i++) {
        bool found = !tag_told(told, a->tags[i]);
        for (unsigned j = 0; j < b->tag_count && !found; j++) {
            found = tag_equal(a->tags[i], b->tags[j]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool every_field_in(const struct told *told, const struct model_version *a,
                           const struct model_version *b)
{
    for (unsigned i = 0; i < a->field_count; i++) {
        const struct model_field *field = &a->fields[i];
        if (!bytes_equal(field->value, model_value(b, field->name)) &&
            model_field_seen(told->model, told->who, told->entity, field->name, told->seq)) {
            return false;
        }
    }
    return true;
}

static bool same_fields(const struct told *told, const struct model_version *a,
                        const struct model_version *b)
{
    return every_field_in(told, a, b) && every_field_in(told, b, a);
}

/* Whether the viewer, as they are now, is told the same of both. */
static bool told_the_same(const struct told *told, const struct model_version *a,
                          const struct model_version *b)
{
    return scope_equal(a->scope, b->scope) && every_tag_in(told, a, b) &&
           every_tag_in(told, b, a) && same_fields(told, a, b);
}

bool model_view(const struct model *model, const struct model_person *who,
                const struct model_record *record, uint64_t seq, struct model_view *out)
{
    if (!model_sees(model, who, record, seq)) {
        return false;
    }
    const struct told told = {model, who, record->entity, seq};
    const struct model_version *version = model_version_at(record, seq), *newest = version;
    *out = (struct model_view){.record = record, .scope = version->scope};
    for (unsigned i = 0; i < version->tag_count; i++) {
        if (tag_told(&told, version->tags[i])) {
            out->tags[out->tag_count++] = version->tags[i];
        }
    }
    for (unsigned i = 0; i < version->field_count; i++) {
        if (model_field_seen(model, who, record->entity, version->fields[i].name, seq)) {
            out->fields[out->field_count++] = version->fields[i];
        }
    }
    while (newest->before != NULL && told_the_same(&told, newest, newest->before)) {
        newest = newest->before;
    }
    out->seq = newest->seq;
    while (newest->before != NULL && same_fields(&told, newest, newest->before)) {
        newest = newest->before;
    }
    out->modified_ms = newest->at_ms;
    out->modified_by = newest->by;
    return true;
}
