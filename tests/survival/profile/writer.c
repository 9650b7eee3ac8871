/* A program that types: it queues one account after another, and says the name of each on standard
 * output when, and only when, tandem_send() has taken it. It is killed by whoever started it.
 *
 *     writer FOLDER URL CA TOKEN write NAME     accounts "NAME 0", "NAME 1", ... without end
 *     writer FOLDER URL CA TOKEN settle         until all is answered; says how many were refused
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static int settle(tandem_client *client)
{
    const unsigned bad = 1u << TANDEM_ENTRY_CONFLICT | 1u << TANDEM_ENTRY_REFUSED;
    char text[64];
    time_t until = time(NULL) + SETTLE_SECONDS;
    while (tandem_unanswered(client) > 0 && time(NULL) < until)
        if (tandem_wait(client, 100) != TANDEM_OK)
            return 1;
    (void)snprintf(text, sizeof text, "refused %zu", tandem_outbox_count(client, bad));
    return tandem_unanswered(client) == 0 && say(text) ? 0 : 1;
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
    bool writes = strcmp(arguments[5], "write") == 0 && count > 6;
    int status = writes ? keep_typing(client, arguments[6]) : settle(client);
    tandem_close(client);
    return status;
}
