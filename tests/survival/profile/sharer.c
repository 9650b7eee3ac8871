/* sharer FOLDER URL CA USER PASSWORD: a program that uses a client's folder, with others or alone.
 * It does what the lines on its standard input say, and prints what happens, one line each:
 *
 *     connect, disconnect, pause, resume, close
 *     account NAME     makes one: "account ID"
 *     note ID TEXT     a note to an account: "queued TEXT" when that is durable, "done TEXT CODE"
 *     notes ID NAME N  so many notes, NAME-1 and so on, one after the other
 *     drop             all that waits in the outbox
 *     list             "held TEXT STATE" for each note, and "end COUNT OUTBOX"
 *
 *     connected, disconnected WHY, caught-up, reload, changed TEXT, pending TEXT
 *
 * With SHARER_THREAD set it has the library's thread run the loop.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tandem/tandem.h"

#define TEXT_SIZE 64
#define SENDS_MOST 4096

struct send {
    char text[TEXT_SIZE];
};

struct sharer {
    tandem_client *client;
    tandem_server server;
    bool closed, threaded;
    struct send sends[SENDS_MOST];
    unsigned send_count;
};

static void on_event(void *context, const tandem_event *event)
{
    (void)context;
    const char *text = event->record != NULL ? tandem_record_text(event->record, "text") : NULL;
    switch (event->kind) {
    case TANDEM_EVENT_CONNECTED:
        printf("connected\n");
        break;
    case TANDEM_EVENT_DISCONNECTED:
        printf("disconnected %s\n", event->detail);
        break;
    case TANDEM_EVENT_CAUGHT_UP:
        printf("caught-up\n");
        break;
    case TANDEM_EVENT_RELOAD:
        printf("reload\n");
        break;
    case TANDEM_EVENT_CHANGED:
        if (text != NULL)
            printf("%s %s\n", event->entry != 0 ? "pending" : "changed", text);
        break;
    default:
        break;
    }
}

static void on_result(void *context, const tandem_result *result)
{
    const struct send *send = context;
    printf("done %s %s\n", send->text, tandem_error_name(result->code));
}

static void fail(struct sharer *sharer, const char *what, tandem_code code)
{
    tandem_fault fault;
    tandem_last_fault(sharer->client, &fault);
    printf("failed %s: %s %s\n", what, tandem_error_name(code), fault.detail);
}

static void add_note(struct sharer *sharer, const char *account, const char *text)
{
    struct send *send = &sharer->sends[sharer->send_count++ % SENDS_MOST];
    tandem_mutation *mutation = tandem_mutation_new();
    (void)snprintf(send->text, sizeof send->text, "%s", text);
    (void)tandem_create(mutation, "note", NULL);
    (void)tandem_set_text(mutation, "account", account);
    (void)tandem_set_text(mutation, "text", text);
    tandem_code code = tandem_send(sharer->client, mutation, on_result, send);
    tandem_mutation_free(mutation);
    if (code == TANDEM_OK)
        printf("queued %s\n", text);
    else
        fail(sharer, "note", code);
}

static void add_notes(struct sharer *sharer, const char *account, const char *name, unsigned count)
{
    char text[TEXT_SIZE + 16];
    for (unsigned i = 1; i <= count; i++) {
        (void)snprintf(text, sizeof text, "%s-%u", name, i);
        add_note(sharer, account, text);
        (void)fflush(stdout);
        if (sharer->threaded) {
            tandem_unlock(sharer->client);
            tandem_lock(sharer->client);
        } else {
            (void)tandem_wait(sharer->client, 0);
        }
    }
}

static void add_account(struct sharer *sharer, const char *name)
{
    char id[TANDEM_ID_TEXT];
    static struct send send;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)snprintf(send.text, sizeof send.text, "%s", name);
    (void)tandem_create(mutation, "account", id);
    (void)tandem_set_text(mutation, "name", name);
    tandem_code code = tandem_send(sharer->client, mutation, on_result, &send);
    tandem_mutation_free(mutation);
    if (code == TANDEM_OK)
        printf("account %s\n", id);
    else
        fail(sharer, "account", code);
}

static bool print_held(void *context, const tandem_record *record)
{
    static const char *const states[] = {"synced", "pending", "conflict", "refused"};
    const char *text = tandem_record_text(record, "text");
    unsigned *count = context;
    if (text != NULL) {
        printf("held %s %s\n", text, states[tandem_record_state(record)]);
        (*count)++;
    }
    return true;
}

static void list(struct sharer *sharer)
{
    unsigned count = 0;
    tandem_code code = tandem_each(sharer->client, "note", print_held, &count);
    if (code != TANDEM_OK)
        fail(sharer, "list", code);
    printf("end %u %zu\n", count, tandem_outbox_count(sharer->client, 0));
}

static bool take_number(void *context, const tandem_entry *entry)
{
    *(uint64_t *)context = entry->entry;
    return false;
}

static void drop_all(struct sharer *sharer)
{
    for (uint64_t entry;;) {
        entry = 0;
        tandem_code code = tandem_outbox_each(sharer->client, 0, take_number, &entry);
        if (code == TANDEM_OK && entry == 0)
            return;
        if (code == TANDEM_OK)
            code = tandem_outbox_drop(sharer->client, entry);
        if (code != TANDEM_OK) {
            fail(sharer, "drop", code);
            return;
        }
    }
}

static void connect_to_server(struct sharer *sharer)
{
    tandem_fault fault;
    tandem_code code = tandem_subscribe(sharer->client, NULL, 0);
    if (code == TANDEM_OK)
        code = tandem_connect(sharer->client, &sharer->server, &fault);
    if (code != TANDEM_OK)
        fail(sharer, "connect", code);
}

static void obey(struct sharer *sharer, const char *line)
{
    char one[TEXT_SIZE], two[TEXT_SIZE];
    unsigned count = 0;
    if (strcmp(line, "connect") == 0)
        connect_to_server(sharer);
    else if (strcmp(line, "disconnect") == 0)
        tandem_disconnect(sharer->client);
    else if (strcmp(line, "pause") == 0 || strcmp(line, "resume") == 0)
        (void)tandem_pause(sharer->client, strcmp(line, "pause") == 0);
    else if (strcmp(line, "close") == 0)
        sharer->closed = true;
    else if (strcmp(line, "drop") == 0)
        drop_all(sharer);
    else if (strcmp(line, "list") == 0)
        list(sharer);
    else if (sscanf(line, "account %63s", one) == 1)
        add_account(sharer, one);
    else if (sscanf(line, "notes %63s %40s %u", one, two, &count) == 3)
        add_notes(sharer, one, two, count);
    else if (sscanf(line, "note %63s %63s", one, two) == 2)
        add_note(sharer, one, two);
}

static bool take_lines(struct sharer *sharer)
{
    char bytes[4096];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes - 1);
    if (got <= 0)
        return false;
    bytes[got] = 0;
    for (char *rest = bytes, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL;)
        obey(sharer, line);
    return true;
}

/* The thread does the rest, and prints what happens. */
static int talk_only(struct sharer *sharer)
{
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};
    bool more = true;
    while (more && !sharer->closed) {
        (void)poll(&polled, 1, -1);
        tandem_lock(sharer->client);
        more = take_lines(sharer);
        tandem_unlock(sharer->client);
    }
    tandem_close(sharer->client);
    return more ? 0 : 1;
}

int main(int count, char **arguments)
{
    static struct sharer sharer;
    tandem_fault fault;
    if (count != 6)
        return 2;
    const tandem_options options = {
        .replica = arguments[1], .on_event = on_event, .context = &sharer};
    sharer.server = (tandem_server){
        .url = arguments[2], .ca = arguments[3], .user = arguments[4], .secret = arguments[5]};
    if (tandem_open(&options, &sharer.client, &fault) != TANDEM_OK) {
        (void)fprintf(stderr, "%s\n", fault.detail);
        return 1;
    }
    sharer.threaded = getenv("SHARER_THREAD") != NULL;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    if (sharer.threaded)
        return tandem_thread_start(sharer.client) == TANDEM_OK ? talk_only(&sharer) : 1;
    while (!sharer.closed) {
        struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = tandem_fd(sharer.client), .events = POLLIN}};
        (void)fflush(stdout);
        (void)poll(polled, 2, tandem_timeout(sharer.client));
        if (polled[0].revents != 0 && !take_lines(&sharer))
            return 1;
        (void)tandem_service(sharer.client);
    }
    tandem_close(sharer.client);
    return 0;
}
