/* The community team's work: campaigns, and leads that are no account yet. */
#include <stdio.h>

#include "demo/generate_internal.h"

#define LEADS 40

static void add_campaigns(struct generation *g)
{
    static const struct {
        const char *name, *status, *type;
        int from, until, budget; /* days, kroner */
    } campaigns[CAMPAIGNS] = {
        {"Packaging without plastic", "Active", "Email", -75, 45, 180000},
        {"Trade fair in Göteborg", "Complete", "Event", -210, -206, 340000},
        {"Winter catalogue", "Planning", "Mail", 40, 100, 95000},
        {"Timber for schools", "Inactive", "Telephone", -160, -90, 60000},
    };
    for (uint32_t i = 0; i < CAMPAIGNS; i++) {
        char when[WHEN_TEXT];
        const int sent = campaigns[i].from < 0 ? random_between(&g->random, 400, 2400) : 0;
        g->campaigns[i] = company_add(g->company, "campaign", g->staff[SIGRID]);
        company_set(g->company, "name", "%s", campaigns[i].name);
        company_set(g->company, "status", "%s", campaigns[i].status);
        company_set(g->company, "type", "%s", campaigns[i].type);
        company_set(g->company, "startDate", "%s", date_at(g, campaigns[i].from, when));
        company_set(g->company, "endDate", "%s", date_at(g, campaigns[i].until, when));
        set_money(g, "budget", campaigns[i].budget * INT64_C(100));
        set_money(g, "expectedRevenue", campaigns[i].budget * INT64_C(700));
        company_set(g->company, "sentCount", "%d", sent);
        company_set(g->company, "openedCount", "%d", sent * 41 / 100);
        company_set(g->company, "clickedCount", "%d", sent * 7 / 100);
        company_set(g->company, "bouncedCount", "%d", sent * 2 / 100);
    }
}

static void add_lead(struct generation *g)
{
    static const char *const statuses[] = {"New",      "New",  "Assigned", "In Process",
                                           "Recycled", "Dead", NULL};
    static const char *const sources[] = {"Web Site", "Trade Show", "Campaign", "Word of mouth",
                                          "Call",     "Partner",    NULL};
    static const char *const ratings[] = {"Cold", "Warm", "Warm", "Hot", NULL};
    const struct country *country = &demo_countries[random_index(&g->random, COUNTRY_COUNT)];
    const struct trade *trade = &demo_trades[random_index(&g->random, demo_trade_count)];
    const char *first = pick(g, country->first_names), *last = pick(g, country->last_names);
    const char *stem = pick(g, country->stems), *suffix = pick(g, country->suffixes);
    char company[128], domain[64], mailbox[64];
    (void)snprintf(company, sizeof company, "%s & %s %s %s", last, stem, trade->name, suffix);
    names_fold(company, domain, sizeof domain);
    names_fold(first, mailbox, sizeof mailbox);
    company_add(g->company, "lead", g->staff[SIGRID]);
    company_set(g->company, "firstName", "%s", first);
    company_set(g->company, "lastName", "%s", last);
    company_set(g->company, "accountName", "%s", company);
    company_set(g->company, "title", "%s", pick(g, demo_titles));
    company_set(g->company, "industry", "%s", trade->industry);
    company_set(g->company, "status", "%s", pick(g, statuses));
    company_set(g->company, "source", "%s", pick(g, sources));
    company_set(g->company, "rating", "%s", pick(g, ratings));
    company_set(g->company, "emailAddress", "%s@%s.example", mailbox, domain);
    set_phone(g, "phoneNumber", country);
    set_money(g, "opportunityAmount", random_between(&g->random, 20, 600) * INT64_C(100000));
    company_refer(g->company, "assignedUser",
                  g->staff[random_chance(&g->random, 50) ? KARI : NILS]);
}

void generate_market(struct generation *g)
{
    add_campaigns(g);
    for (int i = 0; i < LEADS; i++)
        add_lead(g);
}
