/* Parties and users. The departments are there since the store was founded. */
#include "demo/generate_internal.h"

static void add_departments(struct generation *g)
{
    static const char *const names[] = {"sales", "support", "community"};
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        g->departments[i] = company_add(g->company, "party", NOWHERE);
        company_set(g->company, "name", "%s", names[i]);
        company_set(g->company, "kind", "department");
        company_exists(g->company);
    }
}

static void add_partners(struct generation *g)
{
    static const struct {
        const char *name, *kind, *domain, *phone, *address;
    } partners[PARTNER_COUNT] = {
        [NORDIC_PAPER] = {"Nordic Paper", "supplier", "nordic-paper.example", "+46 8 465 004 90",
                          "Bruksvägen 4; Örebro; Örebro län; 702 11; Sweden"},
        [FJORD_LOGISTIKK] = {"Fjord Logistikk", "distributor", "fjord-logistikk.example",
                             "+47 19 55 01 20", "Havneveien 31; Bergen; Vestland; 5003; Norway"},
        [BALTIC_TIMBER] = {"Baltic Timber OÜ", "supplier", "baltic-timber.example", "+372 001 4410",
                           "Sadama 9; Pärnu; Pärnumaa; 80010; Estonia"},
    };
    for (uint32_t i = 0; i < PARTNER_COUNT; i++) {
        g->partners[i] = company_add(g->company, "party", NOWHERE);
        company_set(g->company, "name", "%s", partners[i].name);
        company_set(g->company, "kind", "%s", partners[i].kind);
        company_set(g->company, "emailDomain", "%s", partners[i].domain);
        company_set(g->company, "website", "https://www.%s", partners[i].domain);
        company_set(g->company, "phoneNumber", "%s", partners[i].phone);
        company_set(g->company, "address", "%s", partners[i].address);
    }
}

static uint32_t add_user(struct generation *g, const char *name, const char *full_name,
                         const char *role, const char *title, const char *domain)
{
    uint32_t user = company_add(g->company, "user", NOWHERE);
    company_set(g->company, "name", "%s", name);
    company_set(g->company, "fullName", "%s", full_name);
    company_set(g->company, "role", "%s", role);
    company_set(g->company, "title", "%s", title);
    company_set(g->company, "emailAddress", "%s@%s", name, domain);
    return user;
}

static void add_staff(struct generation *g)
{
    static const struct {
        const char *name, *full_name, *role, *title, *language;
        uint8_t department;
    } staff[STAFF_COUNT] = {
        [KARI] = {"kari", "Kari Storvik", "Manager", "Head of Sales", "Norwegian", 0},
        [NILS] = {"nils", "Nils Håland", "Member", "Account Manager", "Norwegian", 0},
        [INGRID] = {"ingrid", "Ingrid Sørbø", "Manager", "Head of Support", "Norwegian", 1},
        [OLE] = {"ole", "Ole Bratland", "Member", "Support Engineer", "Danish", 1},
        [SIGRID] = {"sigrid", "Sigrid Ålund", "Member", "Community Manager", "Swedish", 2},
    };
    for (uint32_t i = 0; i < STAFF_COUNT; i++) {
        g->staff[i] = add_user(g, staff[i].name, staff[i].full_name, staff[i].role, staff[i].title,
                               "nordlys-handel.example");
        company_set(g->company, "language", "%s", staff[i].language);
        company_refer(g->company, "departments", g->departments[staff[i].department]);
    }
}

void generate_people(struct generation *g)
{
    static const struct {
        const char *name, *full_name, *title, *domain;
    } people[PARTNER_COUNT] = {
        [NORDIC_PAPER] = {"eva", "Eva Lindqvist", "Key Account Manager", "nordic-paper.example"},
        [FJORD_LOGISTIKK] = {"jonas", "Jonas Ekre", "Dispatcher", "fjord-logistikk.example"},
        [BALTIC_TIMBER] = {"maria", "Maria Tammsalu", "Export Manager", "baltic-timber.example"},
    };
    add_departments(g);
    add_partners(g);
    add_staff(g);
    for (uint32_t i = 0; i < PARTNER_COUNT; i++) {
        g->people[i] = add_user(g, people[i].name, people[i].full_name, "Partner", people[i].title,
                                people[i].domain);
        company_refer(g->company, "partner", g->partners[i]);
    }
}
