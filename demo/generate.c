#include "demo/generate.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "demo/generate_internal.h"
#include "protocol/memory.h"
#include "protocol/schema.h"

#define SEED UINT64_C(20260301)
#define DAY_MS INT64_C(86400000)

const char *generate_password(const char *user, char out[DEMO_PASSWORD_MAX])
{
    (void)snprintf(out, DEMO_PASSWORD_MAX, "nordlys-%s", user);
    return out;
}

const char *pick(struct generation *g, const char *const *list)
{
    return list[random_index(&g->random, names_count(list))];
}

const char *date_at(const struct generation *g, int days, char out[WHEN_TEXT])
{
    (void)schema_time_to_text((g->today + days) * DAY_MS, out);
    out[10] = '\0';
    return out;
}

/* Weekends give way to the Friday before. */
static int64_t working_day(int64_t day)
{
    static const int back[] = {0, 0, 1, 2, 0, 0, 0}; /* from Thursday 1970-01-01 on */
    return day - back[((day % 7) + 7) % 7];
}

const char *time_at(struct generation *g, int days, char out[WHEN_TEXT])
{
    const int64_t day = working_day(g->today + days);
    const int minutes = 7 * 60 + 5 * random_between(&g->random, 0, 96);
    return schema_time_to_text(day * DAY_MS + minutes * INT64_C(60000), out);
}

const char *told(struct generation *g, const struct account *account, const char *text,
                 char out[1024])
{
    static const char *const months[] = {"January", "February", "March",  "April",
                                         "May",     "June",     "August", "September",
                                         "October", "November", NULL};
    /* One statement each, as an initializer's order is the compiler's choice. */
    const uint32_t person = random_index(&g->random, account->contact_count);
    const uint32_t goods = random_index(&g->random, demo_goods_count);
    const char *month = pick(g, months);
    const int number = random_between(&g->random, 2, 24);
    const struct filling with = {.person = account->people[person],
                                 .product = demo_goods[goods].name,
                                 .town = account->town->name,
                                 .month = month,
                                 .number = number};
    return texts_fill(text, &with, out, 1024);
}

void set_phone(struct generation *g, const char *field, const struct country *country)
{
    char number[40];
    assert(strlen(country->phone) < sizeof number);
    memcpy(number, country->phone, strlen(country->phone) + 1);
    for (char *at = number; *at != '\0'; at++)
        if (*at == '#')
            *at = (char)('0' + random_index(&g->random, 10));
    company_set(g->company, field, "%s", number);
}

void set_address(struct generation *g, const char *field, const struct country *country,
                 const struct town *town)
{
    const char *street = pick(g, country->streets);
    company_set(g->company, field, "%s %d; %s; %s; %s; %s", street,
                random_between(&g->random, 1, 120), town->name, town->region, town->postal_code,
                country->name);
}

void set_money(struct generation *g, const char *field, int64_t oere)
{
    company_set(g->company, field, "%lld.%02lld NOK", (long long)(oere / 100),
                (long long)(oere % 100));
}

bool share_with_partner(struct generation *g, const struct account *account)
{
    uint32_t which[PARTNER_COUNT], count = 0;
    for (uint32_t i = 0; i < PARTNER_COUNT; i++)
        if (account->access[i] != ACCESS_NONE)
            which[count++] = i;
    if (count == 0)
        return false;
    const uint32_t chosen = which[random_index(&g->random, count)];
    company_tag(g->company, "internal", NOWHERE);
    if (chosen == FJORD_LOGISTIKK)
        company_tag(g->company, "distributors", NOWHERE);
    else if (random_chance(&g->random, 30))
        company_tag(g->company, "suppliers", NOWHERE);
    else
        company_tag(g->company, "partner", g->partners[chosen]);
    return true;
}

bool generate_company(struct company *out, int64_t today)
{
    struct generation *g = memory_new(sizeof *g);
    if (g == NULL)
        return false;
    g->company = out;
    g->random.state = SEED;
    g->today = today;
    generate_people(g);
    generate_library(g);
    generate_market(g);
    generate_sales(g);
    generate_service(g);
    memory_free(g);
    return !out->failed;
}
