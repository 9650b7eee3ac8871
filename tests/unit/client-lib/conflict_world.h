/* A shop whose server refuses what the client sends, and what a program sees of that. */
#ifndef TESTS_UNIT_CLIENT_LIB_CONFLICT_WORLD_H
#define TESTS_UNIT_CLIENT_LIB_CONFLICT_WORLD_H

#include "durable_server.h"

#include <stdio.h>

#define STATE(state) (1u << (state))
#define LINES_MOST 8

extern struct durable_server shop;

/* What was sent last. */
struct sent_change {
    char op[16], field[32], text[64], entity[16];
    uint64_t base, change_base;
    unsigned changes, fields;
    struct id id;
    struct bytes map;
};

struct line {
    char op[16], entity[16], title[64], field[32];
    char base[64], mine[64], theirs[64], by[32];
    bool conflict;
    int64_t at_ms;
    uint64_t seq;
};

struct view {
    size_t entries, lines;
    uint64_t entry;
    tandem_entry_state state;
    tandem_code code;
    bool access_ended;
    struct line line[LINES_MOST];
    char json[2048];
};

int shop_set_up(void **state);
int shop_tear_down(void **state);
void shop_say_changes(uint64_t from, uint64_t to, struct bytes records, struct bytes removed,
                      struct bytes purged);
void shop_say_account(uint64_t from, uint64_t to, const char *phone, const char *site);
void shop_say_caught_up(uint64_t seq);
void shop_begin(struct world *world);
tandem_code shop_edit(struct world *world, const char *phone, const char *site,
                      struct outcome *outcome);
tandem_code shop_add_note(struct world *world, unsigned account);
tandem_code shop_remove_account(struct world *world);
/* Removes account 1 and records 2 to `last` in one mutation. */
tandem_code shop_remove_up_to(struct world *world, unsigned last, struct outcome *outcome);
void shop_refuse_for(const char *field, const char *theirs);
struct sent_change shop_last_sent(void);
void shop_service_only(struct world *world);
struct view shop_only(struct world *world, unsigned states);
struct view shop_conflict(struct world *world);
bool shop_was_told(const struct world *world, tandem_event_kind kind);
struct view shop_phone_conflict(struct world *world);

#endif
