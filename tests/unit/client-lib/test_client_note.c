/* Live notes of one device: typing on and off line, what others type, and whatever goes wrong
 * between. */
#include "note_server.h"

#include <stdio.h>

#include "traces.h"

static struct note_server shop;
static struct mirror mirror;
static tandem_note *note;

static int set_up_note(void **state)
{
    note = NULL;
    memset(&mirror, 0, sizeof mirror);
    note_server_init(&shop, "Lead time is four weeks.");
    return set_up(state);
}

static int tear_down_note(void **state)
{
    struct world *world = *state;
    note_server_release(&shop);
    mirror_release(&mirror);
    (void)world;
    return tear_down(state);
}

#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_note, tear_down_note)

/* ---- Words ---- */

static void say_record(uint64_t from, uint64_t to, const char *text, uint64_t version)
{
    static struct buffer list, fields;
    buffer_clear(&fields);
    wire_put_map(&fields, 2);
    wire_put_text(&fields, "text");
    wire_put_text(&fields, text);
    wire_put_text(&fields, "version");
    wire_put_uint(&fields, version);
    const struct made made = {.id = NOTE_NUMBER, .seq = to, .fields = buffer_bytes(&fields)};
    struct message changes = {.type = MESSAGE_CHANGES};
    changes.as.changes.from = from;
    changes.as.changes.to = to;
    changes.as.changes.records = records_of(&list, &made, 1);
    message_mark(&changes, "records");
    say(&changes);
}

static void say_gone(uint64_t from, uint64_t to, bool purge)
{
    static struct buffer list;
    const unsigned ids[] = {NOTE_NUMBER};
    const struct scope scope = account_of(1);
    struct message changes = {.type = MESSAGE_CHANGES};
    changes.as.changes.from = from;
    changes.as.changes.to = to;
    if (purge)
        changes.as.changes.purged = scopes_of(&list, &scope, 1);
    else
        changes.as.changes.removed = ids_of(&list, ids, 1);
    message_mark(&changes, purge ? "purged" : "removed");
    say(&changes);
}

static void say_caught_up(uint64_t seq)
{
    struct message message = {.type = MESSAGE_CAUGHT_UP};
    message.as.caught_up.seq = seq;
    say(&message);
}

/* A client that is signed in and has the note in its replica. */
static void begin(struct world *world)
{
    note_start(world);
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    note_settle(world, &shop);
    say_record(0, 50, note_server_text(&shop), shop.version);
    note_settle(world, &shop);
}

static void begin_open(struct world *world)
{
    begin(world);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    assert_int_equal(mirror.opened, 1);
}

static void restart(struct world *world)
{
    note_crash(world, &shop);
    note = NULL;
    mirror_release(&mirror);
    open_client(world, true);
}

static void go_online(struct world *world)
{
    assert_ok(tandem_connect(world->client, &usual, NULL));
    note_settle(world, &shop);
}

struct works {
    unsigned count;
    tandem_note_work first;
};

static bool take_work(void *context, const tandem_note_work *work)
{
    struct works *works = context;
    if (works->count++ == 0)
        works->first = *work;
    return true;
}

static struct works works_of(struct world *world)
{
    struct works works = {0};
    assert_ok(tandem_each_note_work(world->client, take_work, &works));
    return works;
}

/* ---- Together ---- */

static void what_is_typed_reaches_the_server_and_is_saved(void **state)
{
    struct world *world = *state;
    begin_open(world);
    assert_text(&mirror, note, "Lead time is four weeks.");
    assert_int_equal(shop.asked_version, 0); /* the replica's text is of a version */
    mirror_type(&mirror, note, 24, " Ring Kari.");
    assert_true(tandem_note_waiting(note) > 0);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "Lead time is four weeks. Ring Kari.");
    assert_int_equal(mirror.saved, 1);
    assert_int_equal(tandem_note_version(note), 1);
    assert_int_equal(mirror.changed, 0);
    assert_text(&mirror, note, "Lead time is four weeks. Ring Kari.");
}

static void what_others_type_shows_with_their_name(void **state)
{
    struct world *world = *state;
    begin_open(world);
    note_other(&shop, "ola", 13, 4, "six");
    note_settle(world, &shop);
    assert_text(&mirror, note, "Lead time is six weeks.");
    assert_string_equal(mirror.by, "ola");
    assert_false(mirror.own);
    assert_int_equal(tandem_note_version(note), 1);
}

static void one_push_is_under_way_and_the_rest_goes_with_the_next(void **state)
{
    struct world *world = *state;
    begin_open(world);
    for (int i = 0; i < 20; i++) {
        mirror_type(&mirror, note, (size_t)i, "x");
        assert_ok(tandem_service(world->client));
    }
    unsigned pushes = 0;
    for (size_t i = server.sent_seen; i < server.sent_count; i++)
        pushes += server.sent[i].message.type == MESSAGE_NOTE_PUSH;
    assert_int_equal(pushes, 1);
    note_settle(world, &shop);
    assert_int_equal(shop.taken, 2);
    assert_string_equal(note_server_text(&shop), "xxxxxxxxxxxxxxxxxxxxLead time is four weeks.");
    assert_int_equal(mirror.saved, 1);
}

/* The push was made of an older version: the server wants the others' changes merged first. */
static void both_type_at_once(void **state)
{
    struct world *world = *state;
    begin_open(world);
    mirror_type(&mirror, note, 0, "A: ");
    assert_ok(tandem_service(world->client)); /* on its way */
    note_other(&shop, "ola", 0, 0, "B: ");
    note_settle(world, &shop);
    assert_int_equal(shop.pushes, 2);
    assert_int_equal(shop.taken, 1);
    assert_int_equal(mirror.saved, 1);
    assert_text(&mirror, note, note_server_text(&shop));
    assert_non_null(strstr(note_server_text(&shop), "A: "));
    assert_non_null(strstr(note_server_text(&shop), "B: "));
}

static void undo_takes_back_ones_own_and_leaves_what_others_typed(void **state)
{
    struct world *world = *state;
    begin_open(world);
    mirror_type(&mirror, note, 0, "mine ");
    note_settle(world, &shop);
    note_other(&shop, "ola", 0, 0, "theirs ");
    note_settle(world, &shop);
    assert_ok(tandem_note_undo(note));
    assert_true(mirror.own);
    assert_text(&mirror, note, "theirs Lead time is four weeks.");
    assert_int_equal(tandem_note_undo(note), STATUS_NOT_FOUND);
    assert_ok(tandem_note_redo(note));
    assert_text(&mirror, note, "theirs mine Lead time is four weeks.");
    note_settle(world, &shop);
    assert_text(&mirror, note, note_server_text(&shop));
}

static void a_note_opens_once_and_what_is_no_place_changes_nothing(void **state)
{
    struct world *world = *state;
    tandem_note *again = NULL;
    begin_open(world);
    assert_int_equal(tandem_note_open(world->client, id_text(NOTE_NUMBER), NULL, NULL, &again),
                     STATUS_LOCKED);
    assert_null(again);
    assert_int_equal(tandem_note_insert(note, 25, "x", 1), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_note_delete(note, 20, 5), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_note_delete(note, 20, SIZE_MAX), STATUS_INVALID_VALUE);
    assert_int_equal(tandem_note_insert(note, 0, "\xff", 1), STATUS_INVALID_VALUE);
    mirror_type(&mirror, note, 0, "\xc3\xa5");
    assert_int_equal(tandem_note_insert(note, 1, "x", 1), STATUS_INVALID_VALUE);
    note_settle(world, &shop);
    assert_int_equal(shop.taken, 1);
    assert_text(&mirror, note, "\xc3\xa5Lead time is four weeks.");
    tandem_note_close(note);
    assert_int_equal(tandem_note_open(world->client, "no id", NULL, NULL, &again),
                     STATUS_INVALID_VALUE);
    assert_ok(tandem_note_open(world->client, id_text(NOTE_NUMBER), NULL, NULL, &again));
}

/* ---- Without a connection ---- */

static void typing_offline_survives_a_crash_and_is_sent_without_opening(void **state)
{
    struct world *world = *state;
    begin(world);
    note_hang_up(world, &shop);
    mirror_open(&mirror, world, &note);
    mirror_type(&mirror, note, 24, " One.");
    mirror_type(&mirror, note, 29, " Two.");
    restart(world);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "Lead time is four weeks. One. Two.");
    mirror_delete(&mirror, note, 0, 5);
    assert_true(tandem_note_waiting(note) > 0);
    restart(world);
    struct works works = works_of(world);
    assert_int_equal(works.count, 1);
    assert_int_equal(works.first.code, TANDEM_OK);
    note_other(&shop, "ola", 13, 4, "six");
    go_online(world);
    assert_string_equal(note_server_text(&shop), "time is six weeks. One. Two.");
    assert_int_equal(shop.taken, 1);
    assert_int_equal(works_of(world).count, 0);
    assert_false(shop.open); /* nobody looks at it */
}

static void what_was_typed_while_away_is_merged_when_it_is_open(void **state)
{
    struct world *world = *state;
    begin_open(world);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 0, "Mine. ");
    note_other(&shop, "ola", 24, 0, " Theirs.");
    note_other(&shop, "ola", 13, 4, "six");
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_int_equal(mirror.opened, 2);
    assert_int_equal(mirror.saved, 1);
    assert_text(&mirror, note, "Mine. Lead time is six weeks. Theirs.");
    assert_text(&mirror, note, note_server_text(&shop));
}

/* The server has forgotten the versions since: what it has is merged by its text. */
static void history_that_is_gone_is_merged_by_its_text(void **state)
{
    struct world *world = *state;
    begin_open(world);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 24, " Mine.");
    note_other(&shop, "ola", 0, 9, "The delivery");
    note_other(&shop, "ola", 16, 4, "six");
    shop.oldest = 2;
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_text(&mirror, note, "The delivery is six weeks. Mine.");
    assert_text(&mirror, note, note_server_text(&shop));
    assert_int_equal(mirror.opened, 2);
}

/* A number that could not be counted on from, nor read back from the folder, is no version. */
static void a_server_that_says_nonsense_of_versions_costs_nobody_their_words(void **state)
{
    struct world *world = *state;
    begin_open(world);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 24, " Mine.");
    shop.version = shop.oldest = UINT64_MAX;
    shop.refuse = "limit";
    shop.refuse_always = true;
    const unsigned opens = shop.opens;
    for (int i = 0; i < 100 && shop.opens < opens + 2; i++) {
        world->port.now += 1000;
        assert_ok(tandem_service(world->client));
        note_forget_frames();
        note_serve(&shop);
    }
    assert_int_equal(shop.opens, opens + 2); /* it was sent away, and tried again */
    assert_int_equal(shop.pushes, 0);
    restart(world);
    assert_int_equal(works_of(world).count, 1);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "Lead time is four weeks. Mine.");
}

static void nor_does_one_that_says_it_of_a_record(void **state)
{
    struct world *world = *state;
    begin(world);
    say_record(50, 51, note_server_text(&shop), UINT64_MAX / 3);
    note_settle(world, &shop);
    note_hang_up(world, &shop);
    mirror_open(&mirror, world, &note);
    mirror_type(&mirror, note, 24, " Mine.");
    restart(world);
    assert_int_equal(works_of(world).count, 1);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "Lead time is four weeks. Mine.");
}

/* Its answer and its entry were lost: it is found among what came, and not sent again. */
static void a_push_of_which_the_answer_was_lost_is_made_once(void **state)
{
    struct world *world = *state;
    for (int crash = 0; crash < 2; crash++) {
        if (crash == 0)
            begin_open(world);
        shop.mute = true;
        mirror_type(&mirror, note, 0, "Once. ");
        assert_ok(tandem_service(world->client));
        note_serve(&shop);
        assert_int_equal(shop.taken, crash + 1);
        shop.mute = false;
        note_other(&shop, "ola", 0, 0, "-");
        if (crash == 0) {
            note_hang_up(world, &shop);
            world->port.now += 60000;
            note_settle(world, &shop);
            assert_text(&mirror, note, "-Once. Lead time is four weeks.");
        } else {
            restart(world);
            go_online(world);
        }
        assert_int_equal(shop.taken, crash + 1);
        assert_int_equal(shop.pushes, crash + 1);
        assert_int_equal(works_of(world).count, 0);
    }
    assert_string_equal(note_server_text(&shop), "-Once. -Once. Lead time is four weeks.");
}

/* Behind it more was typed, and others have typed behind it, too. */
static void what_was_typed_behind_a_lost_answer_is_merged(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.mute = true;
    mirror_type(&mirror, note, 24, "\npushed");
    assert_ok(tandem_service(world->client));
    note_serve(&shop);
    restart(world);
    shop.mute = false;
    mirror_open(&mirror, world, &note);
    mirror_type(&mirror, note, 31, "\noffline");
    restart(world);
    note_other(&shop, "ola", 31, 0, "\n");
    note_other(&shop, "ola", 32, 0, "meanwhile");
    assert_ok(tandem_subscribe(world->client, NULL, 0));
    mirror_open(&mirror, world, &note);
    go_online(world);
    assert_int_equal(shop.taken, 2);
    assert_text(&mirror, note, note_server_text(&shop));
    assert_non_null(strstr(note_server_text(&shop), "meanwhile"));
    assert_non_null(strstr(note_server_text(&shop), "offline"));
}

/* It was lost on its way, and others have typed: it is sent again, as it fits by then. */
static void a_push_that_was_lost_is_sent_again(void **state)
{
    struct world *world = *state;
    begin_open(world);
    mirror_type(&mirror, note, 0, "Again. ");
    assert_ok(tandem_service(world->client));
    restart(world);
    note_other(&shop, "ola", 0, 4, "Delivery");
    go_online(world);
    assert_int_equal(shop.taken, 1);
    assert_string_equal(note_server_text(&shop), "Again. Delivery time is four weeks.");
}

/* What this device saw last is what it shows next, also before its record has come. */
static void a_text_does_not_go_back_when_it_is_opened_offline(void **state)
{
    struct world *world = *state;
    begin_open(world);
    mirror_type(&mirror, note, 0, "New. ");
    note_settle(world, &shop);
    restart(world);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "New. Lead time is four weeks.");
    tandem_note_close(note);
    mirror_release(&mirror);
    go_online(world);
    say_record(50, 60, note_server_text(&shop), shop.version);
    say_caught_up(60);
    note_settle(world, &shop);
    struct note_head head;
    assert_int_equal(note_store_head(world->client->store, id_of(NOTE_NUMBER), &head),
                     STATUS_NOT_FOUND);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "New. Lead time is four weeks.");
    note_settle(world, &shop);
    assert_int_equal(shop.asked_version, 1);
}

/* A note made on a train is written in before the server has it. */
static void a_note_that_waits_in_the_outbox_is_edited_before_it_is_sent(void **state)
{
    struct world *world = *state;
    tandem_mutation *mutation = tandem_mutation_new();
    begin(world);
    note_hang_up(world, &shop);
    char id[TANDEM_ID_TEXT];
    assert_ok(tandem_create(mutation, "note", id));
    assert_ok(tandem_set_text(mutation, "text", "Made here."));
    assert_ok(tandem_send(world->client, mutation, NULL, NULL));
    tandem_mutation_free(mutation);
    assert_ok(tandem_note_open(world->client, id, NULL, NULL, &note));
    assert_string_equal(tandem_note_text(note, NULL), "Made here.");
    assert_ok(tandem_note_insert(note, 10, " More.", 6));
    world->port.now += 60000;
    shop.hidden = true; /* it is not there until the mutation is taken */
    for (int i = 0; i < 4; i++) {
        assert_ok(tandem_service(world->client));
        if (server.sent_seen < server.sent_count &&
            server.sent[server.sent_seen].message.type == MESSAGE_HELLO)
            note_serve(&shop);
    }
    assert_true(tandem_connected(world->client));
    assert_int_equal(shop.opens, 0);
    shop.hidden = false;
    buffer_clear(&shop.text);
    buffer_append(&shop.text, "Made here.", 10);
    note_settle(world, &shop);
    assert_int_equal(shop.opens, 1);
    assert_string_equal(note_server_text(&shop), "Made here. More.");
    assert_int_equal(tandem_note_waiting(note), 0);
}

static void without_a_folder_notes_are_for_the_connection(void **state)
{
    struct world *world = *state;
    open_client(world, false);
    assert_int_equal(tandem_note_open(world->client, id_text(NOTE_NUMBER), NULL, NULL, &note),
                     STATUS_NOT_FOUND);
    assert_ok(tandem_connect(world->client, &usual, NULL));
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "");
    note_settle(world, &shop);
    assert_int_equal(mirror.opened, 1);
    assert_text(&mirror, note, "Lead time is four weeks.");
    mirror_type(&mirror, note, 0, "Soon: ");
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "Soon: Lead time is four weeks.");
    assert_int_equal(mirror.saved, 1);
}

/* ---- Refused ---- */

static void what_is_refused_stays_and_goes_with_the_next_edit(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "too-large";
    mirror_type(&mirror, note, 0, "Far too much. ");
    note_settle(world, &shop);
    assert_int_equal(mirror.refused, 1);
    assert_int_equal(mirror.code, STATUS_TOO_LARGE);
    assert_int_equal(shop.pushes, 1);
    assert_int_equal(mirror.ended, 0);
    assert_text(&mirror, note, "Far too much. Lead time is four weeks.");
    mirror_delete(&mirror, note, 0, 8);
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "much. Lead time is four weeks.");
    assert_int_equal(mirror.saved, 1);
}

static void a_busy_server_is_asked_again_later(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "busy";
    mirror_type(&mirror, note, 0, "Later. ");
    note_settle(world, &shop);
    assert_int_equal(mirror.refused, 0);
    assert_int_equal(shop.pushes, 2);
    assert_int_equal(shop.taken, 1);
    assert_int_equal(mirror.saved, 1);
}

static void who_may_only_read_keeps_what_they_typed(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "denied";
    shop.refuse_always = true;
    mirror_type(&mirror, note, 0, "Not taken. ");
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 1);
    assert_int_equal(mirror.code, STATUS_DENIED);
    assert_int_equal(tandem_note_code(note), STATUS_DENIED);
    assert_text(&mirror, note, "Not taken. Lead time is four weeks.");
    assert_int_equal(tandem_note_insert(note, 0, "x", 1), STATUS_DENIED);
    assert_int_equal(shop.pushes, 1); /* not again and again */
    assert_int_equal(works_of(world).count, 1);
    assert_ok(tandem_note_discard(world->client, id_text(NOTE_NUMBER)));
    assert_int_equal(works_of(world).count, 0);
    note_settle(world, &shop);
    assert_text(&mirror, note, "Lead time is four weeks.");
}

/* ---- Access that ends ---- */

static void assert_only_mine_is_left(struct world *world)
{
    struct works works = works_of(world);
    assert_int_equal(works.count, 1);
    assert_int_equal(works.first.code, STATUS_NOT_FOUND);
    assert_int_equal(traces_left(world->folder, "ead time"), 0);
    assert_true(traces_left(world->folder, "My words") > 0);
}

static void lose(struct world *world, bool purge)
{
    shop.hidden = true;
    world->port.now += 60000;
    go_online(world);
    say_gone(50, 70, purge);
    note_settle(world, &shop);
    for (int i = 0; i < 40; i++) { /* removals are scrubbed when it rests */
        world->port.now += 500;
        note_settle(world, &shop);
    }
}

/* Revoked while the device was offline: what others wrote leaves the files, what was typed here
 * stays with its author. */
static void access_that_ended_leaves_ones_own_words(void **state)
{
    struct world *world = *state;
    for (int purge = 0; purge < 2; purge++) {
        begin_open(world);
        note_hang_up(world, &shop);
        mirror_type(&mirror, note, 4, " My words stay");
        assert_true(traces_left(world->folder, "ead time") > 0);
        lose(world, purge == 1);
        assert_int_equal(mirror.ended, 1);
        assert_int_equal(mirror.code, STATUS_NOT_FOUND);
        assert_string_equal(tandem_note_text(note, NULL), " My words stay\n");
        assert_int_equal(tandem_note_insert(note, 0, "x", 1), STATUS_NOT_FOUND);
        assert_only_mine_is_left(world);
        restart(world);
        mirror_open(&mirror, world, &note);
        assert_int_equal(tandem_note_code(note), STATUS_NOT_FOUND);
        assert_string_equal(tandem_note_text(note, NULL), " My words stay\n");
        assert_ok(tandem_note_discard(world->client, id_text(NOTE_NUMBER)));
        assert_int_equal(works_of(world).count, 0);
        assert_int_equal(tear_down(state), 0);
        mirror_release(&mirror);
        note_server_release(&shop);
        assert_int_equal(set_up_note(state), 0);
        world = *state;
    }
}

/* Before the server says it of the note itself: the feed tells first. */
static void what_the_feed_purges_ends_the_note(void **state)
{
    struct world *world = *state;
    begin_open(world);
    shop.refuse = "busy";
    shop.refuse_always = true;
    mirror_type(&mirror, note, 4, " My words stay");
    note_other(&shop, "ola", 0, 0, "Theirs. ");
    assert_ok(tandem_service(world->client));
    say_gone(50, 70, true);
    for (int i = 0; i < 40; i++) {
        world->port.now += 500;
        assert_ok(tandem_service(world->client));
        note_forget_frames();
    }
    assert_int_equal(mirror.ended, 1);
    assert_string_equal(tandem_note_text(note, NULL), " My words stay\n");
    assert_only_mine_is_left(world);
    assert_int_equal(traces_left(world->folder, "heirs. "), 0);
}

/* Nobody has it open, and a server that has no live notes is not asked: it is read for that. */
static void so_does_it_one_that_is_not_open(void **state)
{
    struct world *world = *state;
    for (int damaged = 0; damaged < 2; damaged++) {
        shop.without = true;
        begin(world);
        mirror_open(&mirror, world, &note);
        mirror_type(&mirror, note, 4, " My words stay");
        if (damaged == 1) { /* what cannot be read leaves whole */
            struct note_writing *writing = NULL;
            struct note_head head;
            assert_ok(note_store_head(world->client->store, id_of(NOTE_NUMBER), &head));
            assert_ok(note_store_begin(world->client->store, id_of(NOTE_NUMBER), &head, &writing));
            assert_ok(note_store_end(writing, &head,
                                     note_store_save(writing, bytes_text("ead time"), true)));
        }
        restart(world);
        assert_true(traces_left(world->folder, "ead time") > 0);
        assert_ok(tandem_connect(world->client, &usual, NULL));
        assert_ok(tandem_subscribe(world->client, NULL, 0));
        note_settle(world, &shop);
        say_gone(50, 70, true);
        note_settle(world, &shop);
        for (int i = 0; i < 40; i++) {
            world->port.now += 500;
            note_settle(world, &shop);
        }
        if (damaged == 0)
            assert_only_mine_is_left(world);
        else
            assert_int_equal(works_of(world).count, 0);
        assert_int_equal(traces_left(world->folder, "ead time"), 0);
        assert_int_equal(tear_down(state), 0);
        mirror_release(&mirror);
        note_server_release(&shop);
        assert_int_equal(set_up_note(state), 0);
        world = *state;
    }
}

/* Another role: what is still to be seen comes again, and what is not, ends. */
static void another_role_has_the_text_fetched_again(void **state)
{
    struct world *world = *state;
    struct message reset = {.type = MESSAGE_RESET};
    begin_open(world);
    mirror_type(&mirror, note, 0, "Mine. ");
    note_settle(world, &shop);
    reset.as.reset.reason = bytes_text("access");
    reset.as.reset.epoch = id_of(900);
    say(&reset);
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 0);
    assert_int_equal(shop.asked_version, UINT64_MAX);
    assert_text(&mirror, note, "Mine. Lead time is four weeks.");
    assert_int_equal(mirror.opened, 2);
    shop.hidden = true;
    say(&reset);
    note_settle(world, &shop);
    assert_int_equal(mirror.ended, 1);
    assert_text(&mirror, note, "");
}

/* The note is in no subscription: only the server's answer tells. */
static void a_note_that_is_not_to_be_seen_any_more_is_told_by_the_server(void **state)
{
    struct world *world = *state;
    note_start(world);
    note_settle(world, &shop);
    mirror_open(&mirror, world, &note);
    note_settle(world, &shop);
    note_hang_up(world, &shop);
    mirror_type(&mirror, note, 0, "My words. ");
    assert_true(traces_left(world->folder, "ead time") > 0);
    restart(world);
    shop.hidden = true;
    go_online(world);
    assert_only_mine_is_left(world);
}

/* ---- Other servers ---- */

static void an_older_server_keeps_edits_waiting(void **state)
{
    struct world *world = *state;
    shop.without = true;
    begin(world);
    mirror_open(&mirror, world, &note);
    assert_text(&mirror, note, "Lead time is four weeks.");
    mirror_type(&mirror, note, 0, "Wait. ");
    note_settle(world, &shop);
    assert_int_equal(shop.opens, 0);
    assert_int_equal(shop.presents, 0);
    assert_true(tandem_note_waiting(note) > 0);
    assert_int_equal(tandem_ask_note(world->client, id_text(NOTE_NUMBER), 0, NULL, NULL),
                     STATUS_UNKNOWN_MESSAGE);
    note_hang_up(world, &shop);
    shop.without = false;
    world->port.now += 60000;
    note_settle(world, &shop);
    assert_string_equal(note_server_text(&shop), "Wait. Lead time is four weeks.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(what_is_typed_reaches_the_server_and_is_saved),
        NOTE_TEST(what_others_type_shows_with_their_name),
        NOTE_TEST(one_push_is_under_way_and_the_rest_goes_with_the_next),
        NOTE_TEST(both_type_at_once),
        NOTE_TEST(undo_takes_back_ones_own_and_leaves_what_others_typed),
        NOTE_TEST(a_note_opens_once_and_what_is_no_place_changes_nothing),
        NOTE_TEST(typing_offline_survives_a_crash_and_is_sent_without_opening),
        NOTE_TEST(what_was_typed_while_away_is_merged_when_it_is_open),
        NOTE_TEST(history_that_is_gone_is_merged_by_its_text),
        NOTE_TEST(a_server_that_says_nonsense_of_versions_costs_nobody_their_words),
        NOTE_TEST(nor_does_one_that_says_it_of_a_record),
        NOTE_TEST(a_push_of_which_the_answer_was_lost_is_made_once),
        NOTE_TEST(what_was_typed_behind_a_lost_answer_is_merged),
        NOTE_TEST(a_push_that_was_lost_is_sent_again),
        NOTE_TEST(a_text_does_not_go_back_when_it_is_opened_offline),
        NOTE_TEST(a_note_that_waits_in_the_outbox_is_edited_before_it_is_sent),
        NOTE_TEST(without_a_folder_notes_are_for_the_connection),
        NOTE_TEST(what_is_refused_stays_and_goes_with_the_next_edit),
        NOTE_TEST(a_busy_server_is_asked_again_later),
        NOTE_TEST(who_may_only_read_keeps_what_they_typed),
        NOTE_TEST(access_that_ended_leaves_ones_own_words),
        NOTE_TEST(what_the_feed_purges_ends_the_note),
        NOTE_TEST(so_does_it_one_that_is_not_open),
        NOTE_TEST(another_role_has_the_text_fetched_again),
        NOTE_TEST(a_note_that_is_not_to_be_seen_any_more_is_told_by_the_server),
        NOTE_TEST(an_older_server_keeps_edits_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
