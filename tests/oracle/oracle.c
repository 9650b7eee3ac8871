#include "tests/oracle/oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void oracle_differ(const struct oracle *oracle, const char *format, ...)
{
    char sentence[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fprintf(stderr,
            "access oracle: seed %llu, step %u of %u: %s\n"
            "  the step: %s\n"
            "  again: SEED=%llu STEPS=%u TRACE=1 test_access_oracle\n",
            (unsigned long long)oracle->progress->seed, oracle->progress->step,
            oracle->progress->steps, sentence, oracle->doing,
            (unsigned long long)oracle->progress->seed, oracle->progress->steps);
    exit(1);
}

void oracle_doing(struct oracle *oracle, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(oracle->doing, sizeof oracle->doing, format, arguments);
    va_end(arguments);
    if (oracle->trace) {
        printf("%4u  seq %-4llu %s\n", oracle->progress->step,
               (unsigned long long)model_head(oracle->model), oracle->doing);
        fflush(stdout);
    }
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct oracle *oracle)
{
    uint64_t z = (oracle->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t oracle_random(struct oracle *oracle, uint64_t below)
{
    return next(oracle) % below;
}

bool oracle_chance(struct oracle *oracle, unsigned percent)
{
    return oracle_random(oracle, 100) < percent;
}

struct id oracle_user(struct oracle *oracle, bool able)
{
    if (able && oracle_chance(oracle, 60)) {
        return world_admin(oracle->world);
    }
    return oracle->users[oracle_random(oracle, oracle->user_count)];
}

const struct model_record *oracle_pick(struct oracle *oracle, const char *entity)
{
    size_t count = model_count(oracle->model), start = oracle_random(oracle, count);
    for (size_t i = 0; i < count; i++) {
        const struct model_record *record = model_at(oracle->model, (start + i) % count);
        if ((entity == NULL || strcmp(record->entity, entity) == 0) &&
            model_version_at(record, UINT64_MAX) != NULL) {
            return record;
        }
    }
    return NULL;
}

const char *oracle_name(struct oracle *oracle, struct id id)
{
    const struct model_record *record = model_find(oracle->model, id);
    char *text = world_id_text(oracle->world, id);
    if (record == NULL) {
        return text;
    }
    /* The end of an id is its random part, which tells records apart. */
    char tail[9];
    memcpy(tail, text + 28, sizeof tail);
    snprintf(text, ID_TEXT_SIZE, "%.26s %s", record->entity, tail);
    return text;
}

const char *oracle_user_name(struct oracle *oracle, struct id user)
{
    struct model_person who;
    char *text = world_id_text(oracle->world, user);
    bool enabled = model_person(oracle->model, user, model_head(oracle->model), &who);
    if (who.name.size > 0) {
        snprintf(text, ID_TEXT_SIZE, "%.*s (%.*s)", (int)who.name.size, (const char *)who.name.data,
                 (int)who.role.size, (const char *)who.role.data);
    } else if (!enabled) {
        snprintf(text + 8, ID_TEXT_SIZE - 8, " (disabled)");
    }
    return text;
}

struct oracle_device *oracle_device_of(struct oracle *oracle, const struct world_client *client)
{
    for (size_t i = 0; i < oracle->device_count; i++) {
        if (oracle->devices[i].client == client) {
            return &oracle->devices[i];
        }
    }
    return NULL;
}

static void one_step(struct oracle *oracle)
{
    static const struct {
        unsigned weight;
        void (*act)(struct oracle *oracle);
    } acts[] = {
        {16, act_create},      {14, act_update},        {5, act_move},
        {10, act_share},       {5, act_remove},         {4, act_several},
        {10, act_assign},      {6, act_restrict},       {6, act_time},
        {6, act_user},         {3, act_party},          {4, act_schema},
        {5, act_device_new},   {8, act_device_connect}, {6, act_device_disconnect},
        {16, act_device_pump}, {6, act_deliver},        {10, act_ask},
        {8, judge_quiet},      {2, act_prune},          {4, act_device_prefer},
        {4, act_device_check}, {10, act_mention},       {4, act_inbox},
    };
    const size_t count = sizeof acts / sizeof *acts;
    unsigned all = 0;
    for (size_t i = 0; i < count; i++) {
        all += acts[i].weight;
    }
    uint64_t at = oracle_random(oracle, all);
    size_t i = 0;
    while (at >= acts[i].weight) {
        at -= acts[i++].weight;
    }
    acts[i].act(oracle);
}

void oracle_run(const struct model_schema *schema, uint64_t seed, unsigned steps, bool trace,
                struct oracle_progress *progress)
{
    static const char *const names[] = {"sales", "support", "community"};
    struct oracle oracle = {.schema = schema,
                            .world = world_new(seed),
                            .model = model_new(schema),
                            .progress = progress,
                            .random = seed ^ 0x6f7261636c65u,
                            .trace = trace};
    struct id departments[3];
    for (unsigned i = 0; i < 3; i++) {
        departments[i] = world_department(oracle.world, names[i]);
    }
    progress->seed = seed;
    progress->step = 0;
    progress->steps = steps > 0 ? steps : 20 + (unsigned)oracle_random(&oracle, 260);
    model_founded(oracle.model, world_admin(oracle.world), "admin", departments, names,
                  world_now(oracle.world));
    const struct world_watch watch = {&oracle, judge_applied, judge_received};
    world_watch(oracle.world, &watch);
    act_set_up(&oracle);
    while (progress->step++ < progress->steps) {
        one_step(&oracle);
    }
    judge_quiet(&oracle);
    world_free(oracle.world);
    model_free(oracle.model);
    buffer_release(&oracle.answer);
}
