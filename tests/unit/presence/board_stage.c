#include "tests/unit/presence/board_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wire.h"

static void wake(void *context, struct session *session)
{
    struct stage_member *member = (struct stage_member *)(void *)session;
    (void)context;
    assert_false(member->woken); /* not twice, before it has come */
    member->woken = true;
    member->wakes++;
}

int stage_set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->board = presence_new(wake, stage);
    assert_non_null(stage->board);
    *state = stage;
    return 0;
}

int stage_tear_down(void **state)
{
    struct stage *stage = *state;
    for (unsigned i = 0; i < stage->count; i++)
        stage_exit(stage, &stage->members[i]);
    presence_free(stage->board);
    free(stage);
    return 0;
}

struct presence_side stage_company(void)
{
    return (struct presence_side){.partner = false};
}

struct id stage_id(uint8_t number)
{
    struct id id = {{0}};
    memset(id.octet, number, sizeof id.octet);
    return id;
}

struct presence_side stage_partner(uint8_t number)
{
    return (struct presence_side){.partner = true, .party = stage_id(number)};
}

struct stage_member *stage_enter(struct stage *stage, struct presence_side side)
{
    assert_true(stage->count < STAGE_MEMBERS);
    struct stage_member *member = &stage->members[stage->count++];
    (void)snprintf(member->name, sizeof member->name, "u%u", stage->count);
    member->person = (struct presence_person){.user = bytes_text(member->name), .side = side};
    member->handle = presence_enter(stage->board, (struct session *)(void *)member, stage->count);
    assert_non_null(member->handle);
    return member;
}

void stage_exit(struct stage *stage, struct stage_member *member)
{
    if (member->handle != NULL)
        presence_exit(stage->board, member->handle);
    member->handle = NULL;
}

enum status stage_at(struct stage *stage, struct stage_member *member, uint8_t number,
                     const struct presence_doing *doing)
{
    const struct presence_thing thing = {stage_id(number), {SCOPE_ACCOUNT, stage_id(number)}, 1};
    return presence_announce(stage->board, member->handle, &member->person, &thing, doing);
}

void stage_come(struct stage *stage, struct stage_member *member, uint8_t number)
{
    const struct presence_doing nothing = {.typing = false};
    assert_int_equal(stage_at(stage, member, number, &nothing), STATUS_OK);
}

void stage_leave(struct stage *stage, struct stage_member *member, uint8_t number)
{
    presence_leave(stage->board, member->handle, stage_id(number));
}

void stage_touch(struct stage *stage, uint8_t number, uint64_t seq)
{
    struct touched_lane lanes[2] = {
        {{SCOPE_ACCOUNT, stage_id(number)}, {.kind = TAG_INTERNAL}},
        {{SCOPE_ACCOUNT, stage_id(number)}, {.kind = TAG_PARTNERS}},
    };
    const struct notice notice = {.seq = seq, .lane_count = 2, .lanes = lanes};
    presence_touched(stage->board, &notice);
}

static size_t put(char *out, size_t size, size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(out + at, size - at, format, arguments);
    va_end(arguments);
    assert_true(written >= 0 && (size_t)written < size - at);
    return at + (size_t)written;
}

static size_t put_list(char *out, size_t size, size_t at, struct bytes list)
{
    struct wire_reader reader = wire_read(list);
    uint32_t count = 0, parts = 0;
    assert_int_equal(wire_validate(list, NULL), STATUS_OK);
    assert_true(wire_get_array(&reader, &count));
    for (uint32_t i = 0; i < count; i++) {
        struct bytes user;
        bool typing = false;
        assert_true(wire_get_array(&reader, &parts));
        assert_int_equal(parts, 7);
        assert_true(wire_skip(&reader, NULL));
        assert_true(wire_get_str(&reader, &user));
        assert_true(wire_skip(&reader, NULL));
        assert_true(wire_get_bool(&reader, &typing));
        for (unsigned rest = 0; rest < 3; rest++)
            assert_true(wire_skip(&reader, NULL));
        at = put(out, size, at, "%s%.*s%s", i > 0 ? "," : "", (int)user.size, user.data,
                 typing ? "!" : "");
    }
    return at;
}

void stage_hear(struct stage *stage, struct stage_member *member, char *out, size_t size)
{
    struct id about;
    size_t at = 0;
    out[0] = '\0';
    member->woken = false;
    presence_take(stage->board, member->handle);
    while (presence_next_owed(member->handle, &about)) {
        struct buffer list = {0};
        const bool news =
            presence_list(stage->board, member->handle, about, &member->person.side, &list);
        assert_false(list.failed);
        assert_int_equal(news, list.size > 0);
        if (news) {
            at = put(out, size, at, "%s%u:", at > 0 ? " " : "", about.octet[0]);
            at = put_list(out, size, at, buffer_bytes(&list));
        }
        buffer_release(&list);
    }
}

void stage_hears(struct stage *stage, struct stage_member *member, const char *expected)
{
    char heard[4096];
    stage_hear(stage, member, heard, sizeof heard);
    assert_string_equal(heard, expected);
}

void stage_quiet(struct stage *stage)
{
    char heard[4096];
    for (unsigned i = 0; i < stage->count; i++)
        if (stage->members[i].handle != NULL)
            stage_hear(stage, &stage->members[i], heard, sizeof heard);
}
