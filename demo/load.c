#include "demo/load.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo/generate.h"
#include "demo/station.h"
#include "protocol/memory.h"

#define BATCH 100 /* records in one mutation */
#define MOST_USERS 16

struct user {
    uint32_t item;
    struct station station;
};

struct loader {
    const struct company *company;
    const struct load_target *target;
    char (*ids)[TANDEM_ID_TEXT]; /* of each item */
    struct station admin;
    struct user users[MOST_USERS];
    uint32_t user_count;
    tandem_mutation *batch; /* NULL while there is nothing to send */
    uint32_t batch_author;
};

/* ---- Who sends ---- */

static tandem_server server_of(const struct load_target *target)
{
    return (tandem_server){
        .url = target->url, .ca = target->ca, .once = true, .agent = "tandem-demo " TANDEM_VERSION};
}

/* The first sign-in of a user, with a one-time code, which sets the password. */
static bool sign_in(struct loader *loader, struct user *user)
{
    char code[STATION_CODE_MAX], password[DEMO_PASSWORD_MAX];
    const char *name = company_text(loader->company, user->item, "name");
    tandem_server server = server_of(loader->target);
    if (!station_invite(&loader->admin, loader->ids[user->item], code))
        return false;
    server.method = TANDEM_SIGN_IN_CODE;
    server.user = name;
    server.secret = code;
    server.new_secret = generate_password(name, password);
    return station_open(&user->station, &server);
}

static struct user *user_of(struct loader *loader, uint32_t item)
{
    for (uint32_t i = 0; i < loader->user_count; i++)
        if (loader->users[i].item == item)
            return &loader->users[i];
    return NULL;
}

/* The station of an author; NULL after saying why there is none. */
static struct station *station_of(struct loader *loader, uint32_t author)
{
    if (author == NOWHERE)
        return &loader->admin;
    struct user *user = user_of(loader, author);
    assert(user != NULL); /* users come before what they write */
    if (user->station.client == NULL && !sign_in(loader, user))
        return NULL;
    return &user->station;
}

static bool flush(struct loader *loader)
{
    if (loader->batch == NULL)
        return true;
    struct station *station = station_of(loader, loader->batch_author);
    bool sent = station != NULL && station_send(station, loader->batch);
    tandem_mutation_free(loader->batch);
    loader->batch = NULL;
    return sent;
}

/* ---- What is sent: errors of building are remembered by the mutation and told by flush() ---- */

/* Text of the value: as it is, or the ids it refers to; NULL when out of memory. */
static char *value_text(const struct loader *loader, const struct setting *setting)
{
    if (setting->text != NULL)
        return memory_copy(setting->text, strlen(setting->text));
    const size_t size = (size_t)setting->reference_count * TANDEM_ID_TEXT + 1;
    char *text = memory_new(size);
    for (uint32_t i = 0, used = 0; text != NULL && i < setting->reference_count; i++) {
        uint32_t item = loader->company->references[setting->first_reference + i];
        int length =
            snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ",", loader->ids[item]);
        assert(length > 0 && (size_t)length < size - used);
        used += (uint32_t)length;
    }
    return text;
}

static bool add_fields(struct loader *loader, const struct item *item)
{
    for (uint32_t i = 0; i < item->setting_count; i++) {
        const struct setting *setting = &loader->company->settings[item->first_setting + i];
        char *text = value_text(loader, setting);
        if (text == NULL)
            return false;
        (void)tandem_set_text(loader->batch, setting->field, text);
        memory_free(text);
    }
    return true;
}

static void add_audience(struct loader *loader, const struct item *item)
{
    char text[64];
    for (uint32_t i = 0; i < item->tag_count; i++) {
        const struct audience_tag *tag = &loader->company->tags[item->first_tag + i];
        if (tag->party == NOWHERE)
            (void)snprintf(text, sizeof text, "%s", tag->name);
        else
            (void)snprintf(text, sizeof text, "%s:%s", tag->name, loader->ids[tag->party]);
        (void)tandem_add_audience(loader->batch, text);
    }
    if (item->scope != NOWHERE) {
        (void)snprintf(text, sizeof text, "party:%s", loader->ids[item->scope]);
        (void)tandem_set_scope(loader->batch, text);
    }
}

static bool add_to_batch(struct loader *loader, uint32_t index)
{
    const struct item *item = &loader->company->items[index];
    const bool full = loader->batch != NULL && (loader->batch_author != item->author ||
                                                tandem_change_count(loader->batch) >= BATCH);
    if (full && !flush(loader))
        return false;
    if (loader->batch == NULL)
        loader->batch = tandem_mutation_new();
    loader->batch_author = item->author;
    bool made = loader->batch != NULL;
    if (made) {
        (void)tandem_create(loader->batch, item->entity, loader->ids[index]);
        made = add_fields(loader, item);
    }
    if (made)
        add_audience(loader, item);
    else
        fputs("tandem-demo: out of memory\n", stderr);
    return made;
}

static bool load_item(struct loader *loader, uint32_t index)
{
    const struct item *item = &loader->company->items[index];
    if (item->exists)
        return station_find(&loader->admin, item->entity,
                            company_text(loader->company, index, "name"), loader->ids[index]);
    if (strcmp(item->entity, "user") == 0) {
        assert(loader->user_count < MOST_USERS);
        loader->users[loader->user_count++].item = index;
    }
    return add_to_batch(loader, index);
}

static void show_progress(uint32_t done, uint32_t all)
{
    const bool last = done == all;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%u of %u records%s", done, all, last ? "\n" : "");
    else if (last)
        fprintf(stderr, "%u records\n", all);
}

static bool load_items(struct loader *loader)
{
    const uint32_t count = loader->company->item_count;
    for (uint32_t i = 0; i < count; i++) {
        if (!load_item(loader, i))
            return false;
        if (i % BATCH == 0)
            show_progress(i, count);
    }
    if (!flush(loader))
        return false;
    for (uint32_t i = 0; i < loader->user_count; i++)
        if (station_of(loader, loader->users[i].item) == NULL)
            return false;
    show_progress(count, count);
    return true;
}

bool load_company(const struct company *company, const struct load_target *target)
{
    struct loader loader = {.company = company, .target = target};
    tandem_server server = server_of(target);
    server.method = TANDEM_SIGN_IN_PASSWORD;
    server.user = target->admin;
    server.secret = target->password;
    loader.ids = memory_new(company->item_count * sizeof *loader.ids);
    bool loaded = false;
    if (loader.ids == NULL)
        fputs("tandem-demo: out of memory\n", stderr);
    else
        loaded = station_open(&loader.admin, &server) && load_items(&loader);
    tandem_mutation_free(loader.batch);
    for (uint32_t i = 0; i < loader.user_count; i++)
        station_close(&loader.users[i].station);
    station_close(&loader.admin);
    memory_free(loader.ids);
    return loaded;
}
