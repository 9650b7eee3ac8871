/* Interactions and notes of an account. */
#include <string.h>

#include "demo/generate_internal.h"

static bool takes_time(const char *channel)
{
    static const char *const channels[] = {"Call", "Meeting", "Visit", "Chat"};
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        if (strcmp(channel, channels[i]) == 0)
            return true;
    return false;
}

static void add_talk(struct generation *g, const struct account *account, const struct talk *talk,
                     uint32_t author)
{
    char text[1024], when[WHEN_TEXT];
    const bool planned = strcmp(talk->channel, "Meeting") == 0 && random_chance(&g->random, 25);
    const int days =
        planned ? random_between(&g->random, 3, 40) : -random_between(&g->random, 1, 364);
    company_add(g->company, "interaction", author);
    company_set(g->company, "channel", "%s", talk->channel);
    company_set(g->company, "direction", "%s", talk->direction);
    company_set(g->company, "status", "%s", planned ? "Planned" : "Held");
    company_set(g->company, "subject", "%s", told(g, account, talk->subject, text));
    company_refer(g->company, "account", account->item);
    company_refer(g->company, "contacts",
                  account->contacts[random_index(&g->random, account->contact_count)]);
    company_refer(g->company, "users", author);
    company_set(g->company, "dateStart", "%s", time_at(g, days, when));
    if (takes_time(talk->channel))
        company_set(g->company, "duration", "%d", 60 * random_between(&g->random, 2, 75));
    if (!planned) {
        company_set(g->company, "body", "%s", told(g, account, talk->body, text));
        company_set(g->company, "outcome", "%s", talk->outcome);
        company_set(g->company, "sentiment", "%s", talk->sentiment);
    }
    if (random_chance(&g->random, 25))
        share_with_partner(g, account);
}

void generate_talks(struct generation *g, const struct account *account, const struct talk *talks,
                    uint32_t count, uint32_t author, int how_many)
{
    for (; how_many > 0; how_many--)
        add_talk(g, account, &talks[random_index(&g->random, count)], author);
}

static void add_note(struct generation *g, const struct account *account, uint32_t author,
                     const char *note)
{
    char text[1024];
    company_add(g->company, "note", author);
    company_set(g->company, "text", "%s", told(g, account, note, text));
    company_refer(g->company, "account", account->item);
}

void generate_notes(struct generation *g, const struct account *account, uint32_t author)
{
    for (int i = random_between(&g->random, 0, 2); i > 0; i--) {
        add_note(g, account, author,
                 demo_internal_notes[random_index(&g->random, demo_internal_notes_count)]);
        if (random_chance(&g->random, 15))
            company_set(g->company, "pinned", "true");
    }
    bool assigned = false;
    for (uint32_t i = 0; i < PARTNER_COUNT; i++)
        assigned = assigned || account->access[i] != ACCESS_NONE;
    if (!assigned || random_chance(&g->random, 30))
        return;
    add_note(g, account, author,
             demo_shared_notes[random_index(&g->random, demo_shared_notes_count)]);
    share_with_partner(g, account);
}

void generate_partner_note(struct generation *g, const struct account *account, uint32_t author)
{
    add_note(g, account, author,
             demo_supplier_notes[random_index(&g->random, demo_supplier_notes_count)]);
}
