/* USER watches, sees, ...: `tandem watch --json` as a child, its lines taken one by one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

static struct watch *find(struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->watch_count; i++) {
        if (strcmp(scenario->watches[i].name, name) == 0)
            return &scenario->watches[i];
    }
    return NULL;
}

static int end(struct watch *watch, int signal_number)
{
    if (signal_number)
        kill(watch->pid, signal_number);
    int status = process_wait(watch->pid);
    close(watch->fd);
    json_decref(watch->event);
    buffer_release(&watch->text);
    *watch = (struct watch){.pid = 0};
    return status;
}

void watch_release_all(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->watch_count; i++) {
        if (scenario->watches[i].pid)
            (void)end(&scenario->watches[i], SIGKILL);
    }
}

static const char *kind_of(const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "kind"));
    return kind ? kind : "";
}

/* The next line, left in place until it is taken. NULL at the end of the watch, after telling. */
static json_t *peek(struct scenario *scenario, struct watch *watch)
{
    char *line = NULL;
    if (watch->event)
        return watch->event;
    if (!process_line(watch->fd, &watch->text, &line)) {
        scenario_fail(scenario, "%s sees nothing more", watch->name);
        return NULL;
    }
    watch->event = json_loads(line, 0, NULL);
    if (!watch->event)
        scenario_fail(scenario, "the watch printed what is no JSON: %s", line);
    memory_free(line);
    return watch->event;
}

static void take(struct watch *watch)
{
    json_decref(watch->event);
    watch->event = NULL;
}

static const char *subject(const json_t *event)
{
    const char *id = json_string_value(match_find(event, "id"));
    return id ? id : "";
}

static bool is_marker(const struct scenario *scenario, const json_t *event)
{
    const char *marker = variable_get(scenario, "MARKER");
    return marker && strcmp(subject(event), marker) == 0;
}

/* A word of what is seen: PATH=TEXT and the like, an id, a scope, or an entity. */
static bool word_meets(const json_t *event, const char *word)
{
    const char *scope = json_string_value(json_object_get(event, "scope"));
    const char *entity = json_string_value(match_find(event, "entity"));
    if (strpbrk(word, "=~"))
        return match_word(event, word);
    return strcmp(subject(event), word) == 0 || (scope && strcmp(scope, word) == 0) ||
           (entity && strcmp(entity, word) == 0);
}

static bool event_meets(const json_t *event, const struct words *words, size_t first)
{
    if (first >= words->count || strcmp(kind_of(event), words->word[first]) != 0)
        return false;
    for (size_t i = first + 1; i < words->count; i++) {
        if (!word_meets(event, words->word[i]))
            return false;
    }
    return true;
}

/* The next event that counts: markers are between the runner and the watch, and being caught up
 * is said as often as the server likes, unless it is what is waited for. */
static json_t *next(struct scenario *scenario, struct watch *watch, bool caught_up)
{
    for (;;) {
        json_t *event = peek(scenario, watch);
        if (!event || (!is_marker(scenario, event) &&
                       (caught_up || strcmp(kind_of(event), "caught-up") != 0)))
            return event;
        take(watch);
    }
}

static bool unlike(struct scenario *scenario, const struct watch *watch)
{
    char *text = match_text(watch->event);
    bool failed = scenario_fail(scenario, "%s sees: %s", watch->name, text ? text : "");
    memory_free(text);
    return failed;
}

static bool sees(struct scenario *scenario, struct watch *watch, const struct words *words,
                 size_t first)
{
    json_t *event = next(scenario, watch, words_is(words, first, "caught-up"));
    if (!event)
        return false;
    if (!event_meets(event, words, first))
        return unlike(scenario, watch);
    take(watch);
    return true;
}

static bool waits(struct scenario *scenario, struct watch *watch, const struct words *words,
                  size_t first)
{
    for (;;) {
        json_t *event = peek(scenario, watch);
        bool there = event && event_meets(event, words, first);
        if (!event)
            return false;
        take(watch);
        if (there)
            return true;
    }
}

/* Takes the event off the list of lines when one of them means it. */
static bool strike_out(const json_t *event, struct words *lines, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (event_meets(event, &lines[i], 0)) {
            words_release(&lines[i]);
            lines[i] = lines[--*count];
            return true;
        }
    }
    return false;
}

/* The lines of the body are what comes next, in whatever order. */
static bool sees_all(struct scenario *scenario, struct watch *watch)
{
    struct words lines[SCENARIO_WORDS];
    size_t count = 0;
    const char *line;
    bool fine = true;
    while (fine && count < SCENARIO_WORDS && (line = scenario_body(scenario, '-')) != NULL)
        fine = words_cut(scenario, line, &lines[count++]);
    while (fine && count > 0) {
        json_t *event = next(scenario, watch, false);
        fine = event && (strike_out(event, lines, &count) || unlike(scenario, watch));
        if (fine)
            take(watch);
    }
    while (count > 0) {
        if (!fine)
            fprintf(stderr, "%s:%u: not seen: %s\n", scenario->file, scenario->line,
                    lines[count - 1].count ? lines[count - 1].rest[0] : "");
        words_release(&lines[--count]);
    }
    return fine;
}

static bool move_marker(struct scenario *scenario)
{
    char text[48];
    static const char *const add[] = {"add", "product", "name=marker"};
    snprintf(text, sizeof text, "description=%u", ++scenario->markers);
    if (!variable_get(scenario, "MARKER")) {
        struct words words = {.count = 8, .word = {"as", "admin", ":", add[0], add[1], add[2], "->",
                                                   "MARKER"}};
        if (!step_as(scenario, &words))
            return false;
    }
    const char *edit[] = {"edit", variable_get(scenario, "MARKER"), text};
    return command_tandem(scenario, "admin", edit, 3, NULL, 0) &&
           (scenario->last.status == 0 || scenario_fail(scenario, "the marker cannot be changed"));
}

/* Moves the marker, which everybody sees, and finds nothing in front of it. */
static bool sees_nothing(struct scenario *scenario, struct watch *watch)
{
    char wanted[48];
    if (!move_marker(scenario))
        return false;
    snprintf(wanted, sizeof wanted, "description=%u", scenario->markers);
    for (;;) {
        json_t *event = peek(scenario, watch);
        if (!event)
            return false;
        bool marker = is_marker(scenario, event);
        if (!marker && strcmp(kind_of(event), "caught-up") != 0)
            return unlike(scenario, watch);
        bool there = marker && match_word(event, wanted);
        take(watch);
        if (there)
            return true;
    }
}

/* Passes over lines until one has all of these. */
static bool prints(struct scenario *scenario, struct watch *watch, const struct words *words)
{
    for (bool found = false; !found;) {
        char *line = NULL;
        if (!process_line(watch->fd, &watch->text, &line))
            return scenario_fail(scenario, "%s prints nothing more", watch->name);
        found = true;
        for (size_t i = 2; i < words->count; i++)
            found = found && strstr(line, words->word[i]) != NULL;
        memory_free(line);
    }
    return true;
}

/* USER watches [plainly] [NAME is its name] [on] [ARGUMENTS...]: `on` leaves also the first lines to
 * be seen, and so does a watch as people see it. */
static bool watches(struct scenario *scenario, const struct words *words)
{
    char program[SCENARIO_PATH + 16], profile[SCENARIO_PATH + 80];
    const char *name = words->word[0], *settings[] = {profile, "STDERR=watch.log"};
    const bool plainly = words_is(words, 2, "plainly");
    char *argv[SCENARIO_WORDS + 4] = {program, "watch", "--json"};
    size_t at = plainly ? 3 : 2;
    int err;
    if (words_is(words, at, "as") && at + 1 < words->count) {
        name = words->word[at + 1];
        at += 2;
    }
    bool on = words_is(words, at, "on");
    at += on;
    for (size_t i = at; i < words->count; i++)
        argv[(plainly ? 2 : 3) + i - at] = (char *)(uintptr_t)words->word[i];
    if (plainly && at == words->count)
        argv[2] = NULL;
    snprintf(program, sizeof program, "%s/tandem", scenario->bin);
    snprintf(profile, sizeof profile, "TANDEM_PROFILE=%s/profile-%s", scenario->dir,
             words->word[0]);
    if (find(scenario, name) || strlen(name) >= sizeof scenario->watches[0].name)
        return scenario_fail(scenario, "%s cannot be the name of a new watch", name);
    struct watch *watch = find(scenario, ""); /* one that has ended */
    if (!watch && scenario->watch_count == SCENARIO_WATCHES)
        return scenario_fail(scenario, "too many watches");
    if (!watch)
        watch = &scenario->watches[scenario->watch_count++];
    *watch = (struct watch){.pid = 0};
    pid_t pid = process_start(scenario, argv, settings, 2, &watch->fd, &err);
    if (pid < 0)
        return scenario_fail(scenario, "the watch cannot be started");
    close(err);
    watch->pid = pid;
    bytes_to_text(bytes_text(name), watch->name, sizeof watch->name);
    const struct words caught_up = {.count = 1, .word = {"caught-up"}};
    return on || plainly || waits(scenario, watch, &caught_up, 0);
}

static bool ends(struct scenario *scenario, struct watch *watch, int signal_number, int wanted)
{
    char name[sizeof watch->name];
    bytes_to_text(bytes_text(watch->name), name, sizeof name);
    int status = end(watch, signal_number);
    return status == wanted || scenario_fail(scenario, "the watch of %s ended with %d instead of %d",
                                             name, status, wanted);
}

bool step_watch(struct scenario *scenario, const struct words *words)
{
    if (words_is(words, 1, "watches"))
        return watches(scenario, words);
    struct watch *watch = find(scenario, words->word[0]);
    if (!watch)
        return scenario_fail(scenario, "there is no step and no watch called %s", words->word[0]);
    if (words_is(words, 1, "sees") && words_is(words, 2, "nothing"))
        return sees_nothing(scenario, watch);
    if (words_is(words, 1, "sees") && words_is(words, 2, "all"))
        return sees_all(scenario, watch);
    if (words_is(words, 1, "sees"))
        return sees(scenario, watch, words, 2);
    if (words_is(words, 1, "prints"))
        return prints(scenario, watch, words);
    if (words_is(words, 1, "waits"))
        return waits(scenario, watch, words, 3);
    if (words_is(words, 1, "stops"))
        return ends(scenario, watch, SIGTERM, 0);
    if (words_is(words, 1, "ends") && words->count == 3)
        return ends(scenario, watch, 0, (int)strtol(words->word[2], NULL, 10));
    return scenario_fail(scenario, "%s sees, prints, waits for, stops or ends", words->word[0]);
}
