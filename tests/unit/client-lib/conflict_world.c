#include "conflict_world.h"

struct durable_server shop;

int shop_set_up(void **state)
{
    durable_server_init(&shop);
    return set_up(state);
}

int shop_tear_down(void **state)
{
    durable_server_release(&shop);
    return tear_down(state);
}

/* ---- The replica ---- */

/* An account with a phone number and a site. */
static struct bytes account_fields(struct buffer *out, const char *phone, const char *site)
{
    buffer_clear(out);
    wire_put_map(out, 3);
    wire_put_text(out, "name");
    wire_put_text(out, "Fjord AS");
    wire_put_text(out, "phoneNumber");
    wire_put_text(out, phone);
    wire_put_text(out, "website");
    wire_put_text(out, site);
    return buffer_bytes(out);
}

void shop_say_changes(uint64_t from, uint64_t to, struct bytes records, struct bytes removed,
                      struct bytes purged)
{
    struct message message = {.type = MESSAGE_CHANGES};
    message.as.changes.from = from;
    message.as.changes.to = to;
    const struct {
        const char *name;
        struct bytes value, *place;
    } parts[] = {{"records", records, &message.as.changes.records},
                 {"removed", removed, &message.as.changes.removed},
                 {"purged", purged, &message.as.changes.purged}};
    for (size_t i = 0; i < 3; i++)
        if (parts[i].value.size > 0) {
            *parts[i].place = parts[i].value;
            message_mark(&message, parts[i].name);
        }
    say(&message);
}

/* Account 1 comes to be held as of this seq. */
void shop_say_account(uint64_t from, uint64_t to, const char *phone, const char *site)
{
    struct buffer fields = {0}, list = {0};
    const struct made made = {.id = 1,
                              .entity = "account",
                              .seq = to,
                              .created_at = 5,
                              .fields = account_fields(&fields, phone, site)};
    shop_say_changes(from, to, records_of(&list, &made, 1), (struct bytes){0}, (struct bytes){0});
    buffer_release(&fields);
    buffer_release(&list);
}

void shop_say_caught_up(uint64_t seq)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = seq;
    say(&message);
}

/* Subscribed, with account 1 held as of seq 40. */
void shop_begin(struct world *world)
{
    durable_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    shop_say_account(0, 40, "111", "old.example");
    shop_say_caught_up(40);
    durable_settle(world, &shop);
    assert_int_equal(tandem_cursor(world->client), 40);
}

/* ---- Changes ---- */

tandem_code shop_edit(struct world *world, const char *phone, const char *site,
                      struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_update(mutation, "account", id_text(1)));
    if (phone != NULL)
        assert_ok(tandem_set_text(mutation, "phoneNumber", phone));
    if (site != NULL)
        assert_ok(tandem_set_text(mutation, "website", site));
    tandem_code code = tandem_send(world->client, mutation, NULL, outcome);
    tandem_mutation_free(mutation);
    return code;
}

/* A new note in account `account`. */
tandem_code shop_add_note(struct world *world, unsigned account)
{
    char id[TANDEM_ID_TEXT];
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    assert_ok(tandem_create(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "sixty pallets"));
    assert_ok(tandem_set_text(mutation, "account", id_text(account)));
    tandem_code code = tandem_send(world->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    return code;
}

tandem_code shop_remove_up_to(struct world *world, unsigned last, struct outcome *outcome)
{
    tandem_mutation *mutation = tandem_mutation_new();
    assert_non_null(mutation);
    for (unsigned id = 1; id <= last; id++)
        assert_ok(tandem_remove(mutation, id_text(id)));
    tandem_code code =
        tandem_send(world->client, mutation, outcome != NULL ? take_result : NULL, outcome);
    tandem_mutation_free(mutation);
    return code;
}

tandem_code shop_remove_account(struct world *world)
{
    return shop_remove_up_to(world, 1, NULL);
}

/* The server's next refusal: nils changed this field of account 1 ("": deleted it) at seq 60. */
void shop_refuse_for(const char *field, const char *theirs)
{
    struct buffer *out = &shop.conflicts;
    buffer_clear(out);
    wire_put_array(out, 1);
    wire_put_map(out, 6);
    wire_put_text(out, "id");
    wire_put_id(out, id_of(1));
    wire_put_text(out, "field");
    wire_put_text(out, field);
    wire_put_text(out, "theirs");
    if (theirs != NULL)
        wire_put_text(out, theirs);
    else
        wire_put_nil(out);
    wire_put_text(out, "by");
    wire_put_text(out, "nils");
    wire_put_text(out, "at");
    wire_put_int(out, 777);
    wire_put_text(out, "seq");
    wire_put_uint(out, 60);
    shop.refuse = "conflict";
}

struct sent_change shop_last_sent(void)
{
    struct sent_change sent = {.changes = 0};
    struct bytes change = {0}, fields = {0}, text = {0};
    const struct message *message = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < server.sent_count; i++)
        if (server.sent[i].message.type == MESSAGE_MUTATE)
            message = &server.sent[i].message;
    assert_non_null(message);
    sent.base = message->as.mutate.base;
    sent.changes = message_count(message->as.mutate.changes);
    struct wire_reader reader = wire_read(message->as.mutate.changes);
    assert_true(wire_get_array(&reader, &count) && wire_skip(&reader, &change));
    assert_true(wire_map_str(change, "op", &text));
    bytes_to_text(text, sent.op, sizeof sent.op);
    assert_true(wire_map_id(change, "id", &sent.id));
    (void)wire_map_uint(change, "base", &sent.change_base);
    if (wire_map_str(change, "entity", &text))
        bytes_to_text(text, sent.entity, sizeof sent.entity);
    if (wire_map_find(change, "fields", &fields)) {
        sent.map = fields;
        reader = wire_read(fields);
        assert_true(wire_get_map(&reader, &sent.fields));
        if (sent.fields > 0) {
            assert_true(wire_get_str(&reader, &text));
            bytes_to_text(text, sent.field, sizeof sent.field);
            if (wire_get_str(&reader, &text))
                bytes_to_text(text, sent.text, sizeof sent.text);
        }
    }
    return sent;
}

void shop_service_only(struct world *world)
{
    assert_ok(tandem_service(world->client));
}

/* ---- What the program sees ---- */

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text != NULL ? text : "(none)");
}

static bool take(void *context, const tandem_entry *entry)
{
    struct view *view = context;
    view->entries++;
    view->entry = entry->entry;
    view->state = entry->state;
    view->code = entry->fault->code;
    view->access_ended = entry->access_ended;
    view->lines = entry->change_count;
    copy_text(view->json, sizeof view->json, entry->json);
    assert_true(entry->change_count <= LINES_MOST);
    for (size_t i = 0; i < entry->change_count; i++) {
        const tandem_entry_change *from = &entry->changes[i];
        struct line *to = &view->line[i];
        copy_text(to->op, sizeof to->op, from->op);
        copy_text(to->entity, sizeof to->entity, from->entity);
        copy_text(to->title, sizeof to->title, from->title);
        copy_text(to->field, sizeof to->field, from->field);
        copy_text(to->base, sizeof to->base, from->base);
        copy_text(to->mine, sizeof to->mine, from->mine);
        copy_text(to->theirs, sizeof to->theirs, from->theirs);
        copy_text(to->by, sizeof to->by, from->by);
        to->conflict = from->conflict;
        to->at_ms = from->at_ms;
        to->seq = from->seq;
    }
    return true;
}

/* The only entry in one of these states. */
struct view shop_only(struct world *world, unsigned states)
{
    struct view view = {.entries = 0};
    assert_ok(tandem_outbox_each(world->client, states, take, &view));
    assert_int_equal(view.entries, 1);
    return view;
}

struct view shop_conflict(struct world *world)
{
    return shop_only(world, STATE(TANDEM_ENTRY_CONFLICT));
}

bool shop_was_told(const struct world *world, tandem_event_kind kind)
{
    for (size_t i = 0; i < world->told_count; i++)
        if (world->told[i].kind == kind)
            return true;
    return false;
}

/* Phone and site edited, and nils changed the phone meanwhile. */
struct view shop_phone_conflict(struct world *world)
{
    shop_begin(world);
    shop_refuse_for("phoneNumber", "333");
    assert_ok(shop_edit(world, "222", "new.example", NULL));
    durable_settle(world, &shop);
    return shop_conflict(world);
}
