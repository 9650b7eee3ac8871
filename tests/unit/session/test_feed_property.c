/* Random histories against what the gate says.
 *
 * Users of departments and of partners watch, each from several devices that come and go, read
 * slowly or not at all, want everything or a few accounts, some of them first, and ask for
 * checksums, while records, audiences, assignments, restrictions and memberships change at random.
 * At every quiet point each replica must hold exactly what its user may see, in the version that is
 * theirs; and what the server adds up, whenever it does, must be what is held when that arrives.
 *
 * SEED=n repeats one history, STEPS=n makes each longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture/world.h"

#define ACCOUNTS 6u
#define PARTNERS 3u
#define STAFF 3u
#define MAX_RECORDS 400u
#define MAX_CLIENTS 16u

struct history {
    struct world *world;
    struct id accounts[ACCOUNTS];
    struct id partners[PARTNERS];
    struct id users[STAFF + PARTNERS];
    struct id assignments[PARTNERS][ACCOUNTS];
    bool assigned[PARTNERS][ACCOUNTS];
    struct id records[MAX_RECORDS];
    const char *entities[MAX_RECORDS];
    size_t record_count;
    struct world_client *clients[MAX_CLIENTS];
    size_t client_count;
    uint64_t checks;
};

static size_t pick(struct history *h, size_t count)
{
    return (size_t)world_random(h->world, count);
}

static const char *text_of(struct history *h, struct id id)
{
    return world_id_text(h->world, id);
}

static void must(enum status status)
{
    if (status != STATUS_OK) {
        fail_msg("refused: %s", status_name(status));
    }
}

static const char *random_tag(struct history *h)
{
    static char texts[8][TAG_TEXT_SIZE];
    static unsigned next;
    char *out = texts[next++ % 8];
    switch (pick(h, 6)) {
    case 0:
        return "internal";
    case 1:
        return "suppliers";
    case 2:
        return "distributors";
    case 3:
        return "partners";
    case 4:
        snprintf(out, TAG_TEXT_SIZE, "partner:%s", text_of(h, h->partners[pick(h, PARTNERS)]));
        return out;
    default:
        snprintf(out, TAG_TEXT_SIZE, "dept:%s",
                 text_of(h, world_department(h->world, pick(h, 2) ? "sales" : "support")));
        return out;
    }
}

static void make_people(struct history *h)
{
    static const char *const kinds[PARTNERS] = {"supplier", "distributor", "agency"};
    struct id admin = world_admin(h->world);
    for (size_t i = 0; i < PARTNERS; i++) {
        char name[32];
        h->partners[i] = world_id(h->world);
        snprintf(name, sizeof name, "Partner %zu", i);
        must(world_create(h->world, admin, "party", h->partners[i], "name", name, "kind", kinds[i],
                          NULL));
    }
    for (size_t i = 0; i < STAFF + PARTNERS; i++) {
        char name[32];
        bool staff = i < STAFF;
        h->users[i] = world_id(h->world);
        snprintf(name, sizeof name, "user%zu", i);
        must(world_create(h->world, admin, "user", h->users[i], "name", name, "role",
                          staff ? "Member" : "Partner", staff ? "departments" : "partner",
                          text_of(h, staff ? world_department(h->world, i % 2 ? "sales" : "support")
                                           : h->partners[i - STAFF]),
                          NULL));
    }
}

static void make_accounts(struct history *h)
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        char name[32];
        h->accounts[i] = world_id(h->world);
        snprintf(name, sizeof name, "Account %zu", i);
        must(world_create(h->world, world_admin(h->world), "account", h->accounts[i], "name", name,
                          NULL));
    }
}

static void make_clients(struct history *h)
{
    for (size_t i = 0; i < STAFF + PARTNERS; i++) {
        h->clients[h->client_count++] = world_client_new(h->world, h->users[i], NULL, 0);
        char scopes[2][SCOPE_TEXT_SIZE];
        const char *wanted[2] = {scopes[0], scopes[1]};
        snprintf(scopes[0], SCOPE_TEXT_SIZE, "account:%s", text_of(h, h->accounts[0]));
        snprintf(scopes[1], SCOPE_TEXT_SIZE, "account:%s",
                 text_of(h, h->accounts[1 + pick(h, ACCOUNTS - 1)]));
        if (i % 2 == 0) {
            h->clients[h->client_count++] = world_client_new(h->world, h->users[i], wanted, 2);
        }
    }
}

/* A step that the rules refuse is no fault here: what is checked is what clients hold. */

static void step_create(struct history *h)
{
    static const char *const entities[] = {"note", "contact", "interaction", "opportunity"};
    static const char *const fields[] = {"text", "lastName", "subject", "name"};
    if (h->record_count == MAX_RECORDS) {
        return;
    }
    char words[1501];
    size_t kind = pick(h, 4), at = h->record_count++, length = pick(h, 3) ? 4 : sizeof words - 1;
    memset(words, 'w', length); /* a long one now and then, so that there is more than a frame */
    words[length] = '\0';
    h->records[at] = world_id(h->world);
    h->entities[at] = entities[kind];
    world_create(h->world, world_admin(h->world), entities[kind], h->records[at], fields[kind],
                 kind == 0 ? words : "text", "description", kind == 0 ? "" : words, "account",
                 text_of(h, h->accounts[pick(h, ACCOUNTS)]), NULL);
    if (pick(h, 2)) {
        world_share(h->world, world_admin(h->world), h->records[at], random_tag(h), NULL);
    }
}

/* In somebody's inbox or a party's own scope, where most others see nothing. */
static void step_create_private(struct history *h)
{
    char scope[SCOPE_TEXT_SIZE];
    if (h->record_count == MAX_RECORDS) {
        return;
    }
    size_t at = h->record_count++;
    h->records[at] = world_id(h->world);
    h->entities[at] = "note";
    if (pick(h, 3) == 0) {
        snprintf(scope, sizeof scope, "party:%s",
                 text_of(h, pick(h, 2) ? world_department(h->world, "sales")
                                       : h->partners[pick(h, PARTNERS)]));
    } else {
        snprintf(scope, sizeof scope, "user:%s", text_of(h, h->users[pick(h, STAFF + PARTNERS)]));
    }
    world_create(h->world, h->users[pick(h, STAFF + PARTNERS)], "note", h->records[at], "text",
                 "private", "@scope", scope, NULL);
}

static void step_edit(struct history *h)
{
    static const char *const values[] = {"one", "two", "three"};
    if (h->record_count == 0) {
        return;
    }
    size_t at = pick(h, h->record_count);
    /* externalId is an internal field: partners must not notice. */
    world_update(h->world, world_admin(h->world), h->entities[at], h->records[at],
                 pick(h, 3) ? "description" : "externalId", values[pick(h, 3)], NULL);
}

static void step_move(struct history *h)
{
    if (h->record_count > 0) {
        size_t at = pick(h, h->record_count);
        world_update(h->world, world_admin(h->world), h->entities[at], h->records[at], "account",
                     text_of(h, h->accounts[pick(h, ACCOUNTS)]), NULL);
    }
}

static void step_remove(struct history *h)
{
    if (h->record_count > 0) {
        world_remove(h->world, world_admin(h->world), h->records[pick(h, h->record_count)]);
    }
}

static void step_share(struct history *h)
{
    if (h->record_count > 0) {
        bool add = pick(h, 2);
        const char *tag = random_tag(h);
        world_share(h->world, world_admin(h->world), h->records[pick(h, h->record_count)],
                    add ? tag : NULL, add ? NULL : tag);
    }
}

static void step_assign(struct history *h)
{
    size_t partner = pick(h, PARTNERS), account = pick(h, ACCOUNTS);
    struct id admin = world_admin(h->world);
    if (h->assigned[partner][account]) {
        world_remove(h->world, admin, h->assignments[partner][account]);
        h->assigned[partner][account] = false;
        return;
    }
    struct id id = world_id(h->world);
    if (world_create(h->world, admin, "assignment", id, "party", text_of(h, h->partners[partner]),
                     "account", text_of(h, h->accounts[account]), "level", "view",
                     NULL) == STATUS_OK) {
        h->assignments[partner][account] = id;
        h->assigned[partner][account] = true;
    }
}

static void step_restrict(struct history *h)
{
    struct id account = h->accounts[pick(h, ACCOUNTS)];
    bool on = pick(h, 2);
    world_update(h->world, world_admin(h->world), "account", account, "team",
                 on ? text_of(h, h->users[pick(h, STAFF)]) : "", "restricted",
                 on ? "true" : "false", NULL);
}

static void step_membership(struct history *h)
{
    struct id admin = world_admin(h->world);
    if (pick(h, 2)) {
        world_update(h->world, admin, "user", h->users[pick(h, STAFF)], "departments",
                     text_of(h, world_department(h->world, pick(h, 2) ? "sales" : "support")),
                     NULL);
    } else {
        world_update(h->world, admin, "user", h->users[STAFF + pick(h, PARTNERS)], "partner",
                     text_of(h, h->partners[pick(h, PARTNERS)]), NULL);
    }
}

static void step_client(struct history *h)
{
    struct world_client *client = h->clients[pick(h, h->client_count)];
    if (pick(h, 10) == 0) {
        world_forget_frames(h->world);
    }
    switch (pick(h, 5)) {
    case 0:
        world_deliver(h->world, 1 + pick(h, 4));
        break;
    case 4:
        client_disconnect(client);
        break;
    case 1:
        if (!client_connected(client)) {
            client_connect(client);
        }
        break;
    case 2:
        client_pump(client, 1 + pick(h, 3), pick(h, 2));
        break;
    default:
        client_settle(client);
        break;
    }
}

/* Scopes of all kinds, theirs or not. */
static size_t some_scopes(struct history *h, struct scope scopes[4])
{
    size_t count = 1 + pick(h, 4);
    for (size_t i = 0; i < count; i++) {
        switch (pick(h, 6)) {
        case 0:
            scopes[i] = (struct scope){SCOPE_USER, h->users[pick(h, STAFF + PARTNERS)]};
            break;
        case 1:
            scopes[i] = (struct scope){SCOPE_PARTY, h->partners[pick(h, PARTNERS)]};
            break;
        case 2:
            scopes[i] = (struct scope){.kind = SCOPE_LIBRARY};
            break;
        default:
            scopes[i] = (struct scope){SCOPE_ACCOUNT, h->accounts[pick(h, ACCOUNTS)]};
        }
    }
    return count;
}

static void step_prefer(struct history *h)
{
    struct world_client *client = h->clients[pick(h, h->client_count)];
    struct scope scopes[4];
    if (!client_connected(client)) {
        client_connect(client);
    }
    size_t count = some_scopes(h, scopes);
    client_prefer(client, scopes, count);
    client_pump(client, 1 + pick(h, 4), true);
}

static void step_check(struct history *h)
{
    struct world_client *client = h->clients[pick(h, h->client_count)];
    struct scope scopes[4];
    size_t count = some_scopes(h, scopes);
    if (client_connected(client)) {
        client_check(client, ++h->checks, scopes, count);
        client_pump(client, pick(h, 3), true);
    }
}

static void step(struct history *h)
{
    static void (*const steps[])(struct history *) = {
        step_create, step_create, step_create_private, step_edit,      step_edit,
        step_edit,   step_share,  step_share,          step_client,    step_client,
        step_client, step_move,   step_prefer,         step_check,     step_assign,
        step_assign, step_remove, step_restrict,       step_membership};
    steps[pick(h, sizeof steps / sizeof *steps)](h);
}

static void quiesce(struct history *h)
{
    for (size_t i = 0; i < h->client_count; i++) {
        if (!client_connected(h->clients[i])) {
            client_connect(h->clients[i]);
        }
        client_settle(h->clients[i]);
        world_check_view(h->world, h->clients[i]);
    }
}

static void run_history(uint64_t seed, unsigned steps)
{
    struct history history = {.world = world_new(seed)};
    make_people(&history);
    make_accounts(&history);
    make_clients(&history);
    for (unsigned i = 1; i <= steps; i++) {
        step(&history);
        if (i % 40 == 0) {
            quiesce(&history);
        }
    }
    quiesce(&history);
    world_free(history.world);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void test_replicas_equal_the_permitted_view(void **state)
{
    (void)state;
    unsigned long only = from_environment("SEED", 0);
    unsigned steps = (unsigned)from_environment("STEPS", 300);
    unsigned long count = from_environment("SEEDS", 40);
    for (unsigned long seed = 1; seed <= count; seed++) {
        unsigned long run = only != 0 ? only : seed;
        fprintf(stderr, "seed %lu\n", run);
        run_history(run, steps);
        if (only != 0) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replicas_equal_the_permitted_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
