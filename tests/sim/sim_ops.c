/* What each line of a script does. A line about a device that does not run, or about things that
 * are not there, does nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "tests/sim/sim.h"
#include "tests/survival/faults/failing_calls.h"

#define DAY_MS INT64_C(86400000)
#define NEWEST UINT32_MAX

struct doing {
    struct sim *sim;
    const struct sim_words *words;
    struct sim_device *device; /* that the line names; NULL: none */
};

static const char *word(const struct doing *doing, unsigned i)
{
    return doing->words->word[i];
}

/* The number behind '#', or the word's own. */
static unsigned number_of(const char *text)
{
    const char *mark = strchr(text, '#');
    return (unsigned)strtoul(mark != NULL ? mark + 1 : text, NULL, 10);
}

/* ---- Finding things on a device ---- */

struct search {
    const char *field, *value; /* NULL: any */
    bool otherwise;            /* the value is another */
    unsigned nth, seen;
    char id[TANDEM_ID_TEXT];
};

static bool match(void *context, const tandem_record *record)
{
    struct search *search = context;
    const char *text = search->field != NULL ? tandem_record_text(record, search->field) : NULL;
    if (search->field != NULL &&
        (text == NULL || (strcmp(text, search->value) == 0) == search->otherwise))
        return true;
    if (search->seen++ != search->nth)
        return true;
    (void)snprintf(search->id, sizeof search->id, "%s", tandem_record_id(record));
    return false;
}

/* The n-th record of the entity that the device shows, modulo how many there are. */
static bool find(const struct doing *doing, const char *entity, unsigned n, const char *field,
                 const char *value, bool otherwise, char id[TANDEM_ID_TEXT])
{
    struct search search = {field, value, otherwise, UINT32_MAX, 0, ""};
    (void)tandem_each(doing->device->client, entity, match, &search);
    if (search.seen == 0)
        return false;
    search.nth = n == NEWEST ? search.seen - 1 : n % search.seen;
    search.seen = 0;
    (void)tandem_each(doing->device->client, entity, match, &search);
    memcpy(id, search.id, TANDEM_ID_TEXT);
    return id[0] != '\0';
}

struct thing {
    char entity[24], id[TANDEM_ID_TEXT];
};

static bool find_last(const struct doing *doing, char id[TANDEM_ID_TEXT])
{
    for (unsigned i = doing->sim->deed_count; i-- > 0;) {
        const struct sim_deed *deed = &doing->sim->deeds[i];
        if (deed->device == doing->device && strcmp(deed->field, "lastName") == 0) {
            (void)id_to_text(deed->record, id);
            return true;
        }
    }
    return false;
}

/* What a word such as "contact#3", "last#0", "department#1" means. */
static bool named(const struct doing *doing, const char *text, struct thing *out)
{
    const unsigned n = number_of(text);
    char *entity = out->entity;
    (void)snprintf(entity, sizeof out->entity, "%.*s", (int)strcspn(text, "#"), text);
    if (strcmp(entity, "partner") == 0 || strcmp(entity, "department") == 0) {
        const bool partner = entity[0] == 'p';
        (void)snprintf(entity, sizeof out->entity, "party");
        return find(doing, "party", n, "kind", "department", partner, out->id);
    }
    if (strcmp(entity, "user") == 0) { /* the administrator stays who they are */
        (void)id_to_text(doing->sim->users[1 + n % (doing->sim->user_count - 1)].id, out->id);
        return true;
    }
    const bool newest = strcmp(entity, "newest") == 0;
    if (!newest && strcmp(entity, "last") != 0)
        return find(doing, entity, n, NULL, NULL, false, out->id);
    (void)snprintf(entity, sizeof out->entity, "contact");
    return newest ? find(doing, "contact", NEWEST, NULL, NULL, false, out->id)
                  : find_last(doing, out->id);
}

/* ---- Mutations ---- */

static const char *text_field(const char *entity, unsigned n)
{
    static const struct {
        const char *entity, *fields[3];
    } known[] = {{"contact", {"title", "department", "description"}},
                 {"note", {"text", "type", "description"}},
                 {"task", {"description", "name", "description"}},
                 {"case", {"type", "description", "name"}},
                 {"opportunity", {"nextStep", "type", "description"}},
                 {"account", {"industry", "sicCode", "description"}}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].entity, entity) == 0)
            return known[i].fields[n % 3];
    return "description";
}

static void on_result(void *context, const tandem_result *result)
{
    watch_result(context, result);
}

struct sim_deed *deed_new(struct sim *sim, struct sim_device *device)
{
    if (sim->deed_count == SIM_DEEDS)
        return NULL;
    struct sim_deed *deed = &sim->deeds[sim->deed_count];
    *deed = (struct sim_deed){.number = sim->deed_count++, .sim = sim, .device = device};
    return deed;
}

void deed_sign(struct sim_deed *deed, tandem_mutation *mutation, const char *entity, const char *id,
               const char *field)
{
    char text[32];
    (void)snprintf(text, sizeof text, "deed-%u.", deed->number);
    (void)tandem_set_text(mutation, field, text);
    (void)id_from_text(bytes_text(id), &deed->record);
    (void)snprintf(deed->entity, sizeof deed->entity, "%s", entity);
    (void)snprintf(deed->field, sizeof deed->field, "%s", field);
    deed->texted = true;
}

/* Sends and frees. */
static void send(const struct doing *doing, struct sim_deed *deed, tandem_mutation *mutation)
{
    struct sim *sim = doing->sim;
    device_enter(doing->device);
    const tandem_code code = tandem_send(doing->device->client, mutation, on_result, deed);
    const bool alive = device_leave(doing->device);
    sim_tell(sim, "deed-%u: %s", deed->number, alive ? tandem_error_name(code) : "crashed");
    sim->progress->mutations++;
    if (!alive)
        deed->outcome = DEED_UNKNOWN;
    else if (code != TANDEM_OK)
        deed->outcome = DEED_SETTLED; /* its author was told at once */
    else
        deed->promised = doing->device->client->store != NULL;
    tandem_mutation_free(mutation);
    if (alive && code == TANDEM_OK)
        watch_read(doing->device);
}

/* A deed about the thing that a word of the line names; NULL when there is none. */
static struct sim_deed *about(const struct doing *doing, unsigned at, struct thing *out)
{
    return named(doing, word(doing, at), out) ? deed_new(doing->sim, doing->device) : NULL;
}

/* Whatever anybody else does to the thing meanwhile. */
static void send_over(const struct doing *doing, struct sim_deed *deed, tandem_mutation *mutation,
                      const struct thing *thing)
{
    deed_sign(deed, mutation, thing->entity, thing->id, "description");
    tandem_set_overwrite(mutation, true);
    send(doing, deed, mutation);
}

static void do_edit(const struct doing *doing)
{
    struct thing thing;
    struct sim_deed *deed = about(doing, 2, &thing);
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_update(mutation, thing.entity, thing.id);
    deed_sign(deed, mutation, thing.entity, thing.id,
              text_field(thing.entity, number_of(word(doing, 3))));
    if (strcmp(word(doing, 4), "overwrite") == 0)
        tandem_set_overwrite(mutation, true);
    else
        own_see(doing->device, deed);
    send(doing, deed, mutation);
}

static void do_type(const struct doing *doing)
{
    struct thing thing;
    if (!named(doing, word(doing, 2), &thing))
        return;
    for (unsigned i = number_of(word(doing, 3)); doing->device->client != NULL; i--) {
        type_some(doing->device, thing.id);
        if (i <= 1)
            return;
        if (strcmp(word(doing, 4), "quickly") != 0)
            sim_pass(doing->sim, sim_random(doing->sim, 2000));
    }
}

static void do_create(const struct doing *doing)
{
    char id[TANDEM_ID_TEXT];
    struct thing account;
    struct sim_deed *deed = about(doing, 3, &account);
    if (deed == NULL)
        return;
    const char *made = word(doing, 2);
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_create(mutation, made, id);
    deed->creates = true;
    deed_sign(deed, mutation, made, id,
              strcmp(made, "contact") == 0 ? "lastName"
              : strcmp(made, "note") == 0  ? "text"
                                           : "name");
    (void)tandem_set_text(mutation, "account", account.id);
    send(doing, deed, mutation);
}

static void do_remove(const struct doing *doing)
{
    struct thing thing;
    struct sim_deed *deed = about(doing, 2, &thing);
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_remove(mutation, thing.id);
    (void)id_from_text(bytes_text(thing.id), &deed->record);
    send(doing, deed, mutation);
}

static void do_share(const struct doing *doing)
{
    char tag[64];
    struct thing thing, partner;
    (void)snprintf(tag, sizeof tag, "%s", word(doing, 3));
    if (strcmp(tag, "partner") == 0) {
        if (!named(doing, "partner#0", &partner))
            return;
        (void)snprintf(tag, sizeof tag, "partner:%s", partner.id);
    }
    struct sim_deed *deed = about(doing, 2, &thing);
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_share(mutation, thing.id);
    if (word(doing, 0)[0] == 's')
        (void)tandem_add_audience(mutation, tag);
    else
        (void)tandem_remove_audience(mutation, tag);
    send(doing, deed, mutation);
}

/* ---- Access ---- */

/* The day that many days from today. */
static void day_text(const struct sim *sim, unsigned days, char out[25])
{
    (void)tandem_time_text((int64_t)sim_wall(sim) + days * DAY_MS, out);
    out[10] = '\0';
}

static void do_grant(const struct doing *doing)
{
    char id[TANDEM_ID_TEXT], day[25];
    struct thing partner, account;
    struct sim_deed *deed =
        named(doing, word(doing, 2), &partner) ? about(doing, 3, &account) : NULL;
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_create(mutation, "assignment", id);
    (void)tandem_set_text(mutation, "party", partner.id);
    (void)tandem_set_text(mutation, "account", account.id);
    (void)tandem_set_text(mutation, "level", word(doing, 4));
    if (word(doing, 5)[0] != '\0') {
        day_text(doing->sim, number_of(word(doing, 6)), day);
        (void)tandem_set_text(mutation, word(doing, 5), day);
    }
    deed->creates = true;
    deed_sign(deed, mutation, "assignment", id, "description");
    send(doing, deed, mutation);
}

static void do_restrict(const struct doing *doing)
{
    const bool restricted = word(doing, 0)[0] == 'r';
    struct thing account, user;
    struct sim_deed *deed = about(doing, 2, &account);
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_update(mutation, "account", account.id);
    (void)tandem_set_text(mutation, "restricted", restricted ? "true" : "false");
    if (restricted && named(doing, word(doing, 3), &user))
        (void)tandem_set_text(mutation, "team", user.id);
    send_over(doing, deed, mutation, &account);
}

static void do_move(const struct doing *doing)
{
    const bool partner = word(doing, 0)[0] == 'p';
    struct thing user, place;
    struct sim_deed *deed = named(doing, word(doing, 3), &place) ? about(doing, 2, &user) : NULL;
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_update(mutation, "user", user.id);
    (void)tandem_set_text(mutation, "role", partner ? "Partner" : "Member");
    (void)tandem_set_text(mutation, "partner", partner ? place.id : "");
    (void)tandem_set_text(mutation, "departments", partner ? "" : place.id);
    send_over(doing, deed, mutation, &user);
}

static void do_disable(const struct doing *doing)
{
    struct thing user;
    struct sim_deed *deed = about(doing, 2, &user);
    if (deed == NULL)
        return;
    tandem_mutation *mutation = tandem_mutation_new();
    (void)tandem_update(mutation, "user", user.id);
    (void)tandem_set_text(mutation, "disabled", word(doing, 0)[0] == 'd' ? "true" : "false");
    send_over(doing, deed, mutation, &user);
}

/* ---- Network and devices ---- */

static void reach(struct sim_device *device, bool reachable)
{
    device->reachable = reachable;
    if (!reachable)
        net_cut_all(device->sim, device);
}

static void do_offline(const struct doing *doing)
{
    const bool reachable = word(doing, 0)[1] == 'n';
    reach(doing->device, reachable);
    if (doing->device->other != NULL)
        reach(doing->device->other, reachable);
}

static void do_cut(const struct doing *doing)
{
    struct sim_connection *connection = net_of(doing->sim, doing->device);
    if (connection == NULL)
        return;
    const bool silent = strcmp(word(doing, 4), "silently") == 0;
    if (strcmp(word(doing, 2), "after") != 0) {
        net_cut(doing->sim, connection, silent);
        return;
    }
    connection->cut_after = number_of(word(doing, 3));
    connection->cut_silent = silent;
}

static void do_stall(const struct doing *doing)
{
    struct sim_connection *connection = net_of(doing->sim, doing->device);
    if (connection != NULL)
        net_stall(doing->sim, connection, sim_duration(word(doing, 2)));
}

static void do_crash(const struct doing *doing)
{
    static const uint32_t ways[] = {FAILING_NOTHING_DONE, FAILING_HALF_DONE, FAILING_ALL_DONE};
    struct sim *sim = doing->sim;
    const char *lost = word(doing, 5);
    if (strcmp(word(doing, 2), "now") == 0) {
        if (doing->device != NULL)
            device_crash(doing->device);
        else if (sim->server.store != NULL)
            server_crash(sim, LOST_NONE);
        return;
    }
    struct sim_trap *trap = doing->device != NULL ? &doing->device->trap : &sim->server.trap;
    trap_clear(sim, trap);
    *trap = (struct sim_trap){.calls = word(doing, 2)[0] == 's' ? CALL_SYNC : CALL_WRITE,
                              .nth = number_of(word(doing, 3)),
                              .way = ways[sim_random(sim, 3)],
                              .lost = lost[0] == 'n'   ? LOST_NONE
                                      : lost[0] == 'a' ? LOST_ALL
                                                       : LOST_SOME,
                              .steps = 200};
}

static void do_server(const struct doing *doing)
{
    const char *what = word(doing, 0);
    if (strcmp(what, "copy") == 0)
        restore_copy(doing->sim);
    else if (strcmp(what, "restore") == 0)
        restore_from_copy(doing->sim);
    else
        restore_version(doing->sim, strcmp(what, "downgrade") == 0);
}

static void do_retain(const struct doing *doing)
{
    struct sim *sim = doing->sim;
    sim->server.retention_ms = sim_duration(word(doing, 2));
    if (sim->server.store != NULL)
        server_crash(sim, LOST_NONE);
}

static void do_second(const struct doing *doing)
{
    device_second(doing->device->home);
}

static void do_restart(const struct doing *doing)
{
    device_stop(doing->device);
}

static void do_pause(const struct doing *doing)
{
    device_pause(doing->device, word(doing, 0)[0] == 'p');
}

static void on_checked(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct sim_device *device = context;
    (void)answer;
    (void)fault;
    sim_tell(device->sim, "%s: checked", device->name);
}

static void do_look(const struct doing *doing)
{
    struct thing account;
    tandem_code code = TANDEM_OK;
    device_enter(doing->device);
    if (word(doing, 0)[0] == 'c')
        code = tandem_check(doing->device->client, NULL, on_checked, doing->device);
    else if (named(doing, word(doing, 2), &account))
        code = tandem_prefer(doing->device->client, account.id);
    if (device_leave(doing->device))
        sim_tell(doing->sim, "%s", tandem_error_name(code));
}

static void choose_entities(const struct doing *doing)
{
    struct sim_device *device = doing->device;
    unsigned count = 0;
    for (; count < SIM_ENTITIES && word(doing, 3 + count)[0] != '\0'; count++)
        (void)snprintf(device->entities[count], sizeof *device->entities, "%s",
                       word(doing, 3 + count));
    device->entity_count = count;
}

static void do_choose(const struct doing *doing)
{
    struct sim_device *device = doing->device;
    struct thing account;
    const unsigned count = number_of(word(doing, 2));
    unsigned chosen = 0;
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        bool known = false;
        (void)snprintf(text, sizeof text, "account#%u", i + (unsigned)sim_random(doing->sim, 5));
        if (!named(doing, text, &account))
            break;
        (void)snprintf(device->scopes[chosen], SCOPE_TEXT_SIZE, "account:%s", account.id);
        for (unsigned j = 0; j < chosen; j++)
            known = known || strcmp(device->scopes[j], device->scopes[chosen]) == 0;
        chosen += known ? 0 : 1;
    }
    device->scope_count = chosen;
    choose_entities(doing);
    device_enter(device);
    const tandem_code code = device_subscribe(device);
    if (device_leave(device))
        sim_tell(doing->sim, "%s wants %u scopes and %zu entities: %s", device->name, chosen,
                 device->entity_count, tandem_error_name(code));
}

static void do_resolve(const struct doing *doing)
{
    sim_settle(doing->device, number_of(word(doing, 2)), word(doing, 3));
}

static void do_read(const struct doing *doing)
{
    watch_read(doing->device);
}

/* ---- Lines ---- */

static const struct {
    const char *word;
    void (*run)(const struct doing *doing);
    bool stopped_too; /* also when the device does not run */
} kinds[] = {
    {"type", do_type, false},
    {"edit", do_edit, false},
    {"create", do_create, false},
    {"remove", do_remove, false},
    {"share", do_share, false},
    {"unshare", do_share, false},
    {"grant", do_grant, false},
    {"revoke", do_remove, false},
    {"restrict", do_restrict, false},
    {"open", do_restrict, false},
    {"move", do_move, false},
    {"place", do_move, false},
    {"disable", do_disable, false},
    {"enable", do_disable, false},
    {"offline", do_offline, true},
    {"online", do_offline, true},
    {"cut", do_cut, true},
    {"stall", do_stall, true},
    {"crash", do_crash, true},
    {"restart", do_restart, false},
    {"second", do_second, true},
    {"pause", do_pause, false},
    {"resume", do_pause, false},
    {"prefer", do_look, false},
    {"check", do_look, false},
    {"choose", do_choose, false},
    {"read", do_read, false},
    {"resolve", do_resolve, false},
    {"copy", do_server, true},
    {"restore", do_server, true},
    {"retain", do_retain, true},
    {"downgrade", do_server, true},
    {"upgrade", do_server, true},
};

/* "d2", or "d2b" for the second process there, which is the first where there is no other. */
static struct sim_device *device_of(struct sim *sim, const char *name)
{
    struct sim_device *device = &sim->devices[number_of(name + 1) % sim->folder_count];
    return name[strlen(name) - 1] == 'b' && device->other != NULL ? device->other : device;
}

void sim_do(struct sim *sim, const struct sim_line *line)
{
    struct sim_words words;
    struct doing doing = {sim, &words, NULL};
    sim_words(line, &words);
    const char *who = word(&doing, 1);
    if (who[0] == 'd' && strspn(who + 1, "0123456789") > 0) {
        doing.device = device_of(sim, who);
        process_is(doing.device);
    }
    if (strcmp(word(&doing, 0), "wait") == 0) {
        sim_pass(sim, sim_duration(who));
        return;
    }
    if (strcmp(word(&doing, 0), "quiet") == 0) {
        sim_quiet(sim);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].word, word(&doing, 0)) == 0) {
            const bool runs = doing.device == NULL || doing.device->client != NULL;
            if (runs || kinds[i].stopped_too)
                kinds[i].run(&doing);
            return;
        }
    sim_differ(sim, "the script says what nobody knows: %s", line->text);
}
