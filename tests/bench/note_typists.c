#include "tests/bench/note_typists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/change_set.h"
#include "protocol/message.h"
#include "protocol/wire.h"

#define FIRST_TEXT "First line of a note that several people write in."
#define FIRST_UNITS (sizeof FIRST_TEXT - 1)
/* Versions of a note that are under way to somebody. */
#define RING 64u

struct typist {
    struct load_client *client;
    size_t note;
    uint64_t version, need; /* what they have, and must have before the next push */
    bool open, awaits;      /* the answer to a push or a mutation */
    uint64_t pushed_ns;
};

struct live {
    struct id id;
    struct {
        uint64_t pushed_ns, seen_ns;
        unsigned seen;
    } ring[RING];
};

struct typists {
    struct tandem_side side;
    struct load *load;
    struct typist *people;
    size_t count, people_a_note;
    struct live *notes;
    size_t note_count, made;
    bool mutates;
    size_t to_push, to_see, pushed, seen, answered;
    double *screen_ms;
    const char *failed;
};

/* ---- What comes ------------------------------------------------------------------------------ */

/* Everybody has it, and its author knows. */
static void finish(struct typists *typists, struct live *note, uint64_t version)
{
    unsigned everybody = (unsigned)typists->people_a_note;
    if (note->ring[version % RING].seen < everybody || note->ring[version % RING].pushed_ns == 0) {
        return;
    }
    if (typists->screen_ms != NULL && typists->seen < typists->to_see) {
        uint64_t took = note->ring[version % RING].seen_ns - note->ring[version % RING].pushed_ns;
        typists->screen_ms[typists->seen] = (double)took / 1e6;
    }
    typists->seen++;
    note->ring[version % RING].seen = 0;
    note->ring[version % RING].pushed_ns = 0;
}

static void on_entries(struct typists *typists, struct typist *typist, uint64_t from,
                       uint64_t count)
{
    struct live *note = &typists->notes[typist->note];
    uint64_t now = bench_now_ns();
    for (uint64_t version = from + 1; version <= from + count; version++) {
        note->ring[version % RING].seen++;
        note->ring[version % RING].seen_ns = now;
        finish(typists, note, version);
    }
    typist->version = from + count;
}

static void on_note_result(struct typists *typists, struct typist *typist,
                           const struct msg_note_result *result)
{
    typist->awaits = false;
    typist->need = result->version;
    typists->answered++;
    if (bytes_is(result->status, "ok")) {
        struct live *note = &typists->notes[typist->note];
        typists->pushed++;
        note->ring[result->version % RING].pushed_ns = typist->pushed_ns;
        finish(typists, note, result->version);
    } else if (!bytes_is(result->status, "behind")) {
        typists->failed = "a keystroke was refused";
    }
}

static void on_other(void *context, struct load_client *client, struct bytes bytes)
{
    struct typists *typists = context;
    struct typist *typist = &typists->people[load_label(client)];
    struct message message;
    if (message_decode(bytes, &message, NULL) != STATUS_OK) {
        typists->failed = "a message cannot be read";
    } else if (message.type == MESSAGE_NOTE) {
        typist->open = true;
        typist->version = typist->need = message.as.note.newest;
        typists->answered++;
    } else if (message.type == MESSAGE_NOTE_RESULT) {
        on_note_result(typists, typist, &message.as.note_result);
    } else if (message.type == MESSAGE_NOTE_CHANGES) {
        on_entries(typists, typist, message.as.note_changes.from,
                   message_count(message.as.note_changes.entries));
    } else if (message.type == MESSAGE_NOTE_ENDED || message.type == MESSAGE_ERROR) {
        typists->failed = "a note was closed";
    }
}

static void on_result(void *context, struct load_client *client, uint64_t number, unsigned status,
                      uint64_t seq)
{
    struct typists *typists = context;
    (void)number;
    (void)seq;
    typists->people[load_label(client)].awaits = false;
    typists->answered++;
    typists->failed = status != 0 ? "a mutation was refused" : typists->failed;
}

static void on_closed(void *context, struct load_client *client, const char *why)
{
    (void)client;
    ((struct typists *)context)->failed = why;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static bool send(struct typists *typists, struct typist *typist, const struct message *message)
{
    struct buffer frame = {0};
    message_encode(&frame, message);
    bool sent = !frame.failed && load_send(typist->client, buffer_bytes(&frame));
    buffer_release(&frame);
    typist->awaits = sent;
    typists->failed = sent ? typists->failed : "a message cannot be sent";
    return sent;
}

/* `sets` keystrokes; with more than one, each second takes the one before away. */
static bool push(struct typists *typists, struct typist *typist, uint64_t units, uint32_t sets)
{
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct change_set set = {0};
    struct buffer changes = {0};
    wire_put_array(&changes, sets);
    for (uint32_t i = 0; i < sets; i++) {
        change_set_clear(&set);
        change_set_replace(&set, i % 2, bytes_text(i % 2 == 0 ? "x" : ""), false);
        change_set_keep(&set, units);
        change_set_write(&set, &changes);
    }
    change_set_release(&set);
    message.as.note_push.request = 1;
    message.as.note_push.note = typists->notes[typist->note].id;
    message.as.note_push.base = typist->version;
    message.as.note_push.changes = buffer_bytes(&changes);
    typist->pushed_ns = bench_now_ns();
    bool sent = send(typists, typist, &message);
    buffer_release(&changes);
    return sent;
}

static void put(struct buffer *out, const char *key, const char *value)
{
    wire_put_text(out, key);
    wire_put_text(out, value);
}

static bool mutate(struct typists *typists, struct typist *typist, const char *op, struct id id)
{
    struct buffer changes = {0};
    char text[64];
    bool creates = strcmp(op, "create") == 0;
    (void)snprintf(text, sizeof text, "%zu", typists->made++);
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    put(&changes, "op", op);
    put(&changes, "entity", "note");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, id);
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, creates ? 2 : 1);
    put(&changes, creates ? "text" : "type", creates ? FIRST_TEXT : text);
    if (creates) {
        wire_put_text(&changes, "account");
        wire_put_id(&changes, typists->side.seeded->accounts[0]);
    }
    typist->awaits = !changes.failed && load_mutate(typist->client, buffer_bytes(&changes)) != 0;
    typists->failed = typist->awaits ? typists->failed : "a mutation cannot be sent";
    buffer_release(&changes);
    return typist->awaits;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static bool go_on(void *context)
{
    struct typists *typists = context;
    for (size_t i = 0; i < typists->count && typists->failed == NULL; i++) {
        struct typist *typist = &typists->people[i];
        if (typist->awaits || typist->note >= typists->note_count ||
            (typists->mutates
                 ? typists->to_push == 0
                 : typist->version < typist->need || typists->pushed >= typists->to_push)) {
            continue;
        }
        if (typists->mutates) {
            typists->to_push--;
            mutate(typists, typist, "update", typists->notes[typist->note].id);
        } else {
            push(typists, typist, FIRST_UNITS + typist->version, 1);
        }
    }
    return typists->failed != NULL || (typists->mutates ? typists->answered >= typists->to_see
                                                        : typists->pushed >= typists->to_push &&
                                                              typists->seen >= typists->pushed);
}

static bool all_answered(void *context)
{
    const struct typists *typists = context;
    for (size_t i = 0; i < typists->count && typists->failed == NULL; i++) {
        if (typists->people[i].awaits) {
            return false;
        }
    }
    return true;
}

static bool wait_for(struct bench_run *run, struct typists *typists, bool (*done)(void *context))
{
    if (load_until(typists->load, done, typists, STAGE_WAIT_MS) && typists->failed == NULL) {
        return true;
    }
    bench_fail(run, "%s", typists->failed != NULL ? typists->failed : "nothing more comes");
    return false;
}

/* ---- Typing ---------------------------------------------------------------------------------- */

static bool make_note(struct bench_run *run, struct typists *typists, struct live *note)
{
    uint8_t random[10] = {1};
    uint64_t number = typists->made;
    *note = (struct live){.id = {{0}}};
    memcpy(random + 2, &number, sizeof number);
    note->id = id_make(UINT64_C(1767225600000) + number, random);
    return mutate(typists, &typists->people[0], "create", note->id) &&
           wait_for(run, typists, all_answered);
}

static bool ask_open(struct typists *typists, struct typist *typist, struct id note)
{
    struct message message = {.type = MESSAGE_NOTE_OPEN};
    message.as.note_open.request = 1;
    message.as.note_open.note = note;
    typist->open = false;
    return send(typists, typist, &message);
}

static bool ask_close(struct typists *typists, struct typist *typist)
{
    struct message message = {.type = MESSAGE_NOTE_CLOSE};
    if (!typist->open) {
        return true;
    }
    message.as.note_close.note = typists->notes[typist->note].id;
    bool sent = send(typists, typist, &message);
    typist->open = typist->awaits = false;
    return sent;
}

static bool all_open(void *context)
{
    struct typists *typists = context;
    for (size_t i = 0; i < typists->count && typists->failed == NULL; i++) {
        struct typist *typist = &typists->people[i];
        if (typist->note < typists->note_count && !typist->open) {
            return false;
        }
        typist->awaits = false;
    }
    return true;
}

bool typists_open(struct bench_run *run, struct typists *typists, size_t notes)
{
    struct live *made = calloc(notes, sizeof *made);
    bool good = made != NULL;
    for (size_t i = 0; i < typists->count && good; i++) {
        good = ask_close(typists, &typists->people[i]);
    }
    for (size_t i = 0; i < notes && good; i++) {
        good = make_note(run, typists, &made[i]);
    }
    free(typists->notes);
    typists->notes = made;
    typists->note_count = notes;
    typists->people_a_note = typists->count / notes;
    for (size_t i = 0; i < typists->count && good; i++) {
        typists->people[i].note = i / typists->people_a_note;
        good = typists->people[i].note >= notes ||
               ask_open(typists, &typists->people[i], made[typists->people[i].note].id);
    }
    return good && wait_for(run, typists, all_open);
}

bool typists_type(struct bench_run *run, struct typists *typists, size_t keystrokes,
                  double *screen_ms)
{
    typists->mutates = false;
    typists->pushed = typists->seen = 0;
    typists->to_push = keystrokes;
    typists->to_see = keystrokes;
    typists->screen_ms = screen_ms;
    /* Those who are under way when enough were taken are waited for as well. */
    bool good = wait_for(run, typists, go_on) && wait_for(run, typists, all_answered);
    typists->screen_ms = NULL;
    return good;
}

bool typists_mutate(struct bench_run *run, struct typists *typists, size_t mutations)
{
    typists->mutates = true;
    typists->answered = 0;
    typists->to_push = typists->to_see = mutations;
    return wait_for(run, typists, go_on);
}

/* ---- History --------------------------------------------------------------------------------- */

static bool has_all(void *context)
{
    const struct typist *typist = ((struct typists *)context)->people;
    return ((struct typists *)context)->failed != NULL ||
           (!typist->awaits && typist->version >= typist->need);
}

bool typists_history(struct bench_run *run, struct typists *typists, size_t keystrokes,
                     struct id *note)
{
    if (!typists_open(run, typists, 1)) {
        return false;
    }
    *note = typists->notes[0].id;
    for (size_t done = 0; done < keystrokes; done += LIMIT_NOTE_PUSH) {
        if (!push(typists, &typists->people[0], FIRST_UNITS, LIMIT_NOTE_PUSH) ||
            !wait_for(run, typists, has_all)) {
            return false;
        }
    }
    return true;
}

bool typists_look(struct bench_run *run, struct typists *typists, struct id note, unsigned times)
{
    struct typist *typist = &typists->people[0];
    bool good = true;
    for (unsigned i = 0; i < times && good; i++) {
        typists->notes[0].id = note;
        good = ask_open(typists, typist, note) && wait_for(run, typists, all_open) &&
               ask_close(typists, typist);
    }
    return good;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool connect(struct bench_run *run, struct typists *typists, size_t people)
{
    const struct load_options options = {
        .address = typists->side.server.address,
        .ca_file = typists->side.server.ca,
        .spin = true,
        .hooks = {.context = typists, .result = on_result, .other = on_other, .closed = on_closed}};
    typists->load = load_new(&options);
    typists->people = calloc(people, sizeof *typists->people);
    bool good = typists->load != NULL && typists->people != NULL;
    for (; good && typists->count < people; typists->count++) {
        const struct seeded *seeded = typists->side.seeded;
        const struct load_client_options client = {.token = seeded->users[0].token,
                                                   .label = typists->count};
        struct load_client *added = load_add(typists->load, &client);
        typists->people[typists->count].client = added;
        good = added != NULL && load_connect(added);
    }
    if (!good || !load_settle(typists->load, STAGE_WAIT_MS)) {
        bench_fail(run, "not everybody could connect");
        return false;
    }
    return true;
}

struct typists *typists_new(struct bench_run *run, size_t people)
{
    struct typists *typists = calloc(1, sizeof *typists);
    if (typists != NULL && tandem_side_start(run, &typists->side, "notes", 0) &&
        connect(run, typists, people)) {
        return typists;
    }
    typists_free(typists);
    return NULL;
}

void typists_free(struct typists *typists)
{
    if (typists == NULL) {
        return;
    }
    load_free(typists->load);
    free(typists->people);
    free(typists->notes);
    tandem_side_stop(&typists->side);
    free(typists);
}

int typists_server(const struct typists *typists)
{
    return typists->side.server.pid;
}
