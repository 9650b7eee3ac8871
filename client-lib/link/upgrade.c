#include "client-lib/link/upgrade.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client-lib/base/fault.h"
#include "protocol/message.h"

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

void upgrade_request(const struct url *url, const char key[UPGRADE_KEY_SIZE], struct buffer *out)
{
    put(out, "GET ");
    put(out, url->path);
    put(out, " HTTP/1.1\r\nHost: ");
    put(out, url->is_ipv6 ? "[" : "");
    put(out, url->host);
    put(out, url->is_ipv6 ? "]:" : ":");
    put(out, url->port);
    put(out, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: " PROTOCOL_SUBPROTOCOL "\r\nSec-WebSocket-Key: ");
    put(out, key);
    put(out, "\r\n\r\n");
}

void upgrade_init(struct upgrade *upgrade, const char accept[UPGRADE_ACCEPT_SIZE])
{
    memcpy(upgrade->accept, accept, UPGRADE_ACCEPT_SIZE);
    upgrade->size = 0;
}

static enum upgrade_result refuse(tandem_fault *fault, const char *why)
{
    trouble(fault, STATUS_UNREACHABLE, "", "what answers at this address is no Tandem server: %s",
            why);
    return UPGRADE_FAILED;
}

struct head_seen {
    bool upgrade, connection, accept, protocol;
};

static bool is_text(struct bytes text, const char *expected)
{
    return text.size == strlen(expected) &&
           strncasecmp((const char *)text.data, expected, text.size) == 0;
}

/* Whether a comma-separated list has the token. */
static bool has_token(struct bytes list, const char *token)
{
    size_t at = 0;
    while (at < list.size) {
        const uint8_t *comma = memchr(list.data + at, ',', list.size - at);
        size_t end = comma != NULL ? (size_t)(comma - list.data) : list.size;
        size_t last = end;
        while (at < last && (list.data[at] == ' ' || list.data[at] == '\t'))
            at++;
        while (last > at && (list.data[last - 1] == ' ' || list.data[last - 1] == '\t'))
            last--;
        if (is_text(bytes_of(list.data + at, last - at), token))
            return true;
        at = end + 1;
    }
    return false;
}

static bool once(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

/* NULL, or what is wrong with the header field. */
static const char *check_field(struct bytes name, struct bytes value, const char *accept,
                               struct head_seen *seen)
{
    if (is_text(name, "Upgrade"))
        return once(&seen->upgrade) && is_text(value, "websocket") ? NULL : "a wrong Upgrade";
    if (is_text(name, "Connection"))
        return once(&seen->connection) && has_token(value, "upgrade") ? NULL : "a wrong Connection";
    if (is_text(name, "Sec-WebSocket-Accept"))
        return once(&seen->accept) && bytes_is(value, accept) ? NULL
                                                              : "a wrong Sec-WebSocket-Accept";
    if (is_text(name, "Sec-WebSocket-Protocol"))
        return once(&seen->protocol) && bytes_is(value, PROTOCOL_SUBPROTOCOL)
                   ? NULL
                   : "another Sec-WebSocket-Protocol";
    if (is_text(name, "Sec-WebSocket-Extensions"))
        return "an extension that was not asked for";
    return NULL;
}

static bool name_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *check_line(struct bytes line, const char *accept, struct head_seen *seen)
{
    size_t colon = 0;
    while (colon < line.size && name_char(line.data[colon]))
        colon++;
    if (colon == 0 || colon == line.size || line.data[colon] != ':')
        return "a malformed header";
    size_t begin = colon + 1, end = line.size;
    while (begin < end && (line.data[begin] == ' ' || line.data[begin] == '\t'))
        begin++;
    while (end > begin && (line.data[end - 1] == ' ' || line.data[end - 1] == '\t'))
        end--;
    for (size_t i = begin; i < end; i++)
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7f)
            return "a malformed header";
    return check_field(bytes_of(line.data, colon), bytes_of(line.data + begin, end - begin), accept,
                       seen);
}

static const char *check_status(struct bytes line, char *words, size_t size)
{
    static const char good[] = "HTTP/1.1 101";
    char text[64];
    if (line.size >= sizeof good - 1 && memcmp(line.data, good, sizeof good - 1) == 0 &&
        (line.size == sizeof good - 1 || line.data[sizeof good - 1] == ' '))
        return NULL;
    if (line.size < 12 || memcmp(line.data, "HTTP/1.", 7) != 0)
        return "it does not speak HTTP/1.1";
    bytes_to_text(line, text, sizeof text);
    for (char *c = text; *c != 0; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    snprintf(words, size, "it answered \"%s\"", text);
    return words;
}

/* The head without its last empty line; each line still ends with CR LF. */
static const char *check_head(struct bytes head, const char *accept, char *words, size_t size)
{
    struct head_seen seen = {0};
    size_t at = 0;
    bool first = true;
    while (at < head.size) {
        const uint8_t *end = memmem(head.data + at, head.size - at, "\r\n", 2);
        if (end == NULL)
            return "a malformed header";
        struct bytes line = bytes_of(head.data + at, (size_t)(end - head.data) - at);
        const char *why = first ? check_status(line, words, size) : check_line(line, accept, &seen);
        if (why != NULL)
            return why;
        first = false;
        at = (size_t)(end - head.data) + 2;
    }
    if (!seen.upgrade || !seen.connection || !seen.accept)
        return "its answer lacks Upgrade, Connection or Sec-WebSocket-Accept";
    return seen.protocol ? NULL : "it does not speak " PROTOCOL_SUBPROTOCOL;
}

enum upgrade_result upgrade_feed(struct upgrade *upgrade, struct bytes bytes, size_t *used,
                                 tandem_fault *fault)
{
    char words[128];
    *used = 0;
    while (*used < bytes.size) {
        if (upgrade->size == sizeof upgrade->head)
            return refuse(fault, "its answer is too long");
        upgrade->head[upgrade->size++] = bytes.data[(*used)++];
        if (upgrade->size < 4 || memcmp(upgrade->head + upgrade->size - 4, "\r\n\r\n", 4) != 0)
            continue;
        const char *why = check_head(bytes_of(upgrade->head, upgrade->size - 2), upgrade->accept,
                                     words, sizeof words);
        return why == NULL ? UPGRADE_DONE : refuse(fault, why);
    }
    return UPGRADE_MORE;
}
