#include "server/core/access/principal.h"

#include <string.h>

#include "protocol/memory.h"
#include "protocol/schema.h"
#include "protocol/wire.h"
#include "server/core/record/record.h"

const struct id SUBJECT_DEPARTMENTS = {{0}};

/* Index is enum role; the names are the values of user.role. */
static const char *const role_names[ROLE_COUNT] = {
    "", "Administrator", "Manager", "Member", "Viewer", "Partner",
};

const char *role_name(enum role role)
{
    return role < ROLE_COUNT ? role_names[role] : "";
}

static enum role role_of(struct bytes name)
{
    for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
        if (bytes_is(name, role_names[i]))
            return (enum role)i;
    return ROLE_NONE;
}

static void add_tag(struct principal *who, enum tag_kind kind, struct id id)
{
    who->tags[who->tag_count++] = (struct tag){(uint8_t)kind, id};
}

static void notice_stamp(struct principal *who, const struct record *record, const char *field)
{
    const struct record_field *found = record_field_any(record, bytes_text(field));
    if (found && record->stamps[found->stamp].seq > who->since)
        who->since = record->stamps[found->stamp].seq;
}

/* Reads a live party into `record`; NOT_FOUND when there is none. */
static enum status read_party(const struct state *state, struct id id, struct record *record)
{
    struct bytes encoded;
    enum status status = state->ops->record(state->self, id, &encoded);
    if (status == STATUS_OK)
        status = record_decode(encoded, record);
    if (status == STATUS_OK && (record->deleted || !bytes_is(record->entity, "party")))
        status = STATUS_NOT_FOUND;
    return status;
}

static enum status load_partner(const struct state *state, struct principal *who,
                                struct record *party)
{
    enum status status = read_party(state, who->party, party);
    if (status != STATUS_OK)
        return status;
    /* A partner's kind decides their tags, so a change of it is one of theirs. */
    notice_stamp(who, party, "kind");
    struct bytes kind = record_text(party, "kind");
    const struct id none = {{0}};
    add_tag(who, TAG_PARTNERS, none);
    add_tag(who, TAG_PARTNER, who->party);
    if (bytes_is(kind, "supplier"))
        add_tag(who, TAG_SUPPLIERS, none);
    else if (bytes_is(kind, "distributor") || bytes_is(kind, "reseller"))
        add_tag(who, TAG_DISTRIBUTORS, none);
    who->subjects[who->subject_count++] = who->party;
    return STATUS_OK;
}

static enum status load_departments(const struct state *state, struct principal *who,
                                    struct record *party)
{
    const struct id none = {{0}};
    add_tag(who, TAG_INTERNAL, none);
    for (unsigned i = 0; i < who->department_count; i++) {
        enum status status = read_party(state, who->departments[i], party);
        if (status == STATUS_NOT_FOUND)
            continue; /* without its record a department gives nothing */
        if (status != STATUS_OK)
            return status;
        /* Restricted fields name departments, so a renaming changes what members see. */
        notice_stamp(who, party, "name");
        bytes_to_text(record_text(party, "name"), who->department_names[i],
                      sizeof who->department_names[i]);
        add_tag(who, TAG_DEPARTMENT, who->departments[i]);
    }
    who->subjects[who->subject_count++] = SUBJECT_DEPARTMENTS;
    who->subjects[who->subject_count++] = who->user;
    return STATUS_OK;
}

static void read_department_ids(const struct record *user, struct principal *who)
{
    const struct record_field *field = record_field(user, "departments");
    if (!field)
        return;
    struct wire_reader reader = wire_read(field->value);
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    while (count-- > 0 && who->department_count < PRINCIPAL_MAX_DEPARTMENTS &&
           wire_get_id(&reader, &who->departments[who->department_count]))
        who->department_count++;
}

static enum status read_user(struct bytes encoded, struct record *record, struct principal *out)
{
    enum status status = record_decode(encoded, record);
    if (status != STATUS_OK)
        return status;
    if (record->deleted || !bytes_is(record->entity, "user") || record_boolean(record, "disabled"))
        return STATUS_NOT_FOUND;
    out->user = record->id;
    bytes_to_text(record_text(record, "name"), out->name, sizeof out->name);
    out->role = role_of(record_text(record, "role"));
    out->party = record_reference(record, "partner");
    out->partner = out->role == ROLE_PARTNER || !id_is_zero(out->party);
    static const char *const deciding[] = {"role", "departments", "partner", "disabled"};
    for (unsigned i = 0; i < sizeof deciding / sizeof *deciding; i++)
        notice_stamp(out, record, deciding[i]);
    if (!out->partner)
        read_department_ids(record, out);
    return out->role == ROLE_NONE ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status principal_load(const struct state *state, struct id user, struct principal *out)
{
    memset(out, 0, sizeof *out);
    struct bytes encoded;
    enum status status = state->ops->record(state->self, user, &encoded);
    if (status != STATUS_OK)
        return status;
    struct record *record = memory_new(sizeof *record);
    if (!record)
        return STATUS_NO_MEMORY;
    status = read_user(encoded, record, out);
    if (status == STATUS_OK)
        status = out->partner ? load_partner(state, out, record)
                              : load_departments(state, out, record);
    memory_free(record);
    return status;
}

/* Walks the users with this index key, which cuts long names, and compares in full. */
static enum status find_by_key(const struct state *state, struct bytes key, struct bytes name,
                               struct id *user, struct buffer *place, struct record *record)
{
    for (;;) {
        struct id id;
        struct bytes encoded;
        enum status status = state->ops->index_next(state->self, bytes_text("user"),
                                                    bytes_text("name"), key, false, place, &id);
        if (status == STATUS_OK)
            status = state->ops->record(state->self, id, &encoded);
        if (status == STATUS_OK)
            status = record_decode(encoded, record);
        if (status != STATUS_OK)
            return status;
        if (!record->deleted && bytes_equal_folded(record_text(record, "name"), name)) {
            *user = id;
            return STATUS_OK;
        }
    }
}

enum status principal_find_user(const struct state *state, struct bytes name, struct id *user)
{
    struct buffer value = {0}, key = {0}, place = {0};
    struct record *record = memory_new(sizeof *record);
    enum status status = STATUS_NO_MEMORY;
    wire_put_str(&value, name);
    if (record && !value.failed)
        schema_index_key(KIND_TEXT, buffer_bytes(&value), &key);
    if (record && !value.failed && !key.failed)
        status = key.size == 0 ? STATUS_NOT_FOUND
                               : find_by_key(state, buffer_bytes(&key), name, user, &place, record);
    buffer_release(&value);
    buffer_release(&key);
    buffer_release(&place);
    memory_free(record);
    return status;
}

void principal_system(struct principal *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->name, "system", sizeof "system");
    out->role = ROLE_ADMINISTRATOR;
    out->system = true;
}
