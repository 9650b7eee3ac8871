/* Reading the replica. */
#include "client-lib/client/client.h"

#include "client-lib/base/fault.h"
#include "client-lib/client/client_find.h"

bool client_may_read(const tandem_client *client)
{
    return client->replica != NULL && !client->foreign;
}

tandem_code client_without_replica(tandem_client *client)
{
    if (client->replica != NULL)
        return client_not_theirs(client);
    return (tandem_code)trouble(&client->fault, STATUS_USAGE, "",
                                "the client was opened without a replica");
}

tandem_code client_read_done(tandem_client *client, enum status status)
{
    if (status != STATUS_OK)
        trouble(&client->fault, status, "", "%s", status_text(status));
    return (tandem_code)status;
}

uint64_t tandem_cursor(const tandem_client *client)
{
    return client->replica != NULL ? replica_cursor(client->replica) : 0;
}

tandem_code tandem_get(tandem_client *client, const char *id, tandem_record_fn *each, void *context)
{
    struct id parsed;
    if (!client_may_read(client))
        return client_without_replica(client);
    if (!id_from_text(bytes_text(id), &parsed))
        return (tandem_code)trouble(&client->fault, STATUS_INVALID_VALUE, "id", "this is no id");
    return client_read_done(client, find_one(client, parsed, each, context));
}

tandem_code tandem_each(tandem_client *client, const char *entity, tandem_record_fn *each,
                        void *context)
{
    const tandem_find find = {.entity = entity};
    return tandem_find_each(client, &find, each, context);
}

tandem_code tandem_timeline(tandem_client *client, const char *account, tandem_record_fn *each,
                            void *context)
{
    const tandem_find find = {.account = account != NULL ? account : ""};
    return tandem_find_each(client, &find, each, context);
}

/* ---- Custom fields ---- */

struct field_search {
    struct bytes entity, name;
    struct field_def *out;
    struct custom_field_storage *storage;
    bool found;
};

static bool text_is(struct bytes fields, const char *key, struct bytes expected)
{
    struct bytes value, text;
    if (!wire_map_find(fields, key, &value))
        return false;
    struct wire_reader reader = wire_read(value);
    return wire_get_str(&reader, &text) && bytes_equal(text, expected);
}

static bool look_at_definition(void *context, struct bytes encoded)
{
    struct field_search *search = context;
    struct record_view view;
    if (!record_view_read(encoded, &view))
        return true;
    if (!text_is(view.fields, "entity", search->entity) ||
        !text_is(view.fields, "name", search->name))
        return true;
    search->found =
        schema_custom_field(view.fields, search->out, search->storage, NULL) == STATUS_OK;
    return !search->found;
}

bool client_find_field(void *context, struct bytes entity, struct bytes name, struct field_def *out,
                       struct custom_field_storage *storage)
{
    tandem_client *client = context;
    struct field_search search = {entity, name, out, storage, false};
    if (client->replica == NULL)
        return false;
    enum status status =
        replica_each(client->replica, bytes_text("customField"), look_at_definition, &search);
    return status == STATUS_OK && search.found;
}

static bool copy_entity(void *context, struct bytes encoded)
{
    struct record_view view;
    if (record_view_read(encoded, &view))
        buffer_append(context, view.entity.data, view.entity.size);
    return false;
}

void client_entity_of(tandem_client *client, struct id id, struct buffer *out)
{
    if (client->replica != NULL)
        (void)replica_get(client->replica, id, copy_entity, out);
}

static bool mark_held(void *context, struct bytes encoded)
{
    (void)encoded;
    *(bool *)context = true;
    return false;
}

enum status client_holds(tandem_client *client, struct id id, bool *held)
{
    *held = false;
    enum status status = replica_get(client->replica, id, mark_held, held);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
