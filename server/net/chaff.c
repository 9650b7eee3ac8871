#include "server/net/chaff.h"

/* What comes with messages: the headers of a frame and of TLS records, which may be short. */
#define MESSAGE_BYTES 64u
#define RECORDS_SHARE 4u

static void give_back(struct chaff *chaff, uint64_t bytes)
{
    chaff->bytes -= bytes < chaff->bytes ? bytes : chaff->bytes;
}

void chaff_came(struct chaff *chaff, size_t size)
{
    chaff->bytes += size;
}

void chaff_became_message(struct chaff *chaff, size_t size, bool last)
{
    give_back(chaff, (uint64_t)size + size / RECORDS_SHARE + (last ? MESSAGE_BYTES : 0));
}

void chaff_forget(struct chaff *chaff, uint64_t now_ms)
{
    if (now_ms <= chaff->at_ms)
        return;
    give_back(chaff, (now_ms - chaff->at_ms) * CHAFF_FREE_PER_MS);
    chaff->at_ms = now_ms;
}

uint32_t chaff_take_points(struct chaff *chaff)
{
    if (chaff->bytes < CHAFF_ROOM + CHAFF_POINT_BYTES)
        return 0;
    uint64_t points = (chaff->bytes - CHAFF_ROOM) / CHAFF_POINT_BYTES;
    chaff->bytes -= points * CHAFF_POINT_BYTES;
    return points < UINT32_MAX ? (uint32_t)points : UINT32_MAX;
}
