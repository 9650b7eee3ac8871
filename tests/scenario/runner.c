/* Runs one scenario (scenario.h): scenario_runner BIN SOURCE FILE */
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "tests/scenario/scenario.h"

#define MOST_LINES 1024

bool scenario_fail(struct scenario *scenario, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "%s:%u: ", scenario->file, scenario->line);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return false;
}

const char *scenario_body(struct scenario *scenario, char mark)
{
    if (scenario->taken == scenario->following_count)
        return NULL;
    const char *line = scenario->following[scenario->taken];
    size_t indent = strspn(line, " ");
    if (indent == 0 || line[indent] != mark)
        return NULL;
    scenario->taken++;
    return line + indent + 1 + (line[indent + 1] == ' ');
}

/* let NAME = VALUE */
static bool step_let(struct scenario *scenario, const struct words *words)
{
    return words->count == 4 && words_is(words, 2, "=")
               ? variable_set(scenario, words->word[1], words->word[3])
               : scenario_fail(scenario, "let NAME = VALUE");
}

static const struct {
    const char *word;
    step_fn *run;
} steps[] = {
    {"server", step_server},   {"tandemd", step_tandemd}, {"run", step_run},
    {"certificates", step_certificates},
    {"as", step_as},           {"user", step_user},       {"out", step_out},
    {"err", step_err},         {"keep", step_keep},       {"same", step_same},
    {"differ", step_differ},   {"file", step_file},       {"id", step_id},
    {"raw", step_raw},         {"http", step_http},       {"tls", step_tls},
    {"let", step_let},
};

static bool run_line(struct scenario *scenario, const char *line)
{
    struct words words;
    step_fn *run = step_watch;
    bool fine = words_cut(scenario, line, &words);
    for (size_t i = 0; fine && words.count > 0 && i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(words.word[0], steps[i].word) == 0)
            run = steps[i].run;
    }
    fine = fine && (words.count == 0 || run(scenario, &words));
    words_release(&words);
    if (!fine)
        fprintf(stderr, "%s:%u: this step failed: %s\n", scenario->file, scenario->line, line);
    return fine;
}

static bool run_lines(struct scenario *scenario, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i += 1 + scenario->taken) {
        scenario->line = (unsigned)i + 1;
        scenario->following = lines + i + 1;
        scenario->following_count = count - i - 1;
        scenario->taken = 0;
        if (lines[i][0] != '#' && !run_line(scenario, lines[i]))
            return false;
    }
    return true;
}

/* The file's lines, which point into *text. */
static size_t read_lines(const char *path, char **text, const char *lines[MOST_LINES])
{
    size_t size = 0, count = 0;
    FILE *file = fopen(path, "r");
    if (!file || getdelim(text, &size, '\0', file) < 0)
        fprintf(stderr, "%s cannot be read\n", path);
    else
        for (char *at = *text; *at && count < MOST_LINES;) {
            lines[count++] = at;
            at += strcspn(at, "\n");
            if (*at)
                *at++ = '\0';
        }
    if (file)
        fclose(file);
    return count;
}

static void show_file(const struct scenario *scenario, const char *name)
{
    char path[2 * SCENARIO_PATH], line[1024];
    snprintf(path, sizeof path, "%s/%s", scenario->dir, name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        fprintf(stderr, "%s: %s", name, line);
    if (file)
        fclose(file);
}

static bool run_scenario(struct scenario *scenario, const char *path)
{
    const char *lines[MOST_LINES];
    char *text = NULL;
    size_t count = read_lines(path, &text, lines);
    bool passed = count > 0 && run_lines(scenario, lines, count);
    /* Also an end is an end: a server that runs must leave in peace. */
    raw_release_all(scenario);
    watch_release_all(scenario);
    if (scenario->server && passed) {
        const struct words stop = {.count = 2, .word = {"server", "stop"}};
        passed = step_server(scenario, &stop);
    }
    server_kill(scenario);
    if (!passed) {
        show_file(scenario, "server.log");
        show_file(scenario, "watch.log");
    }
    free(text);
    return passed;
}

static void remove_folder(const char *path)
{
    char *argv[] = {"rm", "-rf", (char *)(uintptr_t)path, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(126);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

static void release(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->variable_count; i++)
        memory_free(scenario->variables[i].value);
    buffer_release(&scenario->last.out);
    buffer_release(&scenario->last.err);
    memory_free(scenario);
}

int main(int argc, char **argv)
{
    struct scenario *scenario = memory_new(sizeof *scenario);
    char bin[PATH_MAX], source[PATH_MAX];
    const char *folder = getenv("TMPDIR");
    if (argc != 4 || !scenario || !realpath(argv[1], bin) || !realpath(argv[2], source)) {
        fprintf(stderr, "usage: scenario_runner BIN SOURCE FILE\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    scenario->bin = bin;
    scenario->source = source;
    scenario->file = strrchr(argv[3], '/') ? strrchr(argv[3], '/') + 1 : argv[3];
    snprintf(scenario->dir, sizeof scenario->dir, "%s/tandem-scenario-XXXXXX",
             folder && folder[0] ? folder : "/tmp");
    bool passed = strlen(bin) < SCENARIO_PATH && strlen(source) < SCENARIO_PATH &&
                  mkdtemp(scenario->dir) && variable_set(scenario, "DIR", scenario->dir) &&
                  variable_set(scenario, "SOURCE", source) && run_scenario(scenario, argv[3]);
    remove_folder(scenario->dir);
    release(scenario);
    printf("%s\n", passed ? "passed" : "failed");
    return passed ? 0 : 1;
}
