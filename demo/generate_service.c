/* What support, the community team and the partners have added to the accounts. */
#include <string.h>

#include "demo/generate_internal.h"

static void add_case(struct generation *g, const struct account *account, uint32_t author)
{
    static const char *const statuses[] = {"New",    "Assigned", "Pending",  "Closed",
                                           "Closed", "Closed",   "Rejected", NULL};
    static const char *const priorities[] = {"Low", "Normal", "Normal", "High", "Urgent", NULL};
    const struct trouble_report *report =
        &demo_reports[random_index(&g->random, demo_reports_count)];
    const char *status = pick(g, statuses);
    char text[1024], when[WHEN_TEXT];
    company_add(g->company, "case", author);
    company_set(g->company, "number", "C-%u", 2001 + g->cases++);
    company_set(g->company, "name", "%s", told(g, account, report->name, text));
    company_set(g->company, "type", "%s", report->type);
    company_set(g->company, "description", "%s", told(g, account, report->description, text));
    company_set(g->company, "status", "%s", status);
    company_set(g->company, "priority", "%s", pick(g, priorities));
    company_refer(g->company, "account", account->item);
    company_refer(g->company, "contact",
                  account->contacts[random_index(&g->random, account->contact_count)]);
    company_refer(g->company, "assignedUser", author);
    if (strcmp(status, "Closed") == 0) {
        const int days = random_between(&g->random, 2, 200);
        company_set(g->company, "resolvedAt", "%s", time_at(g, -days, when));
    }
    if (random_chance(&g->random, 30))
        company_tag(g->company, "internal", NOWHERE);
}

static void add_support(struct generation *g, enum staff who, uint32_t from)
{
    for (uint32_t i = from; i < ACCOUNTS; i += 2) {
        const struct account *account = &g->accounts[i];
        if (account->restricted)
            continue;
        for (int cases = random_between(&g->random, 0, 2); cases > 0; cases--)
            add_case(g, account, g->staff[who]);
        generate_talks(g, account, demo_support_talks, demo_support_talks_count, g->staff[who],
                       random_between(&g->random, 0, 4));
        if (random_chance(&g->random, 25))
            generate_notes(g, account, g->staff[who]);
    }
}

static void add_community(struct generation *g)
{
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        if (!g->accounts[i].restricted && random_chance(&g->random, 20))
            generate_notes(g, &g->accounts[i], g->staff[SIGRID]);
}

static void add_partner_notes(struct generation *g, enum partner partner)
{
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        if (g->accounts[i].access[partner] >= ACCESS_COMMENT && random_chance(&g->random, 50))
            generate_partner_note(g, &g->accounts[i], g->people[partner]);
}

void generate_service(struct generation *g)
{
    add_support(g, INGRID, 0);
    add_support(g, OLE, 1);
    add_community(g);
    for (int i = 0; i < PARTNER_COUNT; i++)
        add_partner_notes(g, (enum partner)i);
}
