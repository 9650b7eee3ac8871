#include "client-lib/link/url.h"

#include <string.h>

#include "client-lib/base/fault.h"

static enum status refuse(tandem_fault *fault, const char *why)
{
    return trouble(fault, STATUS_USAGE, "url", "the address %s; it looks like wss://host:7443/",
                   why);
}

static bool host_char(char c, bool is_ipv6)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return is_ipv6 ? c == ':' || c == '.' : c == '-' || c == '.' || c == '_';
}

static bool copy_host(const char *from, size_t size, struct url *out)
{
    if (size == 0 || size > URL_HOST_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!host_char(from[i], out->is_ipv6))
            return false;
    memcpy(out->host, from, size);
    out->host[size] = 0;
    return true;
}

static bool copy_port(const char *from, size_t size, struct url *out)
{
    unsigned port = 0;
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (from[i] < '0' || from[i] > '9')
            return false;
        port = port * 10 + (unsigned)(from[i] - '0');
    }
    memcpy(out->port, from, size);
    out->port[size] = 0;
    return port >= 1 && port <= 65535;
}

static bool copy_path(const char *from, struct url *out)
{
    size_t size = strlen(from);
    if (size == 0) {
        memcpy(out->path, "/", 2);
        return true;
    }
    if (size > URL_PATH_MAX || from[0] != '/')
        return false;
    for (size_t i = 0; i < size; i++)
        if (from[i] <= ' ' || from[i] > '~' || from[i] == '#')
            return false;
    memcpy(out->path, from, size + 1);
    return true;
}

enum status url_parse(const char *text, struct url *out, tandem_fault *fault)
{
    memset(out, 0, sizeof *out);
    if (text == NULL || strncasecmp(text, "wss://", 6) != 0)
        return refuse(fault, "must begin with wss://");
    const char *host = text + 6;
    const char *end;
    if (*host == '[') {
        out->is_ipv6 = true;
        host++;
        end = strchr(host, ']');
        if (end == NULL)
            return refuse(fault, "has a [ without its ]");
    } else {
        end = host + strcspn(host, ":/?");
    }
    if (!copy_host(host, (size_t)(end - host), out))
        return refuse(fault, "has no valid host name");
    if (out->is_ipv6)
        end++;
    memcpy(out->port, URL_DEFAULT_PORT, sizeof URL_DEFAULT_PORT);
    if (*end == ':') {
        const char *port = end + 1;
        end = port + strcspn(port, "/?");
        if (!copy_port(port, (size_t)(end - port), out))
            return refuse(fault, "has no valid port");
    }
    if (!copy_path(end, out))
        return refuse(fault, "has no valid path");
    return STATUS_OK;
}
