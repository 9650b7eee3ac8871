/* People named in notes, and what they do with their inbox. */
#include <stdio.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/oracle/act.h"

/* Whoever there is, nobody, or who may be meant: who made the note, or a colleague. */
static void some_name(struct oracle *oracle, struct id actor, struct id note, char name[65])
{
    const struct model_record *user = oracle_pick(oracle, "user"),
                              *record = model_find(oracle->model, note),
                              *self = model_find(oracle->model, actor);
    bool colleague = oracle_chance(oracle, 30);
    for (unsigned i = 0; i < 20 && colleague &&
                         !id_equal(model_reference(user->newest, "partner"),
                                   model_reference(self->newest, "partner"));
         i++) {
        user = oracle_pick(oracle, "user");
    }
    if (oracle_chance(oracle, 10)) {
        snprintf(name, 65, "staff%u", (unsigned)oracle_random(oracle, 1000) + 500);
    } else if (record != NULL && !colleague && oracle_chance(oracle, 30)) {
        snprintf(name, 65, "%s", record->created_by);
    } else {
        bytes_to_text(model_text(user->newest, "name"), name, 65);
    }
}

/* A note of their own, among their own. */
static struct id note_at_home(struct oracle *oracle, const struct model_person *who)
{
    const struct scope home = {SCOPE_PARTY, who->party};
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id id = world_id(oracle->world);
    act_field_text(&fields, "text", "for us");
    act_put_create(&changes, id, "note", &fields, &home, NULL, 0);
    act_apply(oracle, who->user, &changes);
    return id;
}

/* A note whose scope is open to them, when one is soon found, and which a partner's people are let
 * see more often than not; sometimes any other, one that was removed, or none at all. */
static struct id some_note(struct oracle *oracle, struct id actor)
{
    const struct model_record *note = oracle_pick(oracle, "note");
    const uint64_t head = model_head(oracle->model);
    struct model_person who;
    if (note == NULL || oracle_chance(oracle, 10) ||
        !model_person(oracle->model, actor, head, &who)) {
        return model_at(oracle->model, oracle_random(oracle, model_count(oracle->model)))->id;
    }
    for (unsigned i = 0;
         i < 40 && !model_scope_open(oracle->model, &who, note->newest->scope, head); i++) {
        note = oracle_pick(oracle, "note");
    }
    if (!who.staff && oracle_chance(oracle, 25)) {
        return note_at_home(oracle, &who);
    }
    if (!who.staff && oracle_chance(oracle, 60) && !model_sees(oracle->model, &who, note, head)) {
        struct act_changes changes = {.count = 0};
        act_put_share(&changes, note->id, (struct tag){TAG_PARTNER, who.party}, true);
        act_apply(oracle, world_admin(oracle->world), &changes);
    }
    return note->id;
}

void act_mention(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    struct id actor = oracle_user(oracle, false), note = some_note(oracle, actor);
    char name[65], text[128];
    some_name(oracle, actor, note, name);
    if (oracle_chance(oracle, 20)) {
        snprintf(text, sizeof text, "words\n@%s sees this %u\nend", name,
                 (unsigned)oracle_random(oracle, 1000));
        act_field_text(&fields, "text", text);
        act_put_update(&changes, note, &fields);
    }
    oracle_doing(oracle, "%s mentions %s in %s", oracle_user_name(oracle, actor), name,
                 oracle_name(oracle, note));
    act_put_mention(&changes, world_id(oracle->world), note, name);
    act_apply(oracle, actor, &changes);
}

/* The owner, who is told of it; now and then somebody else, who is not. */
void act_inbox(struct oracle *oracle)
{
    struct act_changes changes = {.count = 0};
    struct act_fields fields = {.count = 0};
    const struct model_record *mention = oracle_pick(oracle, "mention");
    if (mention == NULL) {
        return;
    }
    struct id actor =
        oracle_chance(oracle, 70) ? mention->newest->scope.id : oracle_user(oracle, false);
    bool removes = oracle_chance(oracle, 30);
    oracle_doing(oracle, "%s %s %s", oracle_user_name(oracle, actor), removes ? "removes" : "reads",
                 oracle_name(oracle, mention->id));
    if (removes) {
        act_put_remove(&changes, mention->id);
    } else {
        act_field_truth(&fields, "read", oracle_chance(oracle, 80));
        act_put_update(&changes, mention->id, &fields);
    }
    act_apply(oracle, actor, &changes);
}
