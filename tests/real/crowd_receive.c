/* What clients are told and hold, written down as the model writes it (crowd.h). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/real/crowd.h"

#define ID_LENGTH (TANDEM_ID_TEXT - 1)

/* ---- Titles of ids --------------------------------------------------------------------------- */

static size_t place_of(const struct crowd *crowd, const char *id)
{
    size_t low = 0, high = crowd->known_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(crowd->known[middle].id, id, ID_LENGTH) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct known *look_up(const struct crowd *crowd, const char *id)
{
    size_t at = place_of(crowd, id);
    bool found = at < crowd->known_count && strncmp(crowd->known[at].id, id, ID_LENGTH) == 0;
    return found ? &crowd->known[at] : NULL;
}

static void learn(struct crowd *crowd, const tandem_record *record)
{
    const char *id = tandem_record_id(record);
    size_t at = place_of(crowd, id);
    if (at < crowd->known_count && strcmp(crowd->known[at].id, id) == 0) {
        free(crowd->known[at].title);
        crowd->known[at].title = text_copied(tandem_record_title(record));
        return;
    }
    if (crowd->known_count == crowd->known_capacity) {
        crowd->known_capacity = crowd->known_capacity == 0 ? 1024 : crowd->known_capacity * 2;
        crowd->known = reallocarray(crowd->known, crowd->known_capacity, sizeof crowd->known[0]);
        if (crowd->known == NULL) {
            abort();
        }
    }
    memmove(crowd->known + at + 1, crowd->known + at,
            (crowd->known_count - at) * sizeof crowd->known[0]);
    struct known *known = &crowd->known[at];
    *known = (struct known){.title = text_copied(tandem_record_title(record))};
    (void)snprintf(known->id, sizeof known->id, "%s", id);
    (void)snprintf(known->entity, sizeof known->entity, "%s", tandem_record_entity(record));
    crowd->known_count++;
}

const char *crowd_id(const struct crowd *crowd, const char *entity, const char *title)
{
    for (size_t i = crowd->known_count; i-- > 0;) {
        const struct known *known = &crowd->known[i];
        if (strcmp(known->entity, entity) == 0 && strcmp(known->title, title) == 0) {
            return known->id;
        }
    }
    (void)fprintf(stderr, "nobody has seen a %s %s\n", entity, title);
    abort();
}

static bool is_id(const char *text)
{
    for (size_t i = 0; i < ID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

/* The text with titles in the place of ids. The caller frees. */
static char *named(const struct crowd *crowd, const char *text)
{
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    if (stream == NULL) {
        abort();
    }
    while (*text != '\0') {
        const struct known *known = is_id(text) ? look_up(crowd, text) : NULL;
        if (known == NULL) {
            (void)fputc(*text++, stream);
        } else {
            (void)fputs(known->title, stream);
            text += ID_LENGTH;
        }
    }
    if (fclose(stream) != 0) {
        abort();
    }
    return out;
}

/* ---- What was told, and its line ---------------------------------------------------------------
 */

static void told_release(struct told *told)
{
    free(told->entity);
    free(told->scope);
    text_list_release(&told->tags);
    text_list_release(&told->fields);
}

void crowd_forget(struct member *member)
{
    for (size_t i = 0; i < member->heard_count; i++) {
        told_release(&member->heard[i]);
    }
    member->heard_count = 0;
}

static struct told told_of(const char *verb, const tandem_record *record)
{
    struct told told = {.verb = verb,
                        .entity = text_copied(tandem_record_entity(record)),
                        .scope = text_copied(tandem_record_scope(record))};
    for (size_t i = 0; i < tandem_record_audience_count(record); i++) {
        text_list_add(&told.tags, tandem_record_audience(record, i));
    }
    for (size_t i = 0; i < tandem_record_field_count(record); i++) {
        const char *name = tandem_record_field_name(record, i);
        const char *text = tandem_record_text(record, name);
        text_list_addf(&told.fields, "%s=%s", name, text == NULL ? "(none)" : text);
    }
    return told;
}

static void name_all(const struct crowd *crowd, const struct text_list *from, struct text_list *out)
{
    for (size_t i = 0; i < from->count; i++) {
        char *text = named(crowd, from->items[i]);
        text_list_add(out, text);
        free(text);
    }
}

static void write_line(const struct crowd *crowd, const struct told *told, struct text_list *out)
{
    struct text_list tags = {.count = 0}, fields = {.count = 0};
    const char *verb = told->verb == NULL ? "" : told->verb;
    char *scope = named(crowd, told->scope);
    if (told->entity == NULL) {
        text_list_addf(out, "%s%s", verb, scope);
    } else {
        name_all(crowd, &told->tags, &tags);
        name_all(crowd, &told->fields, &fields);
        char *line = line_make(told->entity, scope, &tags, &fields);
        text_list_addf(out, "%s%s", verb, line);
        free(line);
    }
    text_list_release(&tags);
    text_list_release(&fields);
    free(scope);
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static void hear(struct member *member, struct told told)
{
    if (member->heard_count == member->heard_capacity) {
        member->heard_capacity = member->heard_capacity == 0 ? 64 : member->heard_capacity * 2;
        member->heard =
            reallocarray(member->heard, member->heard_capacity, sizeof member->heard[0]);
        if (member->heard == NULL) {
            abort();
        }
    }
    member->heard[member->heard_count++] = told;
}

static void hear_text(struct member *member, const char *verb, const char *text)
{
    hear(member, (struct told){.verb = verb, .scope = text_copied(text)});
}

static void hear_record(struct member *member, const tandem_record *record)
{
    const char *count = tandem_record_text(record, "unit");
    if (strcmp(tandem_record_entity(record), "product") == 0 && count != NULL &&
        strcmp(tandem_record_title(record), BEACON) == 0) {
        member->beacon = strtoul(count, NULL, 10);
    }
    if (member->viewer.supplier == NULL) {
        learn(member->crowd, record);
    }
    hear(member, told_of("changed ", record));
}

void crowd_on_event(void *context, const tandem_event *event)
{
    struct member *member = context;
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        hear_record(member, event->record);
        break;
    case TANDEM_EVENT_REMOVED:
        hear(member, told_of("removed ", event->record));
        break;
    case TANDEM_EVENT_PURGED:
        hear_text(member, "purged ", event->scope);
        break;
    case TANDEM_EVENT_ENTERED:
        hear_text(member, "entered ", event->scope);
        member->filling = true;
        break;
    case TANDEM_EVENT_CAUGHT_UP:
        member->caught_up = true;
        member->filling = false;
        break;
    case TANDEM_EVENT_RESET:
        hear_text(member, "reset ", event->detail);
        member->caught_up = member->filling = false;
        break;
    case TANDEM_EVENT_DISCONNECTED:
        member->caught_up = false;
        break;
    case TANDEM_EVENT_CONNECTED:
        if (member->new_secret[0] != '\0') {
            (void)snprintf(member->secret, sizeof member->secret, "%s", member->new_secret);
            member->new_secret[0] = '\0';
        }
        break;
    default: /* of the outbox and the progress, which nobody here looks at */
        break;
    }
}

void crowd_heard(const struct member *member, struct text_list *out)
{
    for (size_t i = 0; i < member->heard_count; i++) {
        write_line(member->crowd, &member->heard[i], out);
    }
}

struct listing {
    const struct member *member;
    struct text_list *out;
};

static bool list_one(void *context, const tandem_record *record)
{
    struct listing *listing = context;
    struct told told = told_of(NULL, record);
    write_line(listing->member->crowd, &told, listing->out);
    told_release(&told);
    return true;
}

void crowd_holds(const struct member *member, struct text_list *out)
{
    struct listing listing = {member, out};
    tandem_code code = tandem_each(member->client, NULL, list_one, &listing);
    if (code != TANDEM_OK) {
        text_list_addf(out, "the replica cannot be read: %s", tandem_error_text(code));
    }
}
