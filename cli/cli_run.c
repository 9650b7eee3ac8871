/* From a command line to the run of one command, and how it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_help.h"
#include "cli/cli_mark.h"

static enum tandem_failure run_command(struct cli *cli, const struct arguments *arguments)
{
    if (arguments_has(arguments, "help")) {
        (cli->json ? help_print_json : help_command)(cli->out, cli->command);
        return TANDEM_DONE;
    }
    cli->json = arguments_has(arguments, "json");
    char problem[256];
    if (!profile_load(&cli->profile, problem) && strcmp(cli->command->name, "login") != 0) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s", problem);
    }
    return cli->command->run(cli, arguments);
}

/* Words that begin no command: says which are meant to follow, or what there is. */
static enum tandem_failure unknown_command(struct cli *cli, int argc, char *const *argv)
{
    if (cli->json && argc > 0 && strcmp(argv[0], "--json") == 0) {
        return cli_refuse(cli, TANDEM_USAGE, "a command comes first. Try: tandem help");
    }
    if (argc == 0) {
        help_commands(cli->err);
        return TANDEM_USAGE;
    }
    if (help_group(cli->json ? NULL : cli->err, argv[0])) {
        return cli->json ? cli_refuse(cli, TANDEM_USAGE,
                                      "tandem %s needs one more word. Try: tandem help", argv[0])
                         : TANDEM_USAGE;
    }
    const struct command *near = commands_near(argv[0]);
    if (near != NULL) {
        return cli_refuse(cli, TANDEM_USAGE,
                          "there is no command %s. Did you mean tandem %.*s? All of them: tandem help",
                          argv[0], (int)strcspn(near->name, " "), near->name);
    }
    return cli_refuse(cli, TANDEM_USAGE, "there is no command %s. Try: tandem help", argv[0]);
}

/* Also for a command line that cannot be read otherwise: its failure is for a program too. */
static bool asks_for_json(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

static enum tandem_failure dispatch(struct cli *cli, int argc, char *const *argv)
{
    int words = 0;
    cli->json = asks_for_json(argc, argv);
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        if (cli->json) {
            (void)help_print_json_each(cli->out, NULL);
        } else {
            help_commands(cli->out);
        }
        return TANDEM_DONE;
    }
    if (argc > 0 && strcmp(argv[0], "--version") == 0) {
        (void)fprintf(cli->out, "tandem %s\n", TANDEM_VERSION);
        return TANDEM_DONE;
    }
    cli->command = commands_find(argc, argv, &words);
    if (cli->command == NULL) {
        return unknown_command(cli, argc, argv);
    }
    struct arguments arguments;
    char problem[256];
    enum tandem_failure ended =
        arguments_read(cli->command, argc - words, argv + words, &arguments, problem)
            ? run_command(cli, &arguments)
            : cli_usage(cli, "%s", problem);
    arguments_release(&arguments);
    return ended;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
    struct cli cli = {.out = out, .err = err};
    enum tandem_failure ended = dispatch(&cli, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
    mark_release(&cli);
    json_decref(cli.overwrote);
    tandem_close(cli.client);
    /* A reader that has seen enough and went, as head does, is no failure. */
    if ((fflush(out) != 0 || ferror(out)) && errno != EPIPE && ended == TANDEM_DONE) {
        ended = cli_refuse(&cli, TANDEM_REFUSED, "the output could not be written");
    }
    explicit_bzero(&cli.profile, sizeof cli.profile);
    return (int)ended;
}
