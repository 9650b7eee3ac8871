/* What the pages say of a change before it is made: docs/ACCESS.md, "Doing". */
#ifndef TANDEM_TESTS_ORACLE_MODEL_MAY_H
#define TANDEM_TESTS_ORACLE_MODEL_MAY_H

#include "tests/oracle/model.h"

enum model_verdict {
    MODEL_UNSAID, /* depends on what this model does not follow, such as unique names */
    MODEL_ACCEPTED,
    MODEL_REFUSED,   /* for whatever reason */
    MODEL_NOT_FOUND, /* with the one answer for what is hidden and what is not there */
};

/* Of one encoded change, made by the user at the head. */
enum model_verdict model_may(const struct model *model, struct id actor, struct bytes change);

#endif
