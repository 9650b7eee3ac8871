/* Judges a store that has lost its power.
 *
 *  - It opens, and store_check() finds nothing. (Only before anything was ever reported "ready" may
 *    there be no store yet, or none that has been founded.)
 *  - Of each client's mutations there are the first so many, as a whole and as they were sent, with
 *    rising seqs; nothing of later ones.
 *  - What was acknowledged is among them, at the acknowledged seq, and asked again it gets the same
 *    answer (the server remembers the last 256).
 *  - It goes on: the next mutation is accepted behind all others, and the store still checks.
 */
#include "tests/survival/power/guest_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/record/record.h"
#include "tests/survival/power/work.h"

#define MAX_CLIENTS 64u
#define REMEMBERED 256u
#define BEHIND 32u /* more than a batch */
#define NEW_CLIENT 1000000u

struct client {
    uint32_t client;
    uint32_t present;     /* mutations in the store */
    uint32_t acked;       /* the highest number acknowledged */
    uint64_t *acked_seqs; /* by number - 1; 0: not acknowledged */
    uint64_t *seqs;       /* of those present */
    uint32_t answered;    /* asked again: how many have got the right answer */
};

struct check {
    jmp_buf end;
    char verdict[256];
    bool ready;
    struct client clients[MAX_CLIENTS];
    size_t client_count;
    uint64_t acked_count, present_count;
    struct workplace place;
    struct store_reader *reader;
    struct state state;
    struct record record;
    uint64_t head;
    uint64_t new_seq;
};

__attribute__((noreturn, format(printf, 2, 3))) static void say(struct check *check,
                                                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->verdict, sizeof check->verdict, format, arguments);
    va_end(arguments);
    longjmp(check->end, 1);
}

static void *grow(struct check *check, void *old, size_t count)
{
    void *array = realloc(old, count * sizeof(uint64_t));
    if (array == NULL) {
        say(check, "DAMAGED: no memory for the check");
    }
    return array;
}

static struct client *client_of(struct check *check, uint32_t number)
{
    for (size_t i = 0; i < check->client_count; i++) {
        if (check->clients[i].client == number) {
            return &check->clients[i];
        }
    }
    if (check->client_count == MAX_CLIENTS) {
        say(check, "DAMAGED: too many clients for the check");
    }
    struct client *client = &check->clients[check->client_count++];
    *client = (struct client){.client = number};
    return client;
}

static void take_acked(struct check *check, uint32_t client_number, uint32_t number, uint64_t seq)
{
    struct client *client = client_of(check, client_number);
    if (number > client->acked) {
        client->acked_seqs = grow(check, client->acked_seqs, number);
        for (uint32_t i = client->acked; i < number; i++) {
            client->acked_seqs[i] = 0;
        }
        client->acked = number;
    }
    if (number == 0) {
        say(check, "DAMAGED: a line acknowledges number 0");
    }
    client->acked_seqs[number - 1] = seq;
    check->acked_count++;
}

/* "begun C" stands where the writing of client C was begun. */
static void read_lines(struct check *check, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];
    if (file == NULL) {
        say(check, "DAMAGED: the lines cannot be read");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned client, number;
        unsigned long long seq;
        if (sscanf(line, "acked %u %u %llu", &client, &number, &seq) == 3) {
            take_acked(check, client, number, seq);
        } else if (sscanf(line, "begun %u", &client) == 1) {
            client_of(check, client);
        } else if (strcmp(line, "ready\n") == 0) {
            check->ready = true;
        } else if (strncmp(line, "failed", 6) == 0 || strncmp(line, "refused", 7) == 0) {
            fclose(file);
            say(check, "DAMAGED: the machine said: %.100s", line);
        }
    }
    fclose(file);
}

static void report(void *context, const char *text)
{
    snprintf(context, 160, "%s", text);
}

static void check_store(struct check *check)
{
    char finding[160] = "";
    uint64_t records;
    enum status status = store_check(check->place.store, report, finding, &records);
    if (status != STATUS_OK) {
        say(check, "DAMAGED: %s: %s", status_name(status), finding);
    }
}

/* The record in check->record, or false when there is none. */
static bool read_record(struct check *check, struct id id)
{
    struct bytes encoded;
    enum status status = check->state.ops->record(check->state.self, id, &encoded);
    if (status == STATUS_OK) {
        status = record_decode(encoded, &check->record);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        say(check, "DAMAGED: a record cannot be read: %s", status_name(status));
    }
    return status == STATUS_OK;
}

static void expect_text(struct check *check, const struct client *client, uint32_t number,
                        enum work_record which)
{
    struct buffer text = {0};
    work_text(&text, client->client, number, which);
    bool same = bytes_equal(record_text(&check->record, which == WORK_NOTE ? "text" : "name"),
                            buffer_bytes(&text));
    buffer_release(&text);
    if (!same) {
        say(check, "DAMAGED: number %u of client %u is not as it was sent", number, client->client);
    }
}

/* Whether mutation `number` is there; all of it or nothing. */
static bool is_present(struct check *check, struct client *client, uint32_t number, uint64_t *seq)
{
    bool account = read_record(check, work_id(client->client, number, WORK_ACCOUNT));
    if (account) {
        expect_text(check, client, number, WORK_ACCOUNT);
        *seq = check->record.seq;
    }
    bool note = read_record(check, work_id(client->client, number, WORK_NOTE));
    if (account != note || (note && check->record.seq != *seq)) {
        say(check, "DAMAGED: number %u of client %u is half there", number, client->client);
    }
    if (note) {
        expect_text(check, client, number, WORK_NOTE);
    }
    return note;
}

static void find_present(struct check *check, struct client *client)
{
    uint64_t seq = 0;
    while (is_present(check, client, client->present + 1, &seq)) {
        client->seqs = grow(check, client->seqs, client->present + 1);
        client->seqs[client->present] = seq;
        if (client->present > 0 && seq <= client->seqs[client->present - 1]) {
            say(check, "DAMAGED: number %u of client %u has no higher seq than the one before",
                client->present + 1, client->client);
        }
        client->present++;
    }
    uint32_t last = client->acked > client->present ? client->acked : client->present;
    for (uint32_t number = client->present + 2; number <= last + BEHIND; number++) {
        if (is_present(check, client, number, &seq)) {
            say(check, "LOST number %u of client %u, while %u is there", client->present + 1,
                client->client, number);
        }
    }
    if (read_record(check, work_id(client->client, 0, WORK_BOARD)) != (client->present > 0)) {
        say(check, "DAMAGED: the board of client %u", client->client);
    }
    if (client->present > 0) {
        expect_text(check, client, client->present, WORK_BOARD);
        if (check->record.seq != client->seqs[client->present - 1]) {
            say(check, "DAMAGED: the seq of the board of client %u", client->client);
        }
    }
    check->present_count += client->present;
}

static void expect_acked(struct check *check, const struct client *client)
{
    for (uint32_t i = 0; i < client->acked; i++) {
        if (client->acked_seqs[i] == 0) {
            continue;
        }
        if (i >= client->present) {
            say(check, "LOST numbers %u to %u of client %u, acknowledged", client->present + 1,
                client->acked, client->client);
        }
        if (client->acked_seqs[i] != client->seqs[i]) {
            say(check, "LOST number %u of client %u: acknowledged at another seq", i + 1,
                client->client);
        }
    }
}

static void check_records(struct check *check)
{
    struct meta meta;
    if (store_reader_new(check->place.store, &check->reader) != STATUS_OK ||
        store_read_begin(check->reader, &check->state) != STATUS_OK ||
        check->state.ops->meta(check->state.self, &meta) != STATUS_OK) {
        say(check, "DAMAGED: the store cannot be read");
    }
    check->head = meta.seq;
    for (size_t i = 0; i < check->client_count; i++) {
        struct client *client = &check->clients[i];
        find_present(check, client);
        expect_acked(check, client);
        if (client->present > 0 && client->seqs[client->present - 1] > meta.seq) {
            say(check, "DAMAGED: a record is ahead of the store's seq");
        }
    }
    store_read_end(check->reader);
    store_reader_free(check->reader);
    check->reader = NULL;
}

static void take_answer(void *context, uint32_t client_number, uint32_t number, const char *status,
                        uint64_t seq)
{
    struct check *check = context;
    bool fine = strcmp(status, "ok") == 0;
    if (client_number >= NEW_CLIENT) {
        check->new_seq = fine ? seq : 0;
        return;
    }
    struct client *client = client_of(check, client_number);
    client->answered += fine && number <= client->present && client->seqs[number - 1] == seq;
}

static void ask_again(struct check *check, struct client *client)
{
    uint32_t first = client->present > REMEMBERED ? client->present - REMEMBERED + 1 : 1;
    for (uint32_t number = first; number <= client->present; number++) {
        if (!workplace_submit(&check->place, client->client, number)) {
            say(check, "DAMAGED: the committer takes nothing");
        }
    }
    workplace_run(&check->place);
    if (client->answered != client->present - first + 1) {
        say(check, "DAMAGED: %u of %u numbers of client %u asked again got another answer",
            client->present - first + 1 - client->answered, client->present - first + 1,
            client->client);
    }
}

static void go_on(struct check *check)
{
    uint32_t newest = 0;
    for (size_t i = 0; i < check->client_count; i++) {
        ask_again(check, &check->clients[i]);
        newest = check->clients[i].client > newest ? check->clients[i].client : newest;
    }
    if (!workplace_submit(&check->place, NEW_CLIENT + newest, 1)) {
        say(check, "DAMAGED: the committer takes nothing");
    }
    workplace_run(&check->place);
    if (check->new_seq <= check->head || check->place.failed != STATUS_OK) {
        say(check, "DAMAGED: the store does not go on");
    }
    check_store(check);
}

static void judge(struct check *check, const char *folder, const char *lines)
{
    read_lines(check, lines);
    enum status status = workplace_open(&check->place, folder, false, false);
    if (status == STATUS_NOT_FOUND && !check->ready) {
        say(check, "fine: no store yet");
    }
    if (status != STATUS_OK) {
        say(check, "%s: the store does not open: %s", check->ready ? "LOST" : "DAMAGED",
            status_name(status));
    }
    check_store(check);
    check_records(check);
    go_on(check);
    say(check, "fine: %llu present, %llu acknowledged", (unsigned long long)check->present_count,
        (unsigned long long)check->acked_count);
}

int guest_check(const char *folder, const char *lines)
{
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        return 1;
    }
    check->place.context = check;
    check->place.answered = take_answer;
    check->place.seed = 1;
    if (setjmp(check->end) == 0) {
        judge(check, folder, lines);
    }
    bool fine = strncmp(check->verdict, "fine", 4) == 0;
    puts(check->verdict);
    if (check->reader != NULL) {
        store_read_end(check->reader);
        store_reader_free(check->reader);
    }
    workplace_close(&check->place);
    for (size_t i = 0; i < check->client_count; i++) {
        free(check->clients[i].acked_seqs);
        free(check->clients[i].seqs);
    }
    free(check);
    return fine ? 0 : 1;
}
