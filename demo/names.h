/* What people, towns and companies of the demo are called, by country. All made up of common
 * parts: no company or person is meant. Web and mail addresses end in .example, which is nobody's
 * (RFC 2606). */
#ifndef TANDEM_DEMO_NAMES_H
#define TANDEM_DEMO_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct town {
    const char *name, *postal_code, *region;
};

struct country {
    const char *name, *language, *phone; /* phone: where each # becomes a digit */
    const char *const *first_names;      /* these lists end in NULL */
    const char *const *last_names;
    const char *const *streets;
    const char *const *stems;    /* first word of a company's name */
    const char *const *suffixes; /* last word */
    const struct town *towns;    /* ends in a NULL name */
    uint32_t weight;             /* accounts of a hundred */
};

#define COUNTRY_COUNT 7
extern const struct country demo_countries[COUNTRY_COUNT];

struct trade {
    const char *name; /* middle word of a company's name */
    const char *industry;
    int least, most; /* employees */
};
extern const struct trade demo_trades[];
extern const uint32_t demo_trade_count;

extern const char *const demo_titles[]; /* of contacts */
extern const char *const demo_departments[];

/* Number of entries before the NULL. */
uint32_t names_count(const char *const *list);

/* The text in lower case ASCII letters, digits and hyphens, as in a web address: letters lose
 * their accents, other characters become one hyphen. Cut to fit. */
void names_fold(const char *text, char *out, size_t size);

#endif
