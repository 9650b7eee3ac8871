/* Lines of tandem watch (cli_watch.h). */
#include <string.h>
#include <time.h>

#include "cli/cli_lookup.h"
#include "cli/cli_text.h"
#include "cli/cli_watch.h"
#include "protocol/memory.h"

/* Longer values are cut in what a line says about a change. */
#define VALUE_COLUMNS 60u
#define IN_FLIGHT 16u

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *kind_name(tandem_event_kind kind)
{
    switch (kind) {
    case TANDEM_EVENT_CHANGED:
        return "changed";
    case TANDEM_EVENT_REMOVED:
        return "removed";
    case TANDEM_EVENT_PURGED:
        return "purged";
    case TANDEM_EVENT_ENTERED:
        return "entered";
    case TANDEM_EVENT_CAUGHT_UP:
        return "caught-up";
    case TANDEM_EVENT_RESET:
        return "reset";
    case TANDEM_EVENT_CONFLICT:
        return "conflict";
    case TANDEM_EVENT_REFUSED:
        return "refused";
    case TANDEM_EVENT_REPAIRED:
        return "repaired";
    case TANDEM_EVENT_RELOAD:
        return "reload";
    default:
        return NULL;
    }
}

static void print_json(FILE *out, const char *kind, uint64_t seq, const tandem_event *event,
                       const tandem_record *record)
{
    char *json = record == NULL ? NULL : tandem_record_json(record);
    (void)fprintf(out, "{\"kind\":\"%s\",\"seq\":%llu", kind, (unsigned long long)seq);
    if (event != NULL && event->kind == TANDEM_EVENT_REMOVED) {
        (void)fprintf(out, ",\"id\":\"%s\"", event->id);
    }
    if (event != NULL && event->scope != NULL && event->scope[0] != '\0') {
        (void)fprintf(out, ",\"scope\":\"%s\"", event->scope);
    }
    if (event != NULL && event->entry != 0) {
        (void)fprintf(out, ",\"entry\":%llu", (unsigned long long)event->entry);
    }
    if (json != NULL) {
        (void)fprintf(out, ",\"record\":%s", json);
    }
    (void)fputs("}\n", out);
    tandem_free(json);
}

/* ---- Lines for people ------------------------------------------------------------------------ */

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
    add_when(&text, line->at_ms);
    if (line->verb != NULL) {
        text_addf(&text, "%s %s ", line->by, line->verb);
    }
    buffer_append(&text, line->about.data, line->about.size);
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

static void add_value(struct buffer *out, const char *value)
{
    char cut[VALUE_COLUMNS * 4 + 4];
    if (value[0] == '\0') {
        text_add(out, "nothing");
        return;
    }
    FILE *memory = fmemopen(cut, sizeof cut, "w");
    if (memory == NULL) {
        return;
    }
    (void)text_put(memory, value, VALUE_COLUMNS);
    (void)fclose(memory);
    cut[sizeof cut - 1] = '\0';
    text_addf(out, "\"%s\"", cut);
}

/* What says nothing to a person: an id, or what the line has said already. */
static bool is_noise(const char *value, const char *about)
{
    return lookup_is_id(value) || (value[0] != '\0' && strstr(about, value) != NULL);
}

static void add_changes(struct watch_line *line, const tandem_history_entry *entry)
{
    struct buffer *out = &line->details;
    const char *about = text_of(&line->about);
    for (size_t i = 0; about != NULL && i < entry->change_count; i++) {
        if (is_noise(entry->to[i], about) && entry->from[i][0] == '\0') {
            continue;
        }
        text_addf(out, "%s%s ", out->size == 0 ? ": " : ", ", entry->fields[i]);
        if (entry->from[i][0] != '\0') {
            add_value(out, entry->from[i]);
            text_add(out, " -> ");
        }
        add_value(out, entry->to[i]);
    }
}

static const char *verb(const char *op)
{
    return strcmp(op, "create") == 0   ? "added"
           : strcmp(op, "share") == 0 ? "shared"
                                      : "changed";
}

static bool take_entry(void *context, const tandem_history_entry *entry)
{
    struct watch_line *line = context;
    if (entry->seq != line->seq) {
        return entry->seq > line->seq;
    }
    line->verb = verb(entry->op);
    line->at_ms = entry->at_ms;
    (void)bytes_to_text(bytes_text(entry->by), line->by, sizeof line->by);
    add_changes(line, entry);
    return false;
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
    line->complete = line->complete || last;
}

static void name_record(struct buffer *out, const tandem_record *record)
{
    text_addf(out, "%s ", tandem_record_entity(record));
    add_value(out, tandem_record_title(record));
}

/* A line of its own: `what` (of a record when there is one) and what happened to it. */
static void say(struct watch *watch, const tandem_record *record, const char *what,
                const char *happened)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    line->at_ms = (int64_t)time(NULL) * 1000;
    if (record != NULL) {
        name_record(&line->about, record);
    } else {
        text_add(&line->about, what);
    }
    text_add(&line->about, happened);
    line->complete = true;
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
    say(watch, NULL, text, "");
}

void watch_advance(struct watch *watch)
{
    if (watch->greet) {
        greet(watch);
    }
    size_t under_way = 0;
    for (size_t i = 0; i < watch->line_count; i++) {
        struct watch_line *line = watch->lines[i];
        if (!line->asked && !line->complete && under_way < IN_FLIGHT) {
            line->asked = true;
            line->complete = tandem_ask_history(watch->cli->client, line->id, 3, on_history,
                                                line) != TANDEM_OK;
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

/* ---- Events ---------------------------------------------------------------------------------- */

static void say_changed(struct watch *watch, const tandem_record *record)
{
    struct watch_line *line = enqueue(watch);
    if (line == NULL) {
        return;
    }
    bool added = tandem_record_created_at(record) == tandem_record_modified_at(record);
    (void)snprintf(line->id, sizeof line->id, "%s", tandem_record_id(record));
    line->seq = tandem_record_seq(record);
    line->at_ms = tandem_record_modified_at(record);
    line->verb = added ? "added" : "changed";
    (void)bytes_to_text(bytes_text(tandem_record_modified_by(record)), line->by, sizeof line->by);
    name_record(&line->about, record);
}

static void say_entry(struct watch *watch, const tandem_event *event, const char *what)
{
    char text[96];
    (void)snprintf(text, sizeof text, "your change in entry %llu %s",
                   (unsigned long long)event->entry, what);
    say(watch, NULL, text, "");
}

void watch_print_pending(struct watch *watch, const tandem_event *event)
{
    char text[64];
    if (watch->cli->json) {
        print_json(watch->cli->out, "pending", event->seq, event, event->record);
        watch->stop = fflush(watch->cli->out) != 0;
        return;
    }
    (void)snprintf(text, sizeof text, " was %s by you (pending, entry %llu)",
                   event->kind == TANDEM_EVENT_REMOVED ? "removed" : "changed",
                   (unsigned long long)event->entry);
    say(watch, event->record, event->id == NULL ? "" : event->id, text);
}

/* `looked`: what was to be found by looking again is told already. */
static void print_event(struct watch *watch, const tandem_event *event, bool looked)
{
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        if (watch->live || watch->all) {
            say_changed(watch, event->record);
        }
        break;
    case TANDEM_EVENT_REMOVED:
        say(watch, event->record, event->id, " was removed");
        break;
    case TANDEM_EVENT_PURGED:
        say(watch, NULL, event->scope, " is no longer yours to see");
        break;
    case TANDEM_EVENT_ENTERED:
        if (watch->live) {
            say(watch, NULL, event->scope, " is now yours to see");
        }
        break;
    case TANDEM_EVENT_RESET:
        say(watch, NULL, "everything is fetched anew: ", event->detail);
        break;
    case TANDEM_EVENT_CONFLICT:
        say_entry(watch, event, "is in conflict: tandem conflicts");
        break;
    case TANDEM_EVENT_REFUSED:
        say_entry(watch, event, "was refused: tandem outbox");
        break;
    case TANDEM_EVENT_REPAIRED:
        say(watch, NULL, event->scope, " differed from the server's and is fetched anew");
        break;
    case TANDEM_EVENT_RELOAD:
        if (!looked) {
            say(watch, NULL, "more has changed than can be told here: see tandem list", "");
        }
        break;
    default:
        break;
    }
}

/* Whether an event concerns what was asked for: with ids, an account stands for its scope. */
static bool is_meant(const struct watch *watch, const tandem_event *event)
{
    if (watch->id_count == 0 || (event->kind != TANDEM_EVENT_CHANGED &&
                                 event->kind != TANDEM_EVENT_REMOVED)) {
        return true;
    }
    const char *id = event->record == NULL ? event->id : tandem_record_id(event->record);
    const char *scope = event->record == NULL ? "" : tandem_record_scope(event->record);
    for (size_t i = 0; i < watch->id_count; i++) {
        if (watch->ids[i] == NULL ? strcmp(scope, watch->scopes[i]) == 0
                                  : strcmp(id, watch->ids[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_pending(const tandem_event *event)
{
    return event->entry != 0 && (event->kind == TANDEM_EVENT_CHANGED ||
                                 event->kind == TANDEM_EVENT_REMOVED);
}

static void follow_line(struct watch *watch, const tandem_event *event)
{
    if (event->kind == TANDEM_EVENT_DISCONNECTED && tandem_paused(watch->cli->client)) {
        watch->broken = true;
        (void)fputs("tandem: offline, until tandem online\n", watch->cli->err);
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && watch->cli->ever_connected &&
               !event->final && !watch->broken) {
        watch->broken = true;
        (void)fputs("tandem: the line broke (", watch->cli->err);
        (void)text_put(watch->cli->err,
                       event->detail[0] == '\0' ? tandem_error_text(event->code) : event->detail,
                       0);
        (void)fputs("); trying again\n", watch->cli->err);
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && !watch->cli->ever_connected) {
        watch->cli->lost = true;
    } else if (event->kind == TANDEM_EVENT_CONNECTED && watch->broken) {
        watch->broken = false;
        (void)fprintf(watch->cli->err, "tandem: connected again\n");
    }
}

static void count(struct watch *watch, const tandem_event *event)
{
    bool change = event->kind == TANDEM_EVENT_CHANGED || event->kind == TANDEM_EVENT_REMOVED;
    if (change && watch->live) {
        watch->changes++;
        watch->enough = watch->enough || (watch->count > 0 && watch->changes >= watch->count);
    }
    if (event->kind == TANDEM_EVENT_CAUGHT_UP) {
        watch->greet = watch->greet || !watch->greeted;
        watch->live = true;
        watch->enough = watch->enough || watch->until_caught_up;
    } else if (event->kind == TANDEM_EVENT_RESET) {
        watch->live = false;
    }
}

void watch_on_event(void *context, const tandem_event *event)
{
    struct watch *watch = context;
    const char *kind = kind_name(event->kind);
    if (kind == NULL) {
        follow_line(watch, event);
        return;
    }
    if (watch->stop || watch->enough || !is_meant(watch, event)) {
        return;
    }
    if (is_pending(event)) { /* while online the server's own word of it follows at once */
        if (tandem_paused(watch->cli->client)) {
            watch_print_pending(watch, event);
        }
        return;
    }
    bool undecided =
        event->kind == TANDEM_EVENT_CONFLICT || event->kind == TANDEM_EVENT_REFUSED;
    if (undecided && !watch_tells_entry(watch, event->entry)) {
        return;
    }
    bool looked = event->kind == TANDEM_EVENT_RELOAD && watch->own &&
                  watch_look_at_outbox(watch, true);
    if (watch->cli->json) {
        print_json(watch->cli->out, kind, event->seq, event, event->record);
        watch->stop = fflush(watch->cli->out) != 0;
    } else {
        print_event(watch, event, looked);
    }
    count(watch, event);
}

bool watch_print_held(void *context, const tandem_record *record)
{
    struct watch *watch = context;
    if (watch->cli->json) {
        print_json(watch->cli->out, "changed", tandem_record_seq(record), NULL, record);
        watch->stop = fflush(watch->cli->out) != 0;
    } else {
        struct buffer text = {0};
        add_when(&text, tandem_record_modified_at(record));
        name_record(&text, record);
        const char *line = text_of(&text);
        put_now(watch, line == NULL ? "" : line);
        buffer_release(&text);
    }
    return !watch->stop;
}
