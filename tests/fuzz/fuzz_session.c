/* The session as a state machine: the input is a script of events over the stage of stage.h.
 *
 * A script begins with a byte whose low bits say which users are already signed in and subscribed.
 * Then, each event being a byte and what it needs: messages as they are, sensible messages,
 * sensible messages with some bytes changed; commits that succeed, fail or wait; frames taken or
 * not; time; outcomes of hashing; others' changes; disconnects; what the world refuses for the time
 * being. At the end everything that waits is answered, and the frames still owed are looked at. */
#include "tests/fuzz/script.h"
#include "tests/fuzz/stage.h"

#include <string.h>

#define SCRIPT_EVENTS 120u

static struct slot *take_slot(struct stage *stage, struct script *script)
{
    return &stage->slots[script_take(script) % STAGE_SLOTS];
}

static void say_template(struct stage *stage, struct slot *slot, struct script *script,
                         unsigned bends)
{
    struct buffer message = {0};
    stage_template(stage, slot, script_take(script), &message);
    for (unsigned i = 0; i < bends; i++)
        script_bend(script, &message);
    stage_say(stage, slot, buffer_bytes(&message));
    buffer_release(&message);
}

/* Much of the same, some of it large: pings with something behind that is ignored. */
static void flood(struct stage *stage, struct slot *slot, struct script *script)
{
    const unsigned count = script_take(script), kib = script_take(script);
    struct buffer message = {0};
    wire_put_map(&message, 2);
    wire_put_text(&message, "type");
    wire_put_text(&message, "ping");
    wire_put_text(&message, "padding");
    wire_put_bin(&message, bytes_of(NULL, 0));
    message.size -= 2;
    const size_t padding = (size_t)kib << 10;
    buffer_append_byte(&message, 0xc6);
    buffer_append(
        &message,
        (const uint8_t[]){0, (uint8_t)(padding >> 16), (uint8_t)(padding >> 8), (uint8_t)padding},
        4);
    uint8_t *room = buffer_extend(&message, padding);
    MUST(room != NULL);
    memset(room, 0, padding);
    for (unsigned i = 0; i < count; i++)
        stage_say(stage, slot, buffer_bytes(&message));
    buffer_release(&message);
}

static void commit(struct stage *stage, struct script *script)
{
    static const enum status failures[] = {STATUS_BUSY, STATUS_READ_ONLY, STATUS_NO_MEMORY,
                                           STATUS_IO};
    const uint8_t how = script_take(script);
    const enum status failure = how & 0x80 ? failures[how % 4] : STATUS_OK;
    for (unsigned i = 0; i <= (how >> 4 & 7u); i++)
        stage_commit(stage, failure, how & 8);
}

static void refuse(struct stage *stage, uint8_t what)
{
    stage->queue_full = what & 1;
    stage->hasher_full = what & 2;
    stage->guesses_spent = what & 4;
    stage->eager = what & 8;
    stage->fail_in = what >> 4;
}

static void pass_time(struct stage *stage, uint8_t what)
{
    static const uint64_t spans[] = {1,     20,    1000,    9000,           10001,
                                     59000, 60001, 3600000, SESSION_DAY_MS, 31 * SESSION_DAY_MS};
    stage_pass_time(stage, spans[what % (sizeof spans / sizeof *spans)]);
}

static void play(struct stage *stage, struct script *script)
{
    const uint8_t event = script_take(script);
    struct slot *slot;
    switch (event % 16) {
    case 0:
        slot = take_slot(stage, script);
        stage_say(stage, slot, script_take_bytes(script));
        break;
    case 1:
    case 2:
        say_template(stage, take_slot(stage, script), script, 0);
        break;
    case 3:
    case 4:
        say_template(stage, take_slot(stage, script), script, 1 + event / 16 % 3);
        break;
    case 5:
    case 6:
        commit(stage, script);
        break;
    case 7:
        slot = take_slot(stage, script);
        (void)stage_pump(stage, slot, script_take(script) % 32, event & 16);
        break;
    case 8:
        pass_time(stage, script_take(script));
        break;
    case 9:
        stage_elsewhere(stage, script_take(script));
        break;
    case 10:
        world_deliver(stage->world, script_take(script) % 8u);
        break;
    case 11:
        slot = take_slot(stage, script);
        stage_hashed(stage, slot, script_take(script));
        break;
    case 12:
        slot = take_slot(stage, script);
        if (event & 16)
            stage_disconnect(stage, slot);
        else
            stage_connect(stage, slot, event & 32);
        break;
    case 13:
        stage_enter(stage, take_slot(stage, script));
        break;
    case 14:
        refuse(stage, script_take(script));
        break;
    default:
        slot = take_slot(stage, script);
        if (event & 16)
            stage_stop(stage, slot);
        else if (event & 32)
            flood(stage, slot, script);
        else
            world_forget_frames(stage->world);
        break;
    }
}

static void settle(struct stage *stage)
{
    refuse(stage, 0);
    while (stage->queued > 0)
        stage_commit(stage, STATUS_OK, true);
    world_deliver(stage->world, WORLD_MAX_NOTICES);
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < STAGE_SLOTS; i++) {
            stage_hashed(stage, &stage->slots[i], 1);
            MUST(!stage_pump(stage, &stage->slots[i], 2000, true));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = script_of(data, size);
    struct stage *stage = stage_new();
    const uint8_t present = script_take(&script);
    for (size_t i = 0; i < STAGE_SLOTS; i++) {
        if (present & 1u << i)
            stage_enter(stage, &stage->slots[i]);
        else
            stage_connect(stage, &stage->slots[i], present & 8u);
    }
    for (unsigned i = 0; i < SCRIPT_EVENTS && !script_ended(&script); i++)
        play(stage, &script);
    settle(stage);
    stage_free(stage);
    return 0;
}
