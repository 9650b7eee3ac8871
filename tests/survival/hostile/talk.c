#include "tests/survival/hostile/talk.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 10

struct id talk_id(void)
{
    uint8_t random[10] = {0};
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        abort();
    }
    return id_make((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, random);
}

int talk_connect(const char *address, const char *from)
{
    const char *colon = strrchr(address, ':');
    char host[64] = "";
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET}, own = {.sin_family = AF_INET};
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        return -1;
    }
    memcpy(host, address, (size_t)(colon - address));
    to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool fine = fd >= 0 && inet_pton(AF_INET, host, &to.sin_addr) == 1 &&
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
    if (fine && from != NULL) {
        fine = inet_pton(AF_INET, from, &own.sin_addr) == 1 &&
               bind(fd, (struct sockaddr *)&own, sizeof own) == 0;
    }
    if (!fine || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

bool talk_open(struct talk *talk, const char *address, const char *authority, const char *from)
{
    static const char upgrade[] = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Protocol: " PROTOCOL_SUBPROTOCOL "\r\n";
    const struct net_client_options options = {.authority = authority};
    char head[1024];
    *talk = (struct talk){.client = talk_id(), .net = {.fd = talk_connect(address, from)}};
    if (talk->net.fd >= 0 && net_client_tls(&talk->net, &options) &&
        net_client_request(&talk->net, "GET /", upgrade, head, sizeof head) == 101) {
        return true;
    }
    talk_close(talk);
    return false;
}

void talk_close(struct talk *talk)
{
    net_client_close(&talk->net);
}

bool talk_say(struct talk *talk, const struct message *message)
{
    struct buffer encoded = {0};
    message_encode(&encoded, message);
    bool said = !encoded.failed && talk->net.ssl != NULL &&
                net_client_send(&talk->net, encoded.data, encoded.size);
    buffer_release(&encoded);
    return said;
}

bool talk_hear(struct talk *talk)
{
    talk->last = (struct message){.type = MESSAGE_NONE};
    do {
        if (talk->net.ssl == NULL || !net_client_receive(&talk->net)) {
            return false;
        }
    } while (talk->net.opcode == WS_PING || talk->net.opcode == WS_PONG);
    return talk->net.opcode == WS_BINARY &&
           message_decode(bytes_of(talk->net.payload, talk->net.size), &talk->last, NULL) ==
               STATUS_OK;
}

bool talk_say_hello(struct talk *talk, const struct talk_hello *hello)
{
    struct buffer versions = {0};
    struct message message = {.type = MESSAGE_HELLO};
    struct msg_hello *said = &message.as.hello;
    wire_put_array(&versions, 1);
    wire_put_uint(&versions, PROTOCOL_VERSION);
    said->versions = buffer_bytes(&versions);
    said->client = talk->client;
    said->method = bytes_text(hello->method);
    said->user = bytes_text(hello->user);
    said->secret = bytes_text(hello->secret);
    said->new_secret = bytes_text(hello->new_secret);
    said->remember = hello->remember;
    message_mark(&message, "secret");
    message_mark(&message, "remember");
    if (hello->user != NULL) {
        message_mark(&message, "user");
    }
    if (hello->new_secret != NULL) {
        message_mark(&message, "newSecret");
    }
    bool sent = !versions.failed && talk_say(talk, &message);
    buffer_release(&versions);
    return sent;
}

bool talk_hear_welcome(struct talk *talk, char refusal[TALK_NAME])
{
    bool heard = talk_hear(talk);
    refusal[0] = '\0';
    if (heard && talk->last.type == MESSAGE_ERROR) {
        (void)bytes_to_text(talk->last.as.error.name, refusal, TALK_NAME);
    }
    return heard && talk->last.type == MESSAGE_WELCOME;
}

bool talk_sign_in(struct talk *talk, const struct talk_hello *hello, char refusal[TALK_NAME])
{
    refusal[0] = '\0';
    return talk_say_hello(talk, hello) && talk_hear_welcome(talk, refusal);
}

bool talk_mutate(struct talk *talk, struct bytes changes)
{
    struct message message = {.type = MESSAGE_MUTATE};
    message.as.mutate.number = ++talk->number;
    message.as.mutate.answered = talk->number - 1;
    message.as.mutate.changes = changes;
    message_mark(&message, "answered");
    if (!talk_say(talk, &message)) {
        return false;
    }
    do {
        if (!talk_hear(talk)) {
            return false;
        }
    } while (talk->last.type != MESSAGE_RESULT || talk->last.as.result.number != talk->number);
    return bytes_is(talk->last.as.result.status, "ok");
}

bool talk_ask(struct talk *talk, struct message *message, uint64_t *request)
{
    *request = ++talk->request;
    if (!talk_say(talk, message)) {
        return false;
    }
    for (;;) {
        if (!talk_hear(talk)) {
            return false;
        }
        if (talk->last.type == MESSAGE_ERROR && (!message_has(&talk->last, "request") ||
                                                 talk->last.as.error.request == talk->request)) {
            return false;
        }
        if (talk->last.type == MESSAGE_ANSWER && talk->last.as.answer.request == talk->request) {
            return true;
        }
        if (talk->last.type == MESSAGE_NOTE && talk->last.as.note.request == talk->request) {
            return true;
        }
        if (talk->last.type == MESSAGE_PONG && talk->last.as.pong.request == talk->request) {
            return true;
        }
    }
}
