/* From a server's word that an account is to be purged until the program is told that it is: gone
 * from the replica's file and from that of the outbox. What it is compared with is what would do
 * for the replica's file, were it enough: a compacting copy of it, flushed.
 *
 * The account's records lie far from each other, as they do when they have come over years. The
 * server is a few words in this process, so that nothing but the client is timed. Every round opens
 * the replica anew: the first scrub of all, which takes longer, was made by an earlier handle. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/client/client.h"
#include "protocol/message.h"
#include "tests/bench/limit_lmdb.h"
#include "tests/bench/rows_replica_fill.h"
#include "tests/support/scratch.h"

#define EACH 1000u   /* records of an account */
#define A_FRAME 500u /* records in one message */
#define SERVICES 1000000u

struct purge_row {
    char folder[BENCH_FOLDER_MAX];
    tandem_client *client;
    uint64_t records, accounts;
    uint64_t purged; /* accounts purged so far */
    bool told, ended;
};

/* ---- The server ----------------------------------------------------------------------------- */

struct link {
    struct link_events events;
    bool open;
    struct buffer frame; /* the next to be heard */
};

static enum status link_open(const struct link_config *config, const struct port *port,
                             const struct link_events *events, struct link **out,
                             tandem_fault *fault)
{
    (void)config;
    (void)port;
    (void)fault;
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return STATUS_NO_MEMORY;
    }
    (*out)->events = *events;
    return STATUS_OK;
}

static void link_free(struct link *link)
{
    buffer_release(&link->frame);
    free(link);
}

static int link_fd(const struct link *link)
{
    (void)link;
    return -1;
}

static int link_want(const struct link *link)
{
    (void)link;
    return TANDEM_WANT_READ;
}

static bool link_more(const struct link *link)
{
    return link->frame.size > 0;
}

static void link_run(struct link *link)
{
    if (!link->open) {
        link->open = true;
        link->events.opened(link->events.context);
    }
    if (link->frame.size > 0) {
        struct buffer frame = link->frame;
        link->frame = (struct buffer){0};
        link->events.message(link->events.context, buffer_bytes(&frame));
        buffer_release(&frame);
    }
}

/* It knows what a client says. */
static enum status link_send(struct link *link, struct bytes frame)
{
    (void)link;
    (void)frame;
    return STATUS_OK;
}

static void link_close(struct link *link, unsigned close_code)
{
    (void)link;
    (void)close_code;
}

static const struct link_ops ops = {link_open, link_free, link_fd,   link_want,
                                    link_more, link_run,  link_send, link_close};

/* Has the client hear a message. */
static bool say(struct purge_row *row, const struct message *message)
{
    struct link *link = row->client->link;
    if (link == NULL) {
        return false;
    }
    message_encode(&link->frame, message);
    return !link->frame.failed && tandem_service(row->client) == TANDEM_OK && !row->ended;
}

static bool say_welcome(struct purge_row *row)
{
    static const struct id epoch = {{0xee, 1}}, user = {{0xee, 2}};
    struct buffer parties = {0};
    struct message welcome = {.type = MESSAGE_WELCOME};
    wire_put_array(&parties, 0);
    welcome.as.welcome.version = 1;
    welcome.as.welcome.user = user;
    welcome.as.welcome.name = bytes_text("bench");
    welcome.as.welcome.role = bytes_text("Member");
    welcome.as.welcome.parties = buffer_bytes(&parties);
    message_mark(&welcome, "parties");
    welcome.as.welcome.epoch = epoch;
    bool said = say(row, &welcome);
    buffer_release(&parties);
    return said;
}

/* ---- Records -------------------------------------------------------------------------------- */

static uint64_t scattered(uint64_t number)
{
    number = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (number ^ number >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static struct id record_id(uint64_t index)
{
    struct id id;
    put_u64(id.octet, (UINT64_C(0x019400000000) + index * 10000) << 16 | 0x7000);
    put_u64(id.octet + 8, scattered(index));
    return id;
}

static struct scope account_scope(uint64_t account)
{
    struct scope scope = {.kind = SCOPE_ACCOUNT, .id = record_id(UINT64_C(1) << 24)};
    put_u64(scope.id.octet + 8, scattered(account));
    return scope;
}

static void put_text_field(struct buffer *out, const char *name, uint64_t seed, size_t size)
{
    char text[256];
    for (size_t i = 0; i < size && i < sizeof text - 1; i++, seed = scattered(seed)) {
        text[i] = (char)('a' + seed % 26);
    }
    text[size < sizeof text ? size : sizeof text - 1] = 0;
    wire_put_text(out, name);
    wire_put_text(out, text);
}

static void put_record(struct buffer *out, const struct purge_row *row, uint64_t index)
{
    uint8_t scope[SCOPE_SIZE], tag[TAG_SIZE];
    scope_put(account_scope(index % row->accounts), scope);
    tag_put((struct tag){.kind = TAG_INTERNAL}, tag);
    wire_put_map(out, 10);
    wire_put_text(out, "id");
    wire_put_id(out, record_id(index));
    wire_put_text(out, "entity");
    wire_put_text(out, "interaction");
    wire_put_text(out, "scope");
    wire_put_bin(out, bytes_of(scope, sizeof scope));
    wire_put_text(out, "audience");
    wire_put_array(out, 1);
    wire_put_bin(out, bytes_of(tag, sizeof tag));
    wire_put_text(out, "seq");
    wire_put_uint(out, index + 1);
    wire_put_text(out, "createdBy");
    wire_put_text(out, "kari");
    wire_put_text(out, "createdAt");
    wire_put_int(out, (int64_t)(1735689600000 + index * 10000));
    wire_put_text(out, "modifiedBy");
    wire_put_text(out, "nils");
    wire_put_text(out, "modifiedAt");
    wire_put_int(out, (int64_t)(1735689600001 + index * 10000));
    wire_put_text(out, "fields");
    wire_put_map(out, 2);
    put_text_field(out, "subject", index, 30);
    put_text_field(out, "text", index + 1, 110);
}

/* ---- The client ----------------------------------------------------------------------------- */

static void take_event(void *context, const tandem_event *event)
{
    struct purge_row *row = context;
    row->told = row->told || event->kind == TANDEM_EVENT_PURGED;
    row->ended = row->ended || (event->kind == TANDEM_EVENT_DISCONNECTED && event->final);
}

static bool open_client(struct bench_run *run, struct purge_row *row)
{
    const tandem_options options = {.replica = row->folder, .on_event = take_event, .context = row};
    const tandem_server server = {.url = "wss://localhost", .user = "bench", .secret = "secret"};
    tandem_fault fault = {.detail = ""};
    bool open = client_open(&options, port_system(), &ops, &row->client, &fault) == TANDEM_OK &&
                tandem_subscribe(row->client, NULL, 0) == TANDEM_OK &&
                tandem_connect(row->client, &server, &fault) == TANDEM_OK &&
                tandem_service(row->client) == TANDEM_OK && say_welcome(row) &&
                tandem_connected(row->client);
    if (!open) {
        bench_fail(run, "the client: %s", fault.detail);
    }
    return open;
}

static void close_client(struct purge_row *row)
{
    tandem_close(row->client);
    row->client = NULL;
}

static bool say_records(struct purge_row *row, uint64_t from, uint64_t to)
{
    struct buffer list = {0};
    struct message message = {.type = MESSAGE_CHANGES};
    message.as.changes.from = from;
    message.as.changes.to = to;
    wire_put_array(&list, (uint32_t)(to - from));
    for (uint64_t index = from; index < to; index++) {
        put_record(&list, row, index);
    }
    message.as.changes.records = buffer_bytes(&list);
    message_mark(&message, "records");
    bool said = !list.failed && say(row, &message);
    buffer_release(&list);
    return said;
}

static bool fill(struct bench_run *run, struct purge_row *row)
{
    bench_progress(run, "filling %s", row->folder);
    for (uint64_t from = 0; from < row->records; from += A_FRAME) {
        uint64_t to = from + A_FRAME < row->records ? from + A_FRAME : row->records;
        if (!say_records(row, from, to)) {
            bench_fail(run, "the replica could not be filled");
            return false;
        }
    }
    return true;
}

/* Has the next account purged; the milliseconds until that was told. */
static bool purge(struct bench_run *run, struct purge_row *row, double *ms)
{
    uint8_t scope[SCOPE_SIZE];
    struct buffer list = {0};
    struct message message = {.type = MESSAGE_CHANGES};
    scope_put(account_scope(row->purged++ % row->accounts), scope);
    wire_put_array(&list, 1);
    wire_put_bin(&list, bytes_of(scope, sizeof scope));
    message.as.changes.from = tandem_cursor(row->client);
    message.as.changes.to = message.as.changes.from + 1;
    message.as.changes.purged = buffer_bytes(&list);
    message_mark(&message, "purged");
    row->told = false;
    uint64_t start = bench_now_ns();
    bool going = say(row, &message);
    for (unsigned turn = 0; going && !row->told && turn < SERVICES; turn++) {
        going = tandem_service(row->client) == TANDEM_OK && !row->ended;
    }
    *ms = (double)(bench_now_ns() - start) / 1e6;
    buffer_release(&list);
    if (!row->told) {
        bench_fail(run, "the purge was not told");
    }
    return row->told;
}

/* ---- The row -------------------------------------------------------------------------------- */

bool purge_account_set_up(struct bench_run *run, void **context)
{
    double first = 0;
    struct purge_row *row = calloc(1, sizeof *row);
    *context = row;
    if (row == NULL) {
        return false;
    }
    (void)snprintf(row->folder, sizeof row->folder, "%s/replica", bench_folder(run));
    row->records = replica_fewer(run, (uint64_t)bench_parameter(run));
    row->accounts = row->records >= 20 * EACH ? row->records / EACH : 20;
    if (!open_client(run, row) || !fill(run, row) || !purge(run, row, &first)) {
        return false;
    }
    bench_note(run, "ms of the first purge", first);
    close_client(row);
    return true;
}

bool purge_account_subject(struct bench_run *run, void *context, double *figure)
{
    struct purge_row *row = context;
    bool done = open_client(run, row);
    uint64_t cpu = bench_thread_cpu_ns();
    done = done && purge(run, row, figure);
    bench_note(run, "CPU ms of it", (double)(bench_thread_cpu_ns() - cpu) / 1e6);
    close_client(row);
    return done;
}

static bool flush(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool done = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        (void)close(file);
    }
    return done;
}

bool purge_account_limit(struct bench_run *run, void *context, double *figure)
{
    const struct purge_row *row = context;
    struct lmdb_raw raw;
    char copy[BENCH_FOLDER_MAX], file[BENCH_FOLDER_MAX + 16];
    (void)snprintf(copy, sizeof copy, "%s/copy", bench_folder(run));
    (void)snprintf(file, sizeof file, "%s/data.mdb", copy);
    int code = mkdir(copy, 0700) == 0 ? lmdb_raw_open(&raw, row->folder, MDB_NORDAHEAD) : errno;
    if (code == 0) {
        uint64_t start = bench_now_ns();
        code = mdb_env_copy2(raw.env, copy, MDB_CP_COMPACT);
        if (code == 0 && !flush(file)) {
            code = errno;
        }
        *figure = (double)(bench_now_ns() - start) / 1e6;
        lmdb_raw_close(&raw);
    }
    scratch_remove(copy);
    if (code != 0) {
        bench_fail(run, "the copy: %s", mdb_strerror(code));
    }
    return code == 0;
}

void purge_account_tear_down(void *context)
{
    struct purge_row *row = context;
    if (row != NULL) {
        close_client(row);
    }
    free(row);
}
