#include "tests/oracle/act.h"

#include <stdio.h>
#include <string.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/oracle/model_may.h"

#define DAY_MS UINT64_C(86400000)

void act_field_value(struct act_fields *fields, const char *name, struct bytes value)
{
    wire_put_text(&fields->pairs, name);
    wire_put_raw(&fields->pairs, value);
    fields->count++;
}

void act_field_text(struct act_fields *fields, const char *name, const char *text)
{
    wire_put_text(&fields->pairs, name);
    wire_put_text(&fields->pairs, text);
    fields->count++;
}

void act_field_id(struct act_fields *fields, const char *name, struct id id)
{
    wire_put_text(&fields->pairs, name);
    wire_put_id(&fields->pairs, id);
    fields->count++;
}

void act_field_ids(struct act_fields *fields, const char *name, const struct id *ids,
                   uint32_t count)
{
    wire_put_text(&fields->pairs, name);
    wire_put_array(&fields->pairs, count);
    for (uint32_t i = 0; i < count; i++) {
        wire_put_id(&fields->pairs, ids[i]);
    }
    fields->count++;
}

void act_field_truth(struct act_fields *fields, const char *name, bool truth)
{
    wire_put_text(&fields->pairs, name);
    wire_put_bool(&fields->pairs, truth);
    fields->count++;
}

void act_field_nil(struct act_fields *fields, const char *name)
{
    wire_put_text(&fields->pairs, name);
    wire_put_nil(&fields->pairs);
    fields->count++;
}

static void begin(struct act_changes *changes, const char *op, struct id id, uint32_t keys)
{
    wire_put_map(&changes->list, 2 + keys);
    wire_put_text(&changes->list, "op");
    wire_put_text(&changes->list, op);
    wire_put_text(&changes->list, "id");
    wire_put_id(&changes->list, id);
    changes->count++;
}

static void put_fields(struct act_changes *changes, struct act_fields *fields)
{
    wire_put_text(&changes->list, "fields");
    wire_put_map(&changes->list, fields->count);
    wire_put_raw(&changes->list, buffer_bytes(&fields->pairs));
    buffer_release(&fields->pairs);
    *fields = (struct act_fields){.count = 0};
}

static void put_tags(struct act_changes *changes, const char *key, const struct tag *tags,
                     uint32_t count)
{
    wire_put_text(&changes->list, key);
    wire_put_array(&changes->list, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t octets[TAG_SIZE];
        tag_put(tags[i], octets);
        wire_put_bin(&changes->list, bytes_of(octets, sizeof octets));
    }
}

void act_put_create(struct act_changes *changes, struct id id, const char *entity,
                    struct act_fields *fields, const struct scope *scope, const struct tag *tags,
                    uint32_t tag_count)
{
    begin(changes, "create", id, 2u + (scope != NULL) + (tag_count > 0));
    wire_put_text(&changes->list, "entity");
    wire_put_text(&changes->list, entity);
    put_fields(changes, fields);
    if (scope != NULL) {
        uint8_t octets[SCOPE_SIZE];
        scope_put(*scope, octets);
        wire_put_text(&changes->list, "scope");
        wire_put_bin(&changes->list, bytes_of(octets, sizeof octets));
    }
    if (tag_count > 0) {
        put_tags(changes, "audience", tags, tag_count);
    }
}

void act_put_update(struct act_changes *changes, struct id id, struct act_fields *fields)
{
    begin(changes, "update", id, 1);
    put_fields(changes, fields);
}

void act_put_remove(struct act_changes *changes, struct id id)
{
    begin(changes, "remove", id, 0);
}

void act_put_share(struct act_changes *changes, struct id id, struct tag tag, bool add)
{
    begin(changes, "share", id, 1);
    put_tags(changes, add ? "add" : "remove", &tag, 1);
}

void act_put_mention(struct act_changes *changes, struct id id, struct id note, const char *user)
{
    begin(changes, "mention", id, 2);
    wire_put_text(&changes->list, "note");
    wire_put_id(&changes->list, note);
    wire_put_text(&changes->list, "user");
    wire_put_text(&changes->list, user);
}

static enum status send(struct oracle *oracle, struct id actor, struct bytes list, uint32_t count)
{
    struct buffer changes = {0}, body = {0};
    struct message message = {.type = MESSAGE_MUTATE};
    wire_put_array(&changes, count);
    wire_put_raw(&changes, list);
    message.as.mutate.number = 1;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    world_new_client_id(oracle->world);
    enum status status = world_apply(oracle->world, COMMAND_MUTATE, actor, buffer_bytes(&body));
    buffer_release(&changes);
    buffer_release(&body);
    return status;
}

/* The answer about what is hidden is, byte for byte, that about what never was. */
static void compare_with_nothing(struct oracle *oracle, struct id actor, struct bytes change,
                                 const char *key)
{
    struct buffer hidden = {0}, twin = {0};
    struct id id = {{0}}, nothing = world_id(oracle->world);
    wire_map_id(change, key, &id);
    buffer_append(&hidden, oracle->answer.data, oracle->answer.size);
    buffer_append(&twin, change.data, change.size);
    for (size_t i = 0; i + ID_SIZE <= twin.size; i++) {
        if (memcmp(twin.data + i, id.octet, ID_SIZE) == 0) {
            memcpy(twin.data + i, nothing.octet, ID_SIZE);
            break;
        }
    }
    send(oracle, actor, buffer_bytes(&twin), 1);
    if (!bytes_equal(buffer_bytes(&hidden), buffer_bytes(&oracle->answer))) {
        oracle_differ(oracle, "%s hears of %s something else than of what never was",
                      oracle_user_name(oracle, actor), oracle_name(oracle, id));
    }
    buffer_release(&hidden);
    buffer_release(&twin);
}

/* Puts as many letters in the place of each `from`; true when there was one. */
static bool replace_all(struct buffer *where, struct bytes from, uint8_t letter)
{
    bool found = false;
    for (size_t i = 0; from.size > 0 && i + from.size <= where->size; i++) {
        if (memcmp(where->data + i, from.data, from.size) == 0) {
            memset(where->data + i, letter, from.size);
            found = true;
        }
    }
    return found;
}

/* The answer about somebody who may not be mentioned is that about a name that nobody has. */
static void compare_with_nobody(struct oracle *oracle, struct id actor, struct bytes change)
{
    struct buffer somebody = {0}, twin = {0};
    struct bytes name = {NULL, 0};
    wire_map_str(change, "user", &name);
    buffer_append(&somebody, oracle->answer.data, oracle->answer.size);
    buffer_append(&twin, change.data, change.size);
    replace_all(&twin, name, 'q');
    replace_all(&somebody, name, 'q');
    send(oracle, actor, buffer_bytes(&twin), 1);
    if (!bytes_equal(buffer_bytes(&somebody), buffer_bytes(&oracle->answer))) {
        oracle_differ(oracle, "%s hears of %.*s something else than of nobody",
                      oracle_user_name(oracle, actor), (int)name.size, (const char *)name.data);
    }
    buffer_release(&somebody);
    buffer_release(&twin);
}

static void compare_not_found(struct oracle *oracle, struct id actor, struct bytes change)
{
    struct bytes op = {NULL, 0};
    struct model_person who;
    struct id note = {{0}};
    wire_map_str(change, "op", &op);
    if (!bytes_is(op, "mention")) {
        compare_with_nothing(oracle, actor, change, "id");
        return;
    }
    wire_map_id(change, "note", &note);
    const struct model_record *record = model_find(oracle->model, note);
    if (record != NULL && strcmp(record->entity, "note") == 0 &&
        model_person(oracle->model, actor, model_head(oracle->model), &who) &&
        model_sees(oracle->model, &who, record, model_head(oracle->model))) {
        compare_with_nobody(oracle, actor, change);
    } else {
        compare_with_nothing(oracle, actor, change, "note");
    }
}

static void compare_verdict(struct oracle *oracle, struct id actor, enum model_verdict verdict,
                            enum status status)
{
    static const char *const words[] = {"", "be accepted", "be refused", "be not-found"};
    bool right = verdict == MODEL_UNSAID || (verdict == MODEL_ACCEPTED && status == STATUS_OK) ||
                 (verdict == MODEL_REFUSED && status != STATUS_OK) ||
                 (verdict == MODEL_NOT_FOUND && status == STATUS_NOT_FOUND);
    if (!right) {
        oracle_differ(oracle, "what %s did should %s, and the answer is %s",
                      oracle_user_name(oracle, actor), words[verdict], status_name(status));
    }
}

enum status act_apply(struct oracle *oracle, struct id actor, struct act_changes *changes)
{
    struct bytes list = buffer_bytes(&changes->list);
    enum model_verdict verdict =
        changes->count == 1 ? model_may(oracle->model, actor, list) : MODEL_UNSAID;
    if (oracle_chance(oracle, 80)) {
        world_forget_frames(oracle->world);
        oracle->frames_since = UINT64_MAX;
    }
    enum status status = send(oracle, actor, list, changes->count);
    if (oracle->frames_since == UINT64_MAX) {
        oracle->frames_since = model_head(oracle->model);
    }
    oracle->progress->mutations++;
    oracle->progress->refused += status != STATUS_OK;
    if (oracle->trace) {
        printf("%*s%s\n", 16, "", status_name(status));
    }
    compare_verdict(oracle, actor, verdict, status);
    if (verdict == MODEL_NOT_FOUND) {
        compare_not_found(oracle, actor, list);
    }
    buffer_release(&changes->list);
    *changes = (struct act_changes){.count = 0};
    return status;
}

void act_must(struct oracle *oracle, struct id actor, struct act_changes *changes)
{
    enum status status = act_apply(oracle, actor, changes);
    if (status != STATUS_OK) {
        oracle_differ(oracle, "setting up was refused: %s", status_name(status));
    }
}

struct tag act_tag(struct oracle *oracle)
{
    static const enum tag_kind kinds[] = {TAG_INTERNAL,   TAG_PARTNERS,     TAG_PARTNERS,
                                          TAG_SUPPLIERS,  TAG_DISTRIBUTORS, TAG_DEPARTMENT,
                                          TAG_DEPARTMENT, TAG_PARTNER,      TAG_PARTNER};
    enum tag_kind kind = kinds[oracle_random(oracle, sizeof kinds / sizeof *kinds)];
    struct tag tag = {.kind = (uint8_t)kind};
    if (kind != TAG_DEPARTMENT && kind != TAG_PARTNER) {
        return tag;
    }
    for (unsigned i = 0; i < 20; i++) {
        const struct model_record *party = oracle_pick(oracle, "party");
        bool department = bytes_is(model_text(party->newest, "kind"), "department");
        tag.id = party->id;
        if (department == (kind == TAG_DEPARTMENT)) {
            break;
        }
    }
    return tag;
}

void act_date(struct oracle *oracle, int days, char out[11])
{
    int64_t day = (int64_t)(world_now(oracle->world) / DAY_MS) + days;
    /* Days since 0000-03-01, so that leap days end a year (Hinnant, chrono-compatible dates). */
    int64_t z = day + 719468, era = z / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100),
            month = (5 * of_year + 2) / 153;
    int64_t date = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000u, (unsigned)month % 100u,
             (unsigned)date % 100u);
}
