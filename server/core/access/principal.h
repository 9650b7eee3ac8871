/* Who is asking: a user as the gate sees them, read from their own records in the same snapshot
 * as the records they ask for, so that a change of party or role acts from its own seq on. */
#ifndef TANDEM_CORE_PRINCIPAL_H
#define TANDEM_CORE_PRINCIPAL_H

#include "protocol/id.h"
#include "server/core/state.h"

enum role {
    ROLE_NONE,
    ROLE_ADMINISTRATOR,
    ROLE_MANAGER,
    ROLE_MEMBER,
    ROLE_VIEWER,
    ROLE_PARTNER,
    ROLE_COUNT
};

#define PRINCIPAL_MAX_DEPARTMENTS 16u
#define PRINCIPAL_MAX_TAGS (PRINCIPAL_MAX_DEPARTMENTS + 3u)
#define PRINCIPAL_MAX_SUBJECTS 2u

struct principal {
    struct id user;
    char name[65];
    enum role role;
    bool partner;           /* of a partner, so an outsider */
    struct id party;        /* the partner; zero for staff */
    uint8_t department_count;
    struct id departments[PRINCIPAL_MAX_DEPARTMENTS];
    char department_names[PRINCIPAL_MAX_DEPARTMENTS][65];
    uint8_t tag_count;      /* what their audience tags are */
    struct tag tags[PRINCIPAL_MAX_TAGS];
    uint8_t subject_count;  /* whose rows of the access table open scopes for them */
    struct id subjects[PRINCIPAL_MAX_SUBJECTS];
    uint64_t since;         /* seq of the last change of role, departments or partner; a replica
                               older than this starts over */
    bool system;            /* the server itself */
};

/* The subject under which "all departments" stand in the access table. */
extern const struct id SUBJECT_DEPARTMENTS;

/* Reads the user's record and those of their parties. NOT_FOUND when there is no such user or
 * they are disabled or their partner's record is deleted. */
enum status principal_load(const struct state *state, struct id user, struct principal *out);

/* Finds a live user by sign-in name. */
enum status principal_find_user(const struct state *state, struct bytes name, struct id *user);

/* The server itself: may do anything; its changes are signed "system". */
void principal_system(struct principal *out);

const char *role_name(enum role role);

#endif
