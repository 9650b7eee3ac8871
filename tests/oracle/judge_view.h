/* One record that somebody was told, or holds, against what the model says they may be told. */
#ifndef TANDEM_TESTS_ORACLE_JUDGE_VIEW_H
#define TANDEM_TESTS_ORACLE_JUDGE_VIEW_H

#include "tests/oracle/model.h"

/* Whether the encoded record is exactly the view; else why not, in `why`. */
bool judge_record(const struct model_view *view, struct bytes record, char *why, size_t size);
/* Whether the record is what may be told to the user at that seq; else why not. */
bool judge_record_at(const struct model *model, struct id user, struct bytes record, uint64_t seq,
                     char *why, size_t size);

#endif
