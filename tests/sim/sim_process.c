/* Two processes of one folder, in the one process that the simulator is.
 *
 * They share what processes share: the files, LMDB's mutex in its lock file, the bytes of the file
 * `lock`, the kernel's watch on it. All these are real, and known to whoever has a file open, but
 * for two things that the system knows of a process as a whole: LMDB's record locks, and the
 * process id, under which it counts readers. So each device has a process id of its own here, and
 * record locks are taken for the open file in place of the process: what is defined below comes
 * before the C library's, also for LMDB. One handle excludes the other then as another process
 * would, and gives up its locks with its own descriptors.
 *
 * Waking is virtual in its time alone: a device whose descriptor has become readable is served a
 * little later by the clock of the simulator. */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sim/sim.h"

/* Of the process whose turn it is; 0: the simulator itself. */
static unsigned at_work;

/* ---- What the system knows of a process ---- */

pid_t getpid(void)
{
    return at_work != 0 ? (pid_t)at_work : (pid_t)syscall(SYS_getpid);
}

static int of_open_file(int command)
{
    switch (command) {
    case F_SETLK:
        return F_OFD_SETLK;
    case F_SETLKW:
        return F_OFD_SETLKW;
    case F_GETLK:
        return F_OFD_GETLK;
    default:
        return command;
    }
}

int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return (int)syscall(SYS_fcntl, fd, of_open_file(command), argument);
}

/* ---- Who shares with whom ---- */

void process_is(const struct sim_device *device)
{
    at_work = device->process;
}

bool process_shares(const struct sim_device *one, const struct sim_device *other)
{
    return one->home == other->home;
}

struct sim_device *process_leader(struct sim_device *device)
{
    struct sim_device *const both[] = {device, device->other};
    for (unsigned i = 0; i < 2; i++)
        if (both[i] != NULL && both[i]->client != NULL && client_leads(both[i]->client))
            return both[i];
    return NULL;
}

/* ---- Waking ---- */

bool process_has_heard(const struct sim_device *device)
{
    return device->wake_at == SIM_NEVER;
}

/* As a rule at once; a machine that is busy lets it wait for a while. */
static uint64_t time_to_wake(struct sim *sim)
{
    return sim->calm || sim_chance(sim, 90) ? sim_random(sim, 3) : sim_random(sim, 3000);
}

static bool is_woken(const struct sim_device *device)
{
    struct pollfd watched = {.fd = tandem_fd(device->client), .events = POLLIN};
    return poll(&watched, 1, 0) > 0;
}

static void tell_leader(struct sim_device *device)
{
    struct sim *sim = device->sim;
    const bool leads = device->client != NULL && client_leads(device->client);
    if (leads && !device->leads) {
        sim_tell(sim, "%s leads", device->name);
        sim->progress->taken_over++;
    }
    device->leads = leads;
}

void process_listen(struct sim *sim)
{
    for (unsigned i = 0; i < sim->device_count; i++) {
        struct sim_device *device = &sim->devices[i];
        if (device->other == NULL)
            continue;
        tell_leader(device);
        if (device->client != NULL && process_has_heard(device) && is_woken(device))
            device->wake_at = sim->now + time_to_wake(sim);
    }
}
