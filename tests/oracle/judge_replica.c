/* When nothing is under way, each replica holds exactly what its user may see of what it asked for.
 */
#include <stdio.h>
#include <string.h>

#include "tests/oracle/oracle.h"

static bool enabled_since(const struct oracle *oracle, struct id user, uint64_t seq)
{
    struct model_person who;
    for (; seq <= model_head(oracle->model); seq++) {
        if (!model_person(oracle->model, user, seq, &who)) {
            return false;
        }
    }
    return true;
}

static bool is_connected(struct oracle *oracle, const struct oracle_device *device)
{
    struct model_person who;
    struct id user = client_user(device->client);
    if (client_connected(device->client)) {
        if (!model_person(oracle->model, user, model_head(oracle->model), &who)) {
            oracle_differ(oracle, "%s may not sign in and is still connected",
                          oracle_user_name(oracle, user));
        }
        return true;
    }
    if (client_closed(device->client) != 0 && enabled_since(oracle, user, device->connected_seq)) {
        oracle_differ(oracle, "the connection of %s was closed with %u",
                      oracle_user_name(oracle, user), client_closed(device->client));
    }
    return false;
}

static void compare(struct oracle *oracle, const struct world_client *client)
{
    struct id user = client_user(client);
    uint64_t head = model_head(oracle->model);
    struct model_person who;
    size_t expected = 0;
    char why[256];
    model_person(oracle->model, user, head, &who);
    for (size_t i = 0; i < model_count(oracle->model); i++) {
        const struct model_record *record = model_at(oracle->model, i);
        const struct held *held = client_find(client, record->id);
        struct model_view view;
        bool seen = model_view(oracle->model, &who, record, head, &view);
        bool wanted = seen && client_wants_scope(client, view.scope) &&
                      client_wants_entity(client, bytes_text(record->entity));
        if (wanted != (held != NULL)) {
            oracle_differ(oracle, "the replica of %s (cursor %llu, head %llu) %s %s%s",
                          oracle_user_name(oracle, user), (unsigned long long)client_cursor(client),
                          (unsigned long long)head, wanted ? "lacks" : "still holds",
                          oracle_name(oracle, record->id), wanted ? "" : ", which it may not");
        }
        if (held != NULL && !judge_record(&view, buffer_bytes(&held->encoded), why, sizeof why)) {
            oracle_differ(oracle, "the replica of %s holds %s wrongly: %s",
                          oracle_user_name(oracle, user), oracle_name(oracle, record->id), why);
        }
        expected += wanted;
    }
    if (expected != client_held_count(client)) {
        oracle_differ(oracle, "the replica of %s holds %zu records and should hold %zu",
                      oracle_user_name(oracle, user), client_held_count(client), expected);
    }
}

/* A checksum of each scope that is open and wanted, and of no other. */
static void check(struct oracle *oracle, struct world_client *client)
{
    struct scope scopes[LIMIT_CHECK];
    struct model_person who;
    size_t count = 0;
    uint32_t expected = 0;
    uint64_t head = model_head(oracle->model);
    struct id user = client_user(client);
    model_person(oracle->model, user, head, &who);
    scopes[count++] = (struct scope){.kind = SCOPE_LIBRARY};
    scopes[count++] = (struct scope){SCOPE_USER, user};
    for (size_t i = 0; i < model_count(oracle->model) && count < LIMIT_CHECK; i++) {
        const struct model_record *record = model_at(oracle->model, i);
        if (model_version_at(record, head) == NULL) {
            continue; /* the scope of what is gone may be forgotten */
        }
        if (strcmp(record->entity, "account") == 0) {
            scopes[count++] = (struct scope){SCOPE_ACCOUNT, record->id};
        } else if (strcmp(record->entity, "party") == 0) {
            scopes[count++] = (struct scope){SCOPE_PARTY, record->id};
        }
    }
    for (size_t i = 0; i < count; i++) {
        expected += client_wants_scope(client, scopes[i]) &&
                    model_scope_open(oracle->model, &who, scopes[i], head);
    }
    size_t resets = client_received(client, MESSAGE_RESET);
    client_check(client, ++oracle->checks, scopes, count);
    client_settle(client);
    if (client_received(client, MESSAGE_RESET) > resets) {
        client_check(client, ++oracle->checks, scopes, count); /* that ends a check */
        client_settle(client);
    }
    struct message sums;
    if (message_decode(client_last(client, MESSAGE_SUMS), &sums, NULL) != STATUS_OK ||
        sums.as.sums.request != oracle->checks || message_count(sums.as.sums.sums) != expected) {
        oracle_differ(oracle, "%s was not told the checksums of %u scopes",
                      oracle_user_name(oracle, user), expected);
    }
}

void judge_quiet(struct oracle *oracle)
{
    oracle_doing(oracle, "everything is delivered");
    world_forget_frames(oracle->world);
    oracle->frames_since = model_head(oracle->model);
    for (size_t i = 0; i < oracle->device_count; i++) {
        const struct oracle_device *device = &oracle->devices[i];
        client_settle(device->client);
        if (!is_connected(oracle, device)) {
            continue;
        }
        if (!client_caught_up(device->client)) {
            oracle_differ(oracle, "%s was never told to be caught up",
                          oracle_user_name(oracle, client_user(device->client)));
        }
        compare(oracle, device->client);
        check(oracle, device->client);
        oracle->progress->compared++;
    }
}
