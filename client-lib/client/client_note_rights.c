/* Whether a note may be written in, as far as the records on this device say: what a person is
 * shown before the server has answered, or while it is away. The server alone decides. */
#include "client-lib/client/client.h"

struct looking {
    struct id partner, account;
    bool is_partner, views; /* their role, or the assignment, says so */
};

static bool take_user(void *context, struct bytes encoded)
{
    struct looking *looking = context;
    struct record_view view;
    struct bytes role = {0};
    if (!record_view_read(encoded, &view))
        return false;
    looking->is_partner = wire_map_id(view.fields, "partner", &looking->partner);
    (void)wire_map_str(view.fields, "role", &role);
    looking->views = !looking->is_partner && bytes_is(role, "Viewer");
    return false;
}

static bool take_assignment(void *context, struct bytes encoded)
{
    struct looking *looking = context;
    struct record_view view;
    struct id party, account;
    struct bytes level = {0}, status = {0};
    if (!record_view_read(encoded, &view) || !wire_map_id(view.fields, "party", &party) ||
        !wire_map_id(view.fields, "account", &account) || !id_equal(party, looking->partner) ||
        !id_equal(account, looking->account))
        return true;
    (void)wire_map_str(view.fields, "level", &level);
    (void)wire_map_str(view.fields, "status", &status);
    looking->views = bytes_is(status, "Active") && bytes_is(level, "view");
    return !bytes_is(status, "Active");
}

bool note_is_for_reading(const struct tandem_note *note)
{
    tandem_client *client = note->client;
    struct looking looking = {.account = note->head.scope.id};
    if (client->replica == NULL || client->store == NULL || note->pending)
        return false;
    enum status status =
        replica_get(client->replica, outbox_store_user(client->store), take_user, &looking);
    if (status == STATUS_OK && looking.is_partner && note->head.scope.kind == SCOPE_ACCOUNT)
        status = replica_each(client->replica, bytes_text("assignment"), take_assignment, &looking);
    return status == STATUS_OK && looking.views;
}
