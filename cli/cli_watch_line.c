/* The lines of tandem watch for people, and the queue in which they wait (cli_watch.h). */
#include <string.h>
#include <time.h>

#include "cli/cli_text.h"
#include "cli/cli_watch.h"
#include "protocol/memory.h"

#define IN_FLIGHT 16u
/* Entries of a history asked for at first, and when those do not reach back far enough. */
#define HISTORY_FIRST 8u
#define HISTORY_MOST 200u

static bool is_today(int64_t ms)
{
    char then[32];
    char now[32];
    return strncmp(text_local_time(ms, then), text_local_time((int64_t)time(NULL) * 1000, now),
                   10) == 0;
}

static void add_when(struct buffer *out, int64_t ms)
{
    char when[32];
    char clock[16];
    text_addf(out, "%s ", is_today(ms) ? text_local_clock(ms, clock) : text_local_time(ms, when));
}

/* What has happened is told as it comes, and not always in its order: what was missed, and what an
 * account holds that is opened, is older than what was told before. Such a line says so, with its
 * own time where that is known; any other begins with the time at which it is told. */
static void add_begin(struct buffer *out, const struct watch_line *line)
{
    if (!line->earlier) {
        add_when(out, line->at_ms);
    } else if (line->at_ms != 0) {
        text_add(out, "earlier, ");
        add_when(out, line->at_ms);
    } else {
        text_add(out, "earlier: ");
    }
}

static void put_now(struct watch *watch, const char *text)
{
    (void)text_put(watch->cli->out, text, 0);
    (void)fputc('\n', watch->cli->out);
    watch->stop = watch->stop || fflush(watch->cli->out) != 0;
}

static void free_line(struct watch_line *line)
{
    buffer_release(&line->about);
    buffer_release(&line->details);
    buffer_release(&line->by);
    json_decref(line->entries);
    memory_free(line);
}

/* A line whose answer is still under way must outlive it. */
static void retire(struct watch_line *line)
{
    if (!line->asked || line->complete) {
        free_line(line);
        return;
    }
    line->watch = NULL;
}

static void print_first(struct watch *watch)
{
    struct watch_line *line = watch->lines[0];
    struct buffer text = {0};
    if (line->scope[0] != '\0' && line->about.size == 0) {
        text_addf(&line->about, "%s is now yours to see", line->scope);
    }
    add_begin(&text, line);
    bool known = line->verb != NULL && line->by.size > 0;
    if (known) {
        buffer_append(&text, line->by.data, line->by.size);
        text_addf(&text, " %s ", line->verb);
    }
    buffer_append(&text, line->about.data, line->about.size);
    if (line->verb != NULL && !known) { /* not what, and so not by whom */
        text_addf(&text, " was %s, last by %s", line->verb, line->last_by);
    }
    buffer_append(&text, line->details.data, line->details.size);
    const char *whole = text_of(&text);
    put_now(watch, whole == NULL ? "" : whole);
    buffer_release(&text);
    watch->line_count--;
    memmove(&watch->lines[0], &watch->lines[1], watch->line_count * sizeof watch->lines[0]);
    retire(line);
}

static struct watch_line *enqueue(struct watch *watch)
{
    struct watch_line *line = memory_new(sizeof *line);
    if (line == NULL) {
        watch->stop = true;
        return NULL;
    }
    if (watch->line_count == WATCH_QUEUE) {
        print_first(watch);
    }
    line->watch = watch;
    watch->lines[watch->line_count++] = line;
    return line;
}

static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct watch_line *line = context;
    if (!line->removed) {
        return watch_gather(line, entry);
    }
    if (strcmp(entry->op, "remove") == 0) {
        text_addf(&line->details, " by %s", entry->by);
        line->at_ms = line->earlier ? entry->at_ms : line->at_ms;
    }
    return false;
}

/* Once all that was asked for is there. Most changes are the newest of their record, but one that
 * has many since it was shown is asked for again. */
static void take_end(struct watch_line *line)
{
    if (!line->reached && !line->removed && line->limit < HISTORY_MOST &&
        line->walked >= line->limit) {
        json_decref(line->entries);
        line->entries = NULL;
        line->walked = 0;
        line->limit = HISTORY_MOST;
        line->asked = false;
        return;
    }
    line->complete = true;
    if (!line->removed) {
        watch_add_up(line);
    }
}

static void on_history(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct watch_line *line = context;
    (void)fault;
    bool last = answer == NULL || tandem_answer_last(answer);
    if (line->watch == NULL) {
        if (last) {
            free_line(line);
        }
        return;
    }
    if (answer != NULL && !line->complete) {
        (void)tandem_answer_history(answer, take_entry, line);
    }
    if (last && !line->complete) {
        take_end(line);
    }
}

static int64_t now_ms(void)
{
    return (int64_t)time(NULL) * 1000;
}

void watch_say(struct watch *watch, const char *text, bool earlier)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    line->earlier = earlier;
    line->at_ms = earlier ? 0 : now_ms();
    text_add(&line->about, text);
    line->complete = true;
}

void watch_say_record(struct watch *watch, const tandem_record *record, const char *happened,
                      bool earlier)
{
    struct buffer text = {0};
    watch_name_record(watch, record, &text);
    text_add(&text, happened);
    watch_say(watch, text_of(&text) == NULL ? happened : text_of(&text), earlier);
    buffer_release(&text);
}

void watch_say_removed(struct watch *watch, const tandem_event *event, const char *about,
                       bool earlier)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    (void)snprintf(line->id, sizeof line->id, "%s", event->id);
    line->removed = true;
    line->limit = 1;
    line->earlier = earlier;
    line->at_ms = earlier ? 0 : now_ms();
    text_addf(&line->about, "%s was removed", about);
}

void watch_say_entered(struct watch *watch, const char *scope, bool earlier)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    line->earlier = earlier;
    line->at_ms = earlier ? 0 : now_ms();
    line->asked = false;
    line->named_by = watch->caught_up;
    (void)snprintf(line->scope, sizeof line->scope, "%s", scope);
}

void watch_say_changed(struct watch *watch, const tandem_record *record, bool earlier)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    bool added = tandem_record_created_at(record) == tandem_record_modified_at(record);
    (void)snprintf(line->id, sizeof line->id, "%s", tandem_record_id(record));
    (void)snprintf(line->entity, sizeof line->entity, "%s", tandem_record_entity(record));
    line->seq = tandem_record_seq(record);
    line->since = watch_told_until(watch, record);
    line->limit = HISTORY_FIRST;
    line->earlier = earlier;
    line->at_ms = earlier ? tandem_record_modified_at(record) : now_ms();
    line->verb = added ? "added" : "changed";
    (void)bytes_to_text(bytes_text(tandem_record_modified_by(record)), line->last_by,
                        sizeof line->last_by);
    if (added) {
        text_add(&line->by, line->last_by);
    }
    watch_name_record(watch, record, &line->about);
}

bool watch_print_held(void *context, const tandem_record *record)
{
    struct watch *watch = context;
    if (watch->cli->json) {
        watch_print_json_held(watch, record);
    } else {
        struct watch_line line = {.earlier = true, .at_ms = tandem_record_modified_at(record)};
        struct buffer text = {0};
        add_begin(&text, &line);
        watch_name_record(watch, record, &text);
        const char *whole = text_of(&text);
        put_now(watch, whole == NULL ? "" : whole);
        buffer_release(&text);
    }
    return !watch->stop;
}

static bool count_record(void *context, const tandem_record *record)
{
    size_t *held = context;
    (void)record;
    ++*held;
    return true;
}

/* Once everything is there: how much that is. Behind the lines that still wait for details. */
static void greet(struct watch *watch)
{
    char text[96];
    size_t held = 0;
    watch->greet = false;
    watch->greeted = true;
    if (watch->cli->json ||
        tandem_each(watch->cli->client, NULL, count_record, &held) != TANDEM_OK) {
        return;
    }
    (void)snprintf(text, sizeof text, "watching; %zu record%s here so far", held,
                   held == 1 ? " is" : "s are");
    watch_say(watch, text, false);
}

/* What was opened is called by the name of a record that comes after: its line waits for that, as
 * long as more is coming. */
static void try_to_name(struct watch *watch, struct watch_line *line)
{
    struct buffer text = {0};
    bool named = watch_name_scope(watch, line->scope, &text);
    if (named || watch->caught_up != line->named_by || watch->enough) {
        buffer_clear(&line->about);
        text_addf(&line->about, "%s is now yours to see",
                  text_of(&text) == NULL ? line->scope : text_of(&text));
        line->complete = true;
    }
    buffer_release(&text);
}

void watch_advance(struct watch *watch)
{
    if (watch->greet) {
        greet(watch);
    }
    size_t under_way = 0;
    for (size_t i = 0; i < watch->line_count; i++) {
        struct watch_line *line = watch->lines[i];
        if (line->scope[0] != '\0' && !line->complete) {
            try_to_name(watch, line);
        } else if (!line->asked && !line->complete && under_way < IN_FLIGHT) {
            line->asked = true;
            line->complete =
                tandem_ask_history(watch->cli->client, line->id, line->limit, on_history, line) !=
                TANDEM_OK;
        }
        under_way += line->asked && !line->complete;
    }
    while (watch->line_count > 0 && watch->lines[0]->complete) {
        print_first(watch);
    }
}

void watch_flush(struct watch *watch)
{
    while (watch->line_count > 0) {
        print_first(watch);
    }
}

void watch_release(struct watch *watch)
{
    for (size_t i = 0; i < watch->line_count; i++) {
        free_line(watch->lines[i]);
    }
    watch->line_count = 0;
    buffer_release(&watch->told);
}
