#include "server/app/options.h"

#include <string.h>

static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, name, size) == 0)
            return true;
        at += size;
        at += strspn(at, " ");
    }
    return false;
}

static void compare_name(void *context, const char *name, const char *value, bool is_number,
                         const char *unit, const char *about)
{
    (void)value, (void)is_number, (void)unit, (void)about;
    const char **wanted = context;
    if (*wanted && strcmp(*wanted, name) == 0)
        *wanted = NULL;
}

static bool is_setting(const struct config *config, const char *name)
{
    const char *wanted = name;
    config_each(config, compare_name, &wanted);
    return wanted == NULL;
}

static bool is_allowed(const struct options *options, const char *flags, const char *name)
{
    return listed(flags, name) ||
           (listed(flags, "settings") && is_setting(&options->config, name));
}

/* Flags without a value. */
static bool set_switch(struct options *options, const char *name)
{
    bool *place = strcmp(name, "json") == 0           ? &options->json
                  : strcmp(name, "check-config") == 0 ? &options->check_config
                  : strcmp(name, "help") == 0         ? &options->help
                                                      : NULL;
    if (place)
        *place = true;
    return place != NULL;
}

static enum status set_flag(struct options *options, const char *name, const char *value,
                            struct fault *fault)
{
    if (strcmp(name, "config") == 0)
        options->config_path = value;
    else if (strcmp(name, "admin") == 0)
        options->admin = value;
    else if (strcmp(name, "to") == 0)
        options->to = value;
    else if (strcmp(name, "from") == 0)
        options->from = value;
    else if (config_set(&options->config, name, value, fault) != STATUS_OK)
        return STATUS_USAGE;
    return STATUS_OK;
}

/* One argument, and the next where it is the value. Returns how many were used, 0 when wrong. */
static int take(struct options *options, char **argument, int left, const char *flags, bool word,
                struct fault *fault)
{
    const struct bytes none = {NULL, 0};
    const char *text = argument[0];
    if (strncmp(text, "--", 2) != 0) {
        if (!word || options->word || text[0] == '-') {
            fault_set(fault, STATUS_USAGE, none, "what is \"%s\" for?", text);
            return 0;
        }
        options->word = text;
        return 1;
    }
    char name[64];
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) - 2 : strlen(text + 2);
    bytes_to_text(bytes_of(text + 2, length), name, sizeof name);
    if (!is_allowed(options, flags, name)) {
        fault_set(fault, STATUS_USAGE, none, "there is no flag --%s here", name);
        return 0;
    }
    if (!equals && set_switch(options, name))
        return 1;
    if (!equals && left < 2) {
        fault_set(fault, STATUS_USAGE, none, "--%s needs a value", name);
        return 0;
    }
    if (set_flag(options, name, equals ? equals + 1 : argument[1], fault) != STATUS_OK)
        return 0;
    return equals ? 1 : 2;
}

static enum status take_all(int argc, char **argv, const char *flags, bool word,
                            struct options *out, struct fault *fault)
{
    out->word = NULL;
    for (int at = 0; at < argc;) {
        int used = take(out, argv + at, argc - at, flags, word, fault);
        if (used == 0)
            return STATUS_USAGE;
        at += used;
    }
    return STATUS_OK;
}

enum status options_parse(int argc, char **argv, const char *flags, bool word,
                          struct options *out, struct fault *fault)
{
    *out = (struct options){.config_path = NULL};
    config_init(&out->config);
    enum status status = take_all(argc, argv, flags, word, out, fault);
    if (status != STATUS_OK || !out->config_path)
        return status;
    /* Again on top of the file, since flags win. */
    config_init(&out->config);
    status = config_read(&out->config, out->config_path, fault);
    return status == STATUS_OK ? take_all(argc, argv, flags, word, out, fault) : status;
}
