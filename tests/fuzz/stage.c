#include "tests/fuzz/stage.h"

#include <string.h>

#include "protocol/wire.h"
#include "server/core/credential.h"
#include "server/core/presence/presence.h"
#include "tests/unit/protocol/notation.h"

#define HIDDEN STAGE_MARKER " and more"

static const char *text(struct stage *stage, struct id id)
{
    return world_id_text(stage->world, id);
}

static void must(enum status status)
{
    if (status != STATUS_OK)
        fprintf(stderr, "the stage is refused something: %s\n", status_name(status));
    MUST(status == STATUS_OK);
}

static void hide(struct stage *stage, struct id id)
{
    MUST(stage->hidden_count < STAGE_HIDDEN);
    stage->hidden[stage->hidden_count++] = id;
}

static struct id make_user(struct stage *stage, const char *name, const char *role,
                           const char *party_field, struct id party)
{
    struct id id = world_id(stage->world);
    must(world_create(stage->world, world_admin(stage->world), "user", id, "name", name, "role",
                      role, party_field, text(stage, party), NULL));
    return id;
}

static struct id make_account(struct stage *stage, const char *name)
{
    struct id id = world_id(stage->world);
    must(world_create(stage->world, world_admin(stage->world), "account", id, "name", name,
                      "annualRevenue", "10.00 NOK", "description", "seen by all", NULL));
    return id;
}

static struct id assign(struct stage *stage, struct id account)
{
    struct id id = world_id(stage->world);
    must(world_create(stage->world, world_admin(stage->world), "assignment", id, "party",
                      text(stage, stage->partner), "account", text(stage, account), "level", "edit",
                      NULL));
    return id;
}

static struct id make_note(struct stage *stage, const char *words, const char *audience)
{
    struct id id = world_id(stage->world);
    must(world_create(stage->world, world_admin(stage->world), "note", id, "text", words, "account",
                      text(stage, stage->account), NULL));
    if (audience != NULL)
        must(world_share(stage->world, world_admin(stage->world), id, audience, NULL));
    return id;
}

static void put_hidden_field(struct stage *stage)
{
    struct buffer body = {0};
    char json[400], hex[2 * ID_SIZE + 1];
    session_hex(stage->contact.octet, ID_SIZE, hex);
    snprintf(json, sizeof json,
             "{\"type\":\"mutate\",\"number\":1,\"changes\":[{\"op\":\"update\",\"id\":h'%s',"
             "\"fields\":{\"margin\":\"%s%llu\"}}]}",
             hex, HIDDEN, (unsigned long long)++stage->edits);
    MUST(notation_parse(bytes_text(json), &body));
    world_new_client_id(stage->world);
    (void)world_apply(stage->world, COMMAND_MUTATE, world_admin(stage->world), buffer_bytes(&body));
    buffer_release(&body);
}

static void make_company(struct stage *stage)
{
    struct world *world = stage->world;
    struct id admin = world_admin(world);
    stage->account = make_account(stage, "Fjord");
    stage->other_account = make_account(stage, HIDDEN);
    stage->closed_account = make_account(stage, "Vinter");
    stage->assignment = assign(stage, stage->account);
    stage->ended_assignment = assign(stage, stage->closed_account);
    must(world_remove(world, admin, stage->ended_assignment));
    /* What it said before it was shared stays hidden. */
    stage->shared_note = make_note(stage, HIDDEN, NULL);
    must(world_update(world, admin, "note", stage->shared_note, "text", "for partners", NULL));
    must(world_share(world, admin, stage->shared_note, "partners", NULL));
    stage->hidden_note = make_note(stage, HIDDEN, NULL);
    stage->contact = world_id(world);
    must(world_create(world, admin, "contact", stage->contact, "lastName", "Berg", "account",
                      text(stage, stage->account), NULL));
    stage->opportunity = world_id(world);
    must(world_create(world, admin, "opportunity", stage->opportunity, "name", HIDDEN, "account",
                      text(stage, stage->account), "amount", "5.00 NOK", NULL));
    stage->interaction = world_id(world);
    must(world_create(world, admin, "interaction", stage->interaction, "channel", "Call", "subject",
                      HIDDEN, "account", text(stage, stage->account), NULL));
    stage->field = world_id(world);
    must(world_create(world, admin, "customField", stage->field, "key", "contact.margin", "entity",
                      "contact", "name", "margin", "kind", "text", "class", "internal", NULL));
    put_hidden_field(stage);
    hide(stage, stage->other_account);
    hide(stage, stage->hidden_note);
    hide(stage, stage->opportunity);
    hide(stage, stage->interaction);
}

static void give_secrets(struct stage *stage, struct slot *slot, const char *token)
{
    static const uint8_t fingerprint[32] = {0xce};
    struct buffer body = {0};
    snprintf(slot->token, sizeof slot->token, "%s-token-of-thirty-two-bytes-long", token);
    credential_body(&body, slot->user, CREDENTIAL_PASSWORD, bytes_text("$argon2id$first"), 0);
    must(world_apply(stage->world, COMMAND_CREDENTIAL, slot->user, buffer_bytes(&body)));
    buffer_clear(&body);
    MUST(strlen(slot->token) == STAGE_TOKEN_SIZE);
    credential_body(&body, slot->user, CREDENTIAL_TOKEN, bytes_text(slot->token),
                    stage->world->now_ms + SESSION_TOKEN_DAYS * SESSION_DAY_MS);
    must(world_apply(stage->world, COMMAND_CREDENTIAL, slot->user, buffer_bytes(&body)));
    if (slot == &stage->slots[SLOT_MEMBER]) {
        buffer_clear(&body);
        credential_body(&body, slot->user, CREDENTIAL_CERTIFICATE, bytes_of(fingerprint, 32), 0);
        must(world_apply(stage->world, COMMAND_CREDENTIAL, world_admin(stage->world),
                         buffer_bytes(&body)));
    }
    buffer_release(&body);
}

static struct stage *build(void)
{
    struct stage *stage = calloc(1, sizeof *stage);
    MUST(stage != NULL);
    struct world *world = stage->world = world_new(1);
    stage->uptime_ms = 1000;
    stage->partner = world_id(world);
    must(world_create(world, world_admin(world), "party", stage->partner, "name", "Ytre", "kind",
                      "supplier", NULL));
    stage->department = world_department(world, "sales");
    stage->slots[SLOT_PARTNER].user = make_user(stage, "pia", "Partner", "partner", stage->partner);
    stage->slots[SLOT_MEMBER].user =
        make_user(stage, "kari", "Member", "departments", stage->department);
    stage->slots[SLOT_ADMIN].user = world_admin(world);
    make_company(stage);
    give_secrets(stage, &stage->slots[SLOT_PARTNER], "p");
    give_secrets(stage, &stage->slots[SLOT_MEMBER], "k");
    give_secrets(stage, &stage->slots[SLOT_ADMIN], "a");
    for (size_t i = 0; i < STAGE_SLOTS; i++) {
        stage->slots[i].client = world_id(world);
        stage->slots[i].number = 1;
    }
    world_deliver(world, WORLD_MAX_NOTICES);
    return stage;
}

/* ---- A copy for each script -------------------------------------------------------------------
 */

static void copy_records(const struct state *from, const struct state *to)
{
    static struct record record;
    struct bytes bytes;
    uint64_t seq = 0, entry_seq;
    struct id id = {{0}};
    while (from->ops->feed_next(from->self, &seq, &id) == STATUS_OK) {
        must(from->ops->record(from->self, id, &bytes));
        must(record_decode(bytes, &record));
        must(to->ops->put_record(to->self, NULL, &record));
        for (uint64_t before = UINT64_MAX;
             from->ops->history_next(from->self, id, before, &entry_seq, &bytes) == STATUS_OK;
             before = entry_seq)
            must(to->ops->put_history(to->self, id, entry_seq, bytes));
    }
}

static void copy_credentials(const struct state *from, const struct state *to)
{
    struct buffer key = {0};
    struct bytes value;
    while (from->ops->credential_next(from->self, bytes_of(NULL, 0), &key, &value) == STATUS_OK)
        must(to->ops->put_credential(to->self, buffer_bytes(&key), value));
    buffer_release(&key);
}

static void copy_access(const struct state *from, const struct state *to, struct id subject)
{
    struct scope scope = {0};
    struct access_row row;
    while (from->ops->access_next(from->self, subject, scope, &scope, &row) == STATUS_OK)
        must(to->ops->put_access(to->self, subject, scope, &row));
}

/* Building the company anew would take most of the time of a short script. */
struct stage *stage_new(void)
{
    static struct stage *model;
    if (model == NULL)
        model = build();
    struct stage *stage = calloc(1, sizeof *stage);
    struct world *world = calloc(1, sizeof *world);
    MUST(stage != NULL && world != NULL);
    *world = *model->world;
    *stage = *model;
    stage->world = world;
    world->memory = memory_state_new();
    world->interest = interest_new();
    world->cache = feed_cache_new();
    world->presence = presence_new(stage_wake, stage);
    MUST(world->presence != NULL);
    const struct state from = world_state(model->world), to = world_state(world);
    struct meta meta;
    copy_records(&from, &to);
    copy_credentials(&from, &to);
    copy_access(&from, &to, stage->partner);
    must(from.ops->meta(from.self, &meta));
    must(to.ops->put_meta(to.self, &meta));
    must(from.ops->put_meta(from.self, &meta)); /* writing gives back what reading has lent */
    return stage;
}

void stage_free(struct stage *stage)
{
    for (size_t i = 0; i < STAGE_SLOTS; i++)
        stage_disconnect(stage, &stage->slots[i]);
    for (size_t i = 0; i < stage->queued; i++)
        buffer_release(&stage->queue[i].body);
    world_free(stage->world);
    free(stage);
}

/* ---- What others do ---------------------------------------------------------------------------
 *
 * Nothing of it shows an outsider what is hidden. Refusals (what is gone cannot be edited) are as
 * good as anything else here. */

static void toggle_assignment(struct stage *stage)
{
    if (world_remove(stage->world, world_admin(stage->world), stage->assignment) != STATUS_OK)
        stage->assignment = assign(stage, stage->account);
}

static void toggle_ended_assignment(struct stage *stage)
{
    if (world_remove(stage->world, world_admin(stage->world), stage->ended_assignment) != STATUS_OK)
        stage->ended_assignment = assign(stage, stage->closed_account);
}

static void edit_hidden(struct stage *stage)
{
    char words[64];
    snprintf(words, sizeof words, "%s %llu", HIDDEN, (unsigned long long)++stage->edits);
    (void)world_update(stage->world, world_admin(stage->world), "note", stage->hidden_note, "text",
                       words, NULL);
    (void)world_update(stage->world, world_admin(stage->world), "account", stage->other_account,
                       "description", words, NULL);
}

static void edit_shared(struct stage *stage)
{
    char words[64];
    snprintf(words, sizeof words, "edit %llu", (unsigned long long)++stage->edits);
    (void)world_update(stage->world, world_admin(stage->world), "contact", stage->contact, "title",
                       words, NULL);
}

static void move_contact(struct stage *stage)
{
    (void)world_update(
        stage->world, world_admin(stage->world), "contact", stage->contact, "account",
        text(stage, ++stage->edits % 2 ? stage->closed_account : stage->account), NULL);
}

static void toggle_disabled(struct stage *stage, enum slot_index slot)
{
    (void)world_update(stage->world, world_admin(stage->world), "user", stage->slots[slot].user,
                       "disabled", ++stage->edits % 2 ? "true" : "false", NULL);
}

static void change_password(struct stage *stage, enum slot_index slot)
{
    struct buffer body = {0};
    char phc[64];
    snprintf(phc, sizeof phc, "$argon2id$%llu", (unsigned long long)++stage->edits);
    credential_body(&body, stage->slots[slot].user, CREDENTIAL_PASSWORD, bytes_text(phc), 0);
    (void)world_apply(stage->world, COMMAND_CREDENTIAL, stage->slots[slot].user,
                      buffer_bytes(&body));
    buffer_release(&body);
}

static void fill_account(struct stage *stage)
{
    for (unsigned i = 0; i < 20; i++)
        (void)make_note(stage, "one of many, some of them for partners", i % 4 ? NULL : "partners");
}

void stage_elsewhere(struct stage *stage, unsigned what)
{
    struct id admin = world_admin(stage->world);
    switch (what % 14) {
    case 0:
        edit_hidden(stage);
        break;
    case 1:
        edit_shared(stage);
        break;
    case 2:
        toggle_assignment(stage);
        break;
    case 3:
        toggle_ended_assignment(stage);
        break;
    case 4:
        move_contact(stage);
        break;
    case 5:
        put_hidden_field(stage);
        break;
    case 6:
        (void)world_share(stage->world, admin, stage->shared_note,
                          stage->edits % 2 ? "partners" : NULL,
                          stage->edits % 2 ? NULL : "partners");
        stage->edits++;
        break;
    case 7:
        toggle_disabled(stage, SLOT_PARTNER);
        break;
    case 8:
        toggle_disabled(stage, SLOT_MEMBER);
        break;
    case 9:
        change_password(stage, SLOT_PARTNER);
        break;
    case 10:
        change_password(stage, SLOT_MEMBER);
        break;
    case 11:
        (void)world_remove(stage->world, admin, stage->contact);
        break;
    case 12:
        (void)make_note(stage, "a new one", stage->edits++ % 2 ? "partners" : NULL);
        break;
    default:
        if (stage->edits < 1000)
            fill_account(stage);
        stage->edits += 300;
        break;
    }
}
