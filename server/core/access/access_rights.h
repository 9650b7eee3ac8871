/* What roles and levels of assignment allow, as one table: rank x kind of entity x action. */
#ifndef TANDEM_CORE_ACCESS_RIGHTS_H
#define TANDEM_CORE_ACCESS_RIGHTS_H

#include "server/core/access/access.h"

/* A principal's standing towards one record. */
enum rank {
    RANK_NONE,
    RANK_ADMINISTRATOR,
    RANK_MANAGER,
    RANK_MEMBER,
    RANK_VIEWER,
    RANK_PARTNER_VIEW,    /* a partner's user, by the level of what is open to them */
    RANK_PARTNER_COMMENT,
    RANK_PARTNER_EDIT,
    RANK_PARTNER_HOME,    /* a partner's user in their party's or their own scope */
    RANK_COUNT
};

/* Entities whose rights are alike. */
enum group {
    GROUP_OTHER,      /* every other one, custom entities included */
    GROUP_PEOPLE,     /* user, party */
    GROUP_SCHEMA,     /* customField, customEntity */
    GROUP_ASSIGNMENT,
    GROUP_TALK,       /* note, interaction */
    GROUP_DOCUMENT,
    GROUP_TASK,
    GROUP_SERVICE,    /* contact, case */
    GROUP_DEAL,       /* account, opportunity, order, profile */
    GROUP_MENTION,    /* in its owner's scope, made by the change of that name alone */
    GROUP_COUNT
};

/* Bits are 1 << enum action. */
struct rights {
    uint8_t anyone; /* to every record they may see */
    uint8_t author; /* besides, to those they made */
    uint8_t self;   /* besides, to their own user record */
};

enum rank access_rank(const struct principal *who, const struct opening *opening,
                      struct scope scope);
enum group access_group(struct bytes entity);
struct rights access_rights(enum rank rank, enum group group);

#endif
