/* What waits in the outbox when its owner goes: logout, and login as somebody else, would delete it
 * (cli_outbox.h). */
#include "cli/cli_outbox.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_entry.h"
#include "cli/cli_note.h"
#include "cli/cli_prompt.h"

static const char *plural(size_t count, const char *one, const char *more)
{
    return count == 1 ? one : more;
}

/* Sending helps what waits; what was answered already is for a person to decide. */
static const char *how_to_end(const struct cli *cli)
{
    if (tandem_outbox_count(cli->client, ENTRY_OPEN) > 0) {
        return "Send what waits: tandem online";
    }
    return tandem_outbox_count(cli->client, ENTRY_BIT(TANDEM_ENTRY_CONFLICT)) > 0
               ? "Decide what is in conflict: tandem resolve ID, or let it go: tandem outbox drop "
                 "ID"
               : "Try again: tandem outbox retry, or let it go: tandem outbox drop ID";
}

static const char *owner(const struct cli *cli)
{
    return cli->copy.user[0] == '\0' ? cli->profile.session.user : cli->copy.user;
}

/* A program reads the list where it reads answers; a person gets it with what is said about it. */
static FILE *list_file(const struct cli *cli)
{
    return cli->json ? cli->out : cli->err;
}

static bool at_terminal(const struct cli *cli)
{
    return !cli->json && isatty(STDIN_FILENO) && isatty(fileno(cli->err));
}

static enum tandem_failure ask(struct cli *cli, const char *what, const json_t *entries)
{
    char question[64];
    size_t count = json_array_size(entries);
    cli_note(cli, "%zu change%s of %s %s not with the server yet:", count, plural(count, "", "s"),
             owner(cli), plural(count, "is", "are"));
    outbox_print(cli, entries, list_file(cli));
    cli_note(cli, "%s", how_to_end(cli));
    (void)snprintf(question, sizeof question, "Throw %s away for good? (yes/no) ",
                   plural(count, "it", "them"));
    return prompt_yes(question)
               ? TANDEM_DONE
               : cli_refuse(cli, TANDEM_REFUSED, "%s, and nothing was thrown away", what);
}

static enum tandem_failure refuse(struct cli *cli, const char *what, const json_t *entries)
{
    size_t count = json_array_size(entries);
    enum tandem_failure failure = cli_refuse(
        cli, TANDEM_REFUSED,
        "%s: %zu change%s of %s %s not with the server yet. %s. Or throw %s away: --discard", what,
        count, plural(count, "", "s"), owner(cli), plural(count, "is", "are"), how_to_end(cli),
        plural(count, "it", "them"));
    outbox_print(cli, entries, list_file(cli));
    return failure;
}

/* An outbox that could not be read once was set aside for whoever can repair it, and would go too. */
static bool find_damaged(const struct cli *cli, char out[PROFILE_PATH])
{
    static const char prefix[] = "outbox.mdb.damaged-";
    char path[PROFILE_PATH];
    DIR *folder = opendir(profile_replica(&cli->profile, path));
    bool found = false;
    for (const struct dirent *entry = NULL;
         folder != NULL && !found && (entry = readdir(folder)) != NULL;) {
        found = strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0 &&
                snprintf(out, PROFILE_PATH, "%s/%s", path, entry->d_name) < PROFILE_PATH;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return found;
}

static enum tandem_failure refuse_damaged(struct cli *cli, const char *what)
{
    char path[PROFILE_PATH];
    if (!find_damaged(cli, path)) {
        return TANDEM_DONE;
    }
    return cli_refuse(cli, TANDEM_REFUSED,
                      "%s: %s may hold changes that never reached the server. Move it elsewhere for "
                      "whoever can repair it, or throw it away: --discard",
                      what, path);
}

enum tandem_failure outbox_agree_to_lose(struct cli *cli, const char *what)
{
    bool empty = false;
    enum tandem_failure failure = note_work_agree_to_lose(cli, what);
    if (failure == TANDEM_DONE) {
        failure = outbox_open(cli, &empty);
    }
    if (failure != TANDEM_DONE || empty) {
        return failure;
    }
    json_t *entries = entry_read_all(cli, ENTRY_UNSETTLED);
    if (entries == NULL) {
        failure = TANDEM_REFUSED;
    } else if (json_array_size(entries) > 0) {
        failure = at_terminal(cli) ? ask(cli, what, entries) : refuse(cli, what, entries);
    }
    json_decref(entries);
    cli_close(cli);
    return failure == TANDEM_DONE ? refuse_damaged(cli, what) : failure;
}

void outbox_tell_lost(struct cli *cli)
{
    bool empty = false;
    if (cli->client != NULL) {
        cli_close(cli);
    }
    note_work_tell_lost(cli);
    bool open = outbox_open(cli, &empty) == TANDEM_DONE && !empty;
    json_t *entries = open ? entry_read_all(cli, ENTRY_UNSETTLED) : NULL;
    if (json_array_size(entries) > 0) {
        cli_note(cli, "Thrown away, of %s:", owner(cli));
        outbox_print(cli, entries, list_file(cli));
    }
    json_decref(entries);
    if (cli->client != NULL) {
        cli_close(cli);
    }
}
