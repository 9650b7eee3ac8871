/* What the parts of the generator share while they fill the company. Internal to it. */
#ifndef TANDEM_DEMO_GENERATE_INTERNAL_H
#define TANDEM_DEMO_GENERATE_INTERNAL_H

#include "demo/company.h"
#include "demo/goods.h"
#include "demo/names.h"
#include "demo/random.h"
#include "demo/texts.h"

#define ACCOUNTS 120
#define MOST_CONTACTS 4
#define MOST_GOODS 64
#define CAMPAIGNS 4

enum staff { KARI, NILS, INGRID, OLE, SIGRID, STAFF_COUNT };
enum partner { NORDIC_PAPER, FJORD_LOGISTIKK, BALTIC_TIMBER, PARTNER_COUNT };
/* What a partner may do with an account now. */
enum access_now { ACCESS_NONE, ACCESS_VIEW, ACCESS_COMMENT, ACCESS_EDIT };

struct account {
    uint32_t item;
    enum staff owner;
    const struct country *country;
    const struct town *town;
    const struct trade *trade;
    char name[96], domain[64];
    bool restricted; /* only kari and ingrid see it */
    uint32_t contacts[MOST_CONTACTS];
    char people[MOST_CONTACTS][64];
    uint32_t contact_count;
    uint32_t opportunity; /* NOWHERE: none */
    uint8_t access[PARTNER_COUNT];
};

struct generation {
    struct company *company;
    struct random random;
    int64_t today;
    uint32_t staff[STAFF_COUNT], people[PARTNER_COUNT]; /* users: ours, and one of each partner */
    uint32_t departments[3], partners[PARTNER_COUNT];
    uint32_t goods[MOST_GOODS], campaigns[CAMPAIGNS];
    struct account accounts[ACCOUNTS];
    unsigned orders, cases; /* numbers given */
};

/* One of a list of constants. */
const char *pick(struct generation *g, const char *const *list);
/* "YYYY-MM-DD" and a time of day in working hours, so many days from today; valid until the next
 * call with the same storage. */
#define WHEN_TEXT 25
const char *date_at(const struct generation *g, int days, char out[WHEN_TEXT]);
const char *time_at(struct generation *g, int days, char out[WHEN_TEXT]);
/* Fills the gaps of a text with what fits the account, from `pool` when it has no contact. */
const char *told(struct generation *g, const struct account *account, const char *text,
                 char out[1024]);
/* A telephone number as the country writes it, and a place in the town. */
void set_phone(struct generation *g, const char *field, const struct country *country);
void set_address(struct generation *g, const char *field, const struct country *country,
                 const struct town *town);
/* A number of kroner as money. */
void set_money(struct generation *g, const char *field, int64_t oere);
/* Makes the latest record visible to one of the account's partners, if it has any. */
bool share_with_partner(struct generation *g, const struct account *account);

/* Talks of the kind given, and notes of all kinds that members write; what people of a partner
 * write. */
void generate_talks(struct generation *g, const struct account *account, const struct talk *talks,
                    uint32_t count, uint32_t author, int how_many);
void generate_notes(struct generation *g, const struct account *account, uint32_t author);
void generate_partner_note(struct generation *g, const struct account *account, uint32_t author);

/* In this order; each in the file of its name. */
void generate_people(struct generation *g);
void generate_library(struct generation *g);
void generate_market(struct generation *g);
void generate_sales(struct generation *g);
void generate_service(struct generation *g);

#endif
