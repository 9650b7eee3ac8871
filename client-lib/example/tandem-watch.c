/* Signs in, keeps a replica, and prints what happens.
 *
 *     cc tandem-watch.c $(pkg-config --cflags --libs tandem) -o tandem-watch
 *     TANDEM_PASSWORD=... ./tandem-watch wss://localhost:7443 certs/ca.pem kari ./replica
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tandem/tandem.h>

static void on_event(void *context, const tandem_event *event)
{
    (void)context;
    if (event->kind == TANDEM_EVENT_CHANGED)
        printf("%" PRIu64 "  %s  %s, by %s\n", event->seq, tandem_record_entity(event->record),
               tandem_record_title(event->record), tandem_record_modified_by(event->record));
    else if (event->kind == TANDEM_EVENT_REMOVED || event->kind == TANDEM_EVENT_PURGED)
        printf("%" PRIu64 "  gone  %s%s\n", event->seq, event->id, event->scope);
    else if (event->kind == TANDEM_EVENT_DISCONNECTED)
        fprintf(stderr, "%s: %s\n", tandem_error_name(event->code), event->detail);
}

int main(int argc, char **argv)
{
    tandem_fault fault;
    tandem_client *client;
    if (argc != 5 || getenv("TANDEM_PASSWORD") == NULL) {
        fprintf(stderr, "TANDEM_PASSWORD=... %s URL CA-FILE USER REPLICA-FOLDER\n", argv[0]);
        return 2;
    }
    const tandem_options options = {.replica = argv[4], .on_event = on_event};
    const tandem_server server = {.url = argv[1], .ca = argv[2], .user = argv[3],
                                  .method = TANDEM_SIGN_IN_PASSWORD,
                                  .secret = getenv("TANDEM_PASSWORD"), .agent = "tandem-watch"};
    tandem_code code = tandem_open(&options, &client, &fault);
    if (code == TANDEM_OK)
        code = tandem_connect(client, &server, &fault);
    if (code == TANDEM_OK)
        code = tandem_subscribe(client, NULL, 0);
    if (code != TANDEM_OK)
        fprintf(stderr, "%s: %s\n", tandem_error_text(code), fault.detail);
    while (code == TANDEM_OK) /* until the connection fails for good */
        code = tandem_wait(client, -1);
    tandem_close(client);
    return (int)tandem_error_class(code);
}
