/* Presence over TLS, on a real server whose I/O threads the connections are dealt to in turn: so
 * people on different threads, and on the same one, hear of each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/support/server_process.h"
#include "tests/support/tandem_command.h"
#include "tests/unit/net/net_client.h"

#define ADMIN "admin-password"
#define SECRET "nordlys-password"
#define WORDS 12
#define MOST_FRAMES 1000u

/* In the order in which they connect. */
enum who { KARI, NILS, EVA, FRED, PEOPLE };

struct company {
    char folder[SCRATCH_PATH];
    struct server_process server;
    struct net_client people[PEOPLE];
    char account_text[64], assignment[64];
    struct id account;
    char last[256]; /* the newest list that receive() met, as "user@head user! " */
    unsigned lists;
};

/* Words divided by '|', as the administrator; the value of `member` in `out` if it is not NULL. */
static void command(const struct company *company, const char *words, const char *member, char *out,
                    size_t size)
{
    char profile[SCRATCH_PATH + 16], text[1024];
    const char *arguments[WORDS + 1] = {NULL};
    char *rest = NULL;
    size_t count = 0;
    (void)snprintf(profile, sizeof profile, "%s/profile", company->folder);
    (void)snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok_r(text, "|", &rest); word != NULL && count < WORDS;
         word = strtok_r(NULL, "|", &rest))
        arguments[count++] = word;
    const struct tandem_command run = {.profile = profile, .password = ADMIN};
    struct tandem_output output = tandem_command_run(&run, arguments);
    if (output.status != 0)
        print_error("%s: %s%s\n", words, output.out, output.err);
    assert_int_equal(output.status, 0);
    if (member != NULL)
        tandem_output_text(&output, member, out, size);
    tandem_output_release(&output);
}

static void say(struct net_client *client, const struct message *message)
{
    struct buffer encoded = {0};
    message_encode(&encoded, message);
    assert_false(encoded.failed);
    assert_true(net_client_send(client, encoded.data, encoded.size));
    buffer_release(&encoded);
}

/* The next message, whose bytes are the client's until the one after. */
static struct message receive(struct net_client *client)
{
    struct message message;
    assert_true(net_client_receive(client));
    assert_int_equal(client->opcode, WS_BINARY);
    assert_int_equal(message_decode(bytes_of(client->payload, client->size), &message, NULL),
                     STATUS_OK);
    return message;
}

/* Connects and signs in; with a code, `fresh` becomes the password. */
static void sign_in(struct company *company, enum who who, const char *name, const char *secret,
                    const char *fresh)
{
    struct buffer versions = {0};
    struct net_client *client = &company->people[who];
    const struct net_client_options options = {.authority = company->server.ca};
    struct message hello = {.type = MESSAGE_HELLO};
    wire_put_array(&versions, 1);
    wire_put_uint(&versions, PROTOCOL_VERSION);
    hello.as.hello.versions = buffer_bytes(&versions);
    memset(hello.as.hello.client.octet, 0x40 + (int)who, ID_SIZE);
    hello.as.hello.method = bytes_text(fresh != NULL ? "code" : "password");
    hello.as.hello.user = bytes_text(name);
    hello.as.hello.secret = bytes_text(secret);
    message_mark(&hello, "user");
    message_mark(&hello, "secret");
    if (fresh != NULL) {
        hello.as.hello.new_secret = bytes_text(fresh);
        message_mark(&hello, "newSecret");
    }
    assert_true(net_client_open(client, company->server.address, &options));
    say(client, &hello);
    assert_int_equal(receive(client).type, MESSAGE_WELCOME);
    buffer_release(&versions);
}

/* Makes the user, who chooses a password. */
static void add_user(struct company *company, enum who who, const char *name, const char *place)
{
    char words[128], code[64];
    (void)snprintf(words, sizeof words, "user|add|%s|%s|--json", name, place);
    command(company, words, "code", code, sizeof code);
    sign_in(company, who, name, code, SECRET);
    net_client_close(&company->people[who]);
}

static void present(struct company *company, enum who who, uint64_t head)
{
    struct message message = {.type = MESSAGE_PRESENT};
    message.as.present.about = company->account;
    message.as.present.head = head;
    message_mark(&message, "head");
    say(&company->people[who], &message);
}

static void keep_list(struct company *company, const struct msg_presence *presence)
{
    struct wire_reader reader = wire_read(presence->people);
    uint32_t count = 0, parts;
    size_t at = 0;
    assert_true(id_equal(presence->about, company->account));
    assert_true(wire_get_array(&reader, &count));
    company->last[0] = '\0';
    company->lists++;
    while (count-- > 0) {
        struct bytes user;
        uint64_t head = 0;
        assert_true(wire_get_array(&reader, &parts) && wire_skip(&reader, NULL) &&
                    wire_get_str(&reader, &user) && wire_skip(&reader, NULL) &&
                    wire_skip(&reader, NULL) && wire_skip(&reader, NULL) &&
                    wire_get_uint(&reader, &head) && wire_skip(&reader, NULL));
        at += (size_t)snprintf(company->last + at, sizeof company->last - at, "%s%.*s@%llu",
                               at > 0 ? " " : "", (int)user.size, user.data,
                               (unsigned long long)head);
        assert_true(at < sizeof company->last);
    }
}

/* Reads lists until this one comes. */
static void hears(struct company *company, enum who who, const char *list)
{
    (void)snprintf(company->last, sizeof company->last, "nothing");
    for (unsigned i = 0; i < MOST_FRAMES && strcmp(company->last, list) != 0; i++) {
        const struct message message = receive(&company->people[who]);
        assert_int_equal(message.type, MESSAGE_PRESENCE);
        keep_list(company, &message.as.presence);
    }
    assert_string_equal(company->last, list);
}

/* How many lists come before the answers to two pings, of which the second is from a later turn of
 * the thread's loop than what was posted to it before now. */
static unsigned lists_until_now(struct company *company, enum who who)
{
    company->lists = 0;
    for (uint64_t ping = 1; ping <= 2; ping++) {
        struct message message = {.type = MESSAGE_PING};
        message.as.ping.request = ping;
        message_mark(&message, "request");
        say(&company->people[who], &message);
        for (message = receive(&company->people[who]); message.type != MESSAGE_PONG;
             message = receive(&company->people[who])) {
            assert_int_equal(message.type, MESSAGE_PRESENCE);
            keep_list(company, &message.as.presence);
        }
    }
    return company->lists;
}

static int set_up(void **state)
{
    static const char *const names[PEOPLE] = {"kari", "nils", "eva", "fred"};
    static const char *const places[PEOPLE] = {"--department|sales", "--department|support",
                                               "--partner|Nordic Paper", "--partner|Baltic Timber"};
    struct company *company = calloc(1, sizeof *company);
    char words[1024];
    assert_non_null(company);
    *state = company;
    assert_true(scratch_make(company->folder));
    assert_true(server_process_make(&company->server, company->folder, "admin", ADMIN));
    assert_true(server_process_start(&company->server, NULL, 0));
    (void)snprintf(words, sizeof words, "login|%s|--user|admin|--ca|%s", company->server.url,
                   company->server.ca);
    command(company, words, NULL, NULL, 0);
    command(company, "party|add|Nordic Paper|--kind|supplier", NULL, NULL, 0);
    command(company, "party|add|Baltic Timber|--kind|supplier", NULL, NULL, 0);
    command(company, "add|account|name=Fjord Bruk|--json", "id", company->account_text,
            sizeof company->account_text);
    assert_true(id_from_text(bytes_text(company->account_text), &company->account));
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(words, sizeof words, "assign|%s|%s|--level|view",
                       i == 0 ? "Nordic Paper" : "Baltic Timber", company->account_text);
        command(company, words, NULL, NULL, 0);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        add_user(company, (enum who)i, names[i], places[i]);
    for (unsigned i = 0; i < PEOPLE; i++) /* in a row, so that they are on threads in turn */
        sign_in(company, (enum who)i, names[i], SECRET, NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct company *company = *state;
    for (unsigned i = 0; i < PEOPLE; i++)
        net_client_close(&company->people[i]);
    const bool ended_well = server_process_stop(&company->server);
    scratch_remove(company->folder);
    free(company);
    return ended_well ? 0 : 1;
}

static void test_people_on_all_threads_hear_of_each_other(void **state)
{
    struct company *company = *state;
    present(company, KARI, 1);
    hears(company, KARI, "");
    present(company, NILS, 2);
    hears(company, NILS, "kari@1");
    hears(company, KARI, "nils@2");
    for (uint64_t head = 10; head <= 60; head++) { /* both at once; the last list is right */
        present(company, KARI, head);
        present(company, NILS, head + 100);
    }
    hears(company, KARI, "nils@160");
    hears(company, NILS, "kari@60");

    present(company, EVA, 5);
    hears(company, EVA, "nils@160 kari@60");
    hears(company, NILS, "eva@5 kari@60");
    present(company, FRED, 6);
    hears(company, FRED, "nils@160 kari@60");
    hears(company, NILS, "fred@6 eva@5 kari@60");
    hears(company, KARI, "fred@6 eva@5 nils@160");
    for (uint64_t head = 1; head <= 20; head++)
        present(company, FRED, head);
    hears(company, KARI, "fred@20 eva@5 nils@160");
    assert_int_equal(lists_until_now(company, EVA), 0);

    char words[256];
    (void)snprintf(words, sizeof words, "revoke|Nordic Paper|%s", company->account_text);
    command(company, words, NULL, NULL, 0);
    hears(company, KARI, "fred@20 nils@160");
    present(company, KARI, 7);
    hears(company, NILS, "fred@20 kari@7");
    assert_int_equal(lists_until_now(company, EVA), 0);
    present(company, EVA, 1);
    const struct message refused = receive(&company->people[EVA]);
    assert_int_equal(refused.type, MESSAGE_ERROR);
    assert_true(bytes_is(refused.as.error.name, "not-found"));

    net_client_close(&company->people[KARI]);
    hears(company, NILS, "fred@20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        test_people_on_all_threads_hear_of_each_other, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
