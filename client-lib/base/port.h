/* What the client library takes from the outside world besides the network: time and chance.
 *
 * Everything else in this layer is a function of its inputs, so a test that gives its own port
 * decides what time it is and how every random choice falls. */
#ifndef TANDEM_CLIENT_LIB_PORT_H
#define TANDEM_CLIENT_LIB_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/id.h"

struct port {
    void *context;
    uint64_t (*now_ms)(void *context);  /* monotonic */
    uint64_t (*wall_ms)(void *context); /* since 1970 */
    bool (*random)(void *context, void *out, size_t size);
};

/* The clocks and the random numbers of the operating system. */
const struct port *port_system(void);

/* A new id; false when there are no random numbers. */
bool port_id(const struct port *port, struct id *out);
/* The same, sorting after `before` also when both are of one millisecond or the clock went back:
 * the 12 bits behind the time count on, and carry into the time (RFC 9562, 6.2, method 1). A zero
 * id precedes everything. */
bool port_id_after(const struct port *port, struct id before, struct id *out);

#endif
