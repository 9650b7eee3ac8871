#include "tests/survival/hostile/typing.h"

#include "protocol/change_set.h"
#include "protocol/wire.h"

static void put(struct buffer *out, const char *key, const char *value)
{
    wire_put_text(out, key);
    wire_put_text(out, value);
}

bool typing_make_note(struct talk *talk, struct id account, struct id *note)
{
    struct buffer changes = {0};
    *note = talk_id();
    wire_put_array(&changes, 1);
    wire_put_map(&changes, 4);
    put(&changes, "op", "create");
    put(&changes, "entity", "note");
    wire_put_text(&changes, "id");
    wire_put_id(&changes, *note);
    wire_put_text(&changes, "fields");
    wire_put_map(&changes, 1);
    wire_put_text(&changes, "account");
    wire_put_id(&changes, account);
    bool made = !changes.failed && talk_mutate(talk, buffer_bytes(&changes));
    buffer_release(&changes);
    return made;
}

bool typing_say_push(struct talk *talk, struct id note, uint64_t base, uint32_t units)
{
    struct message message = {.type = MESSAGE_NOTE_PUSH};
    struct change_set set = {0};
    struct buffer changes = {0};
    change_set_replace(&set, 0, bytes_text("x"), false);
    change_set_keep(&set, units);
    wire_put_array(&changes, 1);
    change_set_write(&set, &changes);
    change_set_release(&set);
    message.as.note_push.request = ++talk->request;
    message.as.note_push.note = note;
    message.as.note_push.base = base;
    message.as.note_push.changes = buffer_bytes(&changes);
    bool said = !changes.failed && talk_say(talk, &message);
    buffer_release(&changes);
    return said;
}

bool typing_hear_result(struct talk *talk)
{
    do {
        if (!talk_hear(talk)) {
            return false;
        }
    } while (talk->last.type != MESSAGE_NOTE_RESULT);
    return bytes_is(talk->last.as.note_result.status, "ok");
}
