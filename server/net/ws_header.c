#include "server/net/ws_header.h"

#define FINAL_BINARY 0x82
#define SIZE_U16 126
#define SIZE_U64 127

_Static_assert(FRAME_ROOM >= WS_HEADER_MAX, "a frame's room holds any header");

size_t ws_header_write(uint8_t *end, uint64_t size)
{
    if (size < SIZE_U16) {
        end[-2] = FINAL_BINARY;
        end[-1] = (uint8_t)size;
        return 2;
    }
    if (size <= UINT16_MAX) {
        end[-4] = FINAL_BINARY;
        end[-3] = SIZE_U16;
        put_u16(end - 2, (uint16_t)size);
        return 4;
    }
    end[-10] = FINAL_BINARY;
    end[-9] = SIZE_U64;
    put_u64(end - 8, size);
    return 10;
}

struct bytes ws_frame_bytes(struct frame *frame)
{
    if (frame->header_size == 0)
        frame->header_size = (uint32_t)ws_header_write(frame->room + FRAME_ROOM, frame->size);
    return bytes_of(frame->room + FRAME_ROOM - frame->header_size,
                    (size_t)frame->header_size + frame->size);
}
