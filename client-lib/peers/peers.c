#include "client-lib/peers/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client-lib/base/fault.h"
#include "client-lib/storage/folder.h"
#include "protocol/memory.h"

/* Bytes of the file that are locked, all of them beyond its end. These locks belong to the
 * descriptor, so that two handles of one process exclude each other as well. */
#define LOCK_LEADER ((off_t)1 << 40)
#define LOCK_WRITER (LOCK_LEADER + 1)
#define LOCK_PROCESS (LOCK_LEADER + 1024) /* and the process id */

/* The kernel tells that a file was closed a little before it gives its locks up, so whoever waits
 * for one tries again soon, and then from time to time, in milliseconds. */
#define TRY_FIRST 1u
#define TRY_MOST 5000u
/* How often to look without a watch, and when to try again what could not be told: soon, and then
 * ever more rarely, since whoever holds it up may have been stopped for the night. */
#define LOOK_EVERY 250u
#define TELL_AGAIN 3u
#define TELL_MOST 1000u
/* A writer needs microseconds; one that was stopped in the middle must not stop us. */
#define WRITER_TRIES 100u
/* Who opens cannot do without, and waits for one that the system has stopped for a while. */
#define WRITER_PATIENCE_MS 500u
/* Reads of the watch and of the news before others get their turn. */
#define EVENT_READS 16u
#define NEWS_READS 64u

#define NEVER UINT64_MAX

struct peers {
    struct peers_port port;
    const struct port *clock;
    int file, watch;
    uint32_t process;
    bool leader, wants;
    uint64_t next;      /* row of the news to read */
    struct buffer rows; /* to be told */
    bool gap;           /* and more than that */
    bool told;          /* rows of ours are in the file */
    bool unwiped;       /* they are to be overwritten still */
    bool lost;          /* something, by no fault of the news */
    uint64_t try_every, tell_every;
    uint64_t try_at, look_at, tell_at; /* by the clock; NEVER */
};

static uint64_t now_of(const struct peers *peers)
{
    return peers->clock->now_ms(peers->clock->context);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- Locks ---- */

static bool lock_byte(int file, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

bool peers_has_others(const struct peers *peers)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_PROCESS};
    /* When in doubt there are some. */
    return fcntl(peers->file, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* All processes there could be; our own byte is in there, and stays ours. */
bool peers_exclude(struct peers *peers)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_PROCESS};
    return fcntl(peers->file, F_OFD_SETLK, &all) == 0;
}

void peers_admit(struct peers *peers)
{
    const off_t own = LOCK_PROCESS + (off_t)peers->process;
    struct flock before = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = LOCK_PROCESS};
    struct flock behind = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = own + 1};
    before.l_len = own - LOCK_PROCESS;
    (void)fcntl(peers->file, F_OFD_SETLK, &before);
    (void)fcntl(peers->file, F_OFD_SETLK, &behind);
}

static bool lock_writer(const struct peers *peers)
{
    for (unsigned i = 0; i < WRITER_TRIES; i++) {
        if (lock_byte(peers->file, LOCK_WRITER, F_WRLCK))
            return true;
        (void)sched_yield();
    }
    return false;
}

/* Whoever has it gives it back at once, unless the system lets them wait for their turn. */
static bool wait_for_writer(const struct peers *peers)
{
    bool locked = lock_writer(peers);
    for (unsigned ms = 0; !locked && ms < WRITER_PATIENCE_MS; ms++) {
        (void)poll(NULL, 0, 1);
        locked = lock_writer(peers);
    }
    return locked;
}

static void unlock_writer(const struct peers *peers)
{
    (void)lock_byte(peers->file, LOCK_WRITER, F_UNLCK);
}

/* ---- Joining ---- */

/* The file itself, never what a link in its place points to. */
static int open_file(const char *folder)
{
    int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    int file = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int saved = errno;
    struct stat found;
    (void)close(directory);
    if (file >= 0 && (fstat(file, &found) != 0 || !S_ISREG(found.st_mode))) {
        (void)close(file);
        file = -1;
        saved = EINVAL;
    }
    errno = saved;
    return file;
}

static enum status join(struct peers *peers, const char *folder, tandem_fault *fault)
{
    enum status status = folder_make(folder, fault);
    if (status != STATUS_OK)
        return status;
    peers->file = open_file(folder);
    if (peers->file < 0)
        return trouble(fault, STATUS_IO, "", "cannot open %s/lock: %s", folder, strerror(errno));
    /* Libraries that did not share took this lock for themselves. */
    if (flock(peers->file, LOCK_SH | LOCK_NB) == 0 &&
        lock_byte(peers->file, LOCK_PROCESS + (off_t)peers->process, F_WRLCK))
        return STATUS_OK;
    if (errno == EWOULDBLOCK || errno == EACCES)
        return trouble(fault, STATUS_LOCKED, "", "the replica in %s is in use already", folder);
    return trouble(fault, STATUS_IO, "", "cannot lock %s/lock: %s", folder, strerror(errno));
}

/* By the descriptor, so that neither the length of the path nor a change of it matters. */
static int watch_file(int file)
{
    char path[32];
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch < 0)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (inotify_add_watch(watch, path, IN_MODIFY | IN_CLOSE_WRITE) >= 0)
        return watch;
    (void)close(watch);
    return -1;
}

static enum status begin_news(struct peers *peers, const char *folder, tandem_fault *fault)
{
    if (!wait_for_writer(peers))
        return trouble(fault, STATUS_LOCKED, "", "another program holds up %s", folder);
    bool was = false;
    enum status status = news_begin(peers->file, &peers->next);
    /* Nobody is left who could have missed what a leader before did not tell, or is to hear what
     * one told that was killed before it could take that back. */
    if (status == STATUS_OK && !peers_has_others(peers)) {
        status = news_set_clean(peers->file, true, &was);
        if (status == STATUS_OK && !news_is_bare(peers->file))
            status = news_wipe(peers->file);
    }
    unlock_writer(peers);
    if (status != STATUS_OK)
        trouble(fault, status, "", "cannot use %s/lock: %s", folder, strerror(errno));
    return status;
}

enum status peers_open(const char *folder, const struct port *clock, const struct peers_port *port,
                       struct peers **out, tandem_fault *fault)
{
    struct peers *peers = memory_new(sizeof *peers);
    *out = NULL;
    if (peers == NULL)
        return trouble(fault, STATUS_NO_MEMORY, "", "out of memory");
    peers->port = *port;
    peers->clock = clock;
    peers->file = peers->watch = -1;
    peers->process = (uint32_t)getpid();
    peers->try_at = peers->look_at = peers->tell_at = NEVER;
    enum status status = join(peers, folder, fault);
    if (status == STATUS_OK) {
        /* Watched before the place in the news is read: what comes in between is seen twice. */
        peers->watch = watch_file(peers->file);
        if (peers->watch < 0)
            peers->look_at = now_of(peers) + LOOK_EVERY;
        status = begin_news(peers, folder, fault);
    }
    if (status != STATUS_OK) {
        peers_abandon(peers);
        return status;
    }
    *out = peers;
    return STATUS_OK;
}

void peers_close(struct peers *peers)
{
    if (peers == NULL)
        return;
    peers_yield(peers);
    peers_tell(peers);
    peers_abandon(peers);
}

void peers_abandon(struct peers *peers)
{
    if (peers == NULL)
        return;
    if (peers->watch >= 0)
        (void)close(peers->watch);
    if (peers->file >= 0) {
        /* A child of this process may still have the descriptor, and with it the locks. */
        struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = LOCK_LEADER};
        (void)fcntl(peers->file, F_OFD_SETLK, &all);
        (void)flock(peers->file, LOCK_UN);
        (void)close(peers->file);
    }
    buffer_release(&peers->rows);
    memory_free(peers);
}

/* ---- Leading ---- */

/* What a leader before did and did not tell makes everybody read again, this process included. */
static void begin_to_lead(struct peers *peers)
{
    bool clean = false;
    if (lock_writer(peers)) {
        if (news_set_clean(peers->file, false, &clean) != STATUS_OK)
            clean = false;
        unlock_writer(peers);
    }
    if (clean)
        return;
    peers_forget(peers); /* it may have died between a purge and this */
    peers->gap = peers->lost = true;
    peers->look_at = now_of(peers);
    peers_tell(peers);
}

static bool was_deleted(const struct peers *peers)
{
    struct stat found;
    return fstat(peers->file, &found) != 0 || found.st_nlink == 0;
}

enum status peers_lead(struct peers *peers)
{
    if (peers->leader)
        return STATUS_OK;
    if (was_deleted(peers))
        return STATUS_IO;
    peers->leader = lock_byte(peers->file, LOCK_LEADER, F_WRLCK);
    if (!peers->leader && errno != EAGAIN && errno != EACCES)
        return STATUS_IO;
    if (!peers->leader) {
        if (!peers->wants) {
            peers->try_every = TRY_FIRST;
            peers->try_at = now_of(peers) + peers->try_every;
        }
        peers->wants = true;
        return STATUS_LOCKED;
    }
    peers->wants = false;
    peers->try_at = NEVER;
    begin_to_lead(peers);
    return STATUS_OK;
}

void peers_yield(struct peers *peers)
{
    bool was = false;
    peers->wants = false;
    peers->try_at = NEVER;
    if (!peers->leader)
        return;
    peers_tell(peers);
    /* What could not be told makes those who come after read again. It must not be told later, when
     * another leader may have had it overwritten. */
    if (peers->rows.size == 0 && !peers->gap && !peers->unwiped && lock_writer(peers)) {
        (void)news_set_clean(peers->file, true, &was);
        unlock_writer(peers);
    }
    peers->gap = peers->gap || peers->rows.size > 0;
    buffer_clear(&peers->rows);
    (void)lock_byte(peers->file, LOCK_LEADER, F_UNLCK);
    peers->leader = false;
    (void)news_ring(peers->file);
}

bool peers_is_leader(const struct peers *peers)
{
    return peers->leader;
}

/* ---- Telling ---- */

void peers_note(struct peers *peers, const struct peers_news *news)
{
    if (peers->gap)
        return;
    if (peers->rows.size < (size_t)NEWS_ROWS * NEWS_ROW_SIZE)
        news_put(&peers->rows, peers->process, news);
    else
        peers->rows.failed = true;
    if (peers->rows.failed) {
        peers->gap = true;
        buffer_clear(&peers->rows);
    }
}

static void tell_later(struct peers *peers)
{
    peers->tell_every = peers->tell_every == 0              ? TELL_AGAIN
                        : peers->tell_every * 2 < TELL_MOST ? peers->tell_every * 2
                                                            : TELL_MOST;
    peers->tell_at = now_of(peers) + peers->tell_every;
}

/* With or without leave to write: the one who has it may have been stopped. It leads nobody, since
 * we do, so that the rows it goes on to write, if any, name no records. */
static void wipe(struct peers *peers)
{
    bool locked = lock_writer(peers);
    peers->unwiped = (locked ? news_wipe(peers->file) : news_wipe_rows(peers->file)) != STATUS_OK;
    if (locked)
        unlock_writer(peers);
    if (peers->unwiped)
        tell_later(peers);
}

void peers_forget(struct peers *peers)
{
    peers->gap = peers->gap || peers->rows.size > 0 || peers_has_others(peers);
    buffer_clear(&peers->rows);
    wipe(peers);
    peers->told = false;
}

/* Of records that were noted and not told nobody knows whether they are in the scope. */
void peers_purged(struct peers *peers, const struct peers_news *news)
{
    if (news_name_records(buffer_bytes(&peers->rows))) {
        peers->gap = true;
        buffer_clear(&peers->rows);
    }
    wipe(peers);
    peers->told = false;
    peers_note(peers, news);
}

/* With nobody to tell it to, what was told before goes as well. */
static void tell_nobody(struct peers *peers)
{
    buffer_clear(&peers->rows);
    if (!peers->unwiped)
        peers->tell_at = NEVER;
    if (peers->told)
        peers_forget(peers);
    peers->gap = false;
}

void peers_tell(struct peers *peers)
{
    if (peers->unwiped)
        wipe(peers);
    if (!peers_has_others(peers)) {
        tell_nobody(peers);
        return;
    }
    if (peers->rows.size == 0 && !peers->gap) {
        (void)news_ring(peers->file);
        return;
    }
    bool added = false;
    if (lock_writer(peers)) {
        added = news_add(peers->file, buffer_bytes(&peers->rows), peers->gap, &peers->next) ==
                STATUS_OK;
        unlock_writer(peers);
    }
    if (!added) {
        tell_later(peers);
        return;
    }
    peers->tell_every = 0;
    peers->tell_at = peers->unwiped ? peers->tell_at : NEVER;
    peers->told = peers->told || peers->rows.size > 0;
    peers->gap = false;
    buffer_clear(&peers->rows);
}

/* ---- Hearing ---- */

int peers_fd(const struct peers *peers)
{
    return peers->watch;
}

uint64_t peers_due(const struct peers *peers)
{
    return earlier(earlier(peers->try_at, peers->look_at), peers->tell_at);
}

/* Takes what the watch has. `*left`: somebody who had the file open has gone. */
static bool take_events(struct peers *peers, bool *left)
{
    _Alignas(struct inotify_event) char bytes[4096];
    bool any = false;
    for (unsigned i = 0; peers->watch >= 0 && i < EVENT_READS; i++) {
        ssize_t got = read(peers->watch, bytes, sizeof bytes);
        if (got < (ssize_t)sizeof(struct inotify_event))
            break;
        any = true;
        for (ssize_t at = 0; got - at >= (ssize_t)sizeof(struct inotify_event);) {
            const struct inotify_event *event = (const void *)(bytes + at);
            if ((event->mask & (IN_CLOSE_WRITE | IN_Q_OVERFLOW)) != 0)
                *left = true;
            at += (ssize_t)sizeof *event + (ssize_t)event->len;
        }
    }
    return any;
}

static void try_to_lead(struct peers *peers, uint64_t now)
{
    if (!peers->wants)
        return;
    if (peers_lead(peers) == STATUS_OK) {
        peers->port.leads(peers->port.context);
        return;
    }
    peers->try_every = peers->try_every * 2 < TRY_MOST ? peers->try_every * 2 : TRY_MOST;
    peers->try_at = now + peers->try_every;
}

static void read_news(struct peers *peers)
{
    bool more = true;
    for (size_t read = 0; more && read < NEWS_READS; read++) {
        enum status status = news_read(peers->file, peers->process, &peers->next, NEWS_ROWS,
                                       peers->port.news, peers->port.context, &more);
        if (status != STATUS_OK)
            peers->port.lost(peers->port.context);
    }
    if (more)
        peers->look_at = now_of(peers);
}

void peers_run(struct peers *peers)
{
    uint64_t now = now_of(peers);
    bool left = false;
    bool rung = take_events(peers, &left);
    if (!rung && now < peers_due(peers))
        return;
    if (left)
        peers->try_every = TRY_FIRST;
    peers->look_at = peers->watch >= 0 ? NEVER : now + LOOK_EVERY;
    if (now >= peers->tell_at)
        peers_tell(peers);
    if (left || now >= peers->try_at || rung)
        try_to_lead(peers, now);
    if (peers->lost) {
        peers->lost = false;
        peers->port.lost(peers->port.context);
    }
    read_news(peers);
    peers->port.look(peers->port.context);
}
