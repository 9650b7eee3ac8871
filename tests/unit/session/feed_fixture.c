#include "tests/unit/session/feed_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protocol/wire.h"

void must(enum status status)
{
    assert_string_equal(status_name(status), "ok");
}

const char *text(struct fixture *f, struct id id)
{
    return world_id_text(f->world, id);
}

struct id make_party(struct fixture *f, const char *name)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "party", id, "name", name, "kind", "supplier", NULL));
    return id;
}

struct id make_user(struct fixture *f, const char *name, const char *role, const char *field,
                    struct id party)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "user", id, "name", name, "role", role, field,
                      text(f, party), NULL));
    return id;
}

struct id make_account(struct fixture *f, const char *name)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "account", id, "name", name, NULL));
    return id;
}

struct id make_note(struct fixture *f, struct id account, const char *words, const char *audience)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "note", id, "text", words, "account", text(f, account),
                      NULL));
    if (audience != NULL) {
        must(world_share(f->world, f->admin, id, audience, NULL));
    }
    return id;
}

struct id assign(struct fixture *f, struct id party, struct id account)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "assignment", id, "party", text(f, party), "account",
                      text(f, account), "level", "view", NULL));
    return id;
}

int feed_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->world = world_new(11);
    f->admin = world_admin(f->world);
    f->supplier = make_party(f, "Nordic Paper");
    f->other = make_party(f, "Baltic Timber");
    struct id support = world_department(f->world, "support");
    f->kari = make_user(f, "kari", "Member", "departments", support);
    f->ola = make_user(f, "ola", "Member", "departments", support);
    f->eva = make_user(f, "eva", "Partner", "partner", f->supplier);
    f->fred = make_user(f, "fred", "Partner", "partner", f->other);
    f->fjord = make_account(f, "Fjord Bruk");
    f->hytte = make_account(f, "Hytte Hus");
    *state = f;
    return 0;
}

int feed_tear_down(void **state)
{
    struct fixture *f = *state;
    world_free(f->world);
    free(f);
    return 0;
}

struct world_client *watcher(struct fixture *f, struct id user)
{
    struct world_client *client = world_client_new(f->world, user, NULL, 0);
    client_connect(client);
    client_settle(client);
    assert_true(client_caught_up(client));
    return client;
}

struct bytes held_part(struct world_client *client, struct id id, const char *key)
{
    const struct held *held = client_find(client, id);
    struct bytes value;
    assert_non_null(held);
    assert_true(wire_map_find(buffer_bytes(&held->encoded), key, &value));
    return value;
}
