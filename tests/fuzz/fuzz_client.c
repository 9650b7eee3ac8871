/* A client handle against a server that says anything, without a network and without a replica.
 *
 * The script connects, opens and closes the link, hears messages (as they are, sensible, bent),
 * sends mutations and requests, lets time pass, and acts from inside callbacks as the header
 * allows. Every mutation and every request that was taken is answered exactly once, closing
 * included; all that is sent decodes; every link is freed. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/client/client.h"
#include "protocol/wire.h"
#include "tests/fuzz/script.h"

#define EVENTS 150u
#define ASKED 64u

struct link {
    struct link_events events;
    struct client *client;
    bool opened, closed;
};

struct asked {
    struct client *client;
    bool finished;
};

struct client {
    tandem_client *handle;
    struct port port;
    uint64_t now, random;
    struct link *link; /* the newest; NULL once freed */
    unsigned links;    /* not yet freed */
    /* What the link does when it runs next. */
    struct buffer inbox;
    bool has_frame, hangs_up, refuses, send_fails;
    unsigned close_code;
    unsigned sent, answered; /* mutations */
    struct asked asked[ASKED];
    size_t asked_count;
    unsigned from_inside; /* actions left to take inside callbacks */
    uint8_t inside;       /* which */
};

static void act(struct client *client, uint8_t what);

static void act_inside(struct client *client)
{
    if (client->from_inside > 0 && client->handle != NULL) {
        client->from_inside--;
        act(client, client->inside);
    }
}

/* ---- The link and the port ------------------------------------------------------------------- */

static uint64_t now(void *context)
{
    return ((struct client *)context)->now;
}

static bool fill_random(void *context, void *out, size_t size)
{
    struct client *client = context;
    for (size_t i = 0; i < size; i++) {
        client->random = client->random * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(client->random >> 33);
    }
    return true;
}

static enum status open_link(const struct link_config *config, const struct port *port,
                             const struct link_events *events, struct link **out,
                             tandem_fault *fault)
{
    struct client *client = port->context;
    (void)config;
    if (client->refuses) {
        fault->code = STATUS_UNREACHABLE;
        return STATUS_UNREACHABLE;
    }
    *out = calloc(1, sizeof **out);
    MUST(*out != NULL);
    (*out)->events = *events;
    (*out)->client = client;
    client->link = *out;
    client->links++;
    return STATUS_OK;
}

static void free_link(struct link *link)
{
    MUST(link->client->links > 0);
    link->client->links--;
    if (link->client->link == link)
        link->client->link = NULL;
    free(link);
}

static int fd_of(const struct link *link)
{
    (void)link;
    return -1;
}

static int want_of(const struct link *link)
{
    MUST(!link->closed);
    return TANDEM_WANT_READ;
}

static bool has_more(const struct link *link)
{
    (void)link;
    return false;
}

static void run_link(struct link *link)
{
    struct client *client = link->client;
    const tandem_fault gone = {.code = STATUS_UNREACHABLE, .change = -1, .detail = "gone"};
    MUST(!link->closed);
    if (!link->opened) {
        link->opened = true;
        link->events.opened(link->events.context);
    }
    if (client->has_frame) {
        struct buffer frame = client->inbox;
        client->inbox = (struct buffer){0};
        client->has_frame = false;
        link->events.message(link->events.context, buffer_bytes(&frame));
        buffer_release(&frame);
    }
    if (client->hangs_up) {
        client->hangs_up = false;
        link->closed = true;
        link->events.closed(link->events.context, client->close_code, &gone);
    }
}

static enum status send_frame(struct link *link, struct bytes frame)
{
    struct message message;
    MUST(!link->closed);
    MUST(message_decode(frame, &message, NULL) == STATUS_OK);
    MUST(message.type < MESSAGE_WELCOME && frame.size <= LIMIT_MESSAGE_BYTES);
    return link->client->send_fails ? STATUS_UNREACHABLE : STATUS_OK;
}

static void close_link(struct link *link, unsigned close_code)
{
    (void)link, (void)close_code;
}

static const struct link_ops ops = {open_link, free_link, fd_of,      want_of,
                                    has_more,  run_link,  send_frame, close_link};

/* ---- What the library tells ------------------------------------------------------------------ */

static void on_event(void *context, const tandem_event *event)
{
    MUST(event->detail != NULL && event->record == NULL);
    act_inside(context);
}

static void on_result(void *context, const tandem_result *result)
{
    struct client *client = context;
    MUST(client->answered < client->sent && result->fault != NULL);
    client->answered++;
    for (size_t i = 0; i < result->conflict_count; i++)
        MUST(strlen(result->conflicts[i].id) + strlen(result->conflicts[i].field) +
                 strlen(result->conflicts[i].theirs) + strlen(result->conflicts[i].by) <
             LIMIT_MESSAGE_BYTES);
    act_inside(client);
}

static bool look_at_record(void *context, const tandem_record *record)
{
    (void)context;
    MUST(tandem_record_title(record) != NULL);
    return true;
}

static bool look_at_entry(void *context, const tandem_history_entry *entry)
{
    (void)context;
    MUST(entry->json != NULL);
    return true;
}

static void on_answer(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct asked *asked = context;
    MUST(!asked->finished);
    MUST(answer != NULL || (fault != NULL && fault->code != TANDEM_OK));
    asked->finished = answer == NULL || tandem_answer_last(answer);
    if (answer != NULL) {
        (void)tandem_answer_records(answer, look_at_record, NULL);
        (void)tandem_answer_history(answer, look_at_entry, NULL);
        tandem_free(tandem_answer_info(answer));
        (void)tandem_answer_code(answer);
    }
    act_inside(asked->client);
}

/* ---- What the caller does -------------------------------------------------------------------- */

#define SOME_ID "019e7044-880b-7940-ae70-a68238904585"

static void connect_to(struct client *client, uint8_t how)
{
    const tandem_server server = {.url = "wss://localhost/",
                                  .method = (tandem_sign_in)(how % 4u),
                                  .user = "kari",
                                  .secret = "secret",
                                  .new_secret = "another",
                                  .certificate = how % 4u == 3 ? "certificate.pem" : NULL,
                                  .key = how % 4u == 3 ? "key.pem" : NULL,
                                  .remember = how & 4,
                                  .once = how & 8};
    (void)tandem_connect(client->handle, &server, NULL);
}

static void send_note(struct client *client)
{
    char id[TANDEM_ID_TEXT];
    tandem_mutation *mutation = tandem_mutation_new();
    MUST(mutation != NULL);
    MUST(tandem_create(mutation, "note", id) == TANDEM_OK);
    MUST(tandem_set_text(mutation, "text", "words") == TANDEM_OK);
    client->sent++; /* before, since a refusal may be told at once */
    if (tandem_send(client->handle, mutation, on_result, client) != TANDEM_OK)
        client->sent--;
    tandem_mutation_free(mutation);
}

static void ask(struct client *client, uint8_t what)
{
    const tandem_query query = {.entity = "contact", .limit = what & 0x80 ? 3 : 0};
    if (client->asked_count == ASKED)
        return;
    struct asked *asked = &client->asked[client->asked_count++];
    tandem_code code;
    *asked = (struct asked){.client = client};
    switch (what % 8u) {
    case 0:
        code = tandem_ask_fetch(client->handle, SOME_ID, on_answer, asked);
        break;
    case 1:
        code = tandem_ask_query(client->handle, &query, on_answer, asked, NULL);
        break;
    case 2:
        code = tandem_ask_timeline(client->handle, SOME_ID, 2, on_answer, asked);
        break;
    case 3:
        code = tandem_ask_history(client->handle, SOME_ID, 0, on_answer, asked);
        break;
    case 4:
        code = tandem_ask_status(client->handle, on_answer, asked);
        break;
    case 5:
        code = tandem_ask_invite(client->handle, SOME_ID, on_answer, asked);
        break;
    case 6:
        code = tandem_ask_password(client->handle, "old", "new enough", on_answer, asked);
        break;
    default:
        code = tandem_ask_sign_out(client->handle, what & 0x80, on_answer, asked);
        break;
    }
    if (code != TANDEM_OK) {
        MUST(!asked->finished);
        asked->finished = true;
    }
}

static void act(struct client *client, uint8_t what)
{
    switch (what % 4u) {
    case 0:
        connect_to(client, what / 4u);
        break;
    case 1:
        send_note(client);
        break;
    case 2:
        ask(client, what / 4u);
        break;
    default:
        (void)tandem_subscribe(client->handle, NULL, 0);
        (void)tandem_connected(client->handle);
        (void)tandem_user_name(client->handle);
        (void)tandem_token(client->handle);
        break;
    }
}

/* ---- What the server says -------------------------------------------------------------------- */

static void make_welcome(struct message *message, uint8_t how)
{
    struct msg_welcome *welcome = &message->as.welcome;
    message->type = MESSAGE_WELCOME;
    welcome->version = 1;
    welcome->name = bytes_text("kari");
    welcome->role = bytes_text("Member");
    welcome->epoch = (struct id){{1}};
    welcome->last_number = how % 8u;
    if (how & 8) {
        welcome->token = bytes_text("a token");
        message_mark(message, "token");
    }
}

static struct bytes status_of(uint8_t how)
{
    static const enum status some[] = {STATUS_OK,    STATUS_CONFLICT,    STATUS_BUSY,
                                       STATUS_IO,    STATUS_NUMBER_GAP,  STATUS_NUMBER_REUSED,
                                       STATUS_LIMIT, STATUS_RATE_LIMITED};
    return bytes_text(status_name(some[how % 8u]));
}

static void make_error(struct client *client, struct message *message, uint8_t how)
{
    struct msg_error *error = &message->as.error;
    message->type = MESSAGE_ERROR;
    error->name = status_of(how);
    error->text = bytes_text("words");
    if (how & 8) {
        error->request = client->handle->next_request - how / 16u % 4u;
        message_mark(message, "request");
    }
    if (how & 0x40) {
        error->retry_after = 1000;
        message_mark(message, "retryAfter");
    }
}

static void make_result(struct message *message, uint8_t how)
{
    message->type = MESSAGE_RESULT;
    message->as.result.number = 1 + how / 8u % 16u;
    message->as.result.status = status_of(how);
    message->as.result.seq = how;
    message_mark(message, "seq");
}

static void make_answer(struct client *client, struct message *message, uint8_t how)
{
    static const uint8_t no_records[] = {0x90}, info[] = {0x81, 0xa1, 'k', 1}, next[] = {1, 2};
    struct msg_answer *answer = &message->as.answer;
    message->type = MESSAGE_ANSWER;
    answer->request = client->handle->next_request - how % 4u;
    answer->records = bytes_of(no_records, sizeof no_records);
    answer->info = bytes_of(info, sizeof info);
    answer->next = bytes_of(next, sizeof next);
    answer->code = bytes_text("CODE");
    message_mark(message, how & 16 ? "info" : "records");
    if (how & 4)
        message_mark(message, "next");
    if (how & 8)
        message_mark(message, "code");
}

static void make_frame(struct client *client, struct script *script, struct buffer *out)
{
    struct message message = {0};
    const uint8_t what = script_take(script), how = script_take(script);
    switch (what % 6u) {
    case 0:
        make_welcome(&message, how);
        break;
    case 1:
        make_error(client, &message, how);
        break;
    case 2:
        make_result(&message, how);
        break;
    case 3:
        make_answer(client, &message, how);
        break;
    case 4:
        message.type = MESSAGE_PONG;
        message.as.pong.request = client->handle->next_request - how % 4u;
        message_mark(&message, "request");
        break;
    default:
        message.type = MESSAGE_CHANGES;
        message.as.changes.to = how;
        break;
    }
    message_encode(out, &message);
    for (unsigned i = 0; i < what / 64u; i++)
        script_bend(script, out);
}

static void hear(struct client *client)
{
    client->has_frame = true;
    (void)tandem_service(client->handle);
    buffer_clear(&client->inbox);
    client->has_frame = false;
}

static void play(struct client *client, struct script *script)
{
    static const unsigned codes[] = {0, 1000, 4000, 4001, 4002, 4003, 4005, 4006};
    static const uint32_t spans[] = {1, 250, 1000, 25001, 30001, 60001};
    const uint8_t event = script_take(script);
    struct bytes raw;
    switch (event % 8u) {
    case 0:
        act(client, script_take(script));
        break;
    case 1:
        raw = script_take_bytes(script);
        buffer_append(&client->inbox, raw.data, raw.size);
        hear(client);
        break;
    case 2:
    case 3:
    case 4:
        make_frame(client, script, &client->inbox);
        hear(client);
        break;
    case 5:
        client->hangs_up = client->link != NULL;
        client->close_code = codes[event / 8u % 8u];
        (void)tandem_service(client->handle);
        client->hangs_up = false;
        break;
    case 6:
        client->now += spans[event / 8u % 6u];
        MUST(tandem_timeout(client->handle) >= -1);
        (void)tandem_service(client->handle);
        break;
    default:
        client->refuses = event & 8;
        client->send_fails = event & 16;
        client->from_inside = event / 32u;
        client->inside = script_take(script);
        break;
    }
    MUST(tandem_unanswered(client->handle) == client->sent - client->answered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client *client = calloc(1, sizeof *client);
    MUST(client != NULL);
    const tandem_options options = {.on_event = on_event, .context = client};
    struct script script = script_of(data, size);
    client->now = 1000000;
    client->port = (struct port){client, now, now, fill_random};
    MUST(client_open(&options, &client->port, &ops, &client->handle, NULL) == TANDEM_OK);
    for (unsigned i = 0; i < EVENTS && !script_ended(&script); i++)
        play(client, &script);
    tandem_close(client->handle);
    MUST(client->answered == client->sent && client->links == 0);
    for (size_t i = 0; i < client->asked_count; i++)
        MUST(client->asked[i].finished);
    buffer_release(&client->inbox);
    free(client);
    return 0;
}
