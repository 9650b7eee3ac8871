#include "tests/replay/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who inserted a character, and who deleted it, by the numbers of those agents' edits. */
struct fate {
    uint32_t agent, edit;
    uint32_t deleted[TRACE_AGENTS_MOST]; /* 1 + number of the edit; 0: not by that agent */
};

struct following {
    struct history *history;
    struct fate *fates;
    size_t deleted_room;
};

static bool refuse(char *why, const char *text)
{
    (void)snprintf(why, 256, "%s", text);
    return false;
}

/* ---- Concurrent ------------------------------------------------------------------------------ */

static bool was_seen(const struct following *following, const struct trace_edit *edit,
                     uint32_t character)
{
    const struct fate *fate = &following->fates[character];
    if (fate->edit >= edit->had[fate->agent]) {
        return false;
    }
    for (uint32_t agent = 0; agent < following->history->trace->agents; agent++) {
        if (fate->deleted[agent] != 0 && fate->deleted[agent] <= edit->had[agent]) {
            return false;
        }
    }
    return true;
}

static bool keep_deleted(struct following *following, uint32_t character, size_t *count)
{
    struct history *history = following->history;
    if (*count == following->deleted_room) {
        size_t room = following->deleted_room == 0 ? 1024 : 2 * following->deleted_room;
        uint32_t *larger = realloc(history->deleted, room * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        history->deleted = larger;
        following->deleted_room = room;
    }
    history->deleted[(*count)++] = character;
    return true;
}

/* Finds the characters that an edit is about; false when its author's text is too short. */
static bool locate(struct following *following, size_t number, size_t *after)
{
    struct history *history = following->history;
    const struct trace_edit *edit = &history->trace->edits[number];
    size_t count = history->gone[number];
    uint32_t seen = 0, at = 0;
    history->left[number] = HISTORY_START;
    *after = 0;
    for (; at < history->placed && seen < edit->at; at++) {
        if (was_seen(following, edit, history->order[at])) {
            history->left[number] = history->order[at];
            *after = at + 1;
            seen++;
        }
    }
    if (seen < edit->at) {
        return false;
    }
    for (uint32_t found = 0; found < edit->removed; at++) {
        if (at == history->placed) {
            return false;
        }
        uint32_t character = history->order[at];
        if (was_seen(following, edit, character)) {
            found++;
            following->fates[character].deleted[edit->agent] = 1 + edit->had[edit->agent];
            history->living -= history->alive[character];
            history->alive[character] = false;
            if (!keep_deleted(following, character, &count)) {
                return false;
            }
        }
    }
    history->gone[number + 1] = count;
    return true;
}

static void place(struct following *following, const struct trace_edit *edit, size_t after)
{
    struct history *history = following->history;
    uint32_t *at = history->order + after;
    memmove(at + edit->inserted, at, (history->placed - after) * sizeof *at);
    for (uint32_t i = 0; i < edit->inserted; i++) {
        at[i] = edit->first + i;
        following->fates[at[i]] =
            (struct fate){.agent = edit->agent, .edit = edit->had[edit->agent]};
        history->alive[at[i]] = true;
    }
    history->placed += edit->inserted;
    history->living += edit->inserted;
}

static size_t character_size(const struct history *history, uint32_t character)
{
    return trace_width((unsigned char)history->trace->text[history->offset[character]]);
}

static bool follow_concurrent(struct following *following, char *why)
{
    struct history *history = following->history;
    for (size_t i = 0; i < history->count; i++) {
        size_t after;
        if (!locate(following, i, &after)) {
            return refuse(why, "an edit is beyond the end of its author's text");
        }
        place(following, &history->trace->edits[i], after);
    }
    for (uint32_t i = 0; i < history->placed; i++) {
        uint32_t character = history->order[i];
        history->place[character] = i;
        if (history->alive[character]) {
            size_t size = character_size(history, character);
            memcpy(history->text + history->text_size,
                   history->trace->text + history->offset[character], size);
            history->text_size += size;
        }
    }
    return true;
}

/* ---- Sequential ------------------------------------------------------------------------------ */

static bool follow_sequential(struct history *history, char *why)
{
    const struct trace *trace = history->trace;
    if (trace->start_size > 0) {
        memcpy(history->text, trace->start, trace->start_size);
    }
    history->text_size = trace->start_size;
    for (size_t i = 0; i < history->count; i++) {
        const struct trace_edit *edit = &trace->edits[i];
        size_t before = trace_bytes(history->text, history->text_size, edit->at);
        if (before == SIZE_MAX) {
            return refuse(why, "an edit is beyond the end of the text");
        }
        char *at = history->text + before;
        size_t rest = history->text_size - before;
        size_t removed = trace_bytes(at, rest, edit->removed);
        if (removed == SIZE_MAX) {
            return refuse(why, "an edit deletes beyond the end of the text");
        }
        memmove(at + edit->size, at + removed, rest - removed);
        if (edit->size > 0) {
            memcpy(at, trace->text + edit->text, edit->size);
        }
        history->text_size += edit->size - removed;
    }
    return true;
}

/* ---- Both ------------------------------------------------------------------------------------ */

static bool make_room(struct following *following)
{
    struct history *history = following->history;
    const struct trace *trace = history->trace;
    size_t characters = trace->characters + 1u;
    history->text = malloc(trace->start_size + trace->text_size + 1);
    if (!trace->concurrent) {
        return history->text != NULL;
    }
    history->left = calloc(history->count, sizeof *history->left);
    history->gone = calloc(history->count + 1, sizeof *history->gone);
    history->order = calloc(characters, sizeof *history->order);
    history->place = calloc(characters, sizeof *history->place);
    history->alive = calloc(characters, sizeof *history->alive);
    history->offset = calloc(characters, sizeof *history->offset);
    following->fates = calloc(characters, sizeof *following->fates);
    if (history->text == NULL || history->left == NULL || history->gone == NULL ||
        history->order == NULL || history->place == NULL || history->alive == NULL ||
        history->offset == NULL || following->fates == NULL) {
        return false;
    }
    uint32_t character = 0;
    for (size_t at = 0; at < trace->text_size; at += trace_width((unsigned char)trace->text[at])) {
        history->offset[character++] = at;
    }
    return true;
}

bool history_follow(const struct trace *trace, size_t count, struct history *out, char why[256])
{
    struct following following = {.history = out};
    *out = (struct history){.trace = trace, .count = count < trace->count ? count : trace->count};
    bool good = make_room(&following);
    if (!good) {
        refuse(why, "it does not fit into memory");
    } else {
        good = trace->concurrent ? follow_concurrent(&following, why) : follow_sequential(out, why);
    }
    free(following.fates);
    if (good && out->count == trace->count &&
        (out->text_size != trace->end_size ||
         memcmp(out->text, trace->end, trace->end_size) != 0)) {
        good = refuse(why, "its edits do not make its endContent");
    }
    return good;
}

void history_release(struct history *history)
{
    free(history->left);
    free(history->gone);
    free(history->deleted);
    free(history->order);
    free(history->place);
    free(history->alive);
    free(history->offset);
    free(history->text);
    *history = (struct history){.count = 0};
}
