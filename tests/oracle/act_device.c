/* Devices: made, connected, cut off, slow, and restored from an old copy. */
#include <stdio.h>

#include "tests/oracle/act.h"

static const char *const some_entities[] = {"contact", "note", "assignment", "account"};

/* Some scopes, open or not: a client may ask for whatever it likes. */
static struct world_client *choosy(struct oracle *oracle, struct id user)
{
    char texts[4][SCOPE_TEXT_SIZE];
    const char *scopes[4];
    size_t count = 1 + oracle_random(oracle, 4);
    for (size_t i = 0; i < count; i++) {
        struct scope scope = {.kind = SCOPE_LIBRARY};
        const struct model_record *account = oracle_pick(oracle, "account");
        switch (oracle_random(oracle, 5)) {
        case 0:
            scope = (struct scope){SCOPE_PARTY, oracle_pick(oracle, "party")->id};
            break;
        case 1:
            scope = (struct scope){SCOPE_USER, user};
            break;
        case 2:
            break;
        default:
            if (account != NULL) {
                scope = (struct scope){SCOPE_ACCOUNT, account->id};
            }
        }
        scopes[i] = scope_to_text(scope, texts[i]);
        for (size_t j = 0; j < i; j++) {
            struct scope other;
            scope_from_text(bytes_text(scopes[j]), &other);
            if (scope_equal(other, scope)) {
                count = i;
            }
        }
    }
    return world_client_new(oracle->world, user, scopes, count);
}

static void connect(struct oracle *oracle, struct oracle_device *device)
{
    struct model_person who;
    bool enabled =
        model_person(oracle->model, client_user(device->client), model_head(oracle->model), &who);
    device->connected_seq = model_head(oracle->model);
    device->told = false;
    client_connect(device->client);
    if (enabled != client_connected(device->client)) {
        oracle_differ(oracle, "%s %s", oracle_user_name(oracle, client_user(device->client)),
                      enabled ? "may sign in and was refused" : "may not sign in and could");
    }
}

void act_device_new(struct oracle *oracle)
{
    if (oracle->device_count == ORACLE_MAX_DEVICES) {
        return;
    }
    struct oracle_device *device = &oracle->devices[oracle->device_count++];
    struct id user = oracle_user(oracle, false);
    if (oracle->device_count > 3 && oracle_chance(oracle, 25)) {
        const struct oracle_device *from =
            &oracle->devices[oracle_random(oracle, oracle->device_count - 1)];
        device->client = world_client_copy(from->client);
        device->connected_seq = 0;
        oracle_doing(oracle, "%s puts a copy of a device aside",
                     oracle_user_name(oracle, client_user(from->client)));
        return;
    }
    bool all = oracle_chance(oracle, 65);
    device->client = all ? world_client_new(oracle->world, user, NULL, 0) : choosy(oracle, user);
    if (oracle_chance(oracle, 15)) {
        client_want_entities(device->client, some_entities, 1 + oracle_random(oracle, 4));
    }
    oracle_doing(oracle, "%s gets a new device for %s", oracle_user_name(oracle, user),
                 all ? "everything" : "some scopes");
    connect(oracle, device);
}

static struct oracle_device *some_device(struct oracle *oracle, bool connected)
{
    for (unsigned i = 0; i < 10; i++) {
        struct oracle_device *device =
            &oracle->devices[oracle_random(oracle, oracle->device_count)];
        if (client_connected(device->client) == connected) {
            return device;
        }
    }
    return NULL;
}

void act_device_connect(struct oracle *oracle)
{
    struct oracle_device *device = some_device(oracle, oracle_chance(oracle, 15));
    if (device != NULL) {
        oracle_doing(oracle, "%s connects at cursor %llu",
                     oracle_user_name(oracle, client_user(device->client)),
                     (unsigned long long)client_cursor(device->client));
        connect(oracle, device);
    }
}

void act_device_disconnect(struct oracle *oracle)
{
    struct oracle_device *device = some_device(oracle, true);
    if (device != NULL) {
        oracle_doing(oracle, "%s is cut off at cursor %llu",
                     oracle_user_name(oracle, client_user(device->client)),
                     (unsigned long long)client_cursor(device->client));
        client_disconnect(device->client);
    }
}

void act_device_pump(struct oracle *oracle)
{
    struct oracle_device *device = some_device(oracle, true);
    if (device != NULL) {
        size_t frames = 1 + oracle_random(oracle, 4);
        bool acknowledges = oracle_chance(oracle, 70);
        oracle_doing(oracle, "%s takes up to %zu frames%s",
                     oracle_user_name(oracle, client_user(device->client)), frames,
                     acknowledges ? "" : " and says nothing");
        client_pump(device->client, frames, acknowledges);
    }
}

static struct scope some_scope(struct oracle *oracle)
{
    const struct model_record *account = oracle_pick(oracle, "account");
    switch (oracle_random(oracle, 6)) {
    case 0:
        return (struct scope){SCOPE_PARTY, oracle_pick(oracle, "party")->id};
    case 1:
        return (struct scope){SCOPE_USER, oracle_user(oracle, false)};
    case 2:
        return (struct scope){.kind = SCOPE_LIBRARY};
    case 3:
        return (struct scope){SCOPE_ACCOUNT, world_id(oracle->world)}; /* there is none */
    default:
        return account != NULL ? (struct scope){SCOPE_ACCOUNT, account->id}
                               : (struct scope){.kind = SCOPE_LIBRARY};
    }
}

static size_t some_scopes(struct oracle *oracle, struct scope scopes[6])
{
    size_t count = oracle_random(oracle, 7);
    for (size_t i = 0; i < count; i++) {
        scopes[i] = some_scope(oracle);
    }
    return count;
}

/* It comes to something for one that is far behind, or new. */
void act_device_prefer(struct oracle *oracle)
{
    struct oracle_device *device = some_device(oracle, false);
    struct scope scopes[6];
    size_t count = some_scopes(oracle, scopes);
    if (device == NULL || oracle_chance(oracle, 50)) {
        if (oracle->device_count == ORACLE_MAX_DEVICES) {
            return;
        }
        device = &oracle->devices[oracle->device_count++];
        device->client = world_client_new(oracle->world, oracle_user(oracle, false), NULL, 0);
    }
    oracle_doing(oracle, "%s connects at cursor %llu and prefers %zu scopes",
                 oracle_user_name(oracle, client_user(device->client)),
                 (unsigned long long)client_cursor(device->client), count);
    connect(oracle, device);
    if (client_connected(device->client)) {
        client_prefer(device->client, scopes, count);
        client_pump(device->client, oracle_random(oracle, 6), true);
    }
}

/* Whether they are open or not. */
void act_device_check(struct oracle *oracle)
{
    struct oracle_device *device = some_device(oracle, true);
    struct scope scopes[6];
    size_t count = some_scopes(oracle, scopes);
    if (device != NULL) {
        oracle_doing(oracle, "%s checks %zu scopes",
                     oracle_user_name(oracle, client_user(device->client)), count);
        client_check(device->client, ++oracle->checks, scopes, count);
        client_pump(device->client, oracle_random(oracle, 4), true);
    }
}

void act_deliver(struct oracle *oracle)
{
    size_t count = 1 + oracle_random(oracle, 5);
    oracle_doing(oracle, "%zu notices arrive", count);
    world_deliver(oracle->world, count);
}
