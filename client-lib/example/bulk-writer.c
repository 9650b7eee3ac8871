/* Writes a lead for each line of standard input: "last name TAB e-mail address".
 *
 *     cc bulk-writer.c $(pkg-config --cflags --libs tandem) -o bulk-writer
 *     TANDEM_PASSWORD=... ./bulk-writer wss://localhost:7443 certs/ca.pem kari ./folder fair
 * <fair.tsv
 *
 * Start it again with the same lines, and it goes on behind the last one it had queued, however the
 * run before ended: every line is written once. It keeps no notes of its own for that. Each lead is
 * called NAME/LINE in its externalId, and from the moment when tandem_send() returns it can be read
 * from the folder, whether it still is in the outbox or has come back from the server.
 *
 * It is as fast as lines come and the disk takes them: all lines that are there become one
 * mutation. When the server cannot follow, or is out of reach, the lines wait in the pipe as soon
 * as MOST_WAITING mutations wait in the outbox. The library runs in its own thread, so that reading
 * may block. Exit status: 0; 1 when a line is no lead or was not taken; 2 when called wrongly; 3
 * when the server cannot be used.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/tandem.h>
#include <unistd.h>

#define LINES_TOGETHER 100 /* in a mutation: the server takes them together, or refuses them */
#define MOST_WAITING 200   /* mutations; the outbox itself would hold 100,000 */

struct writer {
    tandem_client *client;
    const char *name;
    sem_t news;           /* something happened for which main() may be waiting */
    bool caught_up;       /* the replica shows what earlier runs wrote */
    tandem_code failed;   /* for good */
    unsigned long line;   /* read last */
    unsigned long queued; /* the last line that is known to be in the outbox, or to have been */
    unsigned long bad;
    char last_id[TANDEM_ID_TEXT];
};

/* In the library's thread, which holds the lock. */
static void on_event(void *context, const tandem_event *event)
{
    struct writer *writer = context;
    if (event->kind == TANDEM_EVENT_CHANGED || event->kind == TANDEM_EVENT_REMOVED)
        return;
    if (event->kind == TANDEM_EVENT_CAUGHT_UP)
        writer->caught_up = true;
    if (event->kind == TANDEM_EVENT_DISCONNECTED) {
        fprintf(stderr, "not connected: %s\n", event->detail);
        if (event->final)
            writer->failed = event->code;
    }
    sem_post(&writer->news);
}

static bool is_caught_up(const struct writer *writer)
{
    return writer->caught_up;
}

static bool has_room(const struct writer *writer)
{
    return tandem_unanswered(writer->client) < MOST_WAITING;
}

static bool is_answered(const struct writer *writer)
{
    return tandem_unanswered(writer->client) == 0;
}

/* With the lock held, which is given up meanwhile. False when the server cannot be used. */
static bool wait_until(struct writer *writer, bool (*holds)(const struct writer *))
{
    while (writer->failed == TANDEM_OK && !holds(writer)) {
        tandem_unlock(writer->client);
        while (sem_wait(&writer->news) != 0 && errno == EINTR)
            continue;
        tandem_lock(writer->client);
    }
    return writer->failed == TANDEM_OK;
}

/* ---- Where the run before came to ---------------------------------------------------------- */

/* The record with the highest externalId comes first. */
static bool take_last_line(void *context, const tandem_record *record)
{
    struct writer *writer = context;
    const char *external = tandem_record_text(record, "externalId");
    const unsigned long line = strtoul(strrchr(external, '/') + 1, NULL, 10);
    if (line > writer->queued) {
        writer->queued = line;
        snprintf(writer->last_id, sizeof writer->last_id, "%s", tandem_record_id(record));
    }
    return false;
}

static tandem_code find_last_line(struct writer *writer)
{
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/", writer->name);
    snprintf(to, sizeof to, "%s0", writer->name); /* '0' follows '/' */
    const tandem_condition of_this_name[] = {{.field = "externalId", .op = ">=", .text = from},
                                             {.field = "externalId", .op = "<", .text = to}};
    tandem_find find = {.entity = "lead",
                        .where = of_this_name,
                        .where_count = 2,
                        .sort = "externalId",
                        .descending = true,
                        .limit = 1};
    tandem_code code = tandem_find_each(writer->client, &find, take_last_line, writer);
    /* A lead whose creation was refused is in the outbox only, and found by that state. */
    find.states = TANDEM_IN_STATE(TANDEM_STATE_REFUSED) | TANDEM_IN_STATE(TANDEM_STATE_CONFLICT);
    if (code == TANDEM_OK)
        code = tandem_find_each(writer->client, &find, take_last_line, writer);
    return code;
}

/* ---- Lines into mutations ------------------------------------------------------------------ */

static tandem_code add_lead(struct writer *writer, tandem_mutation *mutation, const char *line)
{
    char external[128], name[256], id[TANDEM_ID_TEXT];
    const size_t size = strcspn(line, "\t");
    snprintf(external, sizeof external, "%s/%09lu", writer->name, writer->line);
    snprintf(name, sizeof name, "%.*s", (int)size, line);
    tandem_create(mutation, "lead", id);
    tandem_set_text(mutation, "externalId", external);
    tandem_set_text(mutation, "lastName", name);
    if (line[size] == '\t')
        tandem_set_text(mutation, "emailAddress", line + size + 1);
    tandem_fault fault;
    tandem_mutation_fault(mutation, &fault);
    if (fault.code == TANDEM_OK)
        snprintf(writer->last_id, sizeof writer->last_id, "%s", id);
    return fault.code;
}

/* Nothing is lost by ending here: the next run goes on. */
static tandem_mutation *new_mutation(void)
{
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(TANDEM_UNREACHABLE);
    }
    return mutation;
}

/* A mistake spoils the mutation in which it is made: so a line is tried in one of its own first. */
static bool is_lead(struct writer *writer, const char *line)
{
    tandem_mutation *alone = new_mutation();
    const bool good = add_lead(writer, alone, line) == TANDEM_OK;
    if (!good) {
        tandem_fault fault;
        tandem_mutation_fault(alone, &fault);
        fprintf(stderr, "line %lu: %s: %s\n", writer->line, fault.field, fault.detail);
        writer->bad++;
    }
    tandem_mutation_free(alone);
    return good;
}

/* Queues lines from `text` to `end`, at most LINES_TOGETHER, and moves *text behind them. */
static tandem_code queue_lines(struct writer *writer, char **text, const char *end)
{
    tandem_code code = TANDEM_OK;
    tandem_mutation *mutation = new_mutation();
    if (writer->last_id[0] != '\0')
        tandem_set_after(mutation, writer->last_id); /* ids sort as the lines do */
    while (*text < end && tandem_change_count(mutation) < LINES_TOGETHER) {
        char *newline = memchr(*text, '\n', (size_t)(end - *text));
        *newline = '\0';
        if (++writer->line > writer->queued && is_lead(writer, *text))
            add_lead(writer, mutation, *text);
        *text = newline + 1;
    }
    if (tandem_change_count(mutation) > 0)
        code = tandem_send(writer->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    if (code == TANDEM_OK && writer->line > writer->queued) {
        writer->queued = writer->line;
        printf("queued up to line %lu\n", writer->queued);
        fflush(stdout);
    }
    return code;
}

/* Reads to the end, or as far as it can be queued. */
static tandem_code write_lines(struct writer *writer)
{
    char text[1 << 16];
    size_t held = 0; /* the beginning of a line whose end has not come yet */
    ssize_t got = 1;
    while (got > 0) {
        tandem_unlock(writer->client);
        do
            got = read(STDIN_FILENO, text + held, sizeof text - 1 - held);
        while (got < 0 && errno == EINTR);
        tandem_lock(writer->client);
        held += got > 0 ? (size_t)got : 0;
        if (got <= 0 && held > 0)
            text[held++] = '\n'; /* the last line may do without */
        const char *end = text + held;
        while (end > text && end[-1] != '\n')
            end--;
        if (end == text && held == sizeof text - 1) {
            fprintf(stderr, "line %lu is too long\n", writer->line + 1);
            exit(TANDEM_REFUSED);
        }
        for (char *next = text; next < end;) {
            if (!wait_until(writer, has_room))
                return writer->failed;
            const tandem_code code = queue_lines(writer, &next, end);
            if (code != TANDEM_OK)
                return code;
        }
        held -= (size_t)(end - text);
        memmove(text, end, held);
    }
    return TANDEM_OK;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static bool tell_refused(void *context, const tandem_entry *entry)
{
    (void)context;
    fprintf(stderr, "entry %" PRIu64 " of the outbox was not taken: %s %s\n", entry->entry,
            entry->fault->field, entry->fault->detail);
    return true;
}

static tandem_code run(struct writer *writer)
{
    const unsigned not_taken = 1u << TANDEM_ENTRY_CONFLICT | 1u << TANDEM_ENTRY_REFUSED;
    tandem_code code = TANDEM_OK;
    if (!wait_until(writer, is_caught_up))
        return writer->failed;
    code = find_last_line(writer);
    printf("going on behind line %lu\n", writer->queued);
    fflush(stdout);
    if (code == TANDEM_OK)
        code = write_lines(writer);
    if (code == TANDEM_OK && !wait_until(writer, is_answered))
        code = writer->failed;
    tandem_outbox_each(writer->client, not_taken, tell_refused, NULL);
    writer->bad += tandem_outbox_count(writer->client, not_taken);
    return code;
}

int main(int argc, char **argv)
{
    struct writer writer = {.name = argc == 6 ? argv[5] : ""};
    tandem_fault fault;
    if (argc != 6 || strlen(argv[5]) > 99 || getenv("TANDEM_PASSWORD") == NULL) {
        fprintf(stderr, "TANDEM_PASSWORD=... %s URL CA-FILE USER FOLDER NAME <LINES\n", argv[0]);
        return TANDEM_USAGE;
    }
    const tandem_options options = {.replica = argv[4], .on_event = on_event, .context = &writer};
    const tandem_server server = {.url = argv[1],
                                  .ca = argv[2],
                                  .user = argv[3],
                                  .method = TANDEM_SIGN_IN_PASSWORD,
                                  .secret = getenv("TANDEM_PASSWORD"),
                                  .agent = "bulk-writer"};
    const char *const leads[] = {"lead"};
    const tandem_subscription wanted = {.entities = leads, .entity_count = 1};
    sem_init(&writer.news, 0, 0);
    tandem_code code = tandem_open(&options, &writer.client, &fault);
    if (code == TANDEM_OK)
        code = tandem_connect(writer.client, &server, &fault);
    if (code == TANDEM_OK) {
        code = tandem_subscribe_to(writer.client, &wanted);
        if (code == TANDEM_OK)
            code = tandem_thread_start(writer.client);
        tandem_last_fault(writer.client, &fault);
    }
    if (code == TANDEM_OK) {
        tandem_lock(writer.client);
        code = run(&writer);
        tandem_last_fault(writer.client, &fault);
        tandem_unlock(writer.client);
        tandem_thread_stop(writer.client);
    }
    if (code != TANDEM_OK)
        fprintf(stderr, "%s: %s\n", tandem_error_text(code), fault.detail);
    tandem_close(writer.client);
    return code != TANDEM_OK ? (int)tandem_error_class(code) : writer.bad > 0 ? TANDEM_REFUSED : 0;
}
