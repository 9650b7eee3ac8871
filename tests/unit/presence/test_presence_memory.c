/* Memory that runs out at any point of a short story of comings, moves and leavings: an
 * announcement that fails leaves the board as it was, a list that cannot be made is owed still, and
 * nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/message.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/unit/presence/board_stage.h"

#define PEOPLE 3u

static void ignore_wake(void *context, struct session *session)
{
    (void)context;
    (void)session;
}

struct story {
    struct presence *board;
    struct presence_member *members[PEOPLE];
    bool there[PEOPLE];
};

static struct presence_side side_of(unsigned i)
{
    return i == 0 ? stage_company() : stage_partner(1);
}

static enum status come(struct story *story, unsigned i, uint8_t scope, uint64_t seq)
{
    const struct presence_person person = {.user = bytes_text("somebody"), .side = side_of(i)};
    const struct presence_thing thing = {stage_id(1), {SCOPE_ACCOUNT, stage_id(scope)}, seq};
    const struct presence_doing doing = {.typing = seq > 1};
    return presence_announce(story->board, story->members[i], &person, &thing, &doing);
}

/* How many others the first member is told of; -1 when the list cannot be made now. */
static int told(struct story *story)
{
    const struct presence_side side = side_of(0);
    struct buffer list = {0};
    presence_take(story->board, story->members[0]);
    (void)presence_list(story->board, story->members[0], stage_id(1), &side, &list);
    const int count = list.failed ? -1 : (int)message_count(buffer_bytes(&list));
    buffer_release(&list);
    return count;
}

/* Who came is there, and nobody else; asked with memory enough, by somebody who comes for it. */
static void check(struct story *story)
{
    const struct presence_side company = stage_company();
    struct buffer list = {0};
    unsigned expected = 0;
    failing_memory_pause(true);
    struct presence_member *witness = presence_enter(story->board, NULL, 99);
    const struct presence_person person = {.user = bytes_text("witness"), .side = company};
    const struct presence_thing thing = {stage_id(1), {SCOPE_ACCOUNT, stage_id(1)}, 0};
    const struct presence_doing nothing = {.typing = false};
    assert_non_null(witness);
    assert_int_equal(presence_announce(story->board, witness, &person, &thing, &nothing),
                     STATUS_OK);
    assert_true(presence_list(story->board, witness, stage_id(1), &company, &list));
    for (unsigned i = 0; i < PEOPLE; i++)
        expected += story->there[i];
    assert_int_equal(message_count(buffer_bytes(&list)), expected);
    buffer_release(&list);
    presence_exit(story->board, witness);
    failing_memory_pause(false);
}

static bool tell(struct story *story)
{
    bool done = true;
    for (unsigned i = 0; i < PEOPLE; i++) {
        story->members[i] = presence_enter(story->board, NULL, i);
        if (story->members[i] == NULL)
            return false;
        story->there[i] = come(story, i, 1, 1) == STATUS_OK;
        if (i == 0 && !story->there[0])
            return false; /* so that nobody clears up after it */
        done = done && story->there[i];
        check(story);
    }
    if (done) {
        const int count = told(story);
        done = count == (int)PEOPLE - 1;
        assert_true(done || count == -1);
        if (!done)
            assert_int_equal(told(story), PEOPLE - 1); /* owed still */
    }
    const bool moved = come(story, 0, 7, 5) == STATUS_OK; /* so has the thing */
    story->there[0] = story->there[0] || moved;
    done = done && moved;
    check(story);
    const struct presence_person changed = {.user = bytes_text("somebody"),
                                            .side = stage_partner(2)};
    if (story->there[1]) {
        presence_identify(story->board, story->members[1], &changed);
        struct id about;
        story->there[1] = presence_next_check(story->board, story->members[1], &about);
        done = done && story->there[1]; /* or it had to leave */
        check(story);
    }
    return done;
}

static bool work(void *context)
{
    struct story story = {.board = presence_new(ignore_wake, NULL)};
    (void)context;
    if (story.board == NULL)
        return false;
    const bool done = tell(&story);
    for (unsigned i = 0; i < PEOPLE; i++)
        if (story.members[i] != NULL)
            presence_exit(story.board, story.members[i]);
    presence_free(story.board);
    return done;
}

static void test_memory_may_run_out_anywhere(void **state)
{
    const long held = failing_memory_held();
    (void)state;
    failing_memory_each(work, NULL);
    assert_int_equal(failing_memory_held(), held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_may_run_out_anywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
