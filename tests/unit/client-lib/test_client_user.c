/* A folder is of one user: what is in it is neither shown nor sent to or by anybody else. */
#include "durable_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct durable_server shop;

static int set_up_shop(void **state)
{
    durable_server_init(&shop);
    return set_up(state);
}

static int tear_down_shop(void **state)
{
    int failed = tear_down(state);
    durable_server_release(&shop);
    return failed;
}

static void become(const char *name)
{
    shop.user = id_of(strcmp(name, "kari") == 0 ? 500 : 501);
    shop.name = name;
}

static bool count_one(void *context, const tandem_record *record)
{
    (void)record;
    ++*(unsigned *)context;
    return true;
}

static unsigned records_held(struct world *world)
{
    unsigned count = 0;
    assert_ok(tandem_each(world->client, NULL, count_one, &count));
    return count;
}

static void forget_link(void)
{
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    server.closing = false;
    durable_forget_frames();
}

static void fill_for_kari(struct world *world)
{
    durable_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    durable_settle(world, &shop);
    say_changes(0, 3, 8);
    durable_settle(world, &shop);
    assert_int_equal(records_held(world), 1);
    tandem_close(world->client);
    world->client = NULL;
    forget_link();
}

static void remove_outbox(const struct world *world)
{
    char path[512];
    snprintf(path, sizeof path, "%s/outbox.mdb", world->folder);
    assert_int_equal(unlink(path), 0);
}

static void typed_changes_are_not_sent_as_somebody_elses(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    durable_start(world);
    durable_settle(world, &shop);
    assert_ok(send_note(world, "by kari", &outcomes[0]));
    durable_crash(world);
    shop.user = id_of(501);
    shop.name = "nils";
    durable_start(world);
    assert_ok(tandem_service(world->client));
    durable_serve(&shop);
    assert_int_equal(tandem_service(world->client), STATUS_DENIED);
    assert_int_equal(last_told(world)->kind, TANDEM_EVENT_DISCONNECTED);
    assert_true(last_told(world)->final);
    assert_non_null(strstr(last_told(world)->detail,
                           "1 change of kari waits in this folder, which nils is not"));
    assert_int_equal(tandem_outbox_count(world->client, 0), 1);
    assert_int_equal(shop.text_count, 0);
    /* Its author can still send it. */
    durable_crash(world);
    shop.user = id_of(500);
    shop.name = "kari";
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "by kari"), 1);
}

static void an_empty_outbox_goes_over_to_another_user(void **state)
{
    struct world *world = *state;
    OUTCOMES(1);
    bool reset = false;
    durable_start(world);
    durable_settle(world, &shop);
    struct id before = world->client->id;
    hang_up(4003);
    shop.user = id_of(501);
    shop.name = "nils";
    durable_settle(world, &shop);
    durable_settle(world, &shop);
    for (size_t i = 0; i < world->told_count; i++)
        reset = reset || (world->told[i].kind == TANDEM_EVENT_RESET &&
                          strcmp(world->told[i].detail, "user") == 0);
    assert_true(reset);
    assert_false(id_equal(before, world->client->id));
    assert_string_equal(tandem_user_name(world->client), "nils");
    assert_ok(send_note(world, "by nils", &outcomes[0]));
    durable_settle(world, &shop);
    assert_int_equal(durable_count(&shop, "by nils"), 1);
}

/* An outbox that was damaged is set aside, and with it what it knew: the replica knows it too. */
static void a_replica_is_not_shown_to_another_user_either(void **state)
{
    struct world *world = *state;
    fill_for_kari(world);
    remove_outbox(world);
    durable_start(world);
    durable_settle(world, &shop);
    assert_int_equal(records_held(world), 1); /* who is the same user keeps it */
    tandem_close(world->client);
    world->client = NULL;
    forget_link();
    remove_outbox(world);
    become("nils");
    durable_start(world);
    durable_settle(world, &shop);
    durable_settle(world, &shop);
    assert_int_equal(records_held(world), 0);
    assert_string_equal(tandem_user_name(world->client), "nils");
    assert_true(id_equal(outbox_store_user(world->client->store), id_of(501)));
}

/* A process died between the two. */
static void a_replica_of_another_user_than_the_outboxs_is_filled_anew(void **state)
{
    struct world *world = *state;
    fill_for_kari(world);
    open_client(world, true);
    const struct id another = id_of(501);
    replica_set_read_only(world->client->replica, false);
    assert_ok(replica_begin(world->client->replica));
    assert_ok(
        replica_set_mark(world->client->replica, REPLICA_USER, bytes_of(another.octet, ID_SIZE)));
    assert_ok(replica_commit(world->client->replica));
    assert_ok(tandem_connect(world->client, &usual, NULL));
    durable_settle(world, &shop);
    assert_int_equal(records_held(world), 0);
    assert_true(id_equal(outbox_store_user(world->client->store), id_of(500)));
}

/* Whether these bytes are in a file of the folder. */
static bool folder_has(const struct world *world, const void *bytes, size_t size)
{
    static const char *const names[] = {"data.mdb", "outbox.mdb", "lock"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        size_t length = (size_t)ftell(file);
        uint8_t *contents = malloc(length);
        assert_non_null(contents);
        rewind(file);
        assert_int_equal(fread(contents, 1, length, file), length);
        fclose(file);
        found = found || memmem(contents, length, bytes, size) != NULL;
        free(contents);
    }
    return found;
}

/* They name accounts that the new user never chose. */
static void what_a_former_user_asked_for_goes_with_the_rest(void **state)
{
    struct world *world = *state;
    const struct id chosen = id_of(71), looked_at = id_of(72), own = id_of(73);
    char scope[SCOPE_TEXT_SIZE];
    const char *const scopes[] = {scope};
    struct buffer note = {0};
    durable_start(world);
    scope_to_text(account_of(71), scope);
    assert_ok(tandem_subscribe(world->client, scopes, 1));
    assert_ok(tandem_prefer(world->client, id_text(72)));
    durable_settle(world, &shop);
    assert_true(folder_has(world, chosen.octet, ID_SIZE));
    assert_true(folder_has(world, looked_at.octet, ID_SIZE));
    durable_crash(world);
    /* A run that names nothing goes on with what was noted, and so does the other user's, were it
     * not for another user's. */
    durable_start(world);
    durable_settle(world, &shop);
    assert_true(world->client->sync.wanted);
    become("nils");
    hang_up(4003);
    durable_settle(world, &shop);
    durable_settle(world, &shop);
    assert_string_equal(tandem_user_name(world->client), "nils");
    assert_false(world->client->sync.wanted);
    assert_int_equal(outbox_store_note(world->client->store, "subscription", &note),
                     STATUS_NOT_FOUND);
    assert_int_equal(outbox_store_note(world->client->store, "preferred", &note), STATUS_NOT_FOUND);
    assert_false(folder_has(world, chosen.octet, ID_SIZE));
    assert_false(folder_has(world, looked_at.octet, ID_SIZE));
    /* What this program itself asks for stays. */
    become("kari");
    durable_crash(world);
    durable_start(world);
    scope_to_text(account_of(73), scope);
    assert_ok(tandem_subscribe(world->client, scopes, 1));
    durable_settle(world, &shop);
    durable_settle(world, &shop);
    assert_string_equal(tandem_user_name(world->client), "kari");
    assert_true(world->client->sync.wanted);
    assert_ok(outbox_store_note(world->client->store, "subscription", &note));
    assert_non_null(memmem(note.data, note.size, own.octet, ID_SIZE));
    buffer_release(&note);
}

/* Before anybody has signed in, a name is all there is to go by. */
static void who_names_another_user_waits_for_the_server_to_say_who_they_are(void **state)
{
    struct world *world = *state;
    tandem_server nils = usual;
    unsigned count = 0;
    OUTCOMES(1);
    nils.user = "nils";
    fill_for_kari(world);
    open_client(world, true);
    assert_ok(tandem_connect(world->client, &nils, NULL));
    assert_int_equal(tandem_each(world->client, NULL, count_one, &count), STATUS_DENIED);
    assert_int_equal(send_note(world, "by nils", &outcomes[0]), STATUS_DENIED);
    assert_int_equal(count, 0);
    /* Names change, users do not. */
    shop.name = "Nils";
    durable_settle(world, &shop);
    assert_int_equal(records_held(world), 1);
    durable_crash(world);
    open_client(world, true);
    assert_ok(tandem_connect(world->client, &nils, NULL));
    assert_int_equal(records_held(world), 1);
}

#define SHOP(name) cmocka_unit_test_setup_teardown(name, set_up_shop, tear_down_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(typed_changes_are_not_sent_as_somebody_elses),
        SHOP(an_empty_outbox_goes_over_to_another_user),
        SHOP(a_replica_is_not_shown_to_another_user_either),
        SHOP(a_replica_of_another_user_than_the_outboxs_is_filled_anew),
        SHOP(what_a_former_user_asked_for_goes_with_the_rest),
        SHOP(who_names_another_user_waits_for_the_server_to_say_who_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
