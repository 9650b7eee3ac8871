/* peer FOLDER: a process that shares a folder, for test_peers.c. It does what the lines on its
 * standard input say and prints what it hears, one line each:
 *
 *     lead            prints "leading" or "following"; later perhaps "leads"
 *     yield, forget, tell, close
 *     note N SEQ      a record with this number was changed
 *     remove N SEQ    and one removed
 *     notes COUNT PER notes and tells: records 1 to COUNT, seq 1 each, PER at a time
 *     storm           notes and tells for ever, with seq 0, which nobody prints
 *     purge N SEQ     the account with this number was closed
 *     edit N TEXT     queues a change of this record in the outbox, "entry ORDER"
 *     drop ORDER      gives it up
 *     replace ORDER   queues the same once more in its place, "entry ORDER"
 *     pause, resume   as tandem_pause()
 *
 *     news N SEQ, purged N SEQ, caught-up SEQ, lost, leads
 *     value TEXT      the contents of FOLDER/value, when they differ from what it saw before
 *
 * With PEER_BLIND set the system has no watches to give. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client-lib/outbox/outbox_store.h"
#include "client-lib/peers/peers.h"
#include "protocol/wire.h"

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);

int __wrap_inotify_init1(int flags)
{
    if (getenv("PEER_BLIND") == NULL)
        return __real_inotify_init1(flags);
    errno = EMFILE;
    return -1;
}

struct peer {
    struct peers *peers;
    struct outbox_store *store; /* opened when it is needed first */
    const char *folder;
    char value[64];
    bool closed;
};

static void look(void *context)
{
    struct peer *peer = context;
    char path[1024], value[64] = "";
    (void)snprintf(path, sizeof path, "%s/value", peer->folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fgets(value, sizeof value, file) != NULL && strcmp(value, peer->value) != 0) {
        (void)snprintf(peer->value, sizeof peer->value, "%s", value);
        printf("value %s\n", value);
    }
    (void)fclose(file);
}

static void news(void *context, const struct peers_news *news)
{
    (void)context;
    if (news->seq == 0)
        return;
    if (news->kind == PEERS_CAUGHT_UP)
        printf("caught-up %llu\n", (unsigned long long)news->seq);
    else
        printf("%s %u %llu\n", news->kind == PEERS_PURGED ? "purged" : "news",
               get_u32(news->id.octet + 12), (unsigned long long)news->seq);
}

static void lost(void *context)
{
    (void)context;
    printf("lost\n");
}

static void leads(void *context)
{
    (void)context;
    printf("leads\n");
}

/* Ids as id_of() of support.h makes them. */
static struct id make_id(unsigned number)
{
    struct id id = {{0x01, 0x92, 0xf0, 0xc1, 0x5a, 0x3e, 0x70, 0, 0x80}};
    put_u32(id.octet + 12, number);
    return id;
}

static void note(struct peer *peer, enum peers_kind kind, unsigned number, unsigned long long seq)
{
    const struct peers_news row = {.kind = kind, .seq = seq, .id = make_id(number)};
    peers_note(peer->peers, &row);
}

static void purge(struct peer *peer, unsigned number, unsigned long long seq)
{
    const struct peers_news row = {
        .kind = PEERS_PURGED, .seq = seq, .id = make_id(number), .scope = SCOPE_ACCOUNT};
    peers_purged(peer->peers, &row);
}

static bool open_store(struct peer *peer)
{
    tandem_fault fault;
    return peer->store != NULL || outbox_store_open(peer->folder, port_system(), &peer->store, NULL,
                                                    &fault) == STATUS_OK;
}

static void edit(struct peer *peer, unsigned number, const char *text)
{
    struct buffer changes = {0};
    uint64_t order = 0;
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 3);
    wire_put_text(&changes, "op");
    wire_put_text(&changes, "update");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, make_id(number));
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 1);
    wire_put_text(&changes, "text");
    wire_put_text(&changes, text);
    const struct outbox_item item = {.changes = buffer_bytes(&changes), .change = -1};
    if (open_store(peer) && outbox_store_add(peer->store, &item, &order) == STATUS_OK)
        printf("entry %llu\n", (unsigned long long)order);
    buffer_release(&changes);
    peers_tell(peer->peers);
}

static void drop(struct peer *peer, unsigned long long order)
{
    const struct peers_news news = {.kind = PEERS_DROPPED, .seq = order};
    peers_note(peer->peers, &news);
    peers_tell(peer->peers);
    if (open_store(peer) && outbox_store_drop(peer->store, order) == STATUS_OK)
        printf("dropped\n");
    peers_tell(peer->peers);
}

static bool copy_changes(void *context, const struct outbox_item *item)
{
    buffer_append(context, item->changes.data, item->changes.size);
    return false;
}

static void replace(struct peer *peer, unsigned long long order)
{
    struct buffer changes = {0};
    uint64_t now = 0;
    if (open_store(peer) &&
        outbox_store_get(peer->store, order, copy_changes, &changes) == STATUS_OK) {
        const struct outbox_item item = {.changes = buffer_bytes(&changes), .change = -1};
        if (outbox_store_replace(peer->store, order, &item, 1, &now) == STATUS_OK)
            printf("entry %llu\n", (unsigned long long)now);
    }
    buffer_release(&changes);
    peers_tell(peer->peers);
}

static void set_paused(struct peer *peer, bool paused)
{
    if (open_store(peer) && outbox_store_set_paused(peer->store, paused) == STATUS_OK)
        printf("%s\n", paused ? "paused" : "resumed");
    peers_tell(peer->peers);
}

static void notes(struct peer *peer, unsigned count, unsigned per)
{
    for (unsigned i = 1; i <= count; i++) {
        note(peer, PEERS_CHANGED, i, 1);
        if (i % per == 0)
            peers_tell(peer->peers);
    }
    peers_tell(peer->peers);
}

static void obey(struct peer *peer, const char *line)
{
    unsigned number = 0, per = 0;
    unsigned long long seq = 0;
    char text[32];
    if (strcmp(line, "lead") == 0)
        printf("%s\n", peers_lead(peer->peers) == STATUS_OK ? "leading" : "following");
    else if (strcmp(line, "yield") == 0)
        peers_yield(peer->peers);
    else if (strcmp(line, "forget") == 0)
        peers_forget(peer->peers);
    else if (strcmp(line, "tell") == 0)
        peers_tell(peer->peers);
    else if (strcmp(line, "close") == 0)
        peer->closed = true;
    else if (strcmp(line, "others") == 0)
        printf("%s\n", peers_has_others(peer->peers) ? "others" : "alone");
    else if (sscanf(line, "note %u %llu", &number, &seq) == 2)
        note(peer, PEERS_CHANGED, number, seq);
    else if (sscanf(line, "remove %u %llu", &number, &seq) == 2)
        note(peer, PEERS_REMOVED, number, seq);
    else if (sscanf(line, "purge %u %llu", &number, &seq) == 2)
        purge(peer, number, seq);
    else if (sscanf(line, "edit %u %31s", &number, text) == 2)
        edit(peer, number, text);
    else if (sscanf(line, "drop %llu", &seq) == 1)
        drop(peer, seq);
    else if (sscanf(line, "replace %llu", &seq) == 1)
        replace(peer, seq);
    else if (strcmp(line, "pause") == 0 || strcmp(line, "resume") == 0)
        set_paused(peer, strcmp(line, "pause") == 0);
    else if (sscanf(line, "notes %u %u", &number, &per) == 2)
        notes(peer, number, per);
    else
        while (strcmp(line, "storm") == 0) {
            note(peer, PEERS_CHANGED, 1, 0);
            peers_tell(peer->peers);
        }
}

static int wait_ms(const struct peer *peer)
{
    const struct port *port = port_system();
    uint64_t now = port->now_ms(port->context), due = peers_due(peer->peers);
    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int)(due - now);
}

static void take_lines(struct peer *peer, char *bytes, size_t size)
{
    for (char *line = bytes, *end; line < bytes + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(bytes + size - line));
        if (end == NULL)
            return;
        *end = 0;
        obey(peer, line);
    }
}

int main(int count, char **arguments)
{
    struct peer peer = {.folder = count == 2 ? arguments[1] : ""};
    const struct peers_port port = {&peer, look, news, lost, leads};
    tandem_fault fault;
    if (peers_open(peer.folder, port_system(), &port, &peer.peers, &fault) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", fault.detail);
        return 1;
    }
    printf("ready\n");
    while (!peer.closed) {
        char bytes[4096];
        struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                   {.fd = peers_fd(peer.peers), .events = POLLIN}};
        (void)fflush(stdout);
        (void)poll(polled, 2, wait_ms(&peer));
        if (polled[0].revents != 0) {
            ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
            if (got <= 0)
                return 1;
            take_lines(&peer, bytes, (size_t)got);
        }
        peers_run(peer.peers);
    }
    outbox_store_close(peer.store);
    peers_close(peer.peers);
    return 0;
}
