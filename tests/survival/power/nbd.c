#include "tests/survival/power/nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <endian.h>

#define MAGIC_SERVER UINT64_C(0x4e42444d41474943) /* NBDMAGIC */
#define MAGIC_OPTION UINT64_C(0x49484156454f5054) /* IHAVEOPT */
#define MAGIC_OPTION_REPLY UINT64_C(0x3e889045565a9)
#define MAGIC_REQUEST 0x25609513u
#define MAGIC_REPLY 0x67446698u

enum { FIXED_NEWSTYLE = 1, NO_ZEROES = 2 };
enum { OPTION_ABORT = 2, OPTION_INFO = 6, OPTION_GO = 7 };
enum { REPLY_ACK = 1, REPLY_INFO = 3 };
#define REPLY_UNSUPPORTED 0x80000001u
enum { HAS_FLAGS = 1, SEND_FLUSH = 4 };
enum { READ = 0, WRITE = 1, DISCONNECT = 2, FLUSH = 3 };
#define MAX_REQUEST (32u << 20) /* what QEMU sends at once */

static bool get(int socket, void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = read(socket, at, size);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

static bool put(int socket, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

static bool reply_option(int socket, uint32_t option, uint32_t type, const void *data,
                         uint32_t size)
{
    struct __attribute__((packed)) {
        uint64_t magic;
        uint32_t option, type, size;
    } reply = {htobe64(MAGIC_OPTION_REPLY), htobe32(option), htobe32(type), htobe32(size)};
    return put(socket, &reply, sizeof reply) && (size == 0 || put(socket, data, size));
}

static bool tell_export(int socket, uint32_t option, const struct nbd_disk *disk)
{
    struct __attribute__((packed)) {
        uint16_t kind;
        uint64_t size;
        uint16_t flags;
    } export = {0, htobe64(disk->size), htobe16(HAS_FLAGS | SEND_FLUSH)};
    return reply_option(socket, option, REPLY_INFO, &export, sizeof export) &&
           reply_option(socket, option, REPLY_ACK, NULL, 0);
}

static bool skip(int socket, uint32_t size)
{
    uint8_t bytes[256];
    for (uint32_t step; size > 0; size -= step) {
        step = size < sizeof bytes ? size : (uint32_t)sizeof bytes;
        if (!get(socket, bytes, step)) {
            return false;
        }
    }
    return true;
}

bool nbd_greet(int socket, const struct nbd_disk *disk)
{
    struct __attribute__((packed)) {
        uint64_t magic, option_magic;
        uint16_t flags;
    } hello = {htobe64(MAGIC_SERVER), htobe64(MAGIC_OPTION), htobe16(FIXED_NEWSTYLE | NO_ZEROES)};
    uint32_t client_flags;
    if (!put(socket, &hello, sizeof hello) || !get(socket, &client_flags, sizeof client_flags)) {
        return false;
    }
    for (;;) {
        struct __attribute__((packed)) {
            uint64_t magic;
            uint32_t option, size;
        } ask;
        if (!get(socket, &ask, sizeof ask) || be64toh(ask.magic) != MAGIC_OPTION ||
            be32toh(ask.size) > 65536 || !skip(socket, be32toh(ask.size))) {
            fputs("nbd: the client does not keep to the protocol\n", stderr);
            return false;
        }
        uint32_t option = be32toh(ask.option);
        bool known = option == OPTION_INFO || option == OPTION_GO;
        if (option == OPTION_ABORT ||
            !(known ? tell_export(socket, option, disk)
                    : reply_option(socket, option, REPLY_UNSUPPORTED, NULL, 0))) {
            return false;
        }
        if (option == OPTION_GO) {
            return true;
        }
    }
}

static bool answer(int socket, uint64_t handle, uint32_t error)
{
    struct __attribute__((packed)) {
        uint32_t magic, error;
        uint64_t handle;
    } reply = {htobe32(MAGIC_REPLY), htobe32(error), handle};
    return put(socket, &reply, sizeof reply);
}

bool nbd_serve(int socket, const struct nbd_disk *disk)
{
    struct __attribute__((packed)) {
        uint32_t magic;
        uint16_t flags, type;
        uint64_t handle, offset;
        uint32_t size;
    } ask;
    if (!get(socket, &ask, sizeof ask) || be32toh(ask.magic) != MAGIC_REQUEST) {
        return false;
    }
    uint64_t offset = be64toh(ask.offset);
    uint32_t size = be32toh(ask.size);
    uint16_t type = be16toh(ask.type);
    bool within = size <= MAX_REQUEST && offset <= disk->size && size <= disk->size - offset;
    switch (type) {
    case READ:
        return within ? answer(socket, ask.handle, 0) && put(socket, disk->data + offset, size)
                      : answer(socket, ask.handle, EINVAL);
    case WRITE: {
        if (!within || !get(socket, disk->data + offset, size)) {
            return false;
        }
        const struct event event = {EVENT_WRITE, offset, size, disk->data + offset};
        return disk->happened(disk->context, &event) && answer(socket, ask.handle, 0);
    }
    case FLUSH: {
        const struct event event = {.kind = EVENT_FLUSH};
        return disk->happened(disk->context, &event) && answer(socket, ask.handle, 0);
    }
    case DISCONNECT:
        return false;
    default:
        return answer(socket, ask.handle, EINVAL);
    }
}
