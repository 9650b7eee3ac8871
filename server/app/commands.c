#include "server/app/commands.h"

#include <stdio.h>
#include <string.h>

#include "server/app/json.h"

static const struct app_command commands[] = {
    {"init", "--data DIR --admin NAME", "make a new store with its first administrator",
     "data admin config json help", false, command_init},
    {"run", "--data DIR --listen ADDR:PORT --cert F --key F [--ca F] [--config FILE]",
     "serve a store", "settings config check-config json help", false, command_run},
    {"check", "--data DIR", "read everything and report damage", "data config json help", false,
     command_check},
    {"backup", "--data DIR --to DIR", "copy a store, also while it is served",
     "data to config json help", false, command_backup},
    {"restore", "--from DIR --data DIR", "make a store to serve out of a backup",
     "from data config json help", false, command_restore},
    {"reset-password", "--data DIR NAME", "set a user's password while the server is stopped",
     "data config json help", true, command_reset_password},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static const struct app_command check_config = {
    "--check-config", "[FILE]", "print the effective settings, or what is wrong with them",
    "settings config json help", true, command_check_config};

static void print_usage(FILE *out)
{
    fprintf(out, "tandemd %s, the Tandem server\n\n", TANDEM_VERSION_TEXT);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  tandemd %s %s\n        %s\n", commands[i].name, commands[i].synopsis,
                commands[i].about);
    fprintf(out, "  tandemd %s %s\n        %s\n", check_config.name, check_config.synopsis,
            check_config.about);
    fputs("  tandemd --version | --help\n\nWith --json, results are one JSON object. Exit status: "
          "0 done, 1 failed, 2 usage.\n",
          out);
}

static void print_setting(void *context, const char *name, const char *value, bool is_number,
                          const char *unit, const char *about)
{
    (void)is_number;
    fprintf(context, "  --%-28s %s%s%s%s%s\n", name, about, value[0] ? "; default " : "", value,
            unit[0] ? " " : "", unit);
}

static int print_help(const struct app_command *command)
{
    printf("tandemd %s %s\n    %s\n", command->name, command->synopsis, command->about);
    if (strstr(command->flags, "settings")) {
        struct config config;
        config_init(&config);
        puts("\nSettings, also of the configuration file:");
        config_each(&config, print_setting, stdout);
    }
    return EXIT_DONE;
}

int command_usage(const char *why)
{
    fprintf(stderr, "tandemd: %s (see tandemd --help)\n", why);
    return EXIT_USAGE;
}

int command_failed(const char *what, enum status status, const struct fault *fault)
{
    const char *detail = fault && fault->detail[0] ? fault->detail : status_text(status);
    fprintf(stderr, "tandemd: %s: %s\n", what, detail);
    return EXIT_FAILED;
}

static int run_command(const struct app_command *command, int argc, char **argv)
{
    struct options options;
    struct fault fault;
    fault_clear(&fault);
    enum status status =
        options_parse(argc, argv, command->flags, command->word, &options, &fault);
    if (status == STATUS_USAGE)
        return command_usage(fault.detail);
    if (status != STATUS_OK)
        return command_failed("configuration", status, &fault);
    return options.help ? print_help(command) : command->run(&options);
}

static int print_version(bool as_json)
{
    struct json json;
    if (!as_json) {
        printf("tandemd %s\n", TANDEM_VERSION_TEXT);
        return EXIT_DONE;
    }
    json_begin(&json, stdout);
    json_text(&json, "version", TANDEM_VERSION_TEXT);
    json_end(&json);
    return EXIT_DONE;
}

int commands_main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
    if (strcmp(argv[1], check_config.name) == 0)
        return run_command(&check_config, argc - 2, argv + 2);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(&commands[i], argc - 2, argv + 2);
    }
    /* Flags first: "tandemd --config F --check-config". */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], check_config.name) == 0) {
            argv[i] = argv[1];
            return run_command(&check_config, argc - 2, argv + 2);
        }
    }
    char why[128];
    snprintf(why, sizeof why, "there is no command \"%.60s\"", argv[1]);
    return command_usage(why);
}
