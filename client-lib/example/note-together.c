/* One note, written by several people at once: every line of standard input goes to its end, and
 * the note is printed whenever it has changed.
 *
 *     cc note-together.c $(pkg-config --cflags --libs tandem) -o note-together
 *     TANDEM_PASSWORD=... ./note-together wss://localhost:7443 certs/ca.pem kari ./folder NOTE-ID
 *
 * It works without a connection once the note is in the folder, and however it ends: what was typed
 * is sent by the next run. What others have typed meanwhile is merged. Several of it may share a
 * folder. At the end of its input it waits until the server has everything, and ends with 0; with 1
 * when the note cannot be edited any more, which it says together with what it still has of what
 * was typed; 2 when called wrongly; 3 when the server cannot be used.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tandem/note.h>
#include <tandem/tandem.h>

struct desk {
    tandem_client *client;
    tandem_note *note; /* NULL: it is not known here yet */
    bool changed, ended, at_end;
    char line[4096];
    size_t size;
};

static void on_note(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct desk *desk = context;
    (void)note;
    desk->changed = true;
    if (event->kind == TANDEM_NOTE_KEPT)
        printf("kept, since one side deleted it: %.*s\n", (int)event->inserted_size,
               event->inserted);
    else if (event->kind == TANDEM_NOTE_REFUSED)
        printf("refused: %s\n", event->detail);
    else if (event->kind == TANDEM_NOTE_ENDED)
        printf("ended: %s\n", event->detail);
    desk->ended = desk->ended || event->kind == TANDEM_NOTE_ENDED;
}

static void print_note(struct desk *desk)
{
    size_t size;
    const char *text = tandem_note_text(desk->note, &size);
    printf("----\n%s%s", text, size > 0 && text[size - 1] != '\n' ? "\n" : "");
    printf("---- %s\n", tandem_note_waiting(desk->note) == 0 ? "saved" : "waiting");
    fflush(stdout);
    desk->changed = false;
}

/* Durable when it returns: no network is needed for that. One edit, so that a line of somebody else
 * comes before or behind it and not into it. */
static tandem_code add_line(struct desk *desk, const char *line, size_t size)
{
    char added[1 + sizeof desk->line] = "\n";
    size_t end;
    const char *text = tandem_note_text(desk->note, &end);
    size_t before = end == 0 || text[end - 1] == '\n' ? 0 : 1;
    memcpy(added + before, line, size);
    desk->changed = true;
    return tandem_note_insert(desk->note, end, added, before + size);
}

/* What has come of standard input, line by line. */
static tandem_code read_lines(struct desk *desk)
{
    ssize_t got = read(STDIN_FILENO, desk->line + desk->size, sizeof desk->line - desk->size);
    tandem_code code = TANDEM_OK;
    desk->at_end = got <= 0;
    desk->size += got > 0 ? (size_t)got : 0;
    while (code == TANDEM_OK && desk->size > 0) {
        char *end = memchr(desk->line, '\n', desk->size);
        if (end == NULL && !desk->at_end && desk->size < sizeof desk->line)
            break;
        size_t size = end != NULL ? (size_t)(end - desk->line) : desk->size;
        size_t used = end != NULL ? size + 1 : size;
        code = add_line(desk, desk->line, size);
        desk->size -= used;
        memmove(desk->line, desk->line + used, desk->size);
    }
    return code;
}

static bool is_done(const struct desk *desk)
{
    return desk->ended ||
           (desk->at_end && desk->note != NULL && tandem_note_waiting(desk->note) == 0);
}

static tandem_code run(struct desk *desk, const char *id)
{
    tandem_code code = TANDEM_OK;
    while (code == TANDEM_OK && !is_done(desk)) {
        struct pollfd polled[] = {{.fd = tandem_fd(desk->client), .events = POLLIN},
                                  {.fd = STDIN_FILENO, .events = POLLIN}};
        bool reads = desk->note != NULL && !desk->at_end;
        if (poll(polled, reads ? 2 : 1, tandem_timeout(desk->client)) < 0)
            polled[1].revents = 0;
        if (reads && polled[1].revents != 0)
            code = read_lines(desk);
        if (code == TANDEM_OK)
            code = tandem_service(desk->client);
        /* Known from the folder, or with a connection to ask over. */
        if (desk->note == NULL &&
            tandem_note_open(desk->client, id, on_note, desk, &desk->note) == TANDEM_OK)
            desk->changed = true;
        if (desk->note != NULL && desk->changed)
            print_note(desk);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct desk desk = {.client = NULL};
    tandem_fault fault = {.code = TANDEM_OK};
    if (argc != 6 || getenv("TANDEM_PASSWORD") == NULL) {
        fprintf(stderr, "TANDEM_PASSWORD=... %s URL CA-FILE USER FOLDER NOTE-ID\n", argv[0]);
        return TANDEM_USAGE;
    }
    const tandem_options options = {.replica = argv[4]};
    const tandem_server server = {.url = argv[1],
                                  .ca = argv[2],
                                  .user = argv[3],
                                  .method = TANDEM_SIGN_IN_PASSWORD,
                                  .secret = getenv("TANDEM_PASSWORD"),
                                  .agent = "note-together"};
    tandem_code code = tandem_open(&options, &desk.client, &fault);
    if (code == TANDEM_OK)
        code = tandem_subscribe(desk.client, NULL, 0);
    if (code == TANDEM_OK)
        code = tandem_connect(desk.client, &server, &fault);
    if (code == TANDEM_OK) {
        code = run(&desk, argv[5]);
        tandem_last_fault(desk.client, &fault);
    }
    if (code != TANDEM_OK)
        fprintf(stderr, "%s: %s\n", tandem_error_text(code), fault.detail);
    tandem_note_close(desk.note);
    tandem_close(desk.client);
    return desk.ended ? TANDEM_REFUSED : (int)tandem_error_class(code);
}
