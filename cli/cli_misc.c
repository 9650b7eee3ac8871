/* version and help. */
#include <string.h>

#include "cli/cli_help.h"
#include "cli/cli_list_of_commands.h"

enum tandem_failure command_version(struct cli *cli, const struct arguments *arguments)
{
    (void)arguments;
    (void)fprintf(cli->out, cli->json ? "{\"version\":\"%s\"}\n" : "tandem %s\n", TANDEM_VERSION);
    return TANDEM_DONE;
}

enum tandem_failure command_help(struct cli *cli, const struct arguments *arguments)
{
    int words = 0;
    if (arguments->count == 0) {
        if (cli->json) {
            (void)help_print_json_each(cli->out, NULL);
        } else {
            help_commands(cli->out);
        }
        return TANDEM_DONE;
    }
    const struct command *command = commands_find(
        (int)arguments->count, (char *const *)(const void *)arguments->positional, &words);
    if (command != NULL) {
        (cli->json ? help_print_json : help_command)(cli->out, command);
        return TANDEM_DONE;
    }
    if ((cli->json ? help_print_json_each : help_group)(cli->out, arguments->positional[0])) {
        return TANDEM_DONE;
    }
    return cli_usage(cli, "there is no command %s", arguments->positional[0]);
}
