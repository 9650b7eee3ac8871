#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/wire.h"
#include "server/core/access/principal.h"
#include "server/core/record/record.h"
#include "server/store/store.h"
#include "tandem/tandem.h"
#include "tests/seed/seed.h"
#include "tests/support/scratch.h"
#include "tests/support/server_process.h"

struct fixture {
    char folder[SCRATCH_PATH], data[SCRATCH_PATH + 8];
    struct seed_options options;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL || !scratch_make(fixture->folder)) {
        free(fixture);
        return -1;
    }
    (void)snprintf(fixture->data, sizeof fixture->data, "%s/data", fixture->folder);
    fixture->options = (struct seed_options){.folder = fixture->data,
                                             .seed = 7,
                                             .records = 2000,
                                             .staff = 2,
                                             .partners = 3,
                                             .accounts_a_partner = 10,
                                             .shared_percent = 50};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scratch_remove(fixture->folder);
    free(fixture);
    return 0;
}

static void print(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

/* Runs `use` on a snapshot of the store. */
static void with_state(const char *folder, void (*use)(const struct state *state, void *context),
                       void *context)
{
    struct store *store;
    struct store_reader *reader;
    struct state state;
    assert_int_equal(store_open(&(struct store_options){.path = folder}, &store, NULL), STATUS_OK);
    assert_int_equal(store_reader_new(store, &reader), STATUS_OK);
    assert_int_equal(store_read_begin(reader, &state), STATUS_OK);
    use(&state, context);
    store_read_end(reader);
    store_reader_free(reader);
    store_close(store);
}

static void store_is_sound(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    uint64_t records = 0;
    struct seeded *seeded = seed_store(&fixture->options);
    assert_non_null(seeded);
    assert_int_equal(store_open(&(struct store_options){.path = fixture->data}, &store, NULL),
                     STATUS_OK);
    assert_int_equal(store_check(store, print, NULL, &records), STATUS_OK);
    store_close(store);
    /* Three departments and the administrator, users, partners, and what partners are assigned. */
    assert_int_equal(records, 2000 + 4 + 5 + 3 + 30);
    assert_int_equal(seeded->account_count, 100);
    seed_free(seeded);
}

struct counted {
    const struct seed_options *options;
    const struct seeded *seeded;
    unsigned accounts, others, shared;
};

/* Every record is the one announced, in the account whose turn it is. */
static void count_records(const struct state *state, void *context)
{
    struct counted *counted = context;
    struct record *record = malloc(sizeof *record);
    assert_non_null(record);
    for (uint64_t i = 0; i < counted->options->records; i++) {
        struct bytes encoded;
        struct id id = seed_record_id(counted->options, i);
        assert_int_equal(state->ops->record(state->self, id, &encoded), STATUS_OK);
        assert_int_equal(record_decode(encoded, record), STATUS_OK);
        assert_true(bytes_is(record->entity, seed_record_entity(counted->options, i)));
        assert_true(id_equal(record->scope.id, counted->seeded->accounts[i % 100]));
        if (i < 100) {
            counted->accounts++;
            continue;
        }
        counted->others++;
        for (unsigned p = 0; p < record->placement_count; p++) {
            counted->shared += record->placements[p].tag.kind == TAG_PARTNERS;
        }
    }
    free(record);
    struct meta meta;
    assert_int_equal(state->ops->meta(state->self, &meta), STATUS_OK);
    assert_int_equal(meta.seq, counted->seeded->seq);
    assert_true(id_equal(meta.epoch, counted->seeded->epoch));
}

static void records_are_as_announced(void **state)
{
    struct fixture *fixture = *state;
    struct seeded *seeded = seed_store(&fixture->options);
    assert_non_null(seeded);
    struct counted counted = {&fixture->options, seeded, 0, 0, 0};
    with_state(fixture->data, count_records, &counted);
    assert_int_equal(counted.accounts, 100);
    assert_int_equal(counted.others, 1900);
    assert_int_equal(counted.shared, 900); /* 9 of the 19 of each account */
    seed_free(seeded);
}

static void count_open(const struct state *state, void *context)
{
    const struct seed_user *user = context;
    for (size_t i = 0; i < user->assigned_count; i++) {
        struct access_row row;
        const struct scope scope = {SCOPE_ACCOUNT, user->assigned[i]};
        assert_int_equal(state->ops->access(state->self, user->party, scope, &row), STATUS_OK);
        assert_true(row.granted > row.revoked);
    }
}

static void partners_have_their_accounts(void **state)
{
    struct fixture *fixture = *state;
    struct seeded *seeded = seed_store(&fixture->options);
    assert_non_null(seeded);
    for (size_t p = 0; p < 3; p++) {
        struct seed_user *user = &seeded->users[seeded->staff + p];
        assert_int_equal(user->assigned_count, 10);
        with_state(fixture->data, count_open, user);
        for (size_t i = 0; i < 10; i++) {
            for (size_t j = 0; j < i; j++) {
                assert_false(id_equal(user->assigned[i], user->assigned[j]));
            }
        }
    }
    seed_free(seeded);
}

static void kept_store_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    bool made = false;
    struct seeded *first = seed_keep(&fixture->options, &made);
    assert_non_null(first);
    assert_true(made);
    struct seeded *again = seed_keep(&fixture->options, &made);
    assert_non_null(again);
    assert_false(made);
    assert_true(id_equal(first->epoch, again->epoch));
    assert_int_equal(first->seq, again->seq);
    assert_string_equal(first->users[4].token, again->users[4].token);
    seed_free(again);
    fixture->options.shared_percent = 60;
    again = seed_keep(&fixture->options, &made);
    assert_non_null(again);
    assert_true(made);
    seed_free(again);
    seed_free(first);
}

static void impossible_options_are_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.accounts_a_partner = 101;
    assert_null(seed_store(&fixture->options));
    fixture->options.accounts_a_partner = 1;
    fixture->options.accounts = 2001;
    assert_null(seed_store(&fixture->options));
}

struct watched {
    bool caught_up, ended;
    unsigned accounts, interactions;
};

static void on_event(void *context, const tandem_event *event)
{
    struct watched *watched = context;
    if (event->kind == TANDEM_EVENT_CAUGHT_UP) {
        watched->caught_up = true;
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        watched->ended = true;
        (void)fprintf(stderr, "%s\n", event->detail);
    } else if (event->kind == TANDEM_EVENT_CHANGED) {
        const char *entity = tandem_record_entity(event->record);
        watched->accounts += strcmp(entity, "account") == 0;
        watched->interactions += strcmp(entity, "interaction") == 0;
    }
}

/* Signs in by token at a real server, and takes what the user may see. */
static struct watched watch(struct fixture *fixture, const struct server_process *server,
                            const char *name, const char *token)
{
    char replica[SCRATCH_PATH + 64];
    struct watched watched = {0};
    tandem_client *client;
    tandem_fault fault;
    (void)snprintf(replica, sizeof replica, "%s/replica-%s", fixture->folder, name);
    const tandem_options options = {.replica = replica, .on_event = on_event, .context = &watched};
    assert_int_equal(tandem_open(&options, &client, &fault), TANDEM_OK);
    const tandem_server to = {.url = server->url,
                              .ca = server->ca,
                              .method = TANDEM_SIGN_IN_TOKEN,
                              .user = name,
                              .secret = token,
                              .once = true};
    assert_int_equal(tandem_subscribe(client, NULL, 0), TANDEM_OK);
    assert_int_equal(tandem_connect(client, &to, &fault), TANDEM_OK);
    for (int i = 0; i < 100000 && !watched.caught_up && !watched.ended; i++) {
        (void)tandem_wait(client, 1000);
    }
    tandem_close(client);
    return watched;
}

static void server_serves_it(void **state)
{
    struct fixture *fixture = *state;
    struct server_process server = {.address = "127.0.0.1:0"};
    char certs[SCRATCH_PATH + 8], cert[512], key[512], ca[512];
    struct seeded *seeded = seed_store(&fixture->options);
    assert_non_null(seeded);
    (void)snprintf(certs, sizeof certs, "%s/certs", fixture->folder);
    assert_true(seed_certificates(certs, cert, key, ca));
    (void)snprintf(server.folder, sizeof server.folder, "%s", fixture->folder);
    (void)snprintf(server.ca, sizeof server.ca, "%s", ca);
    assert_true(server_process_start(&server, NULL, 0));
    struct watched staff = watch(fixture, &server, seeded->users[0].name, seeded->users[0].token);
    const struct seed_user *partner = &seeded->users[seeded->staff];
    struct watched outside = watch(fixture, &server, partner->name, partner->token);
    struct watched wrong = watch(fixture, &server, "staff-2", "nobody's");
    assert_true(server_process_stop(&server));
    assert_true(staff.caught_up);
    assert_int_equal(staff.accounts, 100);
    assert_int_equal(staff.interactions, 700);
    assert_true(outside.caught_up);
    assert_int_equal(outside.accounts, 10);
    assert_in_range(outside.interactions, 1, 69);
    assert_false(wrong.caught_up);
    seed_free(seeded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(store_is_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_are_as_announced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(partners_have_their_accounts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_store_is_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_options_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(server_serves_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
