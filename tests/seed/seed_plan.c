/* Who and what there will be, from the options alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seed/seed_internal.h"

/* SplitMix64 (Steele, Lea, Flood 2014), its state set anew for each number. */
static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t seed_number(uint64_t seed, enum seed_use use, uint64_t n)
{
    return mix(mix(mix(seed) + (uint64_t)use) + n);
}

void seed_octets(uint64_t seed, enum seed_use use, uint64_t n, uint8_t *out, size_t size)
{
    uint64_t number = seed_number(seed, use, n);
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) {
            number = mix(number + i);
        }
        out[i] = (uint8_t)(number >> (8 * (i % 8)));
    }
}

struct id seed_id(uint64_t seed, enum seed_use use, uint64_t n, uint64_t at_ms)
{
    uint8_t random[10];
    seed_octets(seed, use, n, random, sizeof random);
    return id_make(at_ms, random);
}

bool seed_complete(const struct seed_options *options, struct seed_options *out)
{
    *out = *options;
    if (out->accounts == 0) {
        out->accounts = out->records < 20 ? 1 : out->records / 20;
    }
    if (out->staff == 0) {
        out->staff = 1;
    }
    if (out->partners > 0 && out->accounts_a_partner > out->accounts) {
        (void)fprintf(stderr, "seed: a partner cannot have %u of %llu accounts\n",
                      out->accounts_a_partner, (unsigned long long)out->accounts);
        return false;
    }
    if (out->records < out->accounts || out->shared_percent > 100 || out->folder == NULL) {
        (void)fprintf(stderr, "seed: these options cannot be met\n");
        return false;
    }
    return true;
}

struct id seed_record_id(const struct seed_options *options, uint64_t index)
{
    return seed_id(options->seed, SEED_RECORD, index, SEED_START_MS + index * SEED_STEP_MS);
}

static void make_token(uint64_t seed, uint64_t n, char out[SEED_TOKEN])
{
    uint8_t octets[(SEED_TOKEN - 1) / 2];
    seed_octets(seed, SEED_TOKENS, n, octets, sizeof octets);
    for (size_t i = 0; i < sizeof octets; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", octets[i]);
    }
}

/* Partners share out the accounts evenly; where there are fewer than they need, they overlap. */
static uint64_t account_of(const struct seed_options *complete, size_t partner, size_t n)
{
    uint64_t each = complete->accounts_a_partner, all = each * complete->partners;
    uint64_t stride = all == 0 || complete->accounts < all ? 1 : complete->accounts / all;
    return (partner * each + n) * stride % complete->accounts;
}

static bool plan_partner(const struct seed_options *complete, struct seeded *seeded, size_t partner)
{
    struct seed_user *user = &seeded->users[seeded->staff + partner];
    size_t count = complete->accounts_a_partner;
    (void)snprintf(user->name, sizeof user->name, "partner-%zu", partner + 1);
    user->party = seed_id(complete->seed, SEED_PARTY, partner, SEED_START_MS + partner);
    struct id *assigned = calloc(count + 1, sizeof *assigned);
    user->assigned = assigned;
    for (size_t n = 0; assigned != NULL && n < count; n++) {
        assigned[n] = seeded->accounts[account_of(complete, partner, n)];
    }
    user->assigned_count = assigned == NULL ? 0 : count;
    return assigned != NULL;
}

struct seeded *seed_plan(const struct seed_options *complete)
{
    struct seeded *seeded = calloc(1, sizeof *seeded);
    size_t people = (size_t)complete->staff + complete->partners;
    if (seeded == NULL) {
        return NULL;
    }
    seeded->users = calloc(people, sizeof *seeded->users);
    seeded->accounts = calloc(complete->accounts, sizeof *seeded->accounts);
    bool made = seeded->users != NULL && seeded->accounts != NULL;
    seeded->staff = made ? complete->staff : 0;
    seeded->partners = made ? complete->partners : 0;
    seeded->account_count = made ? complete->accounts : 0;
    for (uint64_t i = 0; i < seeded->account_count; i++) {
        seeded->accounts[i] = seed_record_id(complete, i);
    }
    for (size_t i = 0; made && i < people; i++) {
        struct seed_user *user = &seeded->users[i];
        user->id = seed_id(complete->seed, SEED_USER, i, SEED_START_MS + i);
        make_token(complete->seed, i + 1, user->token);
        (void)snprintf(user->name, sizeof user->name, "staff-%zu", i + 1);
        made = i < complete->staff || plan_partner(complete, seeded, i - complete->staff);
    }
    seeded->epoch = seed_id(complete->seed, SEED_EPOCH, 0, SEED_START_MS);
    (void)snprintf(seeded->admin, sizeof seeded->admin, "admin");
    make_token(complete->seed, 0, seeded->admin_token);
    if (!made) {
        seed_free(seeded);
        return NULL;
    }
    return seeded;
}

void seed_free(struct seeded *seeded)
{
    if (seeded == NULL) {
        return;
    }
    for (size_t i = seeded->staff; i < seeded->staff + seeded->partners; i++) {
        free((void *)(uintptr_t)seeded->users[i].assigned);
    }
    free(seeded->users);
    free(seeded->accounts);
    free(seeded);
}
