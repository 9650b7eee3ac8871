/* assign and revoke: a partner's access to an account. */
#include <string.h>

#include "cli/cli_fields.h"
#include "cli/cli_list_of_commands.h"
#include "cli/cli_lookup.h"

#define MOST_ASSIGNMENTS 32u
#define NOT_ASSIGNED "nothing was assigned"

struct pairing {
    struct sighting party, account;
    struct sighting live[MOST_ASSIGNMENTS]; /* assignments of the two that have not ended */
    size_t live_count;
    struct sighting over; /* the one that has ended; "" when there is none */
};

static bool take_live(void *context, const tandem_record *record)
{
    struct pairing *pairing = context;
    const char *party = tandem_record_text(record, "party");
    const char *account = tandem_record_text(record, "account");
    const char *status = tandem_record_text(record, "status");
    bool meant = party != NULL && strcmp(party, pairing->party.id) == 0 && account != NULL &&
                 strcmp(account, pairing->account.id) == 0;
    if (meant && status != NULL && strcmp(status, "Ended") == 0) {
        lookup_take(&pairing->over, record);
    } else if (meant && pairing->live_count < MOST_ASSIGNMENTS) {
        lookup_take(&pairing->live[pairing->live_count++], record);
    }
    return true;
}

static enum tandem_failure find_pairing(struct cli *cli, const struct arguments *arguments,
                                        struct pairing *out)
{
    enum tandem_failure failure = cli_connect(cli, CLI_CHANGES);
    if (failure == TANDEM_DONE) {
        failure = lookup_party(cli, arguments->positional[0], PARTY_PARTNER, &out->party);
    }
    if (failure == TANDEM_DONE) {
        failure = lookup_account(cli, arguments->positional[1], &out->account);
    }
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_condition conditions[] = {{.field = "account", .op = "=", .text = out->account.id},
                                     {.field = "party", .op = "=", .text = out->party.id}};
    tandem_query query = {.entity = "assignment", .where = conditions, .where_count = 2};
    return cli_query(cli, &query, take_live, out) == TANDEM_OK ? TANDEM_DONE
                                                               : cli_fault(cli, NULL, &cli->fault);
}

static enum tandem_failure set_terms(struct cli *cli, tandem_mutation *mutation,
                                     const struct arguments *arguments)
{
    static const char *const terms[] = {"level", "from", "until"};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        const char *value = arguments_value(arguments, terms[i]);
        enum tandem_failure failure =
            value == NULL
                ? TANDEM_DONE
                : fields_set(cli, mutation, "assignment", terms[i], value, NOT_ASSIGNED);
        if (failure != TANDEM_DONE) {
            return failure;
        }
    }
    return TANDEM_DONE;
}

struct terms {
    char level[16], from[16], until[16], status[16];
};

static bool take_terms(void *context, const tandem_record *record)
{
    struct terms *terms = context;
    const char *const names[] = {"level", "from", "until", "status"};
    char *const texts[] = {terms->level, terms->from, terms->until, terms->status};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = tandem_record_text(record, names[i]);
        (void)snprintf(texts[i], sizeof terms->level, "%s", text == NULL ? "" : text);
    }
    return false;
}

/* "Nordic Paper may comment on Fjord Bruk AS" */
static const char *what_they_may(const char *level)
{
    return strcmp(level, "comment") == 0 ? "comment on" : level;
}

/* What the terms are now, those included that were kept, and not only what was asked for. */
static void tell_terms(struct cli *cli, const struct pairing *pairing, const char *id, uint64_t seq)
{
    struct terms terms = {.level = ""};
    const char *party = pairing->party.title;
    const char *account = pairing->account.title;
    if (cli->json || cli_fetch(cli, id, take_terms, &terms) != TANDEM_OK ||
        terms.level[0] == '\0') {
        cli_done(cli, id, seq, "%s is assigned to %s.", party, account);
        return;
    }
    bool later = strcmp(terms.status, "Scheduled") == 0;
    if (strcmp(terms.status, "Ended") == 0) {
        cli_done(cli, id, seq, "%s has no access to %s: it ended on %s.", party, account,
                 terms.until);
        return;
    }
    cli_done(cli, id, seq, "%s may %s %s%s%s%s%s.", party, what_they_may(terms.level), account,
             later ? " from " : "", later ? terms.from : "",
             terms.until[0] == '\0' ? "" : " until ", terms.until);
}

static enum tandem_failure send_assignment(struct cli *cli, const struct arguments *arguments,
                                           const struct pairing *pairing, tandem_mutation *mutation)
{
    char id[TANDEM_ID_TEXT] = "";
    uint64_t seq = 0;
    enum tandem_failure failure = TANDEM_DONE;
    const struct sighting *old = pairing->live_count > 0 ? &pairing->live[0] : &pairing->over;
    if (old->id[0] != '\0') {
        (void)snprintf(id, sizeof id, "%s", old->id);
        cli_saw(cli, mutation, old->seq);
        (void)tandem_update(mutation, "assignment", id); /* an error is told when sending */
        if (old == &pairing->over) { /* an end that is past would end it again */
            failure = fields_set(cli, mutation, "assignment", "until", "", NOT_ASSIGNED);
        }
    } else {
        (void)tandem_create(mutation, "assignment", id);
        failure = fields_set(cli, mutation, "assignment", "party", pairing->party.id, NOT_ASSIGNED);
        failure = failure == TANDEM_DONE ? fields_set(cli, mutation, "assignment", "account",
                                                      pairing->account.id, NOT_ASSIGNED)
                                         : failure;
    }
    if (failure == TANDEM_DONE) { /* replaces what is set above */
        failure = set_terms(cli, mutation, arguments);
    }
    if (failure == TANDEM_DONE) {
        failure = cli_send(cli, mutation, NOT_ASSIGNED, &seq);
    }
    if (failure == TANDEM_DONE) {
        tell_terms(cli, pairing, id, seq);
    }
    return failure;
}

enum tandem_failure command_assign(struct cli *cli, const struct arguments *arguments)
{
    struct pairing pairing = {.live_count = 0};
    if (arguments_value(arguments, "level") == NULL) {
        return cli_usage(cli, "say how far: --level view, comment or edit");
    }
    enum tandem_failure failure = find_pairing(cli, arguments, &pairing);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    failure = send_assignment(cli, arguments, &pairing, mutation);
    tandem_mutation_free(mutation);
    return failure;
}

enum tandem_failure command_revoke(struct cli *cli, const struct arguments *arguments)
{
    struct pairing pairing = {.live_count = 0};
    uint64_t seq = 0;
    enum tandem_failure failure = find_pairing(cli, arguments, &pairing);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    if (pairing.live_count == 0) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s has no access to %s", pairing.party.title,
                          pairing.account.title);
    }
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL) {
        return cli_no_memory(cli);
    }
    for (size_t i = 0; i < pairing.live_count; i++) {
        (void)tandem_remove(mutation, pairing.live[i].id); /* an error is told when sending */
    }
    failure = cli_send(cli, mutation, "nothing was revoked", &seq);
    if (failure == TANDEM_DONE) {
        cli_done(cli, pairing.live[0].id, seq, "%s no longer has access to %s.",
                 pairing.party.title, pairing.account.title);
    }
    tandem_mutation_free(mutation);
    return failure;
}
