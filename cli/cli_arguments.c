#include "cli/cli_arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_text.h"
#include "protocol/memory.h"

#define FIRST_LONG 256

static size_t count_options(const struct command *command)
{
    size_t count = 0;
    if (command->options != NULL) {
        while (command->options[count].name != NULL) {
            count++;
        }
    }
    return count;
}

static void describe_options(const struct command *command, struct option *out)
{
    size_t count = count_options(command);
    for (size_t i = 0; i < count; i++) {
        const struct option_def *def = &command->options[i];
        out[i].name = def->name;
        out[i].has_arg = def->value != NULL ? required_argument : no_argument;
        out[i].val = FIRST_LONG + (int)i;
    }
    out[count] = (struct option){.name = "json", .has_arg = no_argument, .val = 'j'};
    out[count + 1] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
}

static bool check_count(const struct command *command, const struct arguments *arguments,
                        char problem[256])
{
    size_t count = arguments->count;
    if (count < command->least) {
        (void)snprintf(problem, 256, count == 0 ? "%s needs arguments" : "%s needs more arguments",
                       command->name);
        return false;
    }
    if (command->most == 0 && count > 0 && command->arguments[0] != '\0') {
        /* What may follow is a word that makes another command of it. */
        (void)snprintf(problem, 256, "there is no command %s %.100s", command->name,
                       arguments->positional[0]);
        return false;
    }
    if (command->most != ARGUMENTS_ANY && count > command->most) {
        (void)snprintf(problem, 256,
                       command->most == 0 ? "%s takes no arguments" : "%s got too many arguments",
                       command->name);
        return false;
    }
    return true;
}

static void take(struct arguments *out, const char *name, const char *value)
{
    out->given[out->given_count++] = (struct given_option){name, value};
}

static void describe_unknown(const struct command *command, const char *last, char problem[256])
{
    static const char hint[] = "put -- before a text that begins with a dash";
    if (optopt > 0 && optopt < FIRST_LONG) {
        (void)snprintf(problem, 256, "%s has no option -%c (%s)", command->name, optopt, hint);
    } else {
        (void)snprintf(problem, 256, "%s has no option %s (%s)", command->name, last, hint);
    }
}

/* getopt_long's own copy of argv, in which it moves the options to the front. */
static bool scan(const struct command *command, int argc, char **argv, const struct option *options,
                 struct arguments *out, char problem[256])
{
    optind = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (c == 'h') {
            take(out, "help", NULL);
        } else if (c == 'j') {
            take(out, "json", NULL);
        } else if (c >= FIRST_LONG) {
            take(out, command->options[c - FIRST_LONG].name, optarg);
        } else if (c == ':') {
            (void)snprintf(problem, 256, "%s needs a value", argv[optind - 1]);
            return false;
        } else {
            describe_unknown(command, argv[optind - 1], problem);
            return false;
        }
    }
    for (int i = optind; i < argc; i++) {
        out->positional[out->count++] = argv[i];
    }
    return true;
}

static bool all_utf8(int argc, char *const *argv, char problem[256])
{
    for (int i = 0; i < argc; i++) {
        if (!text_is_utf8(argv[i], strlen(argv[i]))) {
            (void)snprintf(problem, 256, "argument %d is not valid UTF-8", i + 1);
            return false;
        }
    }
    return true;
}

bool arguments_read(const struct command *command, int argc, char *const *argv,
                    struct arguments *out, char problem[256])
{
    size_t room = (size_t)argc + 2;
    size_t option_count = count_options(command) + 3;
    char **copy = memory_new(room * sizeof *copy);
    struct option *options = memory_new(option_count * sizeof *options);
    *out = (struct arguments){.positional = memory_new(room * sizeof *out->positional),
                              .given = memory_new(room * sizeof *out->given)};
    bool good = false;
    (void)snprintf(problem, 256, "out of memory");
    if (copy != NULL && options != NULL && out->positional != NULL && out->given != NULL &&
        all_utf8(argc, argv, problem)) {
        copy[0] = (char *)command->name;
        for (int i = 0; i < argc; i++) {
            copy[i + 1] = argv[i];
        }
        describe_options(command, options);
        good = scan(command, argc + 1, copy, options, out, problem);
        if (good && !arguments_has(out, "help")) {
            good = check_count(command, out, problem);
        }
    }
    memory_free(copy);
    memory_free(options);
    return good;
}

void arguments_release(struct arguments *arguments)
{
    memory_free(arguments->positional);
    memory_free(arguments->given);
    *arguments = (struct arguments){0};
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
    return arguments_repeats(arguments, name) > 0;
}

const char *arguments_value(const struct arguments *arguments, const char *name)
{
    size_t count = arguments_repeats(arguments, name);
    return count == 0 ? NULL : arguments_nth(arguments, name, count - 1);
}

size_t arguments_repeats(const struct arguments *arguments, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < arguments->given_count; i++) {
        count += strcmp(arguments->given[i].name, name) == 0;
    }
    return count;
}

const char *arguments_nth(const struct arguments *arguments, const char *name, size_t index)
{
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (strcmp(arguments->given[i].name, name) == 0 && index-- == 0) {
            return arguments->given[i].value;
        }
    }
    return NULL;
}

bool arguments_number(const char *text, unsigned long least, unsigned long most,
                      unsigned long *out)
{
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && *out >= least && *out <= most;
}
