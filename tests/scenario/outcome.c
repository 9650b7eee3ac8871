/* out, err, keep, same, differ: what the last command said. file, id: what the next one needs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "protocol/id.h"
#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* The first JSON value of the text meets all the words. */
static bool json_meets(const char *text, const struct words *words, size_t first)
{
    json_t *said = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    bool meets = said != NULL;
    for (size_t i = first; meets && i < words->count; i++)
        meets = match_word(said, words->word[i]);
    json_decref(said);
    return meets;
}

/* One of the lines of JSON meets all the words. */
static bool a_line_meets(const char *text, const struct words *words, size_t first)
{
    while (text && *text) {
        if (json_meets(text, words, first))
            return true;
        text = strchr(text, '\n');
        text += text != NULL;
    }
    return false;
}

static bool check(const char *text, const struct words *words)
{
    bool holds = words->count > 2;
    if (words_is(words, 1, "is"))
        return json_meets(text, words, 2);
    if (words_is(words, 1, "line"))
        return a_line_meets(text, words, 2);
    if (words_is(words, 1, "lines"))
        return holds && count_lines(text) == strtoul(words->word[2], NULL, 10);
    if (words_is(words, 1, "empty"))
        return text[0] == '\0';
    bool lacks = words_is(words, 1, "lacks");
    if (!lacks && !words_is(words, 1, "has"))
        return false;
    for (size_t i = 2; holds && i < words->count; i++)
        holds = (strstr(text, words->word[i]) != NULL) != lacks;
    return holds;
}

bool step_out(struct scenario *scenario, const struct words *words)
{
    const char *text = (const char *)scenario->last.out.data;
    return check(text, words) || scenario_fail(scenario, "the output is:\n%s", text);
}

bool step_err(struct scenario *scenario, const struct words *words)
{
    const char *text = (const char *)scenario->last.err.data;
    return check(text, words) || scenario_fail(scenario, "the errors are:\n%s", text);
}

/* Everything the command said and how it ended, byte for byte. */
static bool keep_all(struct scenario *scenario, const char *name)
{
    const struct outcome *last = &scenario->last;
    char *all = NULL;
    if (asprintf(&all, "%d\n%s\n%s", last->status, (char *)last->out.data,
                 (char *)last->err.data) < 0)
        return scenario_fail(scenario, "out of memory");
    bool kept = variable_set(scenario, name, all);
    free(all);
    return kept;
}

/* keep PATH as NAME; keep everything as NAME */
bool step_keep(struct scenario *scenario, const struct words *words)
{
    if (words->count != 4 || !words_is(words, 2, "as"))
        return scenario_fail(scenario, "keep PATH as NAME");
    if (words_is(words, 1, "everything"))
        return keep_all(scenario, words->word[3]);
    const char *said_text = (const char *)scenario->last.out.data;
    json_t *said = json_loads(said_text, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *found = match_find(said, words->word[1]);
    char *text = found ? match_text(found) : NULL;
    bool kept = text ? variable_set(scenario, words->word[3], text)
                     : scenario_fail(scenario, "there is no %s in %s", words->word[1], said_text);
    memory_free(text);
    json_decref(said);
    return kept;
}

static bool compare(struct scenario *scenario, const struct words *words, bool same)
{
    if (words->count != 3)
        return scenario_fail(scenario, "same or differ, and two values");
    return (strcmp(words->word[1], words->word[2]) == 0) == same ||
           scenario_fail(scenario, "the first is:\n%s\nthe second:\n%s", words->word[1],
                         words->word[2]);
}

bool step_same(struct scenario *scenario, const struct words *words)
{
    return compare(scenario, words, true);
}

bool step_differ(struct scenario *scenario, const struct words *words)
{
    return compare(scenario, words, false);
}

/* "\xNN", "\t", "\r" and "\\" are what they say; every line ends with a line feed unless its last
 * character is a backslash. */
static void put_line(struct buffer *out, const char *line)
{
    for (; *line; line++) {
        unsigned value;
        if (line[0] != '\\') {
            buffer_append_byte(out, (uint8_t)line[0]);
        } else if (line[1] == 'x' && sscanf(line + 2, "%2x", &value) == 1) {
            buffer_append_byte(out, (uint8_t)value);
            line += 3;
        } else if (line[1] == '\0') {
            return;
        } else {
            line++;
            buffer_append_byte(out, *line == 't' ? '\t' : *line == 'r' ? '\r' : (uint8_t)*line);
        }
    }
    buffer_append_byte(out, '\n');
}

/* file NAME, and lines that begin with "|"; file NAME repeats N TEXT with # for the number. */
bool step_file(struct scenario *scenario, const struct words *words)
{
    struct buffer text = {.data = NULL};
    char path[2 * SCENARIO_PATH];
    const char *line;
    if (words->count < 2)
        return scenario_fail(scenario, "file NAME");
    while ((line = scenario_body(scenario, '|')) != NULL)
        put_line(&text, line);
    unsigned long times = words->count == 5 ? strtoul(words->word[3], NULL, 10) : 0;
    for (unsigned long i = 1; i <= times; i++) {
        for (const char *at = words->word[4]; *at; at++) {
            char number[24];
            snprintf(number, sizeof number, "%lu", i);
            buffer_append(&text, *at == '#' ? number : at, *at == '#' ? strlen(number) : 1);
        }
        buffer_append_byte(&text, '\n');
    }
    snprintf(path, sizeof path, "%s/%s", scenario->dir, words->word[1]);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size;
    if (fd >= 0)
        close(fd);
    buffer_release(&text);
    return written || scenario_fail(scenario, "%s cannot be written", path);
}

/* id NAME: an id that nobody has used. */
bool step_id(struct scenario *scenario, const struct words *words)
{
    uint8_t random[10];
    char text[ID_TEXT_SIZE];
    if (words->count != 2 || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return scenario_fail(scenario, "id NAME");
    struct id id = id_make((uint64_t)time(NULL) * 1000, random);
    return variable_set(scenario, words->word[1], id_to_text(id, text));
}
