#include "tests/oracle/model_mention.h"

#include <string.h>

#include "protocol/wire.h"

struct attempt {
    const struct model *model;
    struct model_person who;
    uint64_t seq;
    struct bytes op, fields;
    const struct model_record *record; /* NULL for a new one */
    const struct model_version *version;
    char entity[65];
    struct scope scope;
};

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

static bool is_op(const struct attempt *attempt, const char *op)
{
    return bytes_is(attempt->op, op);
}

static bool is_own(const struct attempt *attempt)
{
    return attempt->record == NULL || bytes_is(attempt->who.name, attempt->record->created_by);
}

/* Whether the change names another account than the record's. */
static bool moves(const struct attempt *attempt)
{
    struct bytes value, present = model_value(attempt->version, "account");
    if (!wire_map_find(attempt->fields, "account", &value)) {
        return false;
    }
    struct wire_reader reader = wire_read(value);
    return wire_peek(&reader) == WIRE_NIL ? present.size > 0 : !bytes_equal(value, present);
}

/* ---- Who works on what ---------------------------------------------------------------------- */

static const char *const people_and_schema[] = {"party", "user", "customField", "customEntity",
                                                NULL};

static bool only_own_fields(const struct attempt *attempt)
{
    static const char *const own[] = {"fullName", "emailAddress", "phoneNumber",
                                      "language", "title",        NULL};
    struct wire_reader reader = wire_read(attempt->fields);
    struct bytes name;
    char text[65];
    uint32_t count = 0;
    wire_get_map(&reader, &count);
    while (count-- > 0 && wire_get_str(&reader, &name) && wire_skip(&reader, NULL)) {
        if (!is_one_of(bytes_to_text(name, text, sizeof text), own)) {
            return false;
        }
    }
    return true;
}

static bool staff_may(const struct attempt *attempt)
{
    if (strcmp(attempt->entity, "mention") == 0) {
        return is_op(attempt, "update") || is_op(attempt, "remove");
    }
    if (attempt->who.administrator) {
        return true;
    }
    if (bytes_is(attempt->who.role, "Viewer")) {
        return false;
    }
    if (strcmp(attempt->entity, "user") == 0 && is_op(attempt, "update") &&
        id_equal(attempt->record->id, attempt->who.user)) {
        return only_own_fields(attempt);
    }
    bool shares = is_op(attempt, "share") && bytes_is(attempt->who.role, "Manager");
    return shares || !is_one_of(attempt->entity, people_and_schema);
}

static struct bytes level_of(const struct attempt *attempt)
{
    for (size_t i = 0; i < model_count(attempt->model); i++) {
        const struct model_record *record = model_at(attempt->model, i);
        const struct model_version *version = model_version_at(record, attempt->seq);
        if (strcmp(record->entity, "assignment") == 0 && version != NULL &&
            id_equal(model_reference(version, "party"), attempt->who.party) &&
            id_equal(model_reference(version, "account"), attempt->scope.id) &&
            bytes_is(model_text(version, "status"), "Active")) {
            return model_text(version, "level");
        }
    }
    return bytes_of(NULL, 0);
}

/* The columns of the page's table, and what its cells may hold. */
enum column { VIEW, COMMENT, EDIT, HOME };
enum cell { NOTHING, MAKE_AND_OWN, MAKE_AND_EDIT, EDIT_ONLY, EDIT_AND_REMOVE };

static enum cell cell_of(const char *entity, enum column column)
{
    static const struct {
        const char *entities[5];
        enum cell cells[4];
    } rows[] = {
        {{"note", "interaction"}, {NOTHING, MAKE_AND_OWN, MAKE_AND_OWN, MAKE_AND_EDIT}},
        {{"document"}, {NOTHING, NOTHING, MAKE_AND_OWN, MAKE_AND_EDIT}},
        {{"task"}, {NOTHING, NOTHING, NOTHING, MAKE_AND_EDIT}},
        {{"contact", "case"}, {NOTHING, NOTHING, MAKE_AND_EDIT, NOTHING}},
        {{"account", "opportunity", "order", "profile"}, {NOTHING, NOTHING, EDIT_ONLY, NOTHING}},
        {{"mention"}, {NOTHING, NOTHING, NOTHING, EDIT_AND_REMOVE}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (is_one_of(entity, rows[i].entities)) {
            return rows[i].cells[column];
        }
    }
    return NOTHING;
}

static bool partner_may(const struct attempt *attempt)
{
    struct bytes level = level_of(attempt);
    enum column column = attempt->scope.kind != SCOPE_ACCOUNT ? HOME
                         : bytes_is(level, "edit")            ? EDIT
                         : bytes_is(level, "comment")         ? COMMENT
                                                              : VIEW;
    enum cell cell = cell_of(attempt->entity, column);
    if (attempt->scope.kind == SCOPE_LIBRARY || is_op(attempt, "share")) {
        return false;
    }
    if (is_op(attempt, "create")) {
        return cell == MAKE_AND_OWN || cell == MAKE_AND_EDIT;
    }
    if (is_op(attempt, "remove")) {
        return cell == EDIT_AND_REMOVE ||
               ((cell == MAKE_AND_OWN || cell == MAKE_AND_EDIT) && is_own(attempt));
    }
    return cell == EDIT_AND_REMOVE || cell == MAKE_AND_EDIT || cell == EDIT_ONLY ||
           (cell == MAKE_AND_OWN && is_own(attempt));
}

/* ---- Fields --------------------------------------------------------------------------------- */

static bool refers_to_hidden(const struct attempt *attempt, const char *kind, struct bytes value)
{
    struct wire_reader reader = wire_read(value);
    uint32_t count = 1;
    struct id id;
    if (strncmp(kind, "reference", 9) != 0) {
        return false;
    }
    if (wire_peek(&reader) == WIRE_ARRAY) {
        wire_get_array(&reader, &count);
    }
    while (count-- > 0 && wire_get_id(&reader, &id)) {
        const struct model_record *target = model_find(attempt->model, id);
        if (target == NULL || !model_sees(attempt->model, &attempt->who, target, attempt->seq)) {
            return true;
        }
    }
    return false;
}

/* Whether some field may not be set, or not to this. What a record refers to already it may go on
 * referring to, so only a value that is another counts. */
static bool forbidden_field(const struct attempt *attempt)
{
    struct wire_reader reader = wire_read(attempt->fields);
    struct bytes name, value;
    char text[65];
    uint32_t count = 0;
    wire_get_map(&reader, &count);
    while (count-- > 0 && wire_get_str(&reader, &name) && wire_skip(&reader, &value)) {
        bytes_to_text(name, text, sizeof text);
        const struct model_field_def *def =
            model_schema_field(model_schema_of(attempt->model), attempt->entity, text);
        if (!model_field_seen(attempt->model, &attempt->who, attempt->entity, text, attempt->seq)) {
            return true;
        }
        struct bytes present = model_value(attempt->version, text);
        struct wire_reader reads = wire_read(value);
        bool clears = wire_peek(&reads) == WIRE_NIL;
        if (def == NULL || (clears ? present.size == 0 : bytes_equal(value, present))) {
            continue;
        }
        if ((def->fixed && attempt->record != NULL) ||
            (attempt->record == NULL && refers_to_hidden(attempt, def->kind, value))) {
            return true;
        }
    }
    return false;
}

/* Whether the change sets nothing but text that nothing else depends on. */
static bool is_plain(const struct attempt *attempt)
{
    static const char *const entities[] = {
        "account",  "contact", "opportunity", "case",     "task", "note",    "interaction",
        "document", "product", "order",       "campaign", "lead", "profile", NULL};
    static const char *const kinds[] = {"text", "longText", NULL};
    struct wire_reader reader = wire_read(attempt->fields);
    struct bytes name, value;
    char text[65];
    uint32_t count = 0;
    if (!is_op(attempt, "update") || !is_one_of(attempt->entity, entities)) {
        return false;
    }
    wire_get_map(&reader, &count);
    while (count-- > 0 && wire_get_str(&reader, &name) && wire_skip(&reader, &value)) {
        const struct model_field_def *def =
            model_schema_field(model_schema_of(attempt->model), attempt->entity,
                               bytes_to_text(name, text, sizeof text));
        struct wire_reader content = wire_read(value);
        if (def == NULL || !is_one_of(def->kind, kinds) || wire_peek(&content) == WIRE_NIL) {
            return false;
        }
    }
    return true;
}

/* ---- The whole change ----------------------------------------------------------------------- */

static enum model_verdict judge_new(struct attempt *attempt, struct bytes change)
{
    struct bytes entity = {NULL, 0}, octets, value;
    struct id account = {{0}};
    wire_map_str(change, "entity", &entity);
    bytes_to_text(entity, attempt->entity, sizeof attempt->entity);
    const struct model_entity_def *def =
        model_schema_entity(model_schema_of(attempt->model), attempt->entity);
    attempt->scope.kind = SCOPE_LIBRARY;
    if (def != NULL && def->home == MODEL_HOME_ANY && wire_map_bin(change, "scope", &octets)) {
        scope_from_bytes(octets, &attempt->scope);
    }
    wire_map_id(attempt->fields, "account", &account);
    if (!id_is_zero(account)) {
        attempt->scope = (struct scope){SCOPE_ACCOUNT, account};
    }
    if (strcmp(attempt->entity, "account") == 0 && attempt->who.staff) {
        return staff_may(attempt) && !forbidden_field(attempt) ? MODEL_UNSAID : MODEL_REFUSED;
    }
    bool may = attempt->who.staff ? staff_may(attempt) : partner_may(attempt);
    bool open = model_scope_open(attempt->model, &attempt->who, attempt->scope, attempt->seq);
    bool names_audience = wire_map_find(change, "audience", &value);
    if (!may || !open || (names_audience && !attempt->who.staff) || forbidden_field(attempt)) {
        return MODEL_REFUSED;
    }
    return MODEL_UNSAID;
}

static enum model_verdict judge_hidden(const struct attempt *attempt)
{
    const struct model_record *record = attempt->record;
    const struct model_version *newest = record != NULL ? record->newest : NULL;
    bool judged = is_op(attempt, "update") || is_op(attempt, "remove");
    if (newest == NULL || !newest->deleted || !judged) {
        return MODEL_NOT_FOUND;
    }
    bool known = model_spoken_to(newest->before, &attempt->who) &&
                 model_scope_open(attempt->model, &attempt->who, newest->scope, attempt->seq);
    return known ? MODEL_REFUSED : MODEL_NOT_FOUND;
}

enum model_verdict model_may(const struct model *model, struct id actor, struct bytes change)
{
    struct attempt attempt = {.model = model, .seq = model_head(model)};
    struct id id = {{0}};
    wire_map_str(change, "op", &attempt.op);
    wire_map_find(change, "fields", &attempt.fields);
    wire_map_id(change, "id", &id);
    if (!model_person(model, actor, attempt.seq, &attempt.who)) {
        return MODEL_REFUSED;
    }
    if (is_op(&attempt, "mention")) {
        return model_may_mention(model, &attempt.who, change);
    }
    if (is_op(&attempt, "create")) {
        return judge_new(&attempt, change);
    }
    attempt.record = model_find(model, id);
    if (attempt.record == NULL || !model_sees(model, &attempt.who, attempt.record, attempt.seq)) {
        return judge_hidden(&attempt);
    }
    attempt.version = model_version_at(attempt.record, attempt.seq);
    attempt.scope = attempt.version->scope;
    bytes_to_text(bytes_text(attempt.record->entity), attempt.entity, sizeof attempt.entity);
    bool may = attempt.who.staff ? staff_may(&attempt) : partner_may(&attempt) && !moves(&attempt);
    if (!may || forbidden_field(&attempt)) {
        return MODEL_REFUSED;
    }
    return is_plain(&attempt) ? MODEL_ACCEPTED : MODEL_UNSAID;
}
