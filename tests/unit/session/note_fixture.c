#include "tests/unit/session/note_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct id assign_at(struct fixture *f, struct id party, struct id account, const char *level)
{
    struct id id = world_id(f->world);
    must(world_create(f->world, f->admin, "assignment", id, "party", text(f, party), "account",
                      text(f, account), "level", level, NULL));
    return id;
}

struct world_client *opener(struct fixture *f, struct id user, struct id note)
{
    struct world_client *client = watcher(f, user);
    client_open_note(client, note, false);
    settle_all(f);
    assert_true(client_has_note(client, note));
    return client;
}

static uint32_t units(const struct buffer *text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text->size; i++) {
        count += (text->data[i] & 0xc0) != 0x80;
        count += text->data[i] >= 0xf0;
    }
    return count;
}

void type_at_end(struct fixture *f, struct world_client *client, struct id note, const char *words)
{
    client_type(client, note, units(&client_note(client, note)->text), 0, words);
    settle_all(f);
    must(client_push_status(client));
}

void settle_all(struct fixture *f)
{
    struct world_client *client;
    bool moved = true;
    for (unsigned round = 0; moved; round++) {
        assert_true(round < 1000);
        moved = false;
        for (size_t i = 0; (client = world_client_at(f->world, i)) != NULL; i++) {
            client_settle(client);
        }
        world_deliver(f->world, 1000); /* also what came up only now */
        for (size_t i = 0; (client = world_client_at(f->world, i)) != NULL; i++) {
            moved = moved || (client_connected(client) && client_due(client));
        }
    }
}

const char *error_name(const struct world_client *client)
{
    static char name[64];
    struct message message;
    if (message_decode(client_last(client, MESSAGE_ERROR), &message, NULL) != STATUS_OK) {
        return "";
    }
    return bytes_to_text(message.as.error.name, name, sizeof name);
}
