/* What a line of tandem watch says about a change (cli_watch.h). Changes that come together are
 * told as one: the server sends the record as it is by now. What lies between that and what was
 * shown here before is in the record's history, which is added up: each field once, from what was
 * shown to what there is, with whoever wrote that. */
#include <string.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "cli/cli_watch.h"

struct sum {
    struct watch_line *line;
    json_t *fields; /* name -> {"from":, "to":, "by":, "people": []}, those changed first first */
    json_t *people; /* whom the line is to name */
    const char *creator; /* NULL: it was there before */
    const char *shared;  /* what was done last to its audience; NULL: nothing */
    const char *sharer;
    bool restored; /* every field is again what it was */
};

/* ---- Gathering ------------------------------------------------------------------------------- */

bool watch_gather(struct watch_line *line, const tandem_history_entry *entry)
{
    line->walked++;
    if (entry->seq > line->seq) {
        return true;
    }
    if (entry->seq <= line->since) {
        line->reached = true;
        return false;
    }
    json_t *whole = json_loads(entry->json, JSON_ALLOW_NUL, NULL);
    json_t *changes = json_array();
    for (size_t i = 0; i < entry->change_count; i++) {
        (void)json_array_append_new(changes, json_pack("{s:s, s:s, s:s}", "field", entry->fields[i],
                                                       "from", entry->from[i], "to", entry->to[i]));
    }
    if (line->entries == NULL) {
        line->entries = json_array();
    }
    (void)json_array_append_new(line->entries,
                                json_pack("{s:s, s:s, s:s, s:I, s:o}", "by", entry->by, "op",
                                          entry->op, "verb", names_verb(entry->op, whole), "at",
                                          (json_int_t)entry->at_ms, "changes", changes));
    json_decref(whole);
    return true;
}

/* ---- Adding up ------------------------------------------------------------------------------- */

static void add_person(json_t *people, const char *name)
{
    size_t index = 0;
    json_t *person = NULL;
    json_array_foreach(people, index, person)
    {
        if (strcmp(json_string_value(person), name) == 0) {
            return;
        }
    }
    (void)json_array_append_new(people, json_string(name));
}

static void take_change(struct sum *sum, const json_t *change, const char *by)
{
    const char *name = cli_member(change, "field");
    json_t *field = json_object_get(sum->fields, name);
    if (field == NULL) {
        field = json_pack("{s:s, s:[]}", "from", cli_member(change, "from"), "people");
        (void)json_object_set_new(sum->fields, name, field);
    }
    (void)json_object_set_new(field, "to", json_string(cli_member(change, "to")));
    (void)json_object_set_new(field, "by", json_string(by));
    add_person(json_object_get(field, "people"), by);
}

static void take_entry(struct sum *sum, const json_t *entry)
{
    const char *by = cli_member(entry, "by");
    const char *op = cli_member(entry, "op");
    size_t index = 0;
    json_t *change = NULL;
    json_array_foreach(json_object_get(entry, "changes"), index, change)
    {
        take_change(sum, change, by);
    }
    if (strcmp(op, "create") == 0) {
        sum->creator = by;
    } else if (strcmp(op, "share") == 0) {
        sum->shared = cli_member(entry, "verb");
        sum->sharer = by;
    }
}

static bool is_restored(const json_t *field)
{
    return strcmp(cli_member(field, "from"), cli_member(field, "to")) == 0;
}

/* What is as it was is no difference, and only told when there is no other. */
static void drop_restored(struct sum *sum)
{
    void *next = NULL;
    const char *name = NULL;
    json_t *field = NULL;
    size_t restored = 0;
    json_object_foreach(sum->fields, name, field)
    {
        restored += is_restored(field);
    }
    sum->restored = restored == json_object_size(sum->fields);
    if (sum->restored && sum->creator == NULL && sum->shared == NULL) {
        return;
    }
    json_object_foreach_safe(sum->fields, next, name, field)
    {
        if (is_restored(field)) {
            (void)json_object_del(sum->fields, name);
        }
    }
}

static void find_people(struct sum *sum)
{
    size_t count = json_array_size(sum->line->entries);
    const char *name = NULL;
    json_t *field = NULL;
    if (sum->creator != NULL) {
        add_person(sum->people, sum->creator);
    }
    json_object_foreach(sum->fields, name, field)
    {
        size_t index = 0;
        json_t *person = NULL;
        json_array_foreach(json_object_get(field, "people"), index, person)
        {
            add_person(sum->people, json_string_value(person));
        }
    }
    if (sum->shared != NULL) {
        add_person(sum->people, sum->sharer);
    }
    for (size_t i = count; i-- > 0 && json_array_size(sum->people) == 0;) {
        add_person(sum->people, cli_member(json_array_get(sum->line->entries, i), "by"));
    }
}

/* ---- Saying ---------------------------------------------------------------------------------- */

/* Of what is new, what says nothing to a person: an id that has no name, or what the line has said
 * already. */
static bool is_noise(const char *value, const char *about)
{
    return lookup_is_id(value) || (value[0] != '\0' && strstr(about, value) != NULL);
}

/* Who did it, where the line names several. */
static void add_author(struct sum *sum, const char *by)
{
    if (json_array_size(sum->people) > 1) {
        text_addf(&sum->line->details, " (%s)", by);
    }
}

static void add_between(struct sum *sum)
{
    text_add(&sum->line->details, sum->line->details.size == 0 ? ": " : ", ");
}

static void add_field(struct sum *sum, const char *name, const json_t *field)
{
    struct watch_line *line = sum->line;
    struct buffer before = {0};
    struct buffer after = {0};
    watch_name_value(line->watch, line->entity, name, cli_member(field, "from"), &before);
    watch_name_value(line->watch, line->entity, name, cli_member(field, "to"), &after);
    const char *from = text_of(&before) == NULL ? "" : text_of(&before);
    const char *to = text_of(&after) == NULL ? "" : text_of(&after);
    const char *about = text_of(&line->about) == NULL ? "" : text_of(&line->about);
    if (sum->creator == NULL || from[0] != '\0' || !is_noise(to, about)) {
        add_between(sum);
        text_addf(&line->details, "%s ", name);
        if (sum->restored) {
            text_add(&line->details, "back to ");
        } else if (from[0] != '\0') {
            watch_add_value(&line->details, from);
            text_add(&line->details, " -> ");
        }
        watch_add_value(&line->details, to);
        add_author(sum, cli_member(field, "by"));
    }
    buffer_release(&before);
    buffer_release(&after);
}

static void add_people(struct sum *sum)
{
    size_t count = sum->creator != NULL ? 1 : json_array_size(sum->people);
    buffer_clear(&sum->line->by);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(sum->people, i));
        text_add(&sum->line->by, i == 0 ? "" : i + 1 == count ? " and " : ", ");
        text_add(&sum->line->by, name);
    }
}

static void say(struct sum *sum)
{
    struct watch_line *line = sum->line;
    const char *name = NULL;
    json_t *field = NULL;
    bool only_shared =
        sum->creator == NULL && sum->shared != NULL && json_object_size(sum->fields) == 0;
    line->verb = sum->creator != NULL ? "added" : only_shared ? sum->shared : "changed";
    add_people(sum);
    json_object_foreach(sum->fields, name, field)
    {
        add_field(sum, name, field);
    }
    if (sum->shared != NULL && !only_shared) {
        add_between(sum);
        text_add(&line->details, sum->shared);
        add_author(sum, sum->sharer);
    }
}

void watch_add_up(struct watch_line *line)
{
    struct sum sum = {.line = line, .fields = json_object(), .people = json_array()};
    size_t count = json_array_size(line->entries);
    for (size_t i = count; i-- > 0;) {
        take_entry(&sum, json_array_get(line->entries, i));
    }
    drop_restored(&sum);
    find_people(&sum);
    if (json_array_size(sum.people) > 0) {
        const json_t *newest = json_array_get(line->entries, 0);
        line->at_ms =
            line->earlier ? json_integer_value(json_object_get(newest, "at")) : line->at_ms;
        say(&sum);
    }
    json_decref(sum.fields);
    json_decref(sum.people);
}
