/* The customers, and what sales has done with them: people, profiles, assignments to partners,
 * opportunities, orders, tasks, contracts, talks and notes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "demo/generate_internal.h"

/* ---- Who the customers are ---- */

static const struct country *choose_country(struct generation *g)
{
    uint32_t at = random_index(&g->random, 100), i = 0;
    while (i + 1 < COUNTRY_COUNT && at >= demo_countries[i].weight)
        at -= demo_countries[i++].weight;
    return &demo_countries[i];
}

static bool name_is_taken(const struct generation *g, const struct account *account)
{
    for (const struct account *other = g->accounts; other < account; other++)
        if (strcmp(other->name, account->name) == 0)
            return true;
    return false;
}

static void choose_name(struct generation *g, struct account *account)
{
    unsigned tries = 0;
    do {
        account->country = choose_country(g);
        account->trade = &demo_trades[random_index(&g->random, demo_trade_count)];
        const char *stem = pick(g, account->country->stems);
        (void)snprintf(account->name, sizeof account->name, "%s %s %s", stem, account->trade->name,
                       pick(g, account->country->suffixes));
    } while (name_is_taken(g, account) && ++tries < 1000);
    char folded[48];
    names_fold(account->name, folded, sizeof folded);
    (void)snprintf(account->domain, sizeof account->domain, "%s.example", folded);
}

static void choose_accounts(struct generation *g)
{
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        struct account *account = &g->accounts[i];
        uint32_t towns = 0;
        choose_name(g, account);
        while (account->country->towns[towns].name != NULL)
            towns++;
        account->town = &account->country->towns[random_index(&g->random, towns)];
        account->restricted = i % 60 == 17;
        account->owner = account->restricted || random_chance(&g->random, 45) ? KARI : NILS;
        account->opportunity = NOWHERE;
    }
}

static uint32_t owner_of(const struct generation *g, const struct account *account)
{
    return g->staff[account->owner];
}

static void add_account(struct generation *g, struct account *account)
{
    static const char *const types[] = {"Customer", "Customer", "Customer", "Prospect", NULL};
    static const char *const ratings[] = {"Cold", "Warm", "Warm", "Hot", NULL};
    static const char *const tags[] = {"key account", "export", "catalogue", "trial", NULL};
    const int people = random_between(&g->random, account->trade->least, account->trade->most);
    account->item = company_add(g->company, "account", owner_of(g, account));
    company_set(g->company, "name", "%s", account->name);
    company_set(g->company, "type", "%s", pick(g, types));
    company_set(g->company, "industry", "%s", account->trade->industry);
    company_set(g->company, "website", "https://www.%s", account->domain);
    company_set(g->company, "emailAddress", "post@%s", account->domain);
    set_phone(g, "phoneNumber", account->country);
    set_address(g, "billingAddress", account->country, account->town);
    if (random_chance(&g->random, 40))
        set_address(g, "shippingAddress", account->country, account->town);
    company_set(g->company, "numberOfEmployees", "%d", people);
    set_money(g, "annualRevenue", people * INT64_C(100000) * random_between(&g->random, 900, 3400));
    company_set(g->company, "rating", "%s", pick(g, ratings));
    company_refer(g->company, "assignedUser", owner_of(g, account));
    if (random_chance(&g->random, 35))
        company_set(g->company, "tags", "%s", pick(g, tags));
    if (account->restricted) {
        company_set(g->company, "restricted", "true");
        company_refer(g->company, "team", g->staff[KARI]);
        company_refer(g->company, "team", g->staff[INGRID]);
    }
}

static void add_contact(struct generation *g, struct account *account)
{
    static const char *const roles[] = {"Decision Maker", "Influencer", "User",
                                        "Champion",       "Evaluator",  NULL};
    static const char *const channels[] = {"Call", "Email", "Email", "Visit", NULL};
    const uint32_t place = account->contact_count++;
    const uint32_t job = random_index(&g->random, names_count(demo_titles));
    const char *first = pick(g, account->country->first_names);
    const char *last = pick(g, account->country->last_names);
    char mailbox[32], surname[32];
    names_fold(first, mailbox, sizeof mailbox);
    names_fold(last, surname, sizeof surname);
    (void)snprintf(account->people[place], sizeof account->people[place], "%s %s", first, last);
    account->contacts[place] = company_add(g->company, "contact", owner_of(g, account));
    company_set(g->company, "firstName", "%s", first);
    company_set(g->company, "lastName", "%s", last);
    company_refer(g->company, "account", account->item);
    company_set(g->company, "title", "%s", demo_titles[job]);
    company_set(g->company, "department", "%s", demo_departments[job]);
    company_set(g->company, "emailAddress", "%s.%s@%s", mailbox, surname, account->domain);
    set_phone(g, random_chance(&g->random, 50) ? "phoneNumber" : "mobilePhone", account->country);
    company_set(g->company, "role", "%s", place == 0 ? roles[0] : pick(g, roles));
    company_set(g->company, "preferredChannel", "%s", pick(g, channels));
    company_set(g->company, "language", "%s", account->country->language);
    if (place > 0 && random_chance(&g->random, 60))
        company_refer(g->company, "reportsTo", account->contacts[0]);
    if (random_chance(&g->random, 6))
        company_set(g->company, "doNotCall", "true");
}

static void add_profile(struct generation *g, struct account *account)
{
    static const char *const healths[] = {"Healthy", "Neutral", "At Risk"};
    static const char *const hours[] = {"08:00 to 15:00", "07:00 to 09:00", "after lunch",
                                        "not on Fridays", NULL};
    static const char *const channels[] = {"Call", "Email", "Meeting", "Visit", NULL};
    const uint32_t worry = random_index(&g->random, 10);
    const uint32_t health = worry < 6 ? 0 : worry < 9 ? 1 : 2;
    const uint32_t reason = health * 3 + random_index(&g->random, 3);
    char text[1024];
    assert(reason < demo_health_reasons_count);
    company_add(g->company, "profile", owner_of(g, account));
    company_refer(g->company, "account", account->item);
    company_set(g->company, "goals", "%s", demo_goals[random_index(&g->random, demo_goals_count)]);
    company_set(g->company, "preferences", "%s",
                demo_preferences[random_index(&g->random, demo_preferences_count)]);
    company_set(g->company, "preferredChannel", "%s", pick(g, channels));
    company_set(g->company, "language", "%s", account->country->language);
    company_set(g->company, "contactHours", "%s", pick(g, hours));
    company_refer(g->company, "keyPeople", account->contacts[0]);
    company_refer(g->company, "keyPeople", account->contacts[account->contact_count - 1]);
    company_set(g->company, "health", "%s", healths[health]);
    company_set(g->company, "healthReason", "%s",
                told(g, account, demo_health_reasons[reason], text));
    company_refer(g->company, "relationshipOwner", owner_of(g, account));
    company_set(g->company, "importantDates", "%s",
                told(g, account, demo_dates[random_index(&g->random, demo_dates_count)], text));
    company_set(g->company, "howWeWorkTogether", "%s",
                demo_ways_of_working[random_index(&g->random, demo_ways_of_working_count)]);
    if (random_chance(&g->random, 30))
        share_with_partner(g, account);
}

/* ---- Which partners work with them ---- */

static unsigned chance_of(const struct account *account, enum partner partner)
{
    static const char *const paper[] = {"Printing",        "Paper and Packaging", "Publishing",
                                        "Office Supplies", "Education",           "Retail"};
    static const char *const timber[] = {"Furniture", "Construction", "Forestry", "Energy"};
    const char *industry = account->trade->industry;
    if (account->restricted)
        return 0;
    if (partner == FJORD_LOGISTIKK)
        return account->country == &demo_countries[0] ? 40 : 10;
    for (size_t i = 0; partner == NORDIC_PAPER && i < sizeof paper / sizeof paper[0]; i++)
        if (strcmp(industry, paper[i]) == 0)
            return 70;
    for (size_t i = 0; partner == BALTIC_TIMBER && i < sizeof timber / sizeof timber[0]; i++)
        if (strcmp(industry, timber[i]) == 0)
            return 70;
    return 5;
}

/* Sets the dates of the assignment just started. Returns whether it is in force today. */
static bool set_term(struct generation *g)
{
    char when[WHEN_TEXT];
    const uint32_t kind = random_index(&g->random, 10);
    if (kind < 6)
        return true;
    if (kind < 8) {
        const int days = random_between(&g->random, 20, 400);
        company_set(g->company, "until", "%s", date_at(g, days, when));
        return true;
    }
    if (kind == 8) {
        const int days = random_between(&g->random, 5, 90);
        company_set(g->company, "from", "%s", date_at(g, -days - 180, when));
        company_set(g->company, "until", "%s", date_at(g, -days, when));
    } else {
        const int days = random_between(&g->random, 7, 60);
        company_set(g->company, "from", "%s", date_at(g, days, when));
    }
    return false;
}

static void add_assignments(struct generation *g, struct account *account)
{
    static const struct {
        const char *level;
        uint8_t access;
    } levels[] = {{"view", ACCESS_VIEW},       {"view", ACCESS_VIEW},
                  {"comment", ACCESS_COMMENT}, {"comment", ACCESS_COMMENT},
                  {"comment", ACCESS_COMMENT}, {"edit", ACCESS_EDIT}};
    for (int i = 0; i < PARTNER_COUNT; i++) {
        if (!random_chance(&g->random, chance_of(account, (enum partner)i)))
            continue;
        const uint32_t level = random_index(&g->random, sizeof levels / sizeof levels[0]);
        company_add(g->company, "assignment", owner_of(g, account));
        company_refer(g->company, "party", g->partners[i]);
        company_refer(g->company, "account", account->item);
        company_set(g->company, "level", "%s", levels[level].level);
        if (set_term(g))
            account->access[i] = levels[level].access;
    }
}

/* ---- Deals, orders and what is to be done ---- */

static void add_opportunity(struct generation *g, struct account *account)
{
    static const struct {
        const char *stage, *before, *forecast;
        int probability;
    } stages[] = {
        {"Prospecting", NULL, "Pipeline", 10},
        {"Qualification", "Prospecting", "Pipeline", 20},
        {"Needs Analysis", "Qualification", "Pipeline", 25},
        {"Proposal", "Value Proposition", "Best Case", 50},
        {"Negotiation", "Proposal", "Commit", 80},
        {"Closed Won", "Negotiation", "Closed", 100},
        {"Closed Won", "Proposal", "Closed", 100},
        {"Closed Lost", "Proposal", "Omitted", 0},
    };
    const uint32_t stage = random_index(&g->random, sizeof stages / sizeof stages[0]);
    const struct prospect *prospect =
        &demo_prospects[random_index(&g->random, demo_prospects_count)];
    const bool closed = strncmp(stages[stage].stage, "Closed", 6) == 0;
    char text[1024], when[WHEN_TEXT];
    const int days =
        closed ? -random_between(&g->random, 5, 330) : random_between(&g->random, 5, 200);
    account->opportunity = company_add(g->company, "opportunity", owner_of(g, account));
    company_set(g->company, "name", "%s", told(g, account, prospect->name, text));
    company_refer(g->company, "account", account->item);
    set_money(g, "amount", random_between(&g->random, 12, 900) * INT64_C(100000));
    company_set(g->company, "stage", "%s", stages[stage].stage);
    if (stages[stage].before != NULL)
        company_set(g->company, "lastStage", "%s", stages[stage].before);
    company_set(g->company, "probability", "%d", stages[stage].probability);
    company_set(g->company, "forecastCategory", "%s", stages[stage].forecast);
    company_set(g->company, "closeDate", "%s", date_at(g, days, when));
    company_set(g->company, "type", "%s", prospect->type);
    company_refer(g->company, "contacts", account->contacts[0]);
    company_refer(g->company, "assignedUser", owner_of(g, account));
    if (!closed)
        company_set(g->company, "nextStep", "%s", told(g, account, prospect->next_step, text));
    if (stages[stage].probability == 0)
        company_set(g->company, "lostReason", "Price");
    if (random_chance(&g->random, 25))
        company_refer(g->company, "campaign", g->campaigns[random_index(&g->random, CAMPAIGNS)]);
}

static void add_order(struct generation *g, struct account *account)
{
    static const char *const statuses[] = {"Delivered", "Delivered", "Delivered", "Canceled", NULL};
    static const char *const recent[] = {"Draft", "Confirmed", "Shipped", NULL};
    const int days = -random_between(&g->random, 0, 360), lines = random_between(&g->random, 1, 4);
    char when[WHEN_TEXT], text[1024] = "";
    size_t used = 0;
    int64_t amount = 0;
    for (int i = 0; i < lines; i++) {
        const struct goods *goods = &demo_goods[random_index(&g->random, demo_goods_count)];
        const int quantity = random_between(&g->random, 1, goods->price > 200000 ? 6 : 60);
        amount += (int64_t)goods->price * quantity;
        int length =
            snprintf(text + used, sizeof text - used, "%s%d x %s @ %d.%02d NOK", i == 0 ? "" : "\n",
                     quantity, goods->name, goods->price / 100, goods->price % 100);
        assert(length > 0 && (size_t)length < sizeof text - used);
        used += (size_t)length;
    }
    company_add(g->company, "order", owner_of(g, account));
    company_set(g->company, "number", "N-%u", 10001 + g->orders++);
    company_refer(g->company, "account", account->item);
    company_set(g->company, "date", "%s", date_at(g, days, when));
    company_set(g->company, "lines", "%s", text);
    set_money(g, "amount", amount);
    company_set(g->company, "status", "%s", pick(g, days > -14 ? recent : statuses));
}

static void add_task(struct generation *g, const struct account *account)
{
    static const char *const open[] = {"Not Started",   "Not Started", "In Progress",
                                       "Pending Input", "Deferred",    NULL};
    const struct chore *chore = &demo_chores[random_index(&g->random, demo_chores_count)];
    const bool done = random_chance(&g->random, 40);
    const int due = done ? -random_between(&g->random, 3, 120) : random_between(&g->random, -4, 45);
    char text[1024], when[WHEN_TEXT];
    company_add(g->company, "task", owner_of(g, account));
    company_set(g->company, "name", "%s", told(g, account, chore->name, text));
    company_set(g->company, "priority", "%s", chore->priority);
    company_set(g->company, "status", "%s", done ? "Completed" : pick(g, open));
    company_set(g->company, "dateDue", "%s", time_at(g, due, when));
    if (done)
        company_set(g->company, "dateCompleted", "%s", time_at(g, due - 2, when));
    company_refer(g->company, "account", account->item);
    if (account->opportunity != NOWHERE)
        company_refer(g->company, "parent", account->opportunity);
    company_refer(g->company, "assignedUser", owner_of(g, account));
}

static void add_contract(struct generation *g, const struct account *account)
{
    const int from = -random_between(&g->random, 30, 500),
              length = 365 * random_between(&g->random, 1, 2);
    char when[WHEN_TEXT];
    company_add(g->company, "document", owner_of(g, account));
    company_set(g->company, "name", "Framework agreement, %s", account->name);
    company_set(g->company, "kind", "Contract");
    company_set(g->company, "status", "%s", from + length < 0 ? "Expired" : "Active");
    company_set(g->company, "validFrom", "%s", date_at(g, from, when));
    company_set(g->company, "expires", "%s", date_at(g, from + length, when));
    company_set(g->company, "folder", "Contract");
    company_refer(g->company, "account", account->item);
    if (random_chance(&g->random, 25))
        share_with_partner(g, account);
}

static void add_all(struct generation *g, struct account *account)
{
    add_account(g, account);
    for (int i = random_between(&g->random, 2, MOST_CONTACTS); i > 0; i--)
        add_contact(g, account);
    add_assignments(g, account);
    add_profile(g, account);
    for (int i = random_between(&g->random, 0, 3); i > 0; i--)
        add_opportunity(g, account);
    for (int i = random_between(&g->random, 0, 4); i > 0; i--)
        add_order(g, account);
    for (int i = random_between(&g->random, 0, 2); i > 0; i--)
        add_task(g, account);
    if (random_chance(&g->random, 45))
        add_contract(g, account);
    generate_talks(g, account, demo_sales_talks, demo_sales_talks_count, owner_of(g, account),
                   random_between(&g->random, 3, 11));
    generate_notes(g, account, owner_of(g, account));
}

void generate_sales(struct generation *g)
{
    choose_accounts(g);
    for (enum staff owner = KARI; owner <= NILS; owner++)
        for (uint32_t i = 0; i < ACCOUNTS; i++)
            if (g->accounts[i].owner == owner)
                add_all(g, &g->accounts[i]);
}
