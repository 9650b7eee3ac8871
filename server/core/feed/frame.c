#include "server/core/feed/frame.h"

#include <assert.h>
#include <string.h>

#include "protocol/memory.h"

struct frame *frame_new(struct bytes message)
{
    if (message.size > UINT32_MAX) {
        return NULL;
    }
    struct frame *frame = memory_new(sizeof *frame + message.size);
    if (frame == NULL) {
        return NULL;
    }
    frame->references = 1;
    frame->size = (uint32_t)message.size;
    if (message.size > 0) {
        memcpy(frame->message, message.data, message.size);
    }
    return frame;
}

struct frame *frame_share(struct frame *frame)
{
    assert(frame->references > 0);
    frame->references++;
    return frame;
}

void frame_drop(struct frame *frame)
{
    if (frame == NULL) {
        return;
    }
    assert(frame->references > 0);
    if (--frame->references == 0) {
        memory_free(frame);
    }
}
