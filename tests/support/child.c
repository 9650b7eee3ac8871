#include "tests/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(int target, int descriptor, int flags)
{
    int given = descriptor >= 0 ? descriptor : open("/dev/null", flags);
    if (given < 0 || dup2(given, target) < 0) {
        _exit(126);
    }
}

static void run(const char *const *arguments, const char *const *environment,
                const struct child_streams *streams, unsigned seconds, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(126);
    }
    become(STDIN_FILENO, streams->in, O_RDONLY);
    become(STDOUT_FILENO, streams->out, O_WRONLY);
    become(STDERR_FILENO, streams->err, O_WRONLY);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        (void)putenv((char *)environment[i]);
    }
    (void)alarm(seconds); /* survives exec */
    (void)execvp(arguments[0], (char *const *)arguments);
    perror(arguments[0]);
    _exit(127);
}

pid_t child_start(const char *const *arguments, const char *const *environment,
                  const struct child_streams *streams, unsigned seconds)
{
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run(arguments, environment, streams, seconds, parent);
    }
    if (pid < 0) {
        perror("fork");
    }
    return pid;
}

int child_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            perror("waitpid");
            return 127;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
