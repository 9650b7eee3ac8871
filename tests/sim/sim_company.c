/* The company as it begins: people, partners, accounts, a few records, and everybody's devices. */
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "client-lib/base/mutation.h"
#include "protocol/wire.h"
#include "server/core/access/principal.h"
#include "server/core/credential.h"
#include "tests/sim/sim.h"

#define YEAR_MS (UINT64_C(365) * 86400000)
#define FIRST_ACCOUNTS 4u

/* ---- Somebody in the server's own room ---- */

static void must(struct sim *sim, enum status status, const char *what)
{
    if (status != STATUS_OK)
        sim_differ(sim, "%s cannot be set up: %s", what, status_name(status));
}

/* Sends it as the administrator, and frees it. */
static void apply(struct sim *sim, tandem_mutation *mutation, const char *what)
{
    static const struct field_source no_custom_fields;
    struct buffer changes = {0}, body = {0};
    struct message message = {.type = MESSAGE_MUTATE};
    tandem_fault fault;
    must(sim, mutation_encode(mutation, &no_custom_fields, &changes, &fault), what);
    message.as.mutate.number = 1;
    message.as.mutate.changes = buffer_bytes(&changes);
    message_encode(&body, &message);
    must(sim, server_apply(sim, COMMAND_MUTATE, sim->users[0].id, buffer_bytes(&body)), what);
    buffer_release(&changes);
    buffer_release(&body);
    tandem_mutation_free(mutation);
}

static tandem_mutation *new_record(const char *entity, const char *name_field, const char *name,
                                   char id[TANDEM_ID_TEXT])
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert(mutation != NULL);
    (void)tandem_create(mutation, entity, id);
    (void)tandem_set_text(mutation, name_field, name);
    return mutation;
}

/* ---- People ---- */

static struct id department(struct sim *sim, const char *name)
{
    struct buffer key = {0}, value = {0}, place = {0};
    struct id id = {{0}};
    const struct state state = server_state(sim);
    wire_put_text(&value, name);
    schema_index_key(KIND_TEXT, buffer_bytes(&value), &key);
    must(sim,
         state.ops->index_next(state.self, bytes_text("party"), bytes_text("name"),
                               buffer_bytes(&key), false, &place, &id),
         name);
    server_state_end(sim);
    buffer_release(&key);
    buffer_release(&value);
    buffer_release(&place);
    return id;
}

/* The body of a command that lets the user in by their token. */
static void token_body(struct sim *sim, struct sim_user *user, struct buffer *body)
{
    uint8_t hash[32];
    unsigned size = 0;
    (void)snprintf(user->token, sizeof user->token, "token-%s-%llu", user->name,
                   (unsigned long long)sim->seed);
    const int done = EVP_Digest(user->token, strlen(user->token), hash, &size, EVP_sha256(), NULL);
    assert(done == 1);
    credential_body(body, user->id, CREDENTIAL_TOKEN, bytes_of(hash, 32),
                    sim_wall(sim) + 10 * YEAR_MS);
}

static void give_token(struct sim *sim, struct sim_user *user)
{
    struct buffer body = {0};
    token_body(sim, user, &body);
    must(sim, server_apply(sim, COMMAND_CREDENTIAL, user->id, buffer_bytes(&body)), "a token");
    buffer_release(&body);
}

void sim_admit(struct sim *sim, struct sim_user *user)
{
    struct buffer body = {0};
    token_body(sim, user, &body);
    server_submit(sim, COMMAND_CREDENTIAL, user->id, buffer_bytes(&body));
    buffer_release(&body);
}

static void found(struct sim *sim)
{
    static const char *const names[3] = {"sales", "support", "community"};
    struct sim_user *admin = &sim->users[sim->user_count++];
    struct id departments[3];
    struct buffer body = {0};
    wire_put_map(&body, 2);
    wire_put_text(&body, "name");
    wire_put_text(&body, "admin");
    wire_put_text(&body, "credential");
    wire_put_text(&body, "$argon2id$none");
    must(sim, server_apply(sim, COMMAND_FOUND, (struct id){{0}}, buffer_bytes(&body)), "the store");
    buffer_release(&body);
    const struct state state = server_state(sim);
    must(sim, principal_find_user(&state, bytes_text("admin"), &admin->id), "the administrator");
    server_state_end(sim);
    for (unsigned i = 0; i < 3; i++)
        departments[i] = department(sim, names[i]);
    admin->staff = true;
    (void)snprintf(admin->name, sizeof admin->name, "admin");
    history_found(sim, departments);
    give_token(sim, admin);
}

static void add_user(struct sim *sim, const char *name, const char *role, const char *place_field,
                     const char *place)
{
    struct sim_user *user = &sim->users[sim->user_count++];
    char id[TANDEM_ID_TEXT];
    tandem_mutation *mutation = new_record("user", "name", name, id);
    (void)tandem_set_text(mutation, "role", role);
    (void)tandem_set_text(mutation, place_field, place);
    apply(sim, mutation, name);
    (void)id_from_text(bytes_text(id), &user->id);
    (void)snprintf(user->name, sizeof user->name, "%s", name);
    user->staff = strcmp(role, "Partner") != 0;
    give_token(sim, user);
}

static void add_people(struct sim *sim)
{
    static const char *const kinds[3] = {"supplier", "distributor", "reseller"};
    static const char *const guests[3] = {"sonia", "dagny", "ravi"};
    char partners[3][TANDEM_ID_TEXT], text[TANDEM_ID_TEXT];
    for (unsigned i = 0; i < 3; i++) {
        tandem_mutation *mutation = new_record("party", "name", kinds[i], partners[i]);
        (void)tandem_set_text(mutation, "kind", kinds[i]);
        apply(sim, mutation, kinds[i]);
    }
    add_user(sim, "kari", "Member", "departments", id_to_text(department(sim, "sales"), text));
    add_user(sim, "omar", "Manager", "departments", id_to_text(department(sim, "support"), text));
    add_user(sim, guests[0], "Partner", "partner", partners[0]);
    add_user(sim, guests[1], "Partner", "partner", partners[1]);
    add_user(sim, "lena", "Member", "departments", id_to_text(department(sim, "community"), text));
    for (unsigned i = 0; i < 2; i++) {
        char account[TANDEM_ID_TEXT];
        tandem_mutation *mutation =
            new_record("account", "name", i == 0 ? "Fjord Bruk" : "Vestland", account);
        (void)tandem_create(mutation, "assignment", NULL);
        (void)tandem_set_text(mutation, "party", partners[i]);
        (void)tandem_set_text(mutation, "account", account);
        (void)tandem_set_text(mutation, "level", "edit");
        apply(sim, mutation, "an account with a partner");
    }
}

static void add_records(struct sim *sim)
{
    for (unsigned i = 2; i < FIRST_ACCOUNTS; i++) {
        char account[TANDEM_ID_TEXT], name[24];
        (void)snprintf(name, sizeof name, "Account %u", i);
        tandem_mutation *mutation = new_record("account", "name", name, account);
        for (unsigned j = 0; j < 2; j++) {
            (void)snprintf(name, sizeof name, "Contact %u.%u", i, j);
            (void)tandem_create(mutation, "contact", NULL);
            (void)tandem_set_text(mutation, "lastName", name);
            (void)tandem_set_text(mutation, "account", account);
        }
        (void)tandem_create(mutation, "note", NULL);
        (void)tandem_set_text(mutation, "text", "first");
        (void)tandem_set_text(mutation, "account", account);
        apply(sim, mutation, "records");
    }
}

void sim_set_up(struct sim *sim)
{
    sim->server.retention_ms = sim_chance(sim, 25) ? 3 * UINT64_C(3600000) : 0;
    server_make(sim);
    found(sim);
    add_people(sim);
    add_records(sim);
    const unsigned count = 4 + (unsigned)sim_random(sim, 5);
    for (unsigned i = 0; i < count; i++)
        device_make(sim, i % sim->user_count);
    sim_pass(sim, 3000);
}
