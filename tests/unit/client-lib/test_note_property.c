/* Several devices edit one note at once, through a server that only puts changes in order: with
 * answers that are late, connections that break, pushes whose answer is lost, processes that end
 * and begin from what they kept, and a server that forgets old versions. However it went,
 *
 *     all end with the text that the server has,
 *     every character that somebody typed is in it, unless somebody deleted it,
 *     taking back removes only what was typed on that device,
 *     and a second process beside each device, which only reads what was kept, has the same.
 *
 * Each character typed is another one, so that each can be followed. */
#include "note_hand.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/utf16.h"
#include "tests/unit/protocol/support.h"

#define DEVICES_MOST 5u
#define RUNS 400u
#define STEPS_MOST 400u
#define MESSAGES_MOST 4096u
#define VERSIONS_MOST 8192u
#define LETTERS_MOST 16384u
/* Characters that are told apart: of three bytes, and of two units. */
#define LETTERS 0x3400u
#define PAIRS 0x20000u

enum message_kind { OPENED, ENTRY, RESULT };

struct message {
    enum message_kind kind;
    uint64_t version;  /* OPENED: what the text is of, or where entries go on; ENTRY */
    uint64_t newest;   /* OPENED */
    bool own;          /* ENTRY */
    bool refused;      /* RESULT: for good */
    struct bytes text; /* OPENED: data NULL when there is none; else in the server's memory */
};

struct version {
    size_t device;
    struct buffer changes; /* encoded, what made it */
    struct buffer text;    /* what it made */
};

struct device {
    struct note_doc *doc, *reader;
    struct buffer saved, rows; /* what was kept; each row with its length before it */
    size_t read;               /* how much of the rows the reader has */
    bool connected, opened, pushing;
    uint64_t newest;          /* as the server told when it opened the note */
    uint64_t cursor;          /* at the server: what is sent next is the one behind */
    struct message inbox[64]; /* from the server, in order */
    size_t inbox_count;
    bool open_asked, pushed; /* on their way to the server */
    uint64_t asked_version, pushed_version;
    struct buffer push;
};

struct letter {
    size_t device;
    bool deleted;
};

struct world {
    struct random random;
    struct device devices[DEVICES_MOST];
    size_t device_count;
    struct version *versions; /* [0] is the first text */
    uint64_t newest, oldest;
    struct letter *letters;
    uint32_t letter_count;
    bool calm; /* nothing is typed or breaks any more */
};

static bool chance(struct world *world, uint64_t of)
{
    return random_below(&world->random, of) == 0;
}

/* ---- Letters --------------------------------------------------------------- */

static void put_utf8(uint32_t code, struct buffer *out)
{
    if (code >= 0x10000) {
        buffer_append_byte(out, (uint8_t)(0xf0 | code >> 18));
        buffer_append_byte(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
    } else
        buffer_append_byte(out, (uint8_t)(0xe0 | code >> 12));
    buffer_append_byte(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    buffer_append_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
}

/* The letter that begins at `at`, or LETTERS_MOST when it is none of those told apart. */
static uint32_t letter_at(struct bytes text, size_t at)
{
    const uint8_t *byte = text.data + at;
    uint32_t code = 0;
    if (byte[0] >= 0xf0)
        code = (byte[0] & 7u) << 18 | (byte[1] & 0x3fu) << 12 | (byte[2] & 0x3fu) << 6 |
               (byte[3] & 0x3fu);
    else if (byte[0] >= 0xe0)
        code = (byte[0] & 15u) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
    if (code >= PAIRS && code < PAIRS + LETTERS_MOST)
        return code - PAIRS;
    if (code >= LETTERS && code < LETTERS + LETTERS_MOST)
        return code - LETTERS;
    return LETTERS_MOST;
}

static void each_letter(struct bytes text, void (*each)(void *context, uint32_t letter),
                        void *context)
{
    for (size_t at = 0; at < text.size; at++) {
        if ((text.data[at] & 0xc0) == 0x80)
            continue;
        const uint32_t letter = letter_at(text, at);
        if (letter < LETTERS_MOST)
            each(context, letter);
    }
}

/* Random text in which every other character is a new letter of the device's. */
static void new_letters(struct world *world, size_t device, struct buffer *out)
{
    static const char *const between[] = {
        "\n", "\r\n", " ", "e\xcc\x81", "\xf0\x9f\x98\x80", "\xe2\x80\x8d", "a", "\r"};
    for (uint64_t left = 1 + random_below(&world->random, 6); left > 0; left--) {
        if (chance(world, 3)) {
            const char *piece =
                between[random_below(&world->random, sizeof between / sizeof *between)];
            buffer_append(out, piece, strlen(piece));
        }
        assert_true(world->letter_count < LETTERS_MOST);
        world->letters[world->letter_count] = (struct letter){.device = device};
        put_utf8((chance(world, 2) ? PAIRS : LETTERS) + world->letter_count++, out);
    }
}

/* ---- What a device keeps --------------------------------------------------- */

static void keep(struct device *device, const struct buffer *row)
{
    uint8_t length[4];
    put_u32(length, (uint32_t)row->size);
    buffer_append(&device->rows, length, sizeof length);
    buffer_append(&device->rows, row->data, row->size);
}

static void replay(struct note_doc *doc, const struct buffer *rows, size_t *at)
{
    while (*at < rows->size) {
        const size_t size = get_u32(rows->data + *at);
        assert_int_equal(
            note_doc_apply(doc, bytes_of(rows->data + *at + 4, size), NOTE_DOC_ELSEWHERE),
            STATUS_OK);
        *at += 4 + size;
    }
}

static void assert_same(const struct note_doc *doc, const struct note_doc *other)
{
    struct buffer left = {0}, right = {0};
    assert_bytes(note_doc_text(other), note_doc_text(doc));
    note_doc_save(doc, &left);
    note_doc_save(other, &right);
    assert_bytes(buffer_bytes(&left), buffer_bytes(&right));
    buffer_release(&left);
    buffer_release(&right);
}

/* The reader has what the device has, after what was kept since it looked last. */
static void look(struct device *device)
{
    replay(device->reader, &device->rows, &device->read);
    assert_same(device->doc, device->reader);
}

static void save_anew(struct device *device)
{
    look(device);
    buffer_clear(&device->saved);
    buffer_clear(&device->rows);
    device->read = 0;
    note_doc_save(device->doc, &device->saved);
}

/* The text before, as what was shown makes it the text now. */
static void assert_shown_leads_to_text(const struct note_doc *doc, struct buffer *before)
{
    size_t count;
    const struct note_doc_shown *shown = note_doc_shown(doc, &count);
    for (size_t i = 0; i < count; i++) {
        struct buffer after = {0};
        const size_t end =
            shown[i].from + (shown[i].kept ? shown[i].inserted.size : shown[i].removed);
        if (shown[i].kept) {
            assert_bytes(bytes_slice(note_doc_text(doc), shown[i].from, end - shown[i].from),
                         shown[i].inserted);
            continue;
        }
        assert_true(end <= before->size);
        buffer_append(&after, before->data, shown[i].from);
        buffer_append(&after, shown[i].inserted.data, shown[i].inserted.size);
        buffer_append(&after, before->data + end, before->size - end);
        buffer_release(before);
        *before = after;
    }
    assert_bytes(buffer_bytes(before), note_doc_text(doc));
}

static void apply_row(struct device *device, const struct buffer *row, enum note_doc_origin origin)
{
    struct buffer before = {0};
    const struct bytes text = note_doc_text(device->doc);
    if (row->size == 0)
        return;
    buffer_append(&before, text.data, text.size);
    keep(device, row);
    hand_apply(device->doc, row, origin);
    if (origin != NOTE_DOC_TYPED || note_doc_text(device->doc).size == before.size) {
        size_t count;
        (void)note_doc_shown(device->doc, &count);
        if (count > 0)
            assert_shown_leads_to_text(device->doc, &before);
    }
    buffer_release(&before);
}

/* A row of the server's: what it shows leads from the text before to the text now. */
static void apply_told(struct device *device, const struct buffer *row)
{
    struct buffer before = {0};
    const struct bytes text = note_doc_text(device->doc);
    buffer_append(&before, text.data, text.size);
    keep(device, row);
    hand_apply(device->doc, row, NOTE_DOC_TYPED);
    assert_shown_leads_to_text(device->doc, &before);
    buffer_release(&before);
}

/* ---- Typing ---------------------------------------------------------------- */

static size_t random_place(struct world *world, const struct note_doc *doc)
{
    const struct bytes text = note_doc_text(doc);
    size_t at = (size_t)random_below(&world->random, text.size + 1);
    while (at < text.size && (text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void mark_deleted(void *context, uint32_t letter)
{
    struct world *world = context;
    world->letters[letter].deleted = true;
}

static void type(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    struct buffer row = {0}, text = {0};
    const size_t from = random_place(world, device->doc);
    size_t to = chance(world, 3) ? random_place(world, device->doc) : from;
    if (to < from || to - from > 60)
        to = from;
    if (to == from || chance(world, 2))
        new_letters(world, number, &text);
    each_letter(bytes_slice(note_doc_text(device->doc), from, to - from), mark_deleted, world);
    assert_int_equal(note_doc_row_edit(device->doc, from, to - from, buffer_bytes(&text), &row),
                     STATUS_OK);
    apply_row(device, &row, NOTE_DOC_TYPED);
    if (chance(world, 4))
        note_doc_pause(device->doc);
    buffer_release(&row);
    buffer_release(&text);
}

struct owner {
    struct world *world;
    size_t device;
};

static void assert_own(void *context, uint32_t letter)
{
    const struct owner *owner = context;
    assert_int_equal(owner->world->letters[letter].device, owner->device);
}

/* Goes through what a step is about to remove. */
static void each_removed(struct device *device, struct bytes row,
                         void (*each)(void *context, uint32_t letter), void *context)
{
    struct note_doc *copy = note_doc_new();
    struct buffer saved = {0}, before = {0};
    size_t count;
    note_doc_save(device->doc, &saved);
    assert_int_equal(note_doc_load(copy, buffer_bytes(&saved)), STATUS_OK);
    buffer_append(&before, note_doc_text(copy).data, note_doc_text(copy).size);
    assert_int_equal(note_doc_apply(copy, row, NOTE_DOC_ELSEWHERE), STATUS_OK);
    const struct note_doc_shown *shown = note_doc_shown(copy, &count);
    size_t moved_on = 0, moved_back = 0; /* what came and went before */
    for (size_t i = 0; i < count; i++) {
        each_letter(bytes_slice(buffer_bytes(&before), shown[i].from + moved_back - moved_on,
                                shown[i].removed),
                    each, context);
        moved_on += shown[i].inserted.size;
        moved_back += shown[i].removed;
    }
    note_doc_free(copy);
    buffer_release(&saved);
    buffer_release(&before);
}

static void step_back(struct world *world, size_t number, bool redo)
{
    struct device *device = &world->devices[number];
    struct owner owner = {world, number};
    struct buffer row = {0};
    const enum status status =
        redo ? note_doc_row_redo(device->doc, &row) : note_doc_row_undo(device->doc, &row);
    if (status == STATUS_OK) {
        if (!redo)
            each_removed(device, buffer_bytes(&row), assert_own, &owner);
        each_removed(device, buffer_bytes(&row), mark_deleted, world);
        apply_row(device, &row, redo ? NOTE_DOC_REDO : NOTE_DOC_UNDO);
    } else
        assert_int_equal(status, STATUS_NOT_FOUND);
    buffer_release(&row);
}

/* ---- The server ------------------------------------------------------------ */

static void tell(struct device *device, struct message message)
{
    assert_true(device->inbox_count < sizeof device->inbox / sizeof *device->inbox);
    device->inbox[device->inbox_count++] = message;
}

static bool has_room(const struct device *device)
{
    return device->inbox_count + 2 < sizeof device->inbox / sizeof *device->inbox;
}

static void serve_open(struct world *world, struct device *device)
{
    struct message answer = {.kind = OPENED, .newest = world->newest};
    const bool known = device->asked_version >= world->oldest &&
                       device->asked_version <= world->newest && !chance(world, 20);
    answer.version = known ? device->asked_version : world->newest;
    if (!known)
        answer.text = buffer_bytes(&world->versions[world->newest].text);
    if (!known && answer.text.data == NULL)
        answer.text = bytes_of("", 0);
    device->open_asked = false;
    device->cursor = answer.version;
    device->opened = true;
    tell(device, answer);
}

static void serve_push(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    struct message answer = {.kind = RESULT};
    struct change_set set = {0};
    device->pushed = false;
    if (device->pushed_version == world->newest && chance(world, 30))
        answer.refused = true;
    else if (device->pushed_version == world->newest) {
        assert_true(world->newest + 1 < VERSIONS_MOST);
        const struct buffer *before = &world->versions[world->newest].text;
        struct version *made = &world->versions[++world->newest];
        assert_int_equal(change_set_read(buffer_bytes(&device->push), &set, NULL), STATUS_OK);
        assert_false(change_set_is_empty(&set));
        assert_int_equal(change_set_apply(&set, buffer_bytes(before), &made->text, NULL),
                         STATUS_OK);
        assert_true(wire_utf8_valid(buffer_bytes(&made->text)));
        change_set_write(&set, &made->changes);
        made->device = number;
    }
    tell(device, answer);
    change_set_release(&set);
}

/* The next entry for whoever has the note open. */
static void serve_entry(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    if (!device->opened || device->cursor >= world->newest || !has_room(device))
        return;
    const struct version *next = &world->versions[++device->cursor];
    tell(device,
         (struct message){.kind = ENTRY, .version = device->cursor, .own = next->device == number});
}

static void serve(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    if (!device->connected || !has_room(device))
        return;
    if (device->open_asked)
        serve_open(world, device);
    else if (device->pushed && chance(world, 2))
        serve_push(world, number);
    else
        serve_entry(world, number);
}

/* ---- Devices --------------------------------------------------------------- */

static void connect_device(struct device *device)
{
    device->connected = true;
    device->open_asked = true;
    device->asked_version = note_doc_version(device->doc);
}

/* What is on its way to the server may come to it all the same; what comes from it is lost. */
static void disconnect(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    if (device->pushed && chance(world, 2))
        serve_push(world, number);
    device->connected = device->opened = device->pushing = device->pushed = false;
    device->open_asked = false;
    device->newest = 0;
    device->inbox_count = 0;
}

/* The process ends, and another begins from what was kept. */
static void crash(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    size_t at = 0;
    disconnect(world, number);
    look(device);
    note_doc_free(device->doc);
    device->doc = note_doc_new();
    assert_int_equal(note_doc_load(device->doc, buffer_bytes(&device->saved)), STATUS_OK);
    replay(device->doc, &device->rows, &at);
    assert_same(device->doc, device->reader);
}

static void push(struct device *device)
{
    struct buffer row = {0};
    if (!device->opened || device->newest == 0 || device->pushing)
        return;
    if (note_doc_can_send(device->doc)) {
        note_doc_row_take(device->doc, &row);
        apply_told(device, &row);
    }
    const struct change_set *sent = note_doc_sent(device->doc);
    if (sent != NULL) {
        buffer_clear(&device->push);
        change_set_write(sent, &device->push);
        device->pushed_version = note_doc_version(device->doc);
        device->pushing = device->pushed = true;
    }
    buffer_release(&row);
}

static void hear_opened(struct device *device, const struct message *message)
{
    struct buffer row = {0};
    if (message->text.data != NULL) {
        assert_int_equal(note_doc_row_text(device->doc, message->version, message->text, &row),
                         STATUS_OK);
        apply_told(device, &row);
    } else
        assert_int_equal(message->version, note_doc_version(device->doc));
    assert_int_equal(note_doc_version(device->doc), message->version);
    device->newest = message->newest + 1; /* 0: not opened */
    buffer_release(&row);
}

static void hear_entry(struct world *world, struct device *device, const struct message *message)
{
    struct buffer row = {0};
    const struct bytes changes = buffer_bytes(&world->versions[message->version].changes);
    assert_int_equal(message->version, note_doc_version(device->doc) + 1);
    assert_int_equal(note_doc_row_entry(device->doc, changes, message->own,
                                        message->version < device->newest,
                                        message->version + 1 < device->newest, &row),
                     STATUS_OK);
    apply_told(device, &row);
    buffer_release(&row);
}

static void hear_result(struct device *device, const struct message *message)
{
    struct buffer row = {0};
    device->pushing = false;
    if (message->refused && note_doc_sent(device->doc) != NULL) {
        note_doc_row_refused(device->doc, &row);
        apply_told(device, &row);
    }
    buffer_release(&row);
}

static void hear(struct world *world, struct device *device)
{
    if (device->inbox_count == 0)
        return;
    const struct message message = device->inbox[0];
    device->inbox_count--;
    memmove(device->inbox, device->inbox + 1, device->inbox_count * sizeof *device->inbox);
    switch (message.kind) {
    case OPENED:
        hear_opened(device, &message);
        break;
    case ENTRY:
        hear_entry(world, device, &message);
        break;
    case RESULT:
        hear_result(device, &message);
        break;
    }
}

/* ---- A run ----------------------------------------------------------------- */

static void device_begin(struct device *device, struct bytes text)
{
    device->doc = note_doc_new();
    device->reader = note_doc_new();
    assert_int_equal(note_doc_begin(device->doc, 0, text), STATUS_OK);
    note_doc_save(device->doc, &device->saved);
    assert_int_equal(note_doc_load(device->reader, buffer_bytes(&device->saved)), STATUS_OK);
}

static void world_begin(struct world *world, struct random random)
{
    *world = (struct world){.random = random};
    world->versions = calloc(VERSIONS_MOST, sizeof *world->versions);
    world->letters = calloc(LETTERS_MOST, sizeof *world->letters);
    assert_true(world->versions != NULL && world->letters != NULL);
    for (unsigned i = 0; i < 5; i++)
        new_letters(world, DEVICES_MOST, &world->versions[0].text);
    world->device_count = 2 + (size_t)random_below(&world->random, DEVICES_MOST - 1);
    for (size_t i = 0; i < world->device_count; i++)
        device_begin(&world->devices[i], buffer_bytes(&world->versions[0].text));
}

static void world_end(struct world *world)
{
    for (size_t i = 0; i < world->device_count; i++) {
        struct device *device = &world->devices[i];
        note_doc_free(device->doc);
        note_doc_free(device->reader);
        buffer_release(&device->saved);
        buffer_release(&device->rows);
        buffer_release(&device->push);
    }
    for (uint64_t i = 0; i <= world->newest; i++) {
        buffer_release(&world->versions[i].changes);
        buffer_release(&world->versions[i].text);
    }
    free(world->versions);
    free(world->letters);
}

static void forget_versions(struct world *world)
{
    world->oldest += random_below(&world->random, world->newest - world->oldest + 1);
    for (size_t i = 0; i < world->device_count; i++) {
        struct device *device = &world->devices[i];
        if (device->opened && device->cursor < world->oldest)
            disconnect(world, i); /* it is told that it must open the note again */
    }
}

static void disturb(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    switch (random_below(&world->random, 12)) {
    case 0:
        if (device->connected && chance(world, 2))
            disconnect(world, number);
        break;
    case 1:
        if (chance(world, 2))
            crash(world, number);
        break;
    case 2:
        step_back(world, number, false);
        break;
    case 3:
        step_back(world, number, true);
        break;
    case 4:
        save_anew(device);
        break;
    case 5:
        if (chance(world, 4))
            forget_versions(world);
        break;
    default:
        type(world, number);
    }
}

static void step(struct world *world, size_t number)
{
    struct device *device = &world->devices[number];
    if (!device->connected && (world->calm || chance(world, 4)))
        connect_device(device);
    if (!world->calm && chance(world, 4))
        disturb(world, number);
    if (chance(world, 2))
        serve(world, number);
    if (chance(world, 2))
        hear(world, device);
    if (chance(world, 3))
        push(device);
    if (chance(world, 10))
        look(device);
}

static bool is_quiet(const struct world *world)
{
    for (size_t i = 0; i < world->device_count; i++) {
        const struct device *device = &world->devices[i];
        if (device->inbox_count > 0 || device->pushing || device->open_asked || !device->opened ||
            device->cursor < world->newest || note_doc_waiting(device->doc) > 0)
            return false;
    }
    return true;
}

static void note_seen(void *context, uint32_t letter)
{
    bool *seen = context;
    seen[letter] = true;
}

static void assert_ended_well(const struct world *world)
{
    const struct bytes text = buffer_bytes(&world->versions[world->newest].text);
    bool *seen = calloc(LETTERS_MOST, sizeof *seen);
    assert_non_null(seen);
    each_letter(text, note_seen, seen);
    for (uint32_t i = 0; i < world->letter_count; i++)
        assert_true(seen[i] || world->letters[i].deleted);
    free(seen);
    for (size_t i = 0; i < world->device_count; i++) {
        assert_bytes(note_doc_text(world->devices[i].doc), text);
        assert_int_equal(note_doc_version(world->devices[i].doc), world->newest);
    }
}

/* What was refused waits for an edit. */
static void nudge(struct world *world)
{
    for (size_t i = 0; i < world->device_count; i++) {
        struct device *device = &world->devices[i];
        if (!note_doc_can_send(device->doc) && note_doc_sent(device->doc) == NULL &&
            note_doc_waiting(device->doc) > 0)
            type(world, i);
    }
}

static void however_it_went_all_have_one_text(void **state)
{
    struct random random = random_begin("however_it_went_all_have_one_text");
    (void)state;
    for (unsigned run = 0; run < RUNS; run++) {
        struct world world;
        world_begin(&world, (struct random){random_next(&random)});
        const uint64_t steps = random_below(&world.random, STEPS_MOST) * world.device_count;
        for (uint64_t i = 0; i < steps; i++)
            step(&world, (size_t)random_below(&world.random, world.device_count));
        world.calm = true;
        for (unsigned i = 0; !is_quiet(&world); i++) {
            assert_true(i < 200000);
            if (i % 500 == 499)
                nudge(&world);
            step(&world, (size_t)random_below(&world.random, world.device_count));
        }
        for (size_t i = 0; i < world.device_count; i++)
            look(&world.devices[i]);
        assert_ended_well(&world);
        world_end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_went_all_have_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
