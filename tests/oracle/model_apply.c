/* What a mutation that was accepted makes of the records. */
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/model_mention.h"

#define DAY_MS UINT64_C(86400000)

static const struct id no_id = {{0}};

static struct tag tag_of(enum tag_kind kind, struct id id)
{
    return (struct tag){(uint8_t)kind, id};
}

static bool is(const struct model_record *record, const char *entity)
{
    return strcmp(record->entity, entity) == 0;
}

static bool is_department(const struct model *model, struct id party, uint64_t seq)
{
    const struct model_record *record = model_find(model, party);
    return record != NULL &&
           bytes_is(model_text(model_version_at(record, seq), "kind"), "department");
}

/* ---- Days ----------------------------------------------------------------------------------- */

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The first moment of a date field's day, counted year by year; false when it is not set. */
static bool day_begin(const struct model_version *version, const char *field, uint64_t *ms)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct bytes text = model_text(version, field);
    if (text.size != 10) {
        return false;
    }
    unsigned year = two_digits(text.data) * 100 + two_digits(text.data + 2);
    unsigned month = two_digits(text.data + 5);
    uint64_t count = two_digits(text.data + 8) - 1;
    for (unsigned i = 1970; i < year; i++) {
        count += is_leap(i) ? 366 : 365;
    }
    for (unsigned i = 1; i < month; i++) {
        count += days[i - 1] + (i == 2 && is_leap(year));
    }
    *ms = count * DAY_MS;
    return true;
}

static const char *status_at(const struct model_version *assignment, uint64_t at_ms)
{
    uint64_t from, until;
    if (day_begin(assignment, "until", &until) && at_ms >= until + DAY_MS) {
        return "Ended";
    }
    if (day_begin(assignment, "from", &from) && at_ms < from) {
        return "Scheduled";
    }
    return "Active";
}

/* ---- The server's own part ------------------------------------------------------------------ */

static void set_text(struct model *model, struct model_version *version, const char *field,
                     const char *text)
{
    struct buffer value = {0};
    wire_put_text(&value, text);
    model_set(model, version, field, buffer_bytes(&value));
    buffer_release(&value);
}

static void follow_partner(const struct model_version *before, struct model_version *user)
{
    struct id was = model_reference(before, "partner"), is_now = model_reference(user, "partner");
    if (!id_is_zero(was) && !id_equal(was, is_now)) {
        model_untag(user, tag_of(TAG_PARTNER, was));
    }
    model_tag(user, tag_of(TAG_INTERNAL, no_id));
    if (!id_is_zero(is_now)) {
        model_tag(user, tag_of(TAG_PARTNER, is_now));
    }
}

void model_server_rules(struct model *model, struct model_record *record,
                        struct model_version *version, uint64_t at_ms)
{
    if (is(record, "assignment")) {
        set_text(model, version, "status", status_at(version, at_ms));
        model_tag(version, tag_of(TAG_INTERNAL, no_id));
        model_tag(version, tag_of(TAG_PARTNER, model_reference(version, "party")));
    } else if (is(record, "party")) {
        model_tag(version, tag_of(TAG_INTERNAL, no_id));
        if (!bytes_is(model_text(version, "kind"), "department")) {
            model_tag(version, tag_of(TAG_PARTNER, record->id));
        }
    } else if (is(record, "user")) {
        follow_partner(version->before, version);
    } else if (version->before == NULL &&
               ((is(record, "customField") && bytes_is(model_text(version, "class"), "shared")) ||
                (is(record, "customEntity") &&
                 bytes_is(model_text(version, "audience"), "partners")))) {
        model_tag(version, tag_of(TAG_PARTNERS, no_id));
    }
}

/* ---- Places --------------------------------------------------------------------------------- */

struct custom_entity {
    bool account, partners;
};

static struct custom_entity custom_entity(const struct model *model, const char *name, uint64_t seq)
{
    struct custom_entity found = {false, false};
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        const struct model_version *version = model_version_at(record, seq);
        if (is(record, "customEntity") && version != NULL &&
            bytes_is(model_text(version, "name"), name)) {
            found.account = bytes_is(model_text(version, "home"), "account");
            found.partners = bytes_is(model_text(version, "audience"), "partners");
        }
    }
    return found;
}

static enum model_home home_of(const struct model *model, const char *entity, uint64_t seq,
                               bool *partners)
{
    const struct model_entity_def *def = model_schema_entity(model_schema_of(model), entity);
    if (def != NULL) {
        *partners = def->partners;
        return def->home;
    }
    struct custom_entity custom = custom_entity(model, entity, seq);
    *partners = custom.partners;
    return custom.account ? MODEL_HOME_ACCOUNT : MODEL_HOME_LIBRARY;
}

/* Where the record lives, `named` being what its creation named or where it lives otherwise. */
static struct scope scope_of(const struct model *model, const struct model_record *record,
                             const struct model_version *version, struct scope named)
{
    bool partners;
    struct id account = model_reference(version, "account");
    switch (home_of(model, record->entity, version->seq, &partners)) {
    case MODEL_HOME_SELF:
        return (struct scope){SCOPE_ACCOUNT, record->id};
    case MODEL_HOME_ACCOUNT:
    case MODEL_HOME_ANY:
        return id_is_zero(account) ? named : (struct scope){SCOPE_ACCOUNT, account};
    case MODEL_HOME_USER:
        return version->scope;
    case MODEL_HOME_LIBRARY:
        break;
    }
    return (struct scope){SCOPE_LIBRARY, no_id};
}

static void first_audience(const struct model *model, const struct model_record *record,
                           struct model_version *version, const struct model_person *author)
{
    bool partners;
    struct id party = version->scope.id;
    home_of(model, record->entity, version->seq, &partners);
    switch (version->scope.kind) {
    case SCOPE_PARTY:
        model_tag(version,
                  tag_of(is_department(model, party, version->seq) ? TAG_DEPARTMENT : TAG_PARTNER,
                         party));
        return;
    case SCOPE_USER:
        model_tag(version,
                  author->staff ? tag_of(TAG_INTERNAL, no_id) : tag_of(TAG_PARTNER, author->party));
        return;
    default:
        model_tag(version, tag_of(TAG_INTERNAL, no_id));
        if (!author->staff) {
            model_tag(version, tag_of(TAG_PARTNER, author->party));
        } else if (partners) {
            model_tag(version, tag_of(TAG_PARTNERS, no_id));
        }
    }
}

/* ---- Changes -------------------------------------------------------------------------------- */

struct mutation {
    struct model *model;
    struct model_person author;
    const char *by;
    uint64_t at_ms, seq;
};

static void set_fields(struct model *model, struct model_version *version, struct bytes change)
{
    struct bytes fields = {NULL, 0}, name, value;
    uint32_t count = 0;
    wire_map_find(change, "fields", &fields);
    struct wire_reader reader = wire_read(fields);
    wire_get_map(&reader, &count);
    while (count-- > 0 && wire_get_str(&reader, &name) && wire_skip(&reader, &value)) {
        model_set(model, version, model_keep_text(model, name), value);
    }
}

static void change_tags(struct model_version *version, struct bytes change, const char *key,
                        bool add)
{
    struct bytes array = {NULL, 0}, octets;
    struct tag tag;
    uint32_t count = 0;
    wire_map_find(change, key, &array);
    struct wire_reader reader = wire_read(array);
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_get_bin(&reader, &octets) && tag_from_bytes(octets, &tag)) {
        if (add) {
            model_tag(version, tag);
        } else {
            model_untag(version, tag);
        }
    }
}

static void create(const struct mutation *mutation, struct id id, struct bytes change)
{
    struct model *model = mutation->model;
    struct bytes entity = {NULL, 0}, octets = {NULL, 0};
    struct scope named = {SCOPE_LIBRARY, no_id};
    wire_map_str(change, "entity", &entity);
    if (wire_map_bin(change, "scope", &octets)) {
        scope_from_bytes(octets, &named);
    }
    struct model_record *record =
        model_add(model, id, entity, mutation->seq, mutation->at_ms, mutation->by);
    struct model_version *version =
        model_change(model, record, mutation->seq, mutation->at_ms, mutation->by);
    set_fields(model, version, change);
    version->scope = scope_of(model, record, version, named);
    change_tags(version, change, "audience", true);
    if (version->tag_count == 0) {
        first_audience(model, record, version, &mutation->author);
    }
    model_server_rules(model, record, version, mutation->at_ms);
}

static void alter(const struct mutation *mutation, struct model_record *record, struct bytes change,
                  struct bytes op)
{
    struct model *model = mutation->model;
    struct model_version *version =
        model_change(model, record, mutation->seq, mutation->at_ms, mutation->by);
    if (bytes_is(op, "remove")) {
        version->deleted = true;
        version->field_count = version->tag_count = 0;
        return;
    }
    if (bytes_is(op, "share")) {
        change_tags(version, change, "add", true);
        change_tags(version, change, "remove", false);
    } else {
        struct scope stays = version->scope;
        struct bytes fields = {NULL, 0};
        set_fields(model, version, change);
        wire_map_find(change, "fields", &fields);
        model_note_written(model, record, version, fields);
        if (stays.kind == SCOPE_ACCOUNT) {
            stays = (struct scope){SCOPE_LIBRARY, no_id};
        }
        version->scope = scope_of(model, record, version, stays);
    }
    model_server_rules(model, record, version, mutation->at_ms);
}

static void one_change(const struct mutation *mutation, struct bytes change)
{
    struct bytes op = {NULL, 0};
    struct id id;
    if (!wire_map_str(change, "op", &op) || !wire_map_id(change, "id", &id)) {
        model_impossible("a change without op and id was accepted");
    }
    if (bytes_is(op, "create")) {
        create(mutation, id, change);
        return;
    }
    if (bytes_is(op, "mention")) {
        model_mention(mutation->model, id, change, mutation->seq, mutation->at_ms, mutation->by);
        return;
    }
    struct model_record *record = model_find_mutable(mutation->model, id);
    if (record == NULL || record->newest->deleted) {
        model_impossible("a change of what is not there was accepted at %llu",
                         (unsigned long long)mutation->seq);
    }
    alter(mutation, record, change, op);
}

void model_mutated(struct model *model, struct id actor, uint64_t at_ms, uint64_t seq,
                   struct bytes changes)
{
    struct mutation mutation = {.model = model, .at_ms = at_ms, .seq = seq};
    struct wire_reader reader = wire_read(changes);
    struct bytes change;
    uint32_t count = 0;
    if (seq != model_head(model) + 1) {
        model_impossible("a mutation got seq %llu behind %llu", (unsigned long long)seq,
                         (unsigned long long)model_head(model));
    }
    if (!model_person(model, actor, model_head(model), &mutation.author)) {
        model_impossible("somebody who may not sign in changed something at %llu",
                         (unsigned long long)seq);
    }
    mutation.by = model_keep_text(model, mutation.author.name);
    wire_get_array(&reader, &count);
    while (count-- > 0 && wire_skip(&reader, &change)) {
        one_change(&mutation, change);
    }
    model_settle(model, seq);
}

static void found(struct model *model, const char *entity, struct id id, uint64_t at_ms,
                  const char *const *pairs)
{
    struct model_record *record = model_add(model, id, bytes_text(entity), 1, at_ms, "system");
    struct model_version *version = model_change(model, record, 1, at_ms, "system");
    version->scope = (struct scope){SCOPE_LIBRARY, no_id};
    for (; *pairs != NULL; pairs += 2) {
        set_text(model, version, pairs[0], pairs[1]);
    }
    model_server_rules(model, record, version, at_ms);
}

void model_founded(struct model *model, struct id administrator, const char *name,
                   const struct id departments[3], const char *const names[3], uint64_t at_ms)
{
    for (unsigned i = 0; i < 3; i++) {
        const char *const pairs[] = {"name", names[i], "kind", "department", NULL};
        found(model, "party", departments[i], at_ms, pairs);
    }
    const char *const pairs[] = {"name", name, "role", "Administrator", NULL};
    found(model, "user", administrator, at_ms, pairs);
    model_settle(model, 1);
}

/* When the assignment's status should have moved, up to `at_ms`; false when it should not. */
static bool due_time(const struct model_version *version, uint64_t at_ms, uint64_t *due_ms)
{
    struct bytes status = model_text(version, "status");
    if (bytes_is(status, status_at(version, at_ms))) {
        return false;
    }
    if (bytes_is(status, "Scheduled") && day_begin(version, "from", due_ms)) {
        return true;
    }
    if (!day_begin(version, "until", due_ms)) {
        return false;
    }
    *due_ms += DAY_MS;
    return true;
}

static struct model_record *first_due(struct model *model, uint64_t at_ms)
{
    struct model_record *first = NULL;
    uint64_t first_ms = UINT64_MAX;
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        const struct model_version *version = model_version_at(record, UINT64_MAX);
        uint64_t due_ms;
        if (!is(record, "assignment") || version == NULL || !due_time(version, at_ms, &due_ms)) {
            continue;
        }
        if (first == NULL || due_ms < first_ms ||
            (due_ms == first_ms && id_compare(record->id, first->id) < 0)) {
            first = model_find_mutable(model, record->id);
            first_ms = due_ms;
        }
    }
    return first;
}

uint64_t model_due(struct model *model, uint64_t at_ms)
{
    struct model_record *record;
    while ((record = first_due(model, at_ms)) != NULL) {
        uint64_t seq = model_head(model) + 1;
        struct model_version *version = model_change(model, record, seq, at_ms, "system");
        model_server_rules(model, record, version, at_ms);
        model_settle(model, seq);
    }
    return model_head(model);
}
