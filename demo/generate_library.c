/* What belongs to no account: products, price lists, agreements with partners, and
 * what each department notes for itself. */
#include <assert.h>

#include "demo/generate_internal.h"

static void add_products(struct generation *g)
{
    assert(demo_goods_count <= MOST_GOODS);
    for (uint32_t i = 0; i < demo_goods_count; i++) {
        const struct goods *goods = &demo_goods[i];
        g->goods[i] = company_add(g->company, "product", NOWHERE);
        company_set(g->company, "name", "%s", goods->name);
        company_set(g->company, "code", "%s", goods->code);
        company_set(g->company, "family", "%s", goods->family);
        company_set(g->company, "unit", "%s", goods->unit);
        company_set(g->company, "active", "%s", random_chance(&g->random, 95) ? "true" : "false");
        set_money(g, "price", goods->price);
        if (goods->supplier == SUPPLIER_PAPER)
            company_refer(g->company, "supplier", g->partners[NORDIC_PAPER]);
        if (goods->supplier == SUPPLIER_TIMBER)
            company_refer(g->company, "supplier", g->partners[BALTIC_TIMBER]);
    }
}

static void add_document(struct generation *g, const char *name, const char *kind,
                         const char *status, int from, int until)
{
    char when[WHEN_TEXT];
    company_add(g->company, "document", NOWHERE);
    company_set(g->company, "name", "%s", name);
    company_set(g->company, "kind", "%s", kind);
    company_set(g->company, "status", "%s", status);
    company_set(g->company, "publishDate", "%s", date_at(g, from - 14, when));
    company_set(g->company, "validFrom", "%s", date_at(g, from, when));
    company_set(g->company, "expires", "%s", date_at(g, until, when));
    company_set(g->company, "folder", "%s", kind);
}

static void add_price_lists(struct generation *g)
{
    static const struct {
        const char *name, *status, *audience;
        int from, until;
    } lists[] = {
        {"Price list, paper and packaging", "Active", "partners", -120, 60},
        {"Price list, paper and packaging, last half-year", "Expired", "internal", -300, -121},
        {"Price list, timber and panels", "Active", "partners", -60, 120},
        {"Price list, office and furniture", "Active", "distributors", -200, 165},
        {"Purchase prices, paper", "Active", "suppliers", -90, 90},
        {"Price list, paper and packaging, next half-year", "Draft", "internal", 61, 240},
        {"Freight rates, coast and islands", "Active", "distributors", -30, 335},
    };
    for (uint32_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        add_document(g, lists[i].name, "Price List", lists[i].status, lists[i].from,
                     lists[i].until);
        company_tag(g->company, "internal", NOWHERE);
        company_tag(g->company, lists[i].audience, NOWHERE);
    }
}

/* For the people of one partner, and ours. */
static void add_agreements(struct generation *g)
{
    static const char *const names[PARTNER_COUNT] = {
        [NORDIC_PAPER] = "Supply agreement, Nordic Paper",
        [FJORD_LOGISTIKK] = "Transport agreement, Fjord Logistikk",
        [BALTIC_TIMBER] = "Supply agreement, Baltic Timber OÜ",
    };
    for (uint32_t i = 0; i < PARTNER_COUNT; i++) {
        add_document(g, names[i], "Contract", "Active", -200 - 40 * (int)i, 165 + 90 * (int)i);
        company_refer(g->company, "parties", g->partners[i]);
        company_tag(g->company, "internal", NOWHERE);
        company_tag(g->company, "partner", g->partners[i]);
    }
}

/* In the scope of each department, for its members. */
static void add_department_notes(struct generation *g)
{
    static const struct {
        enum staff author;
        const char *text;
    } notes[] = {
        {KARI, "Sales meeting each Monday at nine. Bring the three accounts you worry about."},
        {INGRID, "Cases marked urgent are answered within two hours, also before the weekend."},
        {SIGRID, "Letters and calls for the winter catalogue go out in its first two weeks."},
    };
    for (uint32_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        company_add(g->company, "note", g->staff[notes[i].author]);
        company_set(g->company, "text", "%s", notes[i].text);
        company_set(g->company, "pinned", "true");
        company_scope(g->company, g->departments[i]);
    }
}

void generate_library(struct generation *g)
{
    add_products(g);
    add_price_lists(g);
    add_agreements(g);
    add_department_notes(g);
}
