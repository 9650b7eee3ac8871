#include "client-lib/base/port.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now = {0};
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static uint64_t system_now(void *context)
{
    (void)context;
    return clock_ms(CLOCK_MONOTONIC);
}

static uint64_t system_wall(void *context)
{
    (void)context;
    return clock_ms(CLOCK_REALTIME);
}

static bool system_random(void *context, void *out, size_t size)
{
    (void)context;
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

const struct port *port_system(void)
{
    static const struct port port = {
        .now_ms = system_now, .wall_ms = system_wall, .random = system_random};
    return &port;
}

bool port_id(const struct port *port, struct id *out)
{
    uint8_t random[10];
    if (!port->random(port->context, random, sizeof random))
        return false;
    *out = id_make(port->wall_ms(port->context), random);
    return true;
}

/* Time and counter of an id as one number of 60 bits. */
static uint64_t place_of(const struct id *id)
{
    uint64_t time = (uint64_t)get_u16(id->octet) << 32 | get_u32(id->octet + 2);
    return time << 12 | (get_u16(id->octet + 6) & 0x0fffu);
}

bool port_id_after(const struct port *port, struct id before, struct id *out)
{
    if (!port_id(port, out))
        return false;
    /* Half of the counter is left for those that follow in this millisecond. */
    out->octet[6] &= 0xf7;
    uint64_t last = place_of(&before);
    if (place_of(out) >> 12 > last >> 12)
        return true;
    uint8_t random[10];
    uint64_t next = last + 1;
    memcpy(random, out->octet + 6, sizeof random);
    put_u16(random, (uint16_t)(next & 0x0fffu));
    *out = id_make(next >> 12, random);
    return true;
}
