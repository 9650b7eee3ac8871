/* The clock of this layer's time limits: milliseconds that nobody sets or turns back. */
#ifndef TANDEM_NET_UPTIME_H
#define TANDEM_NET_UPTIME_H

#include <stdint.h>

uint64_t net_uptime_ms(void);

#endif
