#include "tests/survival/hostile/company.h"

#include <stdio.h>
#include <string.h>

#define BALLAST_BYTES 4096
#define BALLAST_AT_ONCE 50

static void put_field(struct buffer *out, const char *name, const char *value)
{
    wire_put_text(out, name);
    wire_put_text(out, value);
}

/* Begins {op: create, id, entity, fields: {...`fields` of them}}; the fields follow. */
static void put_create(struct buffer *out, struct id id, const char *entity, uint32_t fields)
{
    wire_put_map(out, 4);
    put_field(out, "op", "create");
    wire_put_text(out, "id");
    wire_put_id(out, id);
    put_field(out, "entity", entity);
    wire_put_text(out, "fields");
    wire_put_map(out, fields);
}

static void put_interaction(struct buffer *out, struct id id, struct id account, const char *body)
{
    put_create(out, id, "interaction", 4);
    put_field(out, "channel", "Call");
    put_field(out, "subject", "nothing yet");
    put_field(out, "body", body);
    wire_put_text(out, "account");
    wire_put_id(out, account);
}

void company_put_update(struct buffer *out, struct id id, uint64_t number)
{
    char subject[32];
    (void)snprintf(subject, sizeof subject, "call %llu", (unsigned long long)number);
    wire_put_array(out, 1);
    wire_put_map(out, 3);
    put_field(out, "op", "update");
    wire_put_text(out, "id");
    wire_put_id(out, id);
    wire_put_text(out, "fields");
    wire_put_map(out, 1);
    put_field(out, "subject", subject);
}

/* Sends the changes, which are released. */
static bool send_changes(struct talk *admin, struct buffer *changes, const char *what)
{
    bool done = !changes->failed && talk_mutate(admin, buffer_bytes(changes));
    if (!done) {
        char why[TALK_NAME] = "the connection ended";
        if (admin->last.type == MESSAGE_RESULT) {
            (void)bytes_to_text(admin->last.as.result.status, why, sizeof why);
        }
        (void)fprintf(stderr, "%s could not be made: %s\n", what, why);
    }
    buffer_release(changes);
    return done;
}

static bool make_user(struct talk *admin, struct id id, const char *name)
{
    struct id department = talk_id();
    struct buffer changes = {0};
    char title[64];
    (void)snprintf(title, sizeof title, "department of %s", name);
    wire_put_array(&changes, 2);
    put_create(&changes, department, "party", 2);
    put_field(&changes, "name", title);
    put_field(&changes, "kind", "department");
    put_create(&changes, id, "user", 3);
    put_field(&changes, "name", name);
    put_field(&changes, "role", "Member");
    wire_put_text(&changes, "departments");
    wire_put_array(&changes, 1);
    wire_put_id(&changes, department);
    return send_changes(admin, &changes, name);
}

bool company_add_user(struct talk *admin, const struct server_process *server, const char *name,
                      const char *password, struct id *id, char token[COMPANY_TOKEN])
{
    struct talk user;
    char code[64], refusal[TALK_NAME] = "";
    *id = talk_id();
    struct message invite = {.type = MESSAGE_INVITE};
    invite.as.invite.user = *id;
    if (!make_user(admin, *id, name) || !talk_ask(admin, &invite, &invite.as.invite.request)) {
        return false;
    }
    (void)bytes_to_text(admin->last.as.answer.code, code, sizeof code);
    const struct talk_hello hello = {.method = "code",
                                     .user = name,
                                     .secret = code,
                                     .new_secret = password,
                                     .remember = token != NULL};
    bool came_in =
        talk_open(&user, server->address, server->ca, NULL) && talk_sign_in(&user, &hello, refusal);
    if (came_in && token != NULL) {
        (void)bytes_to_text(user.last.as.welcome.token, token, COMPANY_TOKEN);
    }
    if (!came_in) {
        (void)fprintf(stderr, "%s could not sign in: %s\n", name, refusal);
    }
    talk_close(&user);
    return came_in;
}

static bool make_records(struct talk *admin, struct company *company)
{
    struct buffer changes = {0};
    struct id office = talk_id();
    company->account = talk_id();
    company->honest = talk_id();
    wire_put_array(&changes, 3 + COMPANY_RECORDS);
    put_create(&changes, office, "account", 1);
    put_field(&changes, "name", "Fjord Offices");
    put_create(&changes, company->account, "account", 1);
    put_field(&changes, "name", "Playground");
    put_interaction(&changes, company->honest, office, "");
    for (size_t i = 0; i < COMPANY_RECORDS; i++) {
        company->records[i] = talk_id();
        put_interaction(&changes, company->records[i], company->account, "short");
    }
    return send_changes(admin, &changes, "the records");
}

static bool make_ballast(struct talk *admin, const struct company *company, unsigned count)
{
    char body[BALLAST_BYTES + 1];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    bool fine = true;
    for (unsigned made = 0; fine && made < count;) {
        unsigned now = count - made < BALLAST_AT_ONCE ? count - made : BALLAST_AT_ONCE;
        struct buffer changes = {0};
        wire_put_array(&changes, now);
        for (unsigned i = 0; i < now; i++) {
            put_interaction(&changes, talk_id(), company->account, body);
        }
        fine = send_changes(admin, &changes, "the ballast");
        made += now;
    }
    return fine;
}

bool company_make(struct company *company, const struct server_process *server, unsigned ballast)
{
    static const struct talk_hello hello = {
        .method = "password", .user = COMPANY_ADMIN, .secret = COMPANY_PASSWORD};
    struct talk admin;
    char refusal[TALK_NAME] = "";
    struct id other;
    *company = (struct company){.user = "mallory"};
    bool made = talk_open(&admin, server->address, server->ca, NULL) &&
                talk_sign_in(&admin, &hello, refusal);
    if (!made) {
        (void)fprintf(stderr, "the administrator could not sign in: %s\n", refusal);
    }
    made = made && make_records(&admin, company) && make_ballast(&admin, company, ballast) &&
           company_add_user(&admin, server, company->user, "mallory-password-1", &company->user_id,
                            company->token) &&
           company_add_user(&admin, server, "nora", "nora-password-1", &other, company->newcomer);
    talk_close(&admin);
    return made;
}
