/* The calls on sockets, and on what event loops are woken by. See failing_calls.h. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/survival/faults/failing_calls.h"

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    if (!failing_hit(CALL_SEND))
        return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
    if (failing_plan()->way != FAILING_HALF_DONE || size < 2)
        return failing_error();
    return syscall(SYS_sendto, fd, data, size / 2, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return failing_hit(CALL_SEND) ? failing_error() : syscall(SYS_sendmsg, fd, message, flags);
}

/* ---- Bytes that come in ---- */

static ssize_t do_read(int fd, void *out, size_t size, int flags, bool plain)
{
    return plain ? syscall(SYS_read, fd, out, size)
                 : syscall(SYS_recvfrom, fd, out, size, flags, NULL, NULL);
}

static ssize_t transfer_in(int fd, void *out, size_t size, int flags, bool plain)
{
    const mode_t kind = plain ? failing_kind(fd) : S_IFSOCK;
    const uint32_t call = S_ISSOCK(kind) ? CALL_RECEIVE : CALL_WAKE;
    if (S_ISREG(kind) || !failing_hit(call))
        return do_read(fd, out, size, flags, plain);
    if (failing_plan()->way == FAILING_HALF_DONE && size > 1)
        return do_read(fd, out, size / 2, flags, plain);
    return failing_error();
}

ssize_t read(int fd, void *out, size_t size)
{
    return transfer_in(fd, out, size, 0, true);
}

ssize_t recv(int fd, void *out, size_t size, int flags)
{
    return transfer_in(fd, out, size, flags, false);
}

/* ---- Everything else ---- */

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return failing_hit(CALL_ACCEPT) ? failing_error()
                                    : (int)syscall(SYS_accept4, fd, address, size, flags);
}

int socket(int family, int type, int protocol)
{
    return failing_hit(CALL_CONNECT) ? failing_error()
                                     : (int)syscall(SYS_socket, family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return failing_hit(CALL_CONNECT) ? failing_error()
                                     : (int)syscall(SYS_connect, fd, address, size);
}

int getsockopt(int fd, int level, int name, void *out, socklen_t *size)
{
    return failing_hit(CALL_OPTION) ? failing_error()
                                    : (int)syscall(SYS_getsockopt, fd, level, name, out, size);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return failing_hit(CALL_OPTION) ? failing_error()
                                    : (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
    return failing_hit(CALL_PEER) ? failing_error()
                                  : (int)syscall(SYS_getpeername, fd, address, size);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    return failing_hit(CALL_PEER) ? failing_error()
                                  : (int)syscall(SYS_getsockname, fd, address, size);
}

int eventfd(unsigned count, int flags)
{
    return failing_hit(CALL_OPEN) ? failing_error() : (int)syscall(SYS_eventfd2, count, flags);
}

int epoll_create1(int flags)
{
    return failing_hit(CALL_OPEN) ? failing_error() : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return failing_hit(CALL_EPOLL_CTL) ? failing_error()
                                       : (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout_ms,
                const sigset_t *mask)
{
    if (failing_hit(CALL_EPOLL_WAIT))
        return failing_error();
    return (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout_ms, mask, 8);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    return epoll_pwait(epoll, events, most, timeout_ms, NULL);
}
