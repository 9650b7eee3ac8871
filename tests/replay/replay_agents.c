#include "tests/replay/replay_agents.h"

#include <stdlib.h>
#include <string.h>

bool agents_begin(struct replay *replay)
{
    replay->typed = calloc(replay->trace->characters + 1u, sizeof *replay->typed);
    return replay->typed != NULL;
}

void agents_end(struct replay *replay)
{
    free(replay->typed);
    replay->typed = NULL;
}

/* ---- Meeting --------------------------------------------------------------------------------- */

/* What `typed` has for an agent's characters since the last meeting. */
static uint32_t mark_of(const struct replay *replay, uint32_t agent)
{
    return (replay->meetings + 1) * TRACE_AGENTS_MOST + agent;
}

/* The next of the characters that an agent has typed since the last meeting and that still stand in
 * their own text, from *at on. */
static uint32_t next_typed(const struct replay *replay, uint32_t agent, size_t *at)
{
    const struct slots *slots = &replay->crew->members[agent].slots;
    uint32_t mark = mark_of(replay, agent);
    while (*at < slots->count) {
        uint32_t slot = slots->slot[(*at)++];
        if ((slot & SLOT_OF) == 0 && replay->typed[slot] == mark) {
            return slot;
        }
    }
    return HISTORY_START;
}

static bool name_slots(struct replay *replay, size_t number)
{
    struct crew_member *member = &replay->crew->members[number];
    size_t at[TRACE_AGENTS_MOST] = {0};
    for (size_t i = 0; i < member->slots.count; i++) {
        uint32_t *slot = &member->slots.slot[i];
        if ((*slot & SLOT_OF) == 0) {
            continue;
        }
        uint32_t agent = *slot & ~SLOT_OF;
        *slot =
            agent < replay->trace->agents ? next_typed(replay, agent, &at[agent]) : HISTORY_START;
        if (*slot == HISTORY_START) {
            return crew_fail(replay->crew, "%s has a character that its author does not have",
                             member->user);
        }
    }
    for (uint32_t agent = 0; agent < replay->trace->agents; agent++) {
        if (agent != number && next_typed(replay, agent, &at[agent]) != HISTORY_START) {
            return crew_fail(replay->crew, "%s lacks a character that its author has",
                             member->user);
        }
    }
    return true;
}

bool agents_meet(struct replay *replay)
{
    const struct crew *crew = replay->crew;
    if (!crew_settle(replay->crew)) {
        return false;
    }
    for (size_t i = 0; i < crew->count; i++) {
        if (!name_slots(replay, i)) {
            return false;
        }
    }
    for (size_t i = 1; i < crew->count; i++) {
        if (crew->members[i].slots.count != crew->members[0].slots.count ||
            memcmp(crew->members[i].slots.slot, crew->members[0].slots.slot,
                   crew->members[0].slots.count * sizeof(uint32_t)) != 0) {
            return crew_fail(replay->crew,
                             "%s and %s have different characters of the same letters",
                             crew->members[0].user, crew->members[i].user);
        }
    }
    memcpy(replay->met, replay->made, sizeof replay->met);
    replay->meetings++;
    return true;
}

/* ---- Typing ---------------------------------------------------------------------------------- */

static bool has_all(const struct replay *replay, const struct trace_edit *edit)
{
    for (uint32_t agent = 0; agent < replay->trace->agents; agent++) {
        if (agent != edit->agent && edit->had[agent] > replay->met[agent]) {
            return false;
        }
    }
    return true;
}

/* Where the text behind `left` begins. When somebody else has deleted it by now, what stood before
 * it is nearest. */
static size_t place_behind(const struct replay *replay, const struct slots *slots, uint32_t left)
{
    const struct history *history = replay->history;
    if (left == HISTORY_START) {
        return 0;
    }
    for (uint32_t at = history->place[left] + 1; at-- > 0;) {
        size_t place = slots_find(slots, history->order[at]);
        if (place != SIZE_MAX) {
            return place + 1;
        }
    }
    return 0;
}

static bool change(struct replay *replay, struct crew_member *member, size_t from, size_t removed,
                   const struct trace_edit *edit)
{
    struct slots *slots = &member->slots;
    const char *text = edit != NULL ? replay->trace->text + edit->text : "";
    size_t size = edit != NULL ? edit->size : 0;
    size_t begin = slots_bytes(slots, from), end = slots_bytes(slots, from + removed);
    tandem_code status = tandem_note_replace(member->note, begin, end - begin, text, size);
    if (status != TANDEM_OK) {
        return crew_fail(replay->crew, "what was typed was refused: %s", tandem_error_text(status));
    }
    return slots_replace(slots, from, removed, text, size, edit != NULL ? edit->first : SLOT_OF) ||
           crew_fail(replay->crew, "out of memory");
}

/* Deletes what others have not deleted meanwhile, all that stands together at once. */
static bool delete_all(struct replay *replay, struct crew_member *member, size_t number)
{
    const struct history *history = replay->history;
    bool good = true;
    for (size_t i = history->gone[number]; good && i < history->gone[number + 1];) {
        size_t place = slots_find(&member->slots, history->deleted[i]), run = 0;
        while (place != SIZE_MAX && i + run < history->gone[number + 1] &&
               place + run < member->slots.count &&
               member->slots.slot[place + run] == history->deleted[i + run]) {
            run++;
        }
        good = run == 0 || change(replay, member, place, run, NULL);
        i += run > 0 ? run : 1;
    }
    return good;
}

bool agents_type(struct replay *replay, size_t number)
{
    const struct trace_edit *edit = &replay->trace->edits[number];
    struct crew_member *member = &replay->crew->members[edit->agent];
    if ((!has_all(replay, edit) && !agents_meet(replay)) || !delete_all(replay, member, number)) {
        return false;
    }
    for (uint32_t i = 0; i < edit->inserted; i++) {
        replay->typed[edit->first + i] = mark_of(replay, edit->agent);
    }
    replay->made[edit->agent]++;
    return edit->size == 0 ||
           change(replay, member,
                  place_behind(replay, &member->slots, replay->history->left[number]), 0, edit);
}

/* ---- The end --------------------------------------------------------------------------------- */

bool agents_complete(struct replay *replay)
{
    const struct history *history = replay->history;
    const struct crew_member *member = &replay->crew->members[0];
    const struct slots *slots = &member->slots;
    size_t size, at = 0;
    const char *text = tandem_note_text(member->note, &size);
    if (slots->count != history->living) {
        return crew_fail(replay->crew, "%zu characters are there, and not %u", slots->count,
                         history->living);
    }
    for (size_t i = 0; i < slots->count; i++) {
        uint32_t character = slots->slot[i];
        size_t width = slots->width[i];
        if (!history->alive[character] || at + width > size ||
            memcmp(text + at, replay->trace->text + history->offset[character], width) != 0) {
            return crew_fail(replay->crew, "a character is there that should not be, at byte %zu",
                             at);
        }
        at += width;
    }
    return at == size || crew_fail(replay->crew, "the text is longer than its characters");
}
