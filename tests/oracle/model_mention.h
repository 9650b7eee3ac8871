/* Mentions, as protocol/PROTOCOL.md and docs/ACCESS.md tell of them. */
#ifndef TANDEM_TESTS_ORACLE_MODEL_MENTION_H
#define TANDEM_TESTS_ORACLE_MODEL_MENTION_H

#include "tests/oracle/model_may.h"

/* Of one encoded change `mention`, made by `who` at the head. */
enum model_verdict model_may_mention(const struct model *model, const struct model_person *who,
                                     struct bytes change);
/* What it makes when it was accepted. */
void model_mention(struct model *model, struct id id, struct bytes change, uint64_t seq,
                   uint64_t at_ms, const char *by);
/* The user of a sign-in name; NULL when there is none. */
const struct model_record *model_user_called(const struct model *model, struct bytes name);

#endif
