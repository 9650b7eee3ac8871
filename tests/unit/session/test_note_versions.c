/* What was in a note: reading its versions, who wrote what, the list of versions, and how far back
 * whom. */
#include "tests/unit/session/note_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"

/* The note that came last. */
static struct msg_note last_note(const struct world_client *client)
{
    struct message message;
    assert_int_equal(message_decode(client_last(client, MESSAGE_NOTE), &message, NULL), STATUS_OK);
    return message.as.note;
}

static struct msg_note read_note(struct world_client *client, struct id note, uint64_t version)
{
    client_read_note(client, note, &version);
    client_settle(client);
    return last_note(client);
}

static void assert_text(struct msg_note note, uint64_t version, const char *text)
{
    assert_int_equal(note.version, version);
    assert_true(bytes_is(note.text, text));
}

/* [[length, by, at], ...] as "length by, length by". */
static const char *authors_of(struct msg_note note)
{
    static char out[200];
    struct wire_reader reader = wire_read(note.authors);
    uint32_t count = 0;
    size_t at = 0;
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parts;
        uint64_t length, when;
        struct bytes by;
        assert_true(wire_get_array(&reader, &parts) && parts == 3 &&
                    wire_get_uint(&reader, &length) && wire_get_str(&reader, &by) &&
                    wire_get_uint(&reader, &when) && when > 0);
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%llu %.*s", i > 0 ? ", " : "",
                               (unsigned long long)length, (int)by.size, (const char *)by.data);
    }
    return out;
}

struct version {
    uint64_t version, at, removed, inserted;
    struct bytes by;
};

/* Entry `index` of the answer that came last; its number of entries. */
static uint32_t version_at(const struct world_client *client, uint32_t index, struct version *out)
{
    struct message message;
    struct bytes entry;
    uint32_t count = 0;
    assert_int_equal(message_decode(client_last(client, MESSAGE_ANSWER), &message, NULL),
                     STATUS_OK);
    struct wire_reader reader = wire_read(message.as.answer.entries);
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i <= index && i < count; i++) {
        assert_true(wire_skip(&reader, &entry));
    }
    if (index < count) {
        assert_true(wire_map_uint(entry, "version", &out->version) &&
                    wire_map_uint(entry, "at", &out->at) &&
                    wire_map_uint(entry, "removed", &out->removed) &&
                    wire_map_uint(entry, "inserted", &out->inserted) &&
                    wire_map_str(entry, "by", &out->by));
    }
    return count;
}

static void test_every_version_can_be_read_with_its_authors(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "one", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    type_at_end(f, kari, note, " two");
    type_at_end(f, ola, note, " 🫐");
    assert_text(read_note(kari, note, 0), 0, "one");
    assert_text(read_note(kari, note, 1), 1, "one two");
    assert_string_equal(authors_of(last_note(kari)), "3 admin, 4 kari");
    assert_text(read_note(kari, note, 2), 2, "one two 🫐");
    assert_int_equal(last_note(kari).newest, 2);
    assert_int_equal(last_note(kari).oldest, 0);
    client_read_note(kari, note, NULL);
    client_settle(kari);
    assert_text(last_note(kari), 2, "one two 🫐");
    assert_string_equal(authors_of(last_note(kari)), "3 admin, 4 kari, 3 ola");
    assert_int_equal(client_received(kari, MESSAGE_ERROR), 0);
    client_read_note(kari, note, &(uint64_t){3});
    client_settle(kari);
    assert_string_equal(error_name(kari), "not-found");
}

static void test_reading_opens_nothing(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "one", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = watcher(f, f->ola);
    assert_text(read_note(ola, note, 0), 0, "one");
    type_at_end(f, kari, note, "!");
    assert_int_equal(client_received(ola, MESSAGE_NOTE_CHANGES), 0);
}

static void test_versions_are_listed_newest_first_a_page_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct version version = {0};
    struct id note = make_note(f, f->fjord, "abc", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    client_list_versions(kari, note, 0, 0);
    client_settle(kari);
    assert_int_equal(version_at(kari, 0, &version), 0);
    type_at_end(f, kari, note, "🫐");
    client_type(ola, note, 0, 2, "xyz");
    settle_all(f);
    type_at_end(f, kari, note, "d");
    client_list_versions(kari, note, 0, 2);
    client_settle(kari);
    assert_int_equal(version_at(kari, 0, &version), 2);
    assert_int_equal(version.version, 3);
    assert_int_equal(version_at(kari, 1, &version), 2);
    assert_int_equal(version.version, 2);
    assert_true(bytes_is(version.by, "ola"));
    assert_int_equal(version.removed, 2);
    assert_int_equal(version.inserted, 3);
    assert_true(version.at > 0);
    client_list_versions(kari, note, 2, 2);
    client_settle(kari);
    assert_int_equal(version_at(kari, 0, &version), 1);
    assert_int_equal(version.version, 1);
    assert_int_equal(version.inserted, 2);
    client_list_versions(kari, note, 1, 2);
    client_settle(kari);
    assert_int_equal(version_at(kari, 0, &version), 0);
}

/* Reading through a list of versions ends, however long it is and however large they are. */
static void test_long_lists_come_in_pages(void **state)
{
    struct fixture *f = *state;
    struct version version = {0};
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    static char words[100001];
    memset(words, 'w', sizeof words - 1);
    for (unsigned i = 0; i < 30; i++) {
        client_type(kari, note, 0, i > 0 ? sizeof words - 1 : 0, words);
        settle_all(f);
        must(client_push_status(kari));
    }
    uint64_t before = 0;
    unsigned listed = 0, pages = 0;
    for (;; pages++) {
        client_list_versions(kari, note, before, 1000);
        client_settle(kari);
        uint32_t count = version_at(kari, 0, &version);
        if (count == 0) {
            break;
        }
        assert_int_equal(version.version, 30 - listed);
        version_at(kari, count - 1, &version);
        before = version.version;
        listed += count;
        assert_true(pages < 30);
    }
    assert_int_equal(listed, 30);
    assert_true(pages > 1);
}

static void test_a_partner_reads_back_to_when_it_was_shared(void **state)
{
    struct fixture *f = *state;
    struct version version = {0};
    assign_at(f, f->supplier, f->fjord, "view");
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *eva = watcher(f, f->eva);
    type_at_end(f, kari, note, "secret");
    client_type(kari, note, 0, 6, "public");
    settle_all(f);
    must(world_share(f->world, f->admin, note, "partners", NULL));
    type_at_end(f, kari, note, "!");
    assert_text(read_note(eva, note, 3), 3, "public!");
    assert_int_equal(last_note(eva).oldest, 2);
    assert_text(read_note(eva, note, 2), 2, "public");
    size_t notes = client_received(eva, MESSAGE_NOTE);
    for (uint64_t old = 0; old < 2; old++) {
        client_read_note(eva, note, &old);
        client_open_note_at(eva, note, old);
        client_settle(eva);
        assert_string_equal(error_name(eva), "not-found");
        assert_text(last_note(eva), 3, "public!"); /* as text, not as what led to it */
    }
    assert_int_equal(client_received(eva, MESSAGE_NOTE), notes + 2);
    client_list_versions(eva, note, 0, 0);
    client_settle(eva);
    assert_int_equal(version_at(eva, 0, &version), 1);
    assert_int_equal(version.version, 3);
    assert_text(read_note(kari, note, 1), 1, "secret");
}

/* A mutation that puts a harmless text in the place of another and shares it. */
static void test_what_is_shared_with_a_new_text_hides_the_old(void **state)
{
    struct fixture *f = *state;
    assign_at(f, f->supplier, f->fjord, "view");
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *eva = watcher(f, f->eva);
    type_at_end(f, kari, note, "secret");
    world_pass_time(f->world, 60000);
    world_run_due(f->world);
    must(world_update(f->world, f->admin, "note", note, "text", "public", NULL));
    must(world_share(f->world, f->admin, note, "partners", NULL));
    settle_all(f);
    assert_string_equal(client_note_text(kari, note), "public");
    for (uint64_t version = 0; version <= client_note(kari, note)->version; version++) {
        client_read_note(eva, note, &version);
        client_settle(eva);
        struct bytes came = client_last(eva, MESSAGE_NOTE);
        assert_true(came.size == 0 || memmem(came.data, came.size, "secret", 6) == NULL);
    }
    client_open_note_at(eva, note, 0);
    settle_all(f);
    assert_string_equal(client_note_text(eva, note), "public");
    assert_int_equal(client_note(eva, note)->entries, 0);
}

/* Types and deletes so much that there are snapshots. The text ends as it began. */
static void type_a_lot(struct fixture *f, struct world_client *client, struct id note)
{
    static char words[6001];
    memset(words, 'w', sizeof words - 1);
    for (unsigned i = 0; i < 3; i++) {
        world_pass_time(f->world, 1000);
        client_type(client, note, 0, 0, words);
        client_settle(client);
        must(client_push_status(client));
        client_type(client, note, 0, sizeof words - 1, "");
        client_settle(client);
        must(client_push_status(client));
    }
}

/* What is in the note so far is older than anything that is remembered, but for the newest
 * snapshot. */
static void forget(struct fixture *f, struct world_client *client, struct id note)
{
    struct buffer body = {0};
    type_a_lot(f, client, note);
    world_pass_time(f->world, UINT64_C(100) * 86400000);
    wire_put_map(&body, 1);
    wire_put_text(&body, "before");
    wire_put_uint(&body, world_now(f->world));
    must(world_apply(f->world, COMMAND_PRUNE, (struct id){{0}}, buffer_bytes(&body)));
    buffer_release(&body);
    type_a_lot(f, client, note);
}

static void test_what_is_forgotten_cannot_be_asked_for(void **state)
{
    struct fixture *f = *state;
    struct version version = {0};
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note);
    type_at_end(f, kari, note, "a");
    forget(f, kari, note);
    settle_all(f);
    uint64_t old = 1, oldest;
    client_read_note(kari, note, &old);
    client_settle(kari);
    assert_string_equal(error_name(kari), "not-found");
    client_open_note_at(kari, note, old);
    client_settle(kari);
    oldest = client_note(kari, note)->oldest;
    assert_true(oldest > 1);
    assert_int_equal(client_note(kari, note)->version, 13);
    assert_string_equal(client_note_text(kari, note), "a");
    assert_int_equal(read_note(kari, note, oldest).version, oldest);
    client_list_versions(kari, note, 0, 0);
    client_settle(kari);
    uint32_t count = version_at(kari, 0, &version);
    assert_int_equal(version_at(kari, count - 1, &version), 13 - oldest);
    assert_int_equal(version.version, oldest + 1);
}

static void test_who_reads_nothing_starts_over(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    struct world_client *kari = opener(f, f->kari, note), *ola = opener(f, f->ola, note);
    forget(f, kari, note); /* ola takes no frame meanwhile */
    world_forget_frames(f->world);
    settle_all(f);
    assert_false(client_has_note(ola, note));
    assert_int_equal(client_note(ola, note)->end, STATUS_RESET_REQUIRED);
    client_open_note(ola, note, true);
    settle_all(f);
    assert_string_equal(client_note_text(ola, note), client_note_text(kari, note));
}

static bool among(struct bytes name, struct bytes array)
{
    struct wire_reader reader = wire_read(array);
    struct bytes entry, by;
    uint32_t count = 0;
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        assert_true(wire_skip(&reader, &entry) && wire_map_str(entry, "by", &by));
        if (bytes_equal(by, name)) {
            return true;
        }
    }
    return false;
}

static struct bytes entries_of_answer(struct world_client *client)
{
    struct message message;
    client_settle(client);
    assert_int_equal(message_decode(client_last(client, MESSAGE_ANSWER), &message, NULL),
                     STATUS_OK);
    return message.as.answer.entries;
}

/* Of a note that two partners share, each is told who wrote what, as of any record's history: by
 * sign-in name, whoever it was. */
static void test_authors_are_named_as_in_histories(void **state)
{
    struct fixture *f = *state;
    struct id note = make_note(f, f->fjord, "", NULL);
    assign_at(f, f->supplier, f->fjord, "comment");
    assign_at(f, f->other, f->fjord, "comment");
    must(world_share(f->world, f->kari, note, "partners", NULL));
    struct world_client *kari = opener(f, f->kari, note), *eva = opener(f, f->eva, note);
    struct world_client *fred = opener(f, f->fred, note);
    type_at_end(f, kari, note, "by staff, ");
    type_at_end(f, eva, note, "by eva");
    world_pass_time(f->world, 60000);
    world_run_due(f->world);
    settle_all(f);
    client_read_note(fred, note, NULL);
    client_settle(fred);
    assert_string_equal(authors_of(last_note(fred)), "10 kari, 6 eva");
    client_list_versions(fred, note, 100, 10);
    assert_true(among(bytes_text("eva"), entries_of_answer(fred)));
    assert_true(among(bytes_text("kari"), entries_of_answer(fred)));
    struct message history = {.type = MESSAGE_HISTORY};
    history.as.history.request = 4711;
    history.as.history.id = note;
    client_say(fred, &history);
    assert_true(among(bytes_text("eva"), entries_of_answer(fred)));
    assert_true(bytes_is(held_part(fred, note, "modifiedBy"), "\xa3"
                                                              "eva"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, feed_set_up, feed_tear_down)
    const struct CMUnitTest tests[] = {
        T(test_every_version_can_be_read_with_its_authors),
        T(test_reading_opens_nothing),
        T(test_versions_are_listed_newest_first_a_page_at_a_time),
        T(test_long_lists_come_in_pages),
        T(test_a_partner_reads_back_to_when_it_was_shared),
        T(test_what_is_shared_with_a_new_text_hides_the_old),
        T(test_what_is_forgotten_cannot_be_asked_for),
        T(test_who_reads_nothing_starts_over),
        T(test_authors_are_named_as_in_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
