#include "demo/company.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/memory.h"

void company_release(struct company *company)
{
    for (uint32_t i = 0; i < company->setting_count; i++)
        memory_free(company->settings[i].text);
    memory_free(company->items);
    memory_free(company->settings);
    memory_free(company->references);
    memory_free(company->tags);
    memset(company, 0, sizeof *company);
}

/* Room for one more of `size` bytes in an array; returns the array, or NULL with `failed` set. */
static void *grow(struct company *company, void *array, uint32_t count, uint32_t *room, size_t size)
{
    if (company->failed)
        return NULL;
    if (count < *room)
        return array;
    uint32_t more = *room == 0 ? 256 : *room * 2;
    void *grown = memory_resize(array, more * size);
    company->failed = grown == NULL;
    if (grown != NULL)
        *room = more;
    return grown;
}

static struct item *latest(struct company *company)
{
    assert(company->item_count > 0);
    return &company->items[company->item_count - 1];
}

uint32_t company_add(struct company *company, const char *entity, uint32_t author)
{
    struct item *items =
        grow(company, company->items, company->item_count, &company->item_room, sizeof *items);
    if (items == NULL)
        return 0;
    company->items = items;
    items[company->item_count] = (struct item){.entity = entity,
                                               .author = author,
                                               .scope = NOWHERE,
                                               .first_setting = company->setting_count,
                                               .first_tag = company->tag_count};
    return company->item_count++;
}

static struct setting *add_setting(struct company *company, const char *field)
{
    struct setting *settings = grow(company, company->settings, company->setting_count,
                                    &company->setting_room, sizeof *settings);
    if (settings == NULL)
        return NULL;
    company->settings = settings;
    latest(company)->setting_count++;
    struct setting *setting = &settings[company->setting_count++];
    *setting = (struct setting){.field = field, .first_reference = company->reference_count};
    return setting;
}

void company_set(struct company *company, const char *field, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(length >= 0 && (size_t)length < sizeof text); /* the tables are ours, and shorter */
    struct setting *setting = add_setting(company, field);
    if (setting == NULL)
        return;
    setting->text = memory_copy(text, (size_t)length);
    company->failed = setting->text == NULL;
}

void company_refer(struct company *company, const char *field, uint32_t item)
{
    uint32_t *references = grow(company, company->references, company->reference_count,
                                &company->reference_room, sizeof *references);
    if (references == NULL)
        return;
    company->references = references;
    assert(item + 1 < company->item_count);
    const struct item *now = latest(company);
    struct setting *setting =
        now->setting_count > 0 ? &company->settings[company->setting_count - 1] : NULL;
    if (setting == NULL || strcmp(setting->field, field) != 0)
        setting = add_setting(company, field);
    if (setting == NULL)
        return;
    references[company->reference_count++] = item;
    setting->reference_count++;
}

void company_tag(struct company *company, const char *name, uint32_t party)
{
    struct audience_tag *tags =
        grow(company, company->tags, company->tag_count, &company->tag_room, sizeof *tags);
    if (tags == NULL)
        return;
    company->tags = tags;
    tags[company->tag_count++] = (struct audience_tag){name, party};
    latest(company)->tag_count++;
}

void company_scope(struct company *company, uint32_t party)
{
    if (!company->failed)
        latest(company)->scope = party;
}

void company_exists(struct company *company)
{
    if (!company->failed)
        latest(company)->exists = true;
}

const char *company_text(const struct company *company, uint32_t item, const char *field)
{
    const struct item *found = &company->items[item];
    for (uint32_t i = 0; i < found->setting_count; i++) {
        const struct setting *setting = &company->settings[found->first_setting + i];
        if (strcmp(setting->field, field) == 0)
            return setting->text;
    }
    return NULL;
}
