#include "tests/oracle/model_mention.h"

#include <ctype.h>
#include <string.h>

#include "protocol/wire.h"

static bool same_letters(struct bytes a, struct bytes b)
{
    bool same = a.size == b.size;
    for (size_t i = 0; same && i < a.size; i++) {
        same = tolower(a.data[i]) == tolower(b.data[i]);
    }
    return same;
}

const struct model_record *model_user_called(const struct model *model, struct bytes name)
{
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        const struct model_version *version = model_version_at(record, UINT64_MAX);
        if (strcmp(record->entity, "user") == 0 && version != NULL &&
            same_letters(model_text(version, "name"), name)) {
            return record;
        }
    }
    return NULL;
}

/* Who set the text last; who made the note when nobody did. */
static const char *text_author(const struct model_record *note)
{
    const struct model_version *version = note->newest;
    while (version->before != NULL &&
           bytes_equal(model_value(version, "text"), model_value(version->before, "text"))) {
        version = version->before;
    }
    return version->by;
}

/* Whether they ever set the text, of which a passage may be left. */
static bool ever_wrote(const struct model_record *note, struct bytes name)
{
    bool wrote = false;
    for (const struct model_version *at = note->newest; at != NULL; at = at->before) {
        wrote = wrote || bytes_is(name, at->by);
    }
    return wrote;
}

static bool writes_in(const struct model *model, const struct model_person *who,
                      const struct model_version *note)
{
    if (who->staff) {
        return !bytes_is(who->role, "Viewer");
    }
    if (note->scope.kind != SCOPE_ACCOUNT) {
        return note->scope.kind != SCOPE_LIBRARY;
    }
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_record *record = model_at(model, i);
        const struct model_version *version = model_version_at(record, UINT64_MAX);
        if (strcmp(record->entity, "assignment") == 0 && version != NULL &&
            id_equal(model_reference(version, "party"), who->party) &&
            id_equal(model_reference(version, "account"), note->scope.id) &&
            bytes_is(model_text(version, "status"), "Active") &&
            !bytes_is(model_text(version, "level"), "view")) {
            return true;
        }
    }
    return false;
}

enum model_verdict model_may_mention(const struct model *model, const struct model_person *who,
                                     struct bytes change)
{
    const uint64_t head = model_head(model);
    struct bytes name = {NULL, 0};
    struct id id = {{0}};
    struct model_person named;
    wire_map_id(change, "note", &id);
    wire_map_str(change, "user", &name);
    const struct model_record *note = model_find(model, id);
    if (note == NULL || strcmp(note->entity, "note") != 0 || !model_sees(model, who, note, head)) {
        return MODEL_NOT_FOUND;
    }
    if (!writes_in(model, who, model_version_at(note, head))) {
        return MODEL_REFUSED;
    }
    const struct model_record *user = model_user_called(model, name);
    bool sees = user != NULL && model_person(model, user->id, head, &named) &&
                model_sees(model, &named, note, head);
    if (who->staff) {
        return user == NULL ? MODEL_NOT_FOUND : sees ? MODEL_ACCEPTED : MODEL_REFUSED;
    }
    if (!sees) {
        return MODEL_NOT_FOUND;
    }
    if ((!named.staff && id_equal(named.party, who->party)) ||
        bytes_is(named.name, note->created_by) || bytes_is(named.name, text_author(note))) {
        return MODEL_ACCEPTED;
    }
    return ever_wrote(note, named.name) ? MODEL_UNSAID : MODEL_NOT_FOUND;
}

void model_mention(struct model *model, struct id id, struct bytes change, uint64_t seq,
                   uint64_t at_ms, const char *by)
{
    struct bytes name = {NULL, 0};
    struct id note_id = {{0}};
    struct model_person named;
    struct buffer value = {0};
    wire_map_id(change, "note", &note_id);
    wire_map_str(change, "user", &name);
    const struct model_record *note = model_find(model, note_id);
    const struct model_record *user = model_user_called(model, name);
    if (note == NULL || user == NULL || !model_person(model, user->id, seq, &named)) {
        model_impossible("a mention of nobody was accepted at %llu", (unsigned long long)seq);
    }
    struct model_record *record = model_add(model, id, bytes_text("mention"), seq, at_ms, by);
    struct model_version *version = model_change(model, record, seq, at_ms, by);
    version->scope = (struct scope){SCOPE_USER, user->id};
    model_tag(version, named.staff ? (struct tag){.kind = TAG_INTERNAL}
                                   : (struct tag){TAG_PARTNER, named.party});
    wire_put_id(&value, note_id);
    model_set(model, version, "note", buffer_bytes(&value));
    if (note->newest->scope.kind == SCOPE_ACCOUNT) {
        buffer_clear(&value);
        wire_put_id(&value, note->newest->scope.id);
        model_set(model, version, "account", buffer_bytes(&value));
    }
    buffer_release(&value);
}
