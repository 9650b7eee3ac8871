/* System calls that fail when a test says so.
 *
 * failing_calls.c (files) and failing_sockets.c define the C library's functions anew, over the
 * bare system calls. Linked into a test program its names come before the C library's, for the
 * program itself and for the shared libraries it uses (LMDB, OpenSSL); built as a library it is
 * loaded into another program by LD_PRELOAD, and the test and that program share the plan in a file
 * that both have mapped.
 *
 *     plan->calls = CALL_WRITE | CALL_SYNC; plan->error = EIO; plan->nth = 3;
 *     failing_calls_arm(plan) ... failing_calls_disarm(plan)
 *
 *     failing_calls_arm_disk(FAILING_NOTHING_DONE, EIO, 3, false)
 *
 * Calls are counted over all threads from the moment of arming: a program that does the same work
 * in one thread makes the same n-th call each time.
 */
#ifndef TANDEM_TESTS_FAILING_CALLS_H
#define TANDEM_TESTS_FAILING_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which calls are meant. Files are regular files; sockets are sockets. */
#define CALL_WRITE 0x1u    /* write, pwrite, writev, pwritev of files */
#define CALL_SYNC 0x2u     /* fsync, fdatasync, msync */
#define CALL_TRUNCATE 0x4u /* ftruncate */
#define CALL_OPEN 0x8u     /* open, openat, mkdir, rename, eventfd, epoll_create1 */
#define CALL_ACCEPT 0x10u  /* accept4 */
#define CALL_RECEIVE 0x20u /* recv, read of sockets */
#define CALL_SEND 0x40u    /* send, sendmsg, write of sockets */
#define CALL_EPOLL_CTL 0x80u
#define CALL_EPOLL_WAIT 0x100u
#define CALL_CONNECT 0x200u /* socket, connect */
#define CALL_OPTION 0x400u  /* getsockopt, setsockopt */
#define CALL_PEER 0x800u    /* getpeername, getsockname */
#define CALL_WAKE 0x1000u   /* read and write of what is neither file nor socket */
#define CALL_MALLOC 0x2000u /* malloc, calloc, realloc and their like: failing_malloc.c */
#define CALL_REMOVE 0x4000u /* unlink, unlinkat, rmdir, chmod */
#define CALL_SYNC_FOLDER 0x8000u /* fsync of folders alone */
#define CALL_DISK (CALL_WRITE | CALL_SYNC | CALL_TRUNCATE)

enum failing_way {
    FAILING_NOTHING_DONE, /* the error, and nothing has happened */
    FAILING_HALF_DONE, /* half of the bytes, and no error; of a single one, nothing and the error */
    FAILING_ALL_DONE,  /* everything has happened in the page cache, and the error */
    FAILING_KILLED     /* the program is killed, and nothing has happened */
};

struct failing_plan {
    _Atomic uint32_t armed;
    uint32_t calls;
    uint32_t way; /* enum failing_way */
    int32_t error;
    uint32_t onwards;
    uint32_t skip_flush; /* flush nothing: for tests that need no disk */
    uint64_t nth;        /* from 1 */
    _Atomic uint64_t met;
    _Atomic uint64_t failed;
};

/* The plan of this program: its own, or the one in the file that TANDEM_TEST_FAILING names. */
struct failing_plan *failing_plan(void);
void failing_calls_arm(struct failing_plan *plan);
/* Arms this program's own for the n-th write, flush or truncation of a file, while nothing is really
 * flushed. */
void failing_calls_arm_disk(enum failing_way way, int error, uint64_t nth, bool onwards);
/* How many calls failed since. */
uint64_t failing_calls_disarm(struct failing_plan *plan);

/* Called before and after calls on files, when the program has them: what a test of lost writes
 * wants to know. */
void failing_before_write(int fd, int64_t at, uint64_t size) __attribute__((weak));
void failing_after_write(int fd, bool done) __attribute__((weak));
void failing_after_sync(int fd, bool done) __attribute__((weak));
void failing_after_rename(const char *from, const char *to) __attribute__((weak));

/* Whether writes to it are flushed by themselves: opened with O_DSYNC. */
bool failing_flushes(int fd);

/* For failing_sockets.c and failing_malloc.c: whether this call is to fail, -1 with the plan's
 * errno, and what a descriptor is (S_IFMT). */
bool failing_hit(uint32_t call);
int failing_error(void);
mode_t failing_kind(int fd);

#endif
