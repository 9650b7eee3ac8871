#include "server/core/access/access_rights.h"

#include <string.h>

#define R (1u << ACTION_READ)
#define C (1u << ACTION_CREATE)
#define N (1u << ACTION_COMMENT)
#define E (1u << ACTION_EDIT)
#define D (1u << ACTION_DELETE)
#define S (1u << ACTION_SHARE)
#define X (1u << ACTION_EXPORT)
#define ALL (R | C | N | E | D | S | X)
#define READ (R | X)

/* {to all, to their author besides, to oneself besides}; what is not named is {0}. */
static const struct rights table[RANK_COUNT][GROUP_COUNT] = {
    [RANK_ADMINISTRATOR] = {
        [GROUP_OTHER] = {ALL, 0, 0},
        [GROUP_PEOPLE] = {ALL, 0, 0},
        [GROUP_SCHEMA] = {ALL, 0, 0},
        [GROUP_ASSIGNMENT] = {ALL, 0, 0},
        [GROUP_TALK] = {ALL, 0, 0},
        [GROUP_DOCUMENT] = {ALL, 0, 0},
        [GROUP_TASK] = {ALL, 0, 0},
        [GROUP_SERVICE] = {ALL, 0, 0},
        [GROUP_DEAL] = {ALL, 0, 0},
        [GROUP_MENTION] = {READ | E | D, 0, 0},
    },
    [RANK_MANAGER] = {
        [GROUP_OTHER] = {ALL, 0, 0},
        [GROUP_PEOPLE] = {READ | N | S, 0, E},
        [GROUP_SCHEMA] = {READ | N | S, 0, 0},
        [GROUP_ASSIGNMENT] = {ALL, 0, 0},
        [GROUP_TALK] = {ALL, 0, 0},
        [GROUP_DOCUMENT] = {ALL, 0, 0},
        [GROUP_TASK] = {ALL, 0, 0},
        [GROUP_SERVICE] = {ALL, 0, 0},
        [GROUP_DEAL] = {ALL, 0, 0},
        [GROUP_MENTION] = {READ | E | D, 0, 0},
    },
    [RANK_MEMBER] = {
        [GROUP_OTHER] = {ALL, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, E},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {ALL, 0, 0},
        [GROUP_TALK] = {ALL, 0, 0},
        [GROUP_DOCUMENT] = {ALL, 0, 0},
        [GROUP_TASK] = {ALL, 0, 0},
        [GROUP_SERVICE] = {ALL, 0, 0},
        [GROUP_DEAL] = {ALL, 0, 0},
        [GROUP_MENTION] = {READ | E | D, 0, 0},
    },
    [RANK_VIEWER] = {
        [GROUP_OTHER] = {READ, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, 0},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {READ, 0, 0},
        [GROUP_TALK] = {READ, 0, 0},
        [GROUP_DOCUMENT] = {READ, 0, 0},
        [GROUP_TASK] = {READ, 0, 0},
        [GROUP_SERVICE] = {READ, 0, 0},
        [GROUP_DEAL] = {READ, 0, 0},
        [GROUP_MENTION] = {READ | E | D, 0, 0},
    },
    [RANK_PARTNER_VIEW] = {
        [GROUP_OTHER] = {READ, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, 0},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {READ, 0, 0},
        [GROUP_TALK] = {READ, 0, 0},
        [GROUP_DOCUMENT] = {READ, 0, 0},
        [GROUP_TASK] = {READ, 0, 0},
        [GROUP_SERVICE] = {READ, 0, 0},
        [GROUP_DEAL] = {READ, 0, 0},
        [GROUP_MENTION] = {READ, 0, 0},
    },
    [RANK_PARTNER_COMMENT] = {
        [GROUP_OTHER] = {READ | N, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, 0},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {READ, 0, 0},
        [GROUP_TALK] = {READ | C | N, E | D, 0},
        [GROUP_DOCUMENT] = {READ | N, 0, 0},
        [GROUP_TASK] = {READ | N, 0, 0},
        [GROUP_SERVICE] = {READ | N, 0, 0},
        [GROUP_DEAL] = {READ | N, 0, 0},
        [GROUP_MENTION] = {READ, 0, 0},
    },
    [RANK_PARTNER_EDIT] = {
        [GROUP_OTHER] = {READ | N, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, 0},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {READ, 0, 0},
        [GROUP_TALK] = {READ | C | N, E | D, 0},
        [GROUP_DOCUMENT] = {READ | C | N, E | D, 0},
        [GROUP_TASK] = {READ | N, 0, 0},
        [GROUP_SERVICE] = {READ | C | N | E, D, 0},
        [GROUP_DEAL] = {READ | N | E, 0, 0},
        [GROUP_MENTION] = {READ, 0, 0},
    },
    [RANK_PARTNER_HOME] = {
        [GROUP_OTHER] = {READ, 0, 0},
        [GROUP_PEOPLE] = {READ, 0, 0},
        [GROUP_SCHEMA] = {READ, 0, 0},
        [GROUP_ASSIGNMENT] = {READ, 0, 0},
        [GROUP_TALK] = {READ | C | N | E, D, 0},
        [GROUP_DOCUMENT] = {READ | C | N | E, D, 0},
        [GROUP_TASK] = {READ | C | N | E, D, 0},
        [GROUP_SERVICE] = {READ, 0, 0},
        [GROUP_DEAL] = {READ, 0, 0},
        [GROUP_MENTION] = {READ | E | D, 0, 0},
    },
};

struct rights access_rights(enum rank rank, enum group group)
{
    return table[rank][group];
}

enum group access_group(struct bytes entity)
{
    static const struct {
        const char *entity;
        enum group group;
    } groups[] = {
        {"user", GROUP_PEOPLE},          {"party", GROUP_PEOPLE},
        {"customField", GROUP_SCHEMA},   {"customEntity", GROUP_SCHEMA},
        {"assignment", GROUP_ASSIGNMENT}, {"note", GROUP_TALK},
        {"interaction", GROUP_TALK},     {"document", GROUP_DOCUMENT},
        {"task", GROUP_TASK},            {"contact", GROUP_SERVICE},
        {"case", GROUP_SERVICE},         {"account", GROUP_DEAL},
        {"opportunity", GROUP_DEAL},     {"order", GROUP_DEAL},
        {"profile", GROUP_DEAL},         {"mention", GROUP_MENTION},
    };
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++)
        if (bytes_is(entity, groups[i].entity))
            return groups[i].group;
    return GROUP_OTHER;
}

static enum rank partner_rank(const struct opening *opening, struct scope scope)
{
    if (scope.kind == SCOPE_PARTY || scope.kind == SCOPE_USER)
        return RANK_PARTNER_HOME;
    static const enum rank by_level[] = {
        [LEVEL_NONE] = RANK_NONE,
        [LEVEL_VIEW] = RANK_PARTNER_VIEW,
        [LEVEL_COMMENT] = RANK_PARTNER_COMMENT,
        [LEVEL_EDIT] = RANK_PARTNER_EDIT,
    };
    return opening->level <= LEVEL_EDIT ? by_level[opening->level] : RANK_NONE;
}

enum rank access_rank(const struct principal *who, const struct opening *opening,
                      struct scope scope)
{
    static const enum rank by_role[ROLE_COUNT] = {
        [ROLE_ADMINISTRATOR] = RANK_ADMINISTRATOR,
        [ROLE_MANAGER] = RANK_MANAGER,
        [ROLE_MEMBER] = RANK_MEMBER,
        [ROLE_VIEWER] = RANK_VIEWER,
    };
    if (who->system)
        return RANK_ADMINISTRATOR;
    if (who->partner)
        return partner_rank(opening, scope);
    return who->role < ROLE_COUNT ? by_role[who->role] : RANK_NONE;
}

bool access_own_field(struct bytes name)
{
    static const char *const own[] = {"fullName", "phoneNumber", "emailAddress", "language",
                                      "title"};
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        if (bytes_is(name, own[i]))
            return true;
    return false;
}

static bool is_author(const struct principal *who, const struct record *record)
{
    return bytes_is(record->created.by, who->name);
}

/* Of what was refused. A level is only spoken of where another one would do. */
static enum reason why_not(const struct principal *who, const struct record *record, unsigned bit)
{
    if (!who->partner)
        return REASON_ROLE;
    const struct rights most = access_rights(RANK_PARTNER_EDIT, access_group(record->entity));
    bool some_may = record->scope.kind == SCOPE_ACCOUNT && ((most.anyone | most.author) & bit);
    return some_may ? REASON_LEVEL : REASON_OUTSIDER;
}

struct verdict access_judge(const struct principal *who, const struct opening *opening,
                            const struct record *record, enum action action)
{
    if (!opening->open)
        return (struct verdict){false, REASON_SCOPE_CLOSED};
    /* A member of staff may make a record for others than themselves; a partner may not. */
    bool must_see = action != ACTION_CREATE || who->partner;
    if (must_see && !access_audience_meets(who, record))
        return (struct verdict){false, REASON_AUDIENCE};
    struct rights rights = access_rights(access_rank(who, opening, record->scope),
                                         access_group(record->entity));
    unsigned bit = 1u << action;
    if (rights.anyone & bit)
        return (struct verdict){true, REASON_ALLOWED};
    if ((rights.self & bit) && bytes_is(record->entity, "user") && id_equal(record->id, who->user))
        return (struct verdict){true, REASON_ALLOWED};
    if (rights.author & bit)
        return is_author(who, record) ? (struct verdict){true, REASON_ALLOWED}
                                      : (struct verdict){false, REASON_NOT_AUTHOR};
    return (struct verdict){false, why_not(who, record, bit)};
}
