#include "server/app/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER };

struct setting {
    const char *name;
    enum kind kind;
    const char *initial;
    uint32_t least, most;
    const char *unit, *about;
    size_t offset;
};

#define SETTING(member, name, kind, initial, least, most, unit, about) \
    {name, kind, initial, least, most, unit, about, offsetof(struct config, member)},
static const struct setting settings[] = {CONFIG_SETTINGS(SETTING)};

#define SETTING_COUNT (sizeof settings / sizeof *settings)

static void *place_of(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

static enum status set_text(struct config *config, const struct setting *setting,
                            const char *value, struct fault *fault)
{
    size_t length = strlen(value);
    if (length < setting->least || length > setting->most)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text(setting->name),
                         "%s must have %u to %u characters", setting->name, setting->least,
                         setting->most);
    memcpy(place_of(config, setting), value, length + 1);
    return STATUS_OK;
}

static enum status set_number(struct config *config, const struct setting *setting,
                              const char *value, struct fault *fault)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    bool digits = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
    if (!digits || number < setting->least || number > setting->most)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_text(setting->name),
                         "%s must be a number from %u to %u, not \"%s\"", setting->name,
                         setting->least, setting->most, value);
    uint32_t small = (uint32_t)number;
    memcpy(place_of(config, setting), &small, sizeof small);
    return STATUS_OK;
}

enum status config_set(struct config *config, const char *name, const char *value,
                       struct fault *fault)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return settings[i].kind == TEXT ? set_text(config, &settings[i], value, fault)
                                            : set_number(config, &settings[i], value, fault);
    }
    return fault_set(fault, STATUS_UNKNOWN_FIELD, bytes_text(name), "there is no setting \"%s\"",
                     name);
}

void config_init(struct config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        struct fault fault;
        enum status status = STATUS_OK;
        if (settings[i].initial[0] != '\0')
            status = config_set(config, settings[i].name, settings[i].initial, &fault);
        if (status != STATUS_OK)
            abort(); /* the table contradicts itself */
    }
}

enum status config_complete(const struct config *config, struct fault *fault)
{
    const struct {
        const char *name, *value;
    } needed[] = {{"data", config->data}, {"cert", config->cert}, {"key", config->key}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (needed[i].value[0] == '\0')
            return fault_set(fault, STATUS_MISSING_FIELD, bytes_text(needed[i].name),
                             "%s is not set", needed[i].name);
    }
    return STATUS_OK;
}

void config_each(const struct config *config, config_visit_fn *visit, void *context)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        const char *place = (const char *)config + setting->offset;
        char number[16];
        uint32_t value;
        if (setting->kind == NUMBER) {
            memcpy(&value, place, sizeof value);
            snprintf(number, sizeof number, "%u", value);
            place = number;
        }
        visit(context, setting->name, place, setting->kind == NUMBER, setting->unit,
              setting->about);
    }
}
