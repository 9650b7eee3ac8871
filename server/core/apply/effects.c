/* What a batch of commands concerns, each thing once. */
#include <string.h>

#include "protocol/memory.h"
#include "server/core/apply/apply.h"

#define LANES_LOOKED_AT 64u

void effects_release(struct effects *effects)
{
    buffer_release(&effects->answer);
    memory_free(effects->lanes);
    memory_free(effects->subjects);
    memory_free(effects->users);
    memory_free(effects->notes);
    memset(effects, 0, sizeof *effects);
}

void effects_clear(struct effects *effects)
{
    buffer_clear(&effects->answer);
    effects->seq = 0;
    effects->lane_count = 0;
    effects->subject_count = 0;
    effects->user_count = 0;
    effects->note_count = 0;
    effects->work = 0;
    effects->failed = false;
}

/* Room for one more; NULL, and `failed` set, when memory is short. */
static void *grow(struct effects *effects, void *list, size_t count, size_t *capacity, size_t size)
{
    void *grown = memory_grow(list, count, capacity, size);
    effects->failed = effects->failed || !grown;
    return grown;
}

void effects_touch_lane(struct effects *effects, struct scope scope, struct tag tag)
{
    /* Newest first, and not far: a mutation mostly touches the same few lanes again and again, and
     * one named twice only costs whoever is told. */
    size_t end = effects->lane_count > LANES_LOOKED_AT ? effects->lane_count - LANES_LOOKED_AT : 0;
    for (size_t i = effects->lane_count; i-- > end;)
        if (scope_equal(effects->lanes[i].scope, scope) && tag_equal(effects->lanes[i].tag, tag))
            return;
    struct touched_lane *lanes =
        grow(effects, effects->lanes, effects->lane_count, &effects->lane_capacity, sizeof *lanes);
    if (!lanes)
        return;
    effects->lanes = lanes;
    lanes[effects->lane_count++] = (struct touched_lane){scope, tag};
}

static bool among(const struct id *ids, size_t count, struct id id)
{
    for (size_t i = count; i-- > 0;)
        if (id_equal(ids[i], id))
            return true;
    return false;
}

static void touch_id(struct effects *effects, struct id **ids, size_t *count, size_t *capacity,
                     struct id id)
{
    if (among(*ids, *count, id))
        return;
    struct id *larger = grow(effects, *ids, *count, capacity, sizeof *larger);
    if (!larger)
        return;
    *ids = larger;
    larger[(*count)++] = id;
}

void effects_touch_subject(struct effects *effects, struct id subject)
{
    touch_id(effects, &effects->subjects, &effects->subject_count, &effects->subject_capacity,
             subject);
}

void effects_touch_user(struct effects *effects, struct id user)
{
    touch_id(effects, &effects->users, &effects->user_count, &effects->user_capacity, user);
}

void effects_touch_note(struct effects *effects, struct id note)
{
    touch_id(effects, &effects->notes, &effects->note_count, &effects->note_capacity, note);
}
