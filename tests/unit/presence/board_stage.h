/* A board, and connections on it that come when they are woken. */
#ifndef TANDEM_TESTS_BOARD_STAGE_H
#define TANDEM_TESTS_BOARD_STAGE_H

#include "server/core/presence/presence.h"

#define STAGE_MEMBERS 320u

struct stage_member {
    struct presence_member *handle;
    struct presence_person person;
    char name[16];
    unsigned wakes; /* since the beginning */
    bool woken;
};

struct stage {
    struct presence *board;
    struct stage_member members[STAGE_MEMBERS];
    unsigned count;
};

/* Setup and teardown of a cmocka test; all that is still there leaves. */
int stage_set_up(void **state);
int stage_tear_down(void **state);

/* The company, and partners by number. */
struct presence_side stage_company(void);
struct presence_side stage_partner(uint8_t number);
struct id stage_id(uint8_t number);
/* A connection of somebody new, called u1, u2, ... and in full "User 1", ... ; it is their number,
 * too. */
struct stage_member *stage_enter(struct stage *stage, struct presence_side side);
void stage_exit(struct stage *stage, struct stage_member *member);
/* At account or note `number`, in the scope of the account of the same number; as of seq 1. */
enum status stage_at(struct stage *stage, struct stage_member *member, uint8_t number,
                     const struct presence_doing *doing);
/* As stage_at() with nothing done, which must work. */
void stage_come(struct stage *stage, struct stage_member *member, uint8_t number);
void stage_leave(struct stage *stage, struct stage_member *member, uint8_t number);
/* A commit of `seq` in the scope of this account. */
void stage_touch(struct stage *stage, uint8_t number, uint64_t seq);

/* The member comes and is told what it is owed: appends for each list the thing's number and the
 * names, as "1:u3,u2 2:" in `out`. */
void stage_hear(struct stage *stage, struct stage_member *member, char *out, size_t size);
/* That must be this. */
void stage_hears(struct stage *stage, struct stage_member *member, const char *expected);
/* All come and hear. */
void stage_quiet(struct stage *stage);

#endif
