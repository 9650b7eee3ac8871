#include "tests/survival/faults/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/memory.h"

/* Most allocations of one piece of work; more is a loop that never ends. */
#define EACH_MOST 10000u

/* The functions of protocol/memory.h have no context, so the plan is the thread's. */
static _Thread_local struct {
    bool armed, onwards, paused;
    uint64_t left; /* allocations that succeed before one fails */
    uint64_t failed;
    uint64_t calls;
} plan;
static atomic_long held;

void failing_memory_arm(uint64_t nth, bool onwards)
{
    plan.armed = true;
    plan.onwards = onwards;
    plan.paused = false;
    plan.left = nth - 1;
    plan.failed = 0;
}

void failing_memory_pause(bool paused)
{
    plan.paused = paused;
}

uint64_t failing_memory_disarm(void)
{
    plan.armed = false;
    return plan.failed;
}

void failing_memory_each(bool (*work)(void *context), void *context)
{
    bool met = true;
    for (uint64_t n = 1; met && n <= EACH_MOST; n++) {
        failing_memory_arm(n, false);
        const bool done = work(context);
        met = failing_memory_disarm() > 0;
        assert_true(done || met);
    }
    assert_false(met);
}

uint64_t failing_memory_calls(void)
{
    return plan.calls;
}

long failing_memory_held(void)
{
    return atomic_load(&held);
}

static bool fails(void)
{
    plan.calls++;
    if (!plan.armed || plan.paused)
        return false;
    if (plan.left > 0) {
        plan.left--;
        return false;
    }
    if (plan.failed > 0 && !plan.onwards)
        return false;
    plan.failed++;
    return true;
}

static void *counted(void *block)
{
    if (block != NULL)
        atomic_fetch_add(&held, 1);
    return block;
}

void *memory_new(size_t size)
{
    return fails() ? NULL : counted(calloc(1, size > 0 ? size : 1));
}

void *memory_resize(void *block, size_t size)
{
    if (fails())
        return NULL;
    void *moved = realloc(block, size > 0 ? size : 1);
    return block == NULL ? counted(moved) : moved;
}

void memory_free(void *block)
{
    if (block != NULL)
        atomic_fetch_sub(&held, 1);
    free(block);
}

void *memory_copy(const void *from, size_t size)
{
    if (size == SIZE_MAX || fails())
        return NULL;
    char *copy = counted(malloc(size + 1));
    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, from, size);
    copy[size] = '\0';
    return copy;
}
