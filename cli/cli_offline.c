/* offline: from now on this profile works without the network; online: and now with it again. */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_note.h"
#include "cli/cli_settle.h"
#include "cli/cli_text.h"
#include "protocol/status.h"

static bool count_record(void *context, const tandem_record *record)
{
    size_t *held = context;
    (void)record;
    ++*held;
    return true;
}

/* Where things stand, once the profile is offline. `reached`: the copy is as the server has it. */
static void tell_offline(struct cli *cli, bool reached)
{
    char when[32];
    char number[32];
    char iso[25];
    size_t held = 0;
    size_t waiting = tandem_outbox_count(cli->client, ENTRY_UNSETTLED);
    int64_t as_of = cli->copy.caught_up_ms;
    (void)tandem_each(cli->client, NULL, count_record, &held);
    if (cli->json) {
        (void)fprintf(cli->out,
                      "{\"offline\":true,\"upToDate\":%s,\"asOf\":\"%s\",\"records\":%zu,"
                      "\"waiting\":%zu}\n",
                      reached ? "true" : "false", tandem_time_text(as_of, iso), held, waiting);
        return;
    }
    (void)fprintf(cli->out, "Offline: %s record%s here, as of %s.\n", text_number(held, number),
                  held == 1 ? " is" : "s are", text_local_time(as_of, when));
    if (waiting > 0) {
        (void)fprintf(cli->out, "%s change%s in the outbox: tandem outbox\n",
                      text_number(waiting, number), waiting == 1 ? " is" : "s are");
    }
    (void)fputs("What you change waits here until: tandem online\n", cli->out);
}

/* Also where a damaged outbox does not take it along. */
static void remember(struct cli *cli, bool offline)
{
    char problem[256];
    cli->copy.offline = offline;
    if (!copy_save(&cli->profile, &cli->copy, problem)) {
        cli_note(cli, "%s", problem);
    }
}

/* Opens the folder, made when missing, whether or not it held a copy before. */
static enum tandem_failure open_folder(struct cli *cli)
{
    char path[PROFILE_PATH];
    char problem[256];
    copy_load(&cli->profile, &cli->copy);
    if (!profile_make_folder(profile_replica(&cli->profile, path), problem)) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s", problem);
    }
    return cli_open(cli, path);
}

/* Fetches what is new, so that the copy is as fresh as can be. *reached: it is. Without the server
 * an older copy will do, if it was whole once. */
static enum tandem_failure catch_up(struct cli *cli, bool *reached)
{
    struct settled settled;
    json_t *noted = entry_read_all(cli, ENTRY_OPEN);
    if (noted == NULL) {
        return TANDEM_REFUSED;
    }
    enum tandem_failure failure = settling_run(cli, noted, true);
    tandem_fault fault = cli->fault;
    settling_tell(cli, noted, &settled);
    json_decref(noted);
    *reached = failure == TANDEM_DONE;
    if (failure == TANDEM_UNREACHABLE && cli->copy.caught_up_ms > 0) {
        cli_note(cli, "The server cannot be reached; the copy stays as it is.");
        return TANDEM_DONE;
    }
    if (failure == TANDEM_DONE) {
        return failure;
    }
    return cli_fault(cli,
                     cli->copy.caught_up_ms > 0
                         ? "not offline"
                         : "not offline, because the copy on this machine is not whole yet",
                     &fault);
}

enum tandem_failure command_offline(struct cli *cli, const struct arguments *arguments)
{
    bool reached = false;
    (void)arguments;
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    enum tandem_failure failure = open_folder(cli);
    if (failure == TANDEM_DONE && !tandem_paused(cli->client)) {
        failure = catch_up(cli, &reached);
        if (failure == TANDEM_DONE && tandem_pause(cli->client, true) != TANDEM_OK) {
            tandem_last_fault(cli->client, &cli->fault);
            failure = cli_fault(cli, "not offline", &cli->fault);
        }
        if (failure == TANDEM_DONE) {
            remember(cli, true);
        }
    }
    if (failure == TANDEM_DONE) {
        tell_offline(cli, reached);
    }
    return failure;
}

/* ---- online ---------------------------------------------------------------------------------- */

/* The sums count everything that is left to decide, which programs go by. */
static void tell_online(struct cli *cli, const struct settled *settled)
{
    if (cli->json) {
        (void)fprintf(cli->out,
                      "{\"online\":true,\"accepted\":%zu,\"conflicts\":%zu,\"refused\":%zu,"
                      "\"waiting\":%zu,\"dropped\":%zu}\n",
                      settled->accepted, settled->conflicts, settled->refused, settled->waiting,
                      settled->dropped);
        return;
    }
    struct buffer text = {0};
    const struct {
        size_t count;
        const char *word;
    } parts[] = {{settled->accepted, "accepted"},
                 {settled->conflicts, "in conflict"},
                 {settled->refused, "refused"},
                 {settled->waiting, "held back until that is decided"},
                 {settled->dropped, "given up elsewhere"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count > 0) {
            text_addf(&text, "%s%zu %s", text.size == 0 ? " " : ", ", parts[i].count,
                      parts[i].word);
        }
    }
    const char *counts = text_of(&text);
    bool some = counts != NULL && counts[0] != '\0';
    (void)fprintf(cli->out, "Online.%s%s\n", some ? counts : "", some ? "." : "");
    buffer_release(&text);
    settling_tell_left(cli);
}

/* Tries to connect, and if that fails goes back to how it was. *refused: notes of which what was
 * typed was not taken. */
static enum tandem_failure connect_again(struct cli *cli, struct settled *settled, size_t *refused)
{
    bool was_paused = tandem_paused(cli->client);
    json_t *notes = note_work_list(cli);
    json_t *noted = entry_read_all(cli, ENTRY_OPEN);
    if (noted == NULL) {
        json_decref(notes);
        return TANDEM_REFUSED;
    }
    tandem_code code = was_paused ? tandem_pause(cli->client, false) : TANDEM_OK;
    if (code != TANDEM_OK) {
        json_decref(notes);
        json_decref(noted);
        tandem_last_fault(cli->client, &cli->fault);
        return cli_fault(cli, "not online", &cli->fault);
    }
    remember(cli, false);
    enum tandem_failure failure = settling_run(cli, noted, true);
    tandem_fault fault = cli->fault;
    if (failure != TANDEM_DONE && was_paused) {
        (void)tandem_pause(cli->client, true); /* a failure leaves it online, which is harmless */
        remember(cli, true);
    }
    if (failure == TANDEM_DONE || cli->ever_connected) {
        settling_tell(cli, noted, settled);
        *refused = note_work_settle(cli, notes);
    }
    json_decref(notes);
    json_decref(noted);
    if (failure == TANDEM_DONE) {
        return failure;
    }
    return cli_fault(cli,
                     tandem_paused(cli->client)
                         ? "this profile stays offline, and what waits is kept"
                         : "not everything is settled, and what waits is kept",
                     &fault);
}

enum tandem_failure command_online(struct cli *cli, const struct arguments *arguments)
{
    struct settled settled = {.accepted = 0};
    size_t refused = 0;
    (void)arguments;
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    copy_load(&cli->profile, &cli->copy);
    if (!cli->copy.kept) {
        enum tandem_failure sent = note_work_send(cli, &settled.refused);
        if (cli->json) {
            tell_online(cli, &settled);
        }
        cli_note(cli, "This profile has not been offline.");
        return sent == TANDEM_DONE && settled.refused > 0 ? TANDEM_REFUSED : sent;
    }
    enum tandem_failure failure = cli_open_copy(cli);
    if (failure == TANDEM_DONE) {
        failure = connect_again(cli, &settled, &refused);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    settling_count_aside(cli, &settled);
    settled.refused += refused;
    tell_online(cli, &settled);
    return settled.conflicts > 0 || settled.refused > 0 ? TANDEM_REFUSED : TANDEM_DONE;
}
