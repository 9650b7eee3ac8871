/* Which scopes are open, whom an audience meets, which fields are whose. What roles and levels
 * allow is the table of access_rights.c. */
#include "server/core/access/access.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/access/access_rights.h"

static enum status read_row(const struct state *state, struct id subject, struct scope scope,
                            struct access_row *row, bool *found)
{
    enum status status = state->ops->access(state->self, subject, scope, row);
    *found = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void take_row(struct opening *opening, const struct access_row *row)
{
    if (row->granted > row->revoked) {
        if (!opening->open || row->granted < opening->since)
            opening->since = row->granted;
        opening->open = true;
        if (row->level > opening->level)
            opening->level = (enum level)row->level;
    } else if (row->revoked > opening->closed) {
        opening->closed = row->revoked;
    }
}

static enum status open_account(const struct state *state, const struct principal *who,
                                struct scope scope, struct opening *out)
{
    struct access_row row;
    for (unsigned i = 0; i < who->subject_count; i++) {
        bool found;
        enum status status = read_row(state, who->subjects[i], scope, &row, &found);
        if (status != STATUS_OK)
            return status;
        if (!found && id_equal(who->subjects[i], SUBJECT_DEPARTMENTS))
            row = (struct access_row){.granted = 1}, found = true;
        if (!found)
            continue;
        if (!who->partner)
            row.level = LEVEL_EDIT;
        take_row(out, &row);
    }
    return STATUS_OK;
}

static bool is_member(const struct principal *who, struct id party)
{
    if (who->partner)
        return id_equal(who->party, party);
    for (unsigned i = 0; i < who->department_count; i++)
        if (id_equal(who->departments[i], party))
            return true;
    return false;
}

enum status access_opening(const struct state *state, const struct principal *who,
                           struct scope scope, struct opening *out)
{
    *out = (struct opening){0};
    bool open = who->system;
    enum level level = LEVEL_EDIT;
    if (!open) {
        switch ((enum scope_kind)scope.kind) {
        case SCOPE_LIBRARY:
            open = true;
            level = who->partner ? LEVEL_VIEW : LEVEL_EDIT;
            break;
        case SCOPE_USER:
            open = id_equal(scope.id, who->user);
            break;
        case SCOPE_PARTY:
            open = is_member(who, scope.id);
            break;
        case SCOPE_ACCOUNT:
            return open_account(state, who, scope, out);
        }
    }
    if (open)
        *out = (struct opening){.open = true, .since = 1, .level = level};
    return STATUS_OK;
}

bool access_holds_tag(const struct principal *who, struct tag tag)
{
    for (unsigned i = 0; i < who->tag_count; i++)
        if (tag_equal(who->tags[i], tag))
            return true;
    return false;
}

static bool lives_for(const struct principal *who, const struct record *record,
                      const struct placement *placement)
{
    return !placement->removed && scope_equal(placement->scope, record->scope) &&
           access_holds_tag(who, placement->tag);
}

bool access_audience_meets(const struct principal *who, const struct record *record)
{
    if (who->system)
        return !record->deleted;
    for (unsigned i = 0; i < record->placement_count; i++)
        if (lives_for(who, record, &record->placements[i]))
            return true;
    return false;
}

bool access_audience_left(const struct principal *who, const struct record *record,
                          uint64_t cursor)
{
    for (unsigned i = 0; i < record->placement_count; i++) {
        const struct placement *placement = &record->placements[i];
        if (placement->removed > cursor && (who->system || access_holds_tag(who, placement->tag)))
            return true;
    }
    return false;
}

uint64_t access_audience_since(const struct principal *who, const struct record *record)
{
    uint64_t since = 0;
    for (unsigned i = 0; i < record->placement_count; i++)
        if (lives_for(who, record, &record->placements[i]) &&
            record->placements[i].added > since)
            since = record->placements[i].added;
    return since;
}

static bool in_named_department(const struct principal *who, struct bytes departments)
{
    struct wire_reader reader = wire_read(departments);
    uint32_t count = 0;
    wire_get_array(&reader, &count);
    struct bytes name;
    while (count-- > 0 && wire_get_str(&reader, &name))
        for (unsigned i = 0; i < who->department_count; i++)
            if (name.size > 0 && bytes_is(name, who->department_names[i]))
                return true;
    return false;
}

struct verdict access_field(const struct principal *who, enum field_class class,
                            struct bytes departments, enum action action)
{
    (void)action; /* whoever sees a field may write it, as far as they may edit the record */
    bool allowed = who->system || class == CLASS_SHARED;
    if (!allowed && !who->partner)
        allowed = class == CLASS_INTERNAL || who->role == ROLE_ADMINISTRATOR ||
                  in_named_department(who, departments);
    return (struct verdict){allowed, allowed ? REASON_ALLOWED : REASON_FIELD_CLASS};
}

bool access_sees_field(const struct principal *who, const struct record *record,
                       const struct record_field *field)
{
    struct bytes departments = {NULL, 0};
    if (field->restricted > 0 && field->restricted <= record->restriction_count)
        departments = record->restrictions[field->restricted - 1];
    return access_field(who, (enum field_class)field->class, departments, ACTION_READ).allowed;
}

enum status verdict_status(struct verdict verdict)
{
    switch (verdict.reason) {
    case REASON_ALLOWED:
        return STATUS_OK;
    case REASON_SCOPE_CLOSED:
    case REASON_AUDIENCE:
        return STATUS_NOT_FOUND;
    case REASON_ROLE:
    case REASON_LEVEL:
    case REASON_OUTSIDER:
    case REASON_FIELD_CLASS:
    case REASON_SYSTEM_FIELD:
    case REASON_NOT_AUTHOR:
        break;
    }
    return STATUS_DENIED;
}

const char *verdict_text(struct verdict verdict)
{
    switch (verdict.reason) {
    case REASON_ALLOWED:
        return "allowed";
    case REASON_SCOPE_CLOSED:
    case REASON_AUDIENCE:
        return "there is no such record, or it is not yours to see";
    case REASON_ROLE:
        return "your role does not allow this";
    case REASON_LEVEL:
        return "the level of the assignment does not allow this";
    case REASON_OUTSIDER:
        return "only the departments of the company may do this";
    case REASON_FIELD_CLASS:
        return "this field is not for you";
    case REASON_SYSTEM_FIELD:
        return "this field is written by the server alone";
    case REASON_NOT_AUTHOR:
        return "only its author may do this";
    }
    return "not allowed";
}

/* FNV-1a, and the finaliser of MurmurHash3 so that sums of two hashes stay distinct. */
static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
    return hash ^ (hash >> 33);
}

uint64_t access_view_class(const struct principal *who)
{
    const uint64_t seed = 0xcbf29ce484222325u;
    uint8_t kind[] = {who->system, who->partner, who->role == ROLE_ADMINISTRATOR};
    uint64_t hash = mix(seed, kind, sizeof kind);
    /* A sum, because the order of tags and departments says nothing. */
    for (unsigned i = 0; i < who->tag_count; i++) {
        uint8_t tag[TAG_SIZE];
        tag_put(who->tags[i], tag);
        hash += mix(seed, tag, sizeof tag);
    }
    for (unsigned i = 0; i < who->department_count; i++) {
        uint64_t department = mix(seed + 1, who->departments[i].octet, ID_SIZE);
        hash += mix(department, who->department_names[i], strlen(who->department_names[i]));
    }
    return hash;
}
