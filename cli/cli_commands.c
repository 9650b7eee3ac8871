/* The table of commands: what `tandem help`, usage errors and the check of the manual page are
 * made from. */
#include <string.h>

#include "cli/cli_arguments.h"
#include "cli/cli_list_of_commands.h"

#define END {NULL, NULL, NULL}

static const struct option_def login_options[] = {
    {"user", "NAME", "who signs in"},
    {"ca", "FILE", "certificate of who signed the server's; default: the system's"},
    {"certificate", "FILE", "sign in with this client certificate"},
    {"key", "FILE", "its private key"},
    END};
static const struct option_def logout_options[] = {
    {"everywhere", NULL, "end the sign-ins on other machines too"}, END};
static const struct option_def add_options[] = {
    {"account", "ID", "the account it belongs to, by id or exact name"},
    {"audience", "TAG,...", "who may see it; default: as the entity says"},
    {"scope", "SCOPE", "for a record without account: party:ID, user:ID, library"},
    END};
static const struct option_def edit_options[] = {
    {"overwrite", NULL, "win over what others changed meanwhile"},
    {"base", "SEQ", "the seq you saw; default: the newest"},
    END};
static const struct option_def list_options[] = {
    {"where", "CONDITION", "field=value, != < <= > >=, field~part; several must all hold"},
    {"sort", "FIELD", "by an indexed field; -FIELD for descending"},
    {"limit", "N", "at most N records"},
    {"columns", "FIELD,...", "the fields to show"},
    END};
static const struct option_def watch_options[] = {
    {"all", NULL, "first print what is held already"},
    {"until-caught-up", NULL, "end once everything has arrived"},
    {"count", "N", "end after N changes"},
    {"fresh", NULL, "start from nothing, in a replica for this run"},
    END};

static const struct command commands[] = {
    {"login", "URL --user NAME", "Sign in, and stay signed in on this machine",
     "Asks for the password; TANDEM_PASSWORD gives it without asking. A one-time code is given in\n"
     "place of the password, and then a new password is chosen (TANDEM_NEW_PASSWORD).",
     login_options, 1, 1, command_login},
    {"logout", "", "Sign out on this machine", NULL, logout_options, 0, 0, command_logout},
    {"passwd", "", "Change your password",
     "Asks for both; TANDEM_PASSWORD and TANDEM_NEW_PASSWORD give them without asking.", NULL, 0, 0,
     command_passwd},
    {"whoami", "", "Say who is signed in", NULL, NULL, 0, 0, command_whoami},
    {"status", "", "Say how the server is doing", NULL, NULL, 0, 0, command_status},
    {"add", "ENTITY FIELD=VALUE...", "Add a record",
     "Fields are those of tandem schema ENTITY. A reference takes an id; one to an account, a party\n"
     "or a user also takes its name.",
     add_options, 2, ARGUMENTS_ANY, command_add},
    {"list", "ENTITY", "List records", NULL, list_options, 1, 1, command_list},
    {"show", "ID", "Show everything about a record", NULL, NULL, 1, 1, command_show},
    {"edit", "ID FIELD=VALUE...", "Change fields of a record",
     "FIELD= clears a field. What someone else changed after you looked is not overwritten unless\n"
     "you say so.",
     edit_options, 2, ARGUMENTS_ANY, command_edit},
    {"remove", "ID", "Delete a record", NULL, NULL, 1, 1, command_remove},
    {"watch", "[ID...]", "Print every change as it arrives",
     "Without ids everything you may see is watched, starting where the last watch ended. With the\n"
     "id of an account, all that belongs to the account is.",
     watch_options, 0, ARGUMENTS_ANY, command_watch},
    {"version", "", "Say which version this is", NULL, NULL, 0, 0, command_version},
    {"help", "[COMMAND]", "Say what there is, or how a command is used", NULL, NULL, 0, 2,
     command_help},
};

size_t commands_count(void)
{
    return sizeof commands / sizeof commands[0];
}

const struct command *commands_at(size_t index)
{
    return &commands[index];
}

const struct command *commands_find(int argc, char *const *argv, int *words)
{
    const struct command *found = NULL;
    for (size_t i = 0; argc > 0 && i < commands_count(); i++) {
        const char *name = commands[i].name;
        size_t first = strcspn(name, " ");
        if (strlen(argv[0]) != first || strncmp(name, argv[0], first) != 0) {
            continue;
        }
        if (name[first] == '\0') {
            found = &commands[i];
            *words = 1;
        } else if (argc > 1 && strcmp(name + first + 1, argv[1]) == 0) {
            *words = 2;
            return &commands[i];
        }
    }
    return found;
}
