/* What people of the demo say to each other. In the texts {person}, {product}, {town}, {month} and
 * {number} stand for what fits the account; texts_fill() puts it in. */
#ifndef TANDEM_DEMO_TEXTS_H
#define TANDEM_DEMO_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct talk {
    const char *channel, *direction, *subject, *body, *outcome, *sentiment;
};
struct trouble_report {
    const char *name, *type, *description;
};
struct chore {
    const char *name, *priority;
};
struct prospect {
    const char *name, *type, *next_step;
};

#define TEXTS(TYPE, NAME)                                                                          \
    extern const TYPE NAME[];                                                                      \
    extern const uint32_t NAME##_count

TEXTS(struct talk, demo_sales_talks);
TEXTS(struct talk, demo_support_talks);
TEXTS(struct trouble_report, demo_reports);
TEXTS(struct chore, demo_chores);
TEXTS(struct prospect, demo_prospects);
TEXTS(char *const, demo_internal_notes);
TEXTS(char *const, demo_shared_notes);   /* for a partner as well */
TEXTS(char *const, demo_supplier_notes); /* written by people of a partner */
TEXTS(char *const, demo_goals);
TEXTS(char *const, demo_preferences);
TEXTS(char *const, demo_ways_of_working);
TEXTS(char *const, demo_health_reasons); /* by health: three for each, in its order */
TEXTS(char *const, demo_dates);

struct filling {
    const char *person, *product, *town, *month;
    int number;
};
/* The text with its gaps filled, cut to fit. Returns `out`. */
const char *texts_fill(const char *text, const struct filling *with, char *out, size_t size);

#endif
