#include "tests/fuzz/script.h"

#include "tests/fuzz/fuzz.h"

struct script script_of(const uint8_t *data, size_t size)
{
    static const uint8_t nothing;
    return size > 0 ? (struct script){data, data + size} : (struct script){&nothing, &nothing};
}

bool script_ended(const struct script *script)
{
    return script->at == script->end;
}

uint8_t script_take(struct script *script)
{
    return script->at < script->end ? *script->at++ : 0;
}

struct bytes script_take_bytes(struct script *script)
{
    size_t size = script_take(script);
    size |= (size_t)(script_take(script) & 0x0f) << 8;
    if (size > (size_t)(script->end - script->at))
        size = (size_t)(script->end - script->at);
    script->at += size;
    return bytes_of(script->at - size, size);
}

void script_bend(struct script *script, struct buffer *message)
{
    struct buffer bent = {0};
    const size_t high = script_take(script);
    const size_t place = (high << 8 | script_take(script)) % (message->size + 1);
    const uint8_t how = script_take(script), count = script_take(script);
    if (message->size == 0)
        return;
    const struct bytes tail = bytes_of(message->data + place, message->size - place);
    buffer_append(&bent, message->data, place);
    switch (how % 4) {
    case 0:
        buffer_append_byte(&bent, count);
        buffer_append(&bent, tail.data + (tail.size > 0), tail.size - (tail.size > 0));
        break;
    case 1:
        break;
    case 2:
        for (unsigned i = 0; i < count % 16u; i++)
            buffer_append_byte(&bent, script_take(script));
        buffer_append(&bent, tail.data, tail.size);
        break;
    default:
        buffer_append(&bent, tail.data, tail.size < count ? tail.size : count);
        buffer_append(&bent, tail.data, tail.size);
        break;
    }
    MUST(!bent.failed);
    buffer_release(message);
    *message = bent;
}
