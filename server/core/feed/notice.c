#include "server/core/feed/notice.h"

#include <string.h>

#include "protocol/memory.h"

/* Copies `count` elements; true with *out NULL when there are none. */
static bool copy_array(const void *from, size_t count, size_t element, void **out)
{
    *out = NULL;
    if (count == 0) {
        return true;
    }
    *out = memory_copy(from, count * element);
    return *out != NULL;
}

struct notice *notice_new(const struct effects *effects)
{
    struct notice *notice = memory_new(sizeof *notice);
    if (notice == NULL) {
        return NULL;
    }
    atomic_init(&notice->references, 1);
    notice->seq = effects->seq;
    void *lanes = NULL, *subjects = NULL, *users = NULL, *notes = NULL;
    bool copied = copy_array(effects->lanes, effects->lane_count, sizeof *effects->lanes, &lanes) &&
                  copy_array(effects->subjects, effects->subject_count, sizeof *effects->subjects,
                             &subjects) &&
                  copy_array(effects->users, effects->user_count, sizeof *effects->users, &users) &&
                  copy_array(effects->notes, effects->note_count, sizeof *effects->notes, &notes);
    notice->lanes = lanes;
    notice->subjects = subjects;
    notice->users = users;
    notice->notes = notes;
    notice->lane_count = effects->lane_count;
    notice->subject_count = effects->subject_count;
    notice->user_count = effects->user_count;
    notice->note_count = effects->note_count;
    if (!copied) {
        notice_drop(notice);
        return NULL;
    }
    return notice;
}

struct notice *notice_share(struct notice *notice)
{
    atomic_fetch_add_explicit(&notice->references, 1, memory_order_relaxed);
    return notice;
}

void notice_drop(struct notice *notice)
{
    if (notice == NULL ||
        atomic_fetch_sub_explicit(&notice->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    memory_free(notice->lanes);
    memory_free(notice->subjects);
    memory_free(notice->users);
    memory_free(notice->notes);
    memory_free(notice);
}
