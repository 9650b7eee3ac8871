/* A run: lines of the script one after another, and between them whatever comes first. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/memory.h"
#include "tests/sim/sim.h"
#include "tests/survival/faults/failing_calls.h"

/* 2026-05-28, twenty o'clock and later, so that what ends with the day ends soon. */
#define WALL_BASE UINT64_C(1780000000000)
/* Events at the same moment: beyond that, somebody goes round in a circle. */
#define SAME_MOMENT 200000u

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct sim *sim)
{
    uint64_t z = (sim->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    return next(sim) % below;
}

bool sim_chance(struct sim *sim, unsigned percent)
{
    return sim_random(sim, 100) < percent;
}

void sim_fill_random(struct sim *sim, void *out, size_t size)
{
    uint8_t *at = out;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)next(sim);
}

void sim_reseed(struct sim *sim, uint64_t number)
{
    sim->random = sim->seed * 0x9e3779b97f4a7c15u + number * 0xd1b54a32d192ed03u;
    (void)next(sim);
}

uint64_t sim_wall(const struct sim *sim)
{
    return sim->wall_base + sim->now;
}

void sim_below(const struct sim *sim, const char *name, char out[SIM_PATH])
{
    char path[SIM_PATH];
    (void)snprintf(path, sizeof path, "%.64s/%.16s", sim->folder, name);
    memcpy(out, path, sizeof path);
}

void sim_tell(struct sim *sim, const char *format, ...)
{
    char text[512];
    va_list arguments;
    const int head = snprintf(text, sizeof text, "%10llu  ", (unsigned long long)sim->now);
    va_start(arguments, format);
    (void)vsnprintf(text + head, sizeof text - (size_t)head, format, arguments);
    va_end(arguments);
    for (const char *at = text; *at != '\0'; at++) /* FNV-1a */
        sim->progress->trace = (sim->progress->trace ^ (uint8_t)*at) * 0x100000001b3u;
    if (sim->trace != NULL)
        (void)fprintf(sim->trace, "%s\n", text);
}

void sim_differ(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sim->progress->sentence, sizeof sim->progress->sentence, format, arguments);
    va_end(arguments);
    sim->progress->differs = true;
    sim->progress->simulated_ms = sim->now;
    sim_tell(sim, "DIFFERS: %s", sim->progress->sentence);
    if (sim->trace != NULL)
        (void)fflush(sim->trace);
    _exit(1);
}

static uint64_t earliest(struct sim *sim)
{
    uint64_t first = net_next(sim);
    const uint64_t server = server_next(sim), device = device_next(sim);
    first = server < first ? server : first;
    return device < first ? device : first;
}

static void one_event(struct sim *sim)
{
    if (net_next(sim) <= sim->now)
        net_deliver(sim);
    else if (server_next(sim) <= sim->now)
        server_run(sim);
    else
        device_run(sim);
}

void sim_pass(struct sim *sim, uint64_t ms)
{
    const uint64_t until = sim->now + ms;
    unsigned here = 0;
    for (;;) {
        const uint64_t at = earliest(sim);
        if (at > until)
            break;
        if (at > sim->now) {
            sim->now = at;
            here = 0;
        }
        if (++here > SAME_MOMENT)
            sim_differ(sim, "everything goes on and on at the same moment");
        one_event(sim);
    }
    sim->now = until;
}

static void run_line(struct sim *sim, const struct sim_line *line)
{
    sim->progress->line = line->number;
    memcpy(sim->progress->doing, line->text, sizeof sim->progress->doing);
    sim_reseed(sim, line->number);
    sim_tell(sim, "%u %s", line->number, line->text);
    sim_do(sim, line);
    sim_pass(sim, 1 + sim_random(sim, 40));
}

static void release(struct sim *sim)
{
    sim->calm = true;
    for (unsigned i = 0; i < sim->device_count; i++)
        if (sim->devices[i].client != NULL) {
            process_is(&sim->devices[i]);
            tandem_close(sim->devices[i].client);
        }
    if (sim->server.store != NULL)
        server_crash(sim, LOST_NONE);
    net_forget(sim);
    history_free(sim);
    memory_free(sim);
}

void sim_run(const struct model_schema *schema, const struct sim_script *script, const char *folder,
             FILE *trace, struct sim_progress *progress)
{
    struct sim *sim = memory_new(sizeof *sim);
    if (sim == NULL)
        abort();
    sim->schema = schema;
    sim->seed = script->seed;
    sim->progress = progress;
    sim->trace = trace;
    (void)snprintf(sim->folder, 65, "%.64s", folder);
    failing_plan()->skip_flush = 1;
    *progress = (struct sim_progress){
        .seed = script->seed, .lines = (unsigned)script->count, .trace = 0xcbf29ce484222325u};
    sim_reseed(sim, 0);
    sim->wall_base = WALL_BASE + sim_random(sim, 4 * 3600000);
    (void)device_port(sim);
    sim_set_up(sim);
    for (size_t i = 0; i < script->count; i++)
        run_line(sim, &script->lines[i]);
    progress->simulated_ms = sim->now;
    release(sim);
}
