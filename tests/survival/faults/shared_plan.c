#include "tests/survival/faults/shared_plan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/scratch.h"

struct failing_plan *shared_plan_make(const char *path, bool skip_flush)
{
    const struct failing_plan empty = {.skip_flush = skip_flush};
    assert_true(scratch_write(path, &empty, sizeof empty));
    /* Not by open(), which is one of the calls that the test's own plan counts. */
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    void *at = mmap(NULL, sizeof empty, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    (void)close(fd);
    return at;
}

void shared_plan_release(struct failing_plan *plan)
{
    (void)munmap(plan, sizeof *plan);
}
