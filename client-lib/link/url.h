/* wss://host[:port][/path], taken apart. */
#ifndef TANDEM_CLIENT_LIB_URL_H
#define TANDEM_CLIENT_LIB_URL_H

#include <stdbool.h>

#include "protocol/status.h"
#include "tandem/tandem.h"

#define URL_HOST_MAX 253
#define URL_PATH_MAX 1024
#define URL_DEFAULT_PORT "7443"

struct url {
    char host[URL_HOST_MAX + 1]; /* without the brackets of an IPv6 address */
    char port[6];
    char path[URL_PATH_MAX + 1]; /* "/" at least; with the query */
    bool is_ipv6;                /* was in brackets */
};

/* USAGE, with what is wrong in `fault`. */
enum status url_parse(const char *text, struct url *out, tandem_fault *fault);

#endif
