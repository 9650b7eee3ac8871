/* A program that types: it queues one account after another, and says the name of each on standard
 * output when, and only when, tandem_send() has taken it. It is killed by whoever started it.
 *
 *     writer FOLDER URL CA TOKEN write NAME     accounts "NAME 0", "NAME 1", ... without end
 *     writer FOLDER URL CA TOKEN note NAME ID   words "<NAME 0>", "<NAME 1>", ... in this live
 * note, in various places of it writer FOLDER URL CA TOKEN settle         until all is answered;
 * says how many were refused
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tandem/note.h"
#include "tandem/tandem.h"

#define SETTLE_SECONDS 60
/* Typed before the first turn of the loop: some of it always waits without a connection. */
#define OFFLINE 5

static bool say(const char *line)
{
    char text[128];
    int size = snprintf(text, sizeof text, "%s\n", line);
    return write(STDOUT_FILENO, text, (size_t)size) == size;
}

static bool type(tandem_client *client, const char *name)
{
    tandem_mutation *mutation = tandem_mutation_new();
    bool taken = mutation != NULL && tandem_create(mutation, "account", NULL) == TANDEM_OK &&
                 tandem_set_text(mutation, "name", name) == TANDEM_OK &&
                 tandem_send(client, mutation, NULL, NULL) == TANDEM_OK;
    tandem_mutation_free(mutation);
    return taken && say(name);
}

static int keep_typing(tandem_client *client, const char *name)
{
    for (unsigned n = 0;; n++) {
        char text[96];
        (void)snprintf(text, sizeof text, "%s %u", name, n);
        if (!type(client, text) || (n >= OFFLINE && tandem_wait(client, 1) != TANDEM_OK)) {
            tandem_fault fault;
            tandem_last_fault(client, &fault);
            (void)fprintf(stderr, "writer: %s\n", fault.detail);
            return 1;
        }
    }
}

/* ---- A live note ---- */

/* Its beginning, its end, or between two words; never within one. */
static size_t place_in(const tandem_note *note, unsigned n)
{
    size_t size = 0;
    const char *text = tandem_note_text(note, &size);
    const char *found = size > 0 ? memchr(text + size / 2, '<', size - size / 2) : NULL;
    if (n % 3 == 0)
        return 0;
    return n % 3 == 1 || found == NULL ? size : (size_t)(found - text);
}

static bool type_word(tandem_note *note, const char *name, unsigned n)
{
    char word[96];
    const int size = snprintf(word, sizeof word, "<%s %u>", name, n);
    return tandem_note_insert(note, place_in(note, n), word, (size_t)size) == TANDEM_OK &&
           say(word);
}

/* It may not be known here before the first connection. */
static tandem_note *open_note(tandem_client *client, const char *id)
{
    tandem_note *note = NULL;
    const time_t until = time(NULL) + SETTLE_SECONDS;
    while (tandem_note_open(client, id, NULL, NULL, &note) == TANDEM_CODE_NOT_FOUND &&
           time(NULL) < until && tandem_wait(client, 100) == TANDEM_OK)
        continue;
    return note;
}

static int keep_typing_in_note(tandem_client *client, const char *name, const char *id)
{
    tandem_note *note = open_note(client, id);
    bool good = note != NULL;
    for (unsigned n = 0; good; n++)
        good = type_word(note, name, n) && (n < OFFLINE || tandem_wait(client, 1) == TANDEM_OK);
    tandem_fault fault;
    tandem_last_fault(client, &fault);
    (void)fprintf(stderr, "writer: %s\n", fault.detail);
    return 1;
}

/* ---- The end ---- */

static bool count_work(void *context, const tandem_note_work *work)
{
    *(size_t *)context += work->waiting > 0 || work->code != TANDEM_OK;
    return true;
}

/* What the server has not answered. */
static size_t left(tandem_client *client)
{
    size_t count = tandem_unanswered(client);
    return tandem_each_note_work(client, count_work, &count) == TANDEM_OK ? count : count + 1;
}

static int settle(tandem_client *client)
{
    const unsigned bad = 1u << TANDEM_ENTRY_CONFLICT | 1u << TANDEM_ENTRY_REFUSED;
    char text[64];
    time_t until = time(NULL) + SETTLE_SECONDS;
    while (left(client) > 0 && time(NULL) < until)
        if (tandem_wait(client, 100) != TANDEM_OK)
            return 1;
    (void)snprintf(text, sizeof text, "refused %zu", tandem_outbox_count(client, bad));
    return left(client) == 0 && say(text) ? 0 : 1;
}

int main(int count, char **arguments)
{
    tandem_client *client = NULL;
    tandem_fault fault;
    if (count < 6)
        return 2;
    const tandem_options options = {.replica = arguments[1], .replica_map_bytes = 1u << 26};
    const tandem_server server = {.url = arguments[2],
                                  .ca = arguments[3],
                                  .method = TANDEM_SIGN_IN_TOKEN,
                                  .secret = arguments[4]};
    if (tandem_open(&options, &client, &fault) != TANDEM_OK ||
        tandem_subscribe(client, NULL, 0) != TANDEM_OK ||
        tandem_connect(client, &server, &fault) != TANDEM_OK) {
        (void)fprintf(stderr, "writer: %s\n", fault.detail);
        return 1;
    }
    const bool writes = strcmp(arguments[5], "write") == 0 && count > 6;
    const bool notes = strcmp(arguments[5], "note") == 0 && count > 7;
    int status = notes    ? keep_typing_in_note(client, arguments[6], arguments[7])
                 : writes ? keep_typing(client, arguments[6])
                          : settle(client);
    tandem_close(client);
    return status;
}
