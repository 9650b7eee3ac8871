/* Whose folder it is.
 *
 * A folder is of the first user who signs in with it, by whichever process: what is in the replica
 * may not be theirs to see who sign in as somebody else, and what is typed into the outbox would be
 * sent as its user's. The outbox knows the user, and so does the replica, since an outbox that was
 * damaged is set aside and takes that knowledge with it.
 *
 * Who signs in as another is turned away, and from then on gets nothing out of the folder and puts
 * nothing into it. Only when nothing waits in it, and no other process has it, does it become
 * theirs: those would go on showing it and typing into it as the user they signed in as. It is had
 * alone for that moment. The replica goes first, then the outbox with what was noted in it: a
 * process that dies in between leaves a replica that is not of the outbox's user, which whoever
 * leads next empties. */
#include "client-lib/client/client.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "protocol/memory.h"

/* As many failures to connect as make for the longest pauses. */
#define FAILURES_LONG 7

/* Entries that are not done with, and notes in which something waits. */
static size_t count_open(tandem_client *client)
{
    return outbox_store_count(client->store, 0) -
           outbox_store_count(client->store, 1u << TANDEM_ENTRY_ACCEPTED) +
           client_notes_count(client);
}

/* ---- Turning away ---- */

/* Ends the connection for good. */
static void turn_away(tandem_client *client, const tandem_fault *fault)
{
    client->foreign = true;
    client->parting = *fault;
    client->ops->close(client->link, 1000);
    client_lost(client, 4002, fault);
}

static const char *folder_user(tandem_client *client, char out[RECORD_NAME_MAX + 1])
{
    struct buffer name = {0};
    (void)outbox_store_user_name(client->store, &name);
    bytes_to_text(buffer_bytes(&name), out, RECORD_NAME_MAX + 1);
    buffer_release(&name);
    return out;
}

static void turn_away_from_changes(tandem_client *client)
{
    size_t count = count_open(client);
    char name[RECORD_NAME_MAX + 1];
    tandem_fault fault;
    trouble(&fault, STATUS_DENIED, "", "%zu %s of %s %s in this folder, which %s is not", count,
            count == 1 ? "change" : "changes", folder_user(client, name),
            count == 1 ? "waits" : "wait", client->user_name);
    turn_away(client, &fault);
}

static void turn_away_from_others(tandem_client *client)
{
    tandem_fault fault;
    trouble(&fault, STATUS_DENIED, "", "another process uses this folder as a user that %s is not",
            client->user_name);
    turn_away(client, &fault);
}

tandem_code client_not_theirs(tandem_client *client)
{
    char name[RECORD_NAME_MAX + 1];
    return (tandem_code)trouble(&client->fault, STATUS_DENIED, "",
                                "this folder is of %s: sign in as that user",
                                folder_user(client, name));
}

/* Until another process has done its part, which may take as long as it runs. */
static void come_back_later(tandem_client *client, const char *words)
{
    client->failures = FAILURES_LONG;
    client_break(client, 1000, STATUS_BUSY, words);
}

/* ---- Whose it is ---- */

struct owner {
    struct id user; /* zero: nobody's yet, or nobody knows */
    bool replica_is_theirs;
};

static bool replica_user(tandem_client *client, struct id *out)
{
    struct buffer mark = {0};
    bool found = replica_mark(client->replica, REPLICA_USER, &mark) == STATUS_OK &&
                 id_from_bytes(buffer_bytes(&mark), out);
    buffer_release(&mark);
    return found;
}

/* Seen by a user who has signed in. A replica that does not say whose it is, as older libraries
 * wrote them, is of the outbox's user, if there is anything in it. */
static struct owner look_at_owner(tandem_client *client, struct id user)
{
    struct owner owner = {.user = {{0}}};
    struct id marked = {{0}};
    struct scope held;
    (void)outbox_store_refresh(client->store);
    owner.user = outbox_store_user(client->store);
    if (replica_user(client, &marked))
        owner.replica_is_theirs = id_equal(marked, user);
    else
        owner.replica_is_theirs =
            id_equal(owner.user, user) ||
            replica_next_scope(client->replica, NULL, &held) == STATUS_NOT_FOUND;
    if (id_is_zero(owner.user))
        owner.user = marked;
    return owner;
}

static bool may_be(const struct owner *owner, struct id user)
{
    return id_is_zero(owner->user) || id_equal(owner->user, user);
}

/* ---- Making it theirs ---- */

static enum status mark_replica(tandem_client *client, struct id user)
{
    struct id marked;
    if (replica_user(client, &marked) && id_equal(marked, user))
        return STATUS_OK;
    enum status status = replica_begin(client->replica);
    if (status != STATUS_OK)
        return status;
    status = replica_set_mark(client->replica, REPLICA_USER, bytes_of(user.octet, ID_SIZE));
    if (status == STATUS_OK)
        return replica_commit(client->replica);
    replica_abort(client->replica);
    return status;
}

static bool is_named(tandem_client *client, struct bytes name)
{
    struct buffer known = {0};
    bool same = outbox_store_user_name(client->store, &known) == STATUS_OK &&
                bytes_equal(buffer_bytes(&known), name);
    buffer_release(&known);
    return same;
}

/* The outbox becomes theirs when it is nobody's, and the replica says so. */
static bool claim(tandem_client *client, const struct msg_welcome *welcome)
{
    enum status status = STATUS_OK;
    if (!id_equal(outbox_store_user(client->store), welcome->user))
        status = outbox_store_claim(client->store, welcome->user, welcome->name);
    else if (!is_named(client, welcome->name)) /* any more */
        status = outbox_store_set_user(client->store, welcome->user, welcome->name);
    if (status == STATUS_OK && client_leads(client))
        status = mark_replica(client, welcome->user);
    if (status == STATUS_DENIED)
        turn_away_from_others(client);
    else if (status != STATUS_OK)
        client_break(client, 1011, status, "the folder cannot be written");
    client->foreign = client->foreign && status != STATUS_OK;
    return status == STATUS_OK;
}

/* Empties the replica for this user. What this program itself has asked for stays wanted; what was
 * noted by programs before it goes when it was another user's. */
static enum status empty_replica(tandem_client *client, struct id user, bool keeps_wish)
{
    struct buffer wish = {0};
    enum status status = STATUS_OK;
    if (keeps_wish)
        status = sync_wish_keep(&client->sync, &wish);
    if (status == STATUS_OK)
        status = replica_begin(client->replica);
    if (status == STATUS_OK) {
        status = replica_begin_anew(client->replica, user, buffer_bytes(&wish));
        if (status == STATUS_OK)
            status = replica_commit(client->replica);
        else
            replica_abort(client->replica);
    }
    buffer_release(&wish);
    return status;
}

static enum status change_user(tandem_client *client, const struct msg_welcome *welcome)
{
    bool keeps_wish = client->sync.wanted && !client->wish_resumed;
    enum status status = empty_replica(client, welcome->user, keeps_wish);
    if (status == STATUS_OK)
        status =
            outbox_store_change_user(client->store, client->port, welcome->user, welcome->name);
    if (status != STATUS_OK)
        return status;
    client->id = outbox_store_client(client->store);
    client->foreign = false;
    buffer_release(&client->unseen);
    client_notes_change_user(client);
    sync_forget_wishes(&client->sync, keeps_wish);
    client->wish_resumed = false;
    return client_note_wish(client);
}

/* As what a server says: it is told when nothing of the former user is left in the files. */
static void tell_reset(tandem_client *client)
{
    const struct sync_event event = {.kind = TANDEM_EVENT_RESET, .detail = "user"};
    client->sync.port.event(client->sync.port.context, &event);
}

/* The numbers of another user's client are not ours: all begins anew, with a connection that says
 * so. */
static void begin_anew(tandem_client *client, const struct msg_welcome *welcome)
{
    unsigned generation = client->generation;
    enum status status = change_user(client, welcome);
    peers_admit(client->peers);
    if (status == STATUS_OK)
        tell_reset(client);
    if (generation == client->generation)
        client_break(client, 1000, status == STATUS_OK ? STATUS_RESET_REQUIRED : status,
                     "the folder was another user's");
}

/* The outbox is theirs, but a replica of somebody else is in the folder. */
static bool fill_anew(tandem_client *client, const struct msg_welcome *welcome)
{
    unsigned generation = client->generation;
    enum status status = empty_replica(client, welcome->user, client->sync.wanted);
    peers_admit(client->peers);
    if (status != STATUS_OK) {
        client_break(client, 1011, status, "the replica cannot be written");
        return false;
    }
    if (!claim(client, welcome))
        return false;
    tell_reset(client);
    return generation == client->generation;
}

static bool take_folder(tandem_client *client, const struct msg_welcome *welcome)
{
    bool alone = peers_exclude(client->peers);
    const struct owner owner = look_at_owner(client, welcome->user);
    bool same = may_be(&owner, welcome->user);
    if (alone && same)
        return fill_anew(client, welcome);
    if (alone && count_open(client) == 0) {
        begin_anew(client, welcome);
        return false;
    }
    if (alone)
        peers_admit(client->peers);
    if (same)
        come_back_later(client, "other processes still show another user's data");
    else if (count_open(client) > 0)
        turn_away_from_changes(client);
    else
        turn_away_from_others(client);
    return false;
}

/* ---- Signing in ---- */

/* Another process sends what this one queues, and empties the replica if that is due. */
static bool settle_follower(tandem_client *client, const struct msg_welcome *welcome)
{
    const struct owner owner = look_at_owner(client, welcome->user);
    if (!may_be(&owner, welcome->user)) {
        turn_away_from_others(client);
        return false;
    }
    if (!owner.replica_is_theirs) {
        come_back_later(client, "the process that leads has not signed in yet");
        return false;
    }
    return claim(client, welcome);
}

bool client_settle_user(tandem_client *client, const struct msg_welcome *welcome)
{
    if (!client_leads(client))
        return settle_follower(client, welcome);
    const struct owner owner = look_at_owner(client, welcome->user);
    if (may_be(&owner, welcome->user) && owner.replica_is_theirs)
        return claim(client, welcome);
    return take_folder(client, welcome);
}

void client_expect_user(tandem_client *client)
{
    const struct tandem_server *server = &client->server.server;
    bool named = server->method == TANDEM_SIGN_IN_PASSWORD || server->method == TANDEM_SIGN_IN_CODE;
    struct buffer name = {0};
    if (client->store != NULL && named &&
        outbox_store_user_name(client->store, &name) == STATUS_OK &&
        !bytes_equal_folded(buffer_bytes(&name), bytes_text(server->user)))
        client->foreign = true;
    buffer_release(&name);
}
