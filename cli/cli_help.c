#include "cli/cli_help.h"

#include <jansson.h>
#include <string.h>

static void line(FILE *out, const struct command *command)
{
    char usage[128];
    (void)snprintf(usage, sizeof usage, "%s %s", command->name, command->arguments);
    if (strlen(usage) <= 34) {
        (void)fprintf(out, "  %-34s  %s\n", usage, command->summary);
    } else {
        (void)fprintf(out, "  %s\n  %-34s  %s\n", usage, "", command->summary);
    }
}

void help_commands(FILE *out)
{
    (void)fputs("tandem: the shared customer record, on the command line\n\n"
                "Usage: tandem COMMAND [ARGUMENTS] [OPTIONS]\n\n",
                out);
    for (size_t i = 0; i < commands_count(); i++) {
        line(out, commands_at(i));
    }
    (void)fputs("\nEvery command takes --json and --help. TANDEM_PROFILE names the folder in which "
                "a\nsign-in is remembered. Exit status: 0 done, 1 refused, 2 wrong usage, "
                "3 unreachable.\n",
                out);
}

bool help_group(FILE *out, const char *word)
{
    size_t length = strlen(word);
    bool found = false;
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        if (strncmp(command->name, word, length) == 0 && command->name[length] == ' ') {
            if (out != NULL && !found) {
                (void)fprintf(out, "tandem %s needs one more word:\n", word);
            }
            if (out != NULL) {
                line(out, command);
            }
            found = true;
        }
    }
    return found;
}

/* ---- For programs ---------------------------------------------------------------------------- */

void help_print_json(FILE *out, const struct command *command)
{
    json_t *options = json_array();
    for (const struct option_def *option = command->options;
         option != NULL && option->name != NULL; option++) {
        (void)json_array_append_new(options, json_pack("{s:s, s:s?, s:s}", "name", option->name,
                                                       "value", option->value, "help",
                                                       option->help));
    }
    json_t *object = json_pack("{s:s, s:s, s:s, s:s?, s:o}", "command", command->name, "arguments",
                               command->arguments, "summary", command->summary, "details",
                               command->details, "options", options);
    (void)json_dumpf(object, out, JSON_COMPACT);
    (void)fputc('\n', out);
    json_decref(object);
}

bool help_print_json_each(FILE *out, const char *word)
{
    size_t length = word == NULL ? 0 : strlen(word);
    bool found = false;
    for (size_t i = 0; i < commands_count(); i++) {
        const struct command *command = commands_at(i);
        if (word == NULL ||
            (strncmp(command->name, word, length) == 0 && command->name[length] == ' ')) {
            help_print_json(out, command);
            found = true;
        }
    }
    return found;
}

/* ---- One command ----------------------------------------------------------------------------- */

static void option_line(FILE *out, const struct option_def *option)
{
    char usage[96];
    (void)snprintf(usage, sizeof usage, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    (void)fprintf(out, "  %-26s  %s\n", usage, option->help);
}

void help_command(FILE *out, const struct command *command)
{
    static const struct option_def common[] = {
        {"json", NULL, "answer in JSON, for programs"},
        {"help", NULL, "show this"},
    };
    (void)fprintf(out, "Usage: tandem %s%s%s\n\n%s.\n", command->name,
                  command->arguments[0] == '\0' ? "" : " ", command->arguments, command->summary);
    if (command->details != NULL) {
        (void)fprintf(out, "\n%s\n", command->details);
    }
    (void)fputs("\nOptions:\n", out);
    for (const struct option_def *option = command->options;
         option != NULL && option->name != NULL; option++) {
        option_line(out, option);
    }
    option_line(out, &common[0]);
    option_line(out, &common[1]);
}
