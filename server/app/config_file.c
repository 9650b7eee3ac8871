/* Reading the configuration file: the lines are inih's business, their meaning the table's. */
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "server/app/config.h"

struct reading {
    struct config *config;
    const char *path;
    char folder[CONFIG_TEXT_MAX];
    FILE *file;
    unsigned line;
    bool overlong;
    enum status status;
    struct fault *fault;
};

/* inih cuts long lines into pieces and reads each as a line of its own; refusing is kinder. */
static char *read_line(char *out, int size, void *context)
{
    struct reading *reading = context;
    if (!fgets(out, size, reading->file))
        return NULL;
    reading->line++;
    size_t length = strlen(out);
    if (length > 0 && out[length - 1] != '\n' && !feof(reading->file))
        reading->overlong = true;
    /* Nor does an indented line go on with the one before, as it would for inih. */
    size_t indent = strspn(out, " \t");
    memmove(out, out + indent, length - indent + 1);
    return out;
}

static bool is_path(const char *name)
{
    static const char *const paths[] = {"data", "cert", "key", "ca"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (strcmp(paths[i], name) == 0)
            return true;
    }
    return false;
}

static void at_line(struct reading *reading, const struct fault *what)
{
    fault_set(reading->fault, what->status, bytes_text(what->field), "%.60s, line %u: %.80s",
              reading->path, reading->line, what->detail);
    reading->status = what->status;
}

static int take(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    if (reading->status != STATUS_OK)
        return 1;
    struct fault fault;
    fault_clear(&fault);
    char joined[2 * CONFIG_TEXT_MAX];
    if (is_path(name) && value[0] != '\0' && value[0] != '/') {
        snprintf(joined, sizeof joined, "%s%s", reading->folder, value);
        value = joined;
    }
    enum status status = STATUS_OK;
    if (reading->overlong)
        status = fault_set(&fault, STATUS_TOO_LARGE, bytes_of(NULL, 0), "the line is too long");
    else if (section[0] != '\0')
        status = fault_set(&fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                           "there are no sections, but here is [%.40s]", section);
    else
        status = config_set(reading->config, name, value, &fault);
    if (status != STATUS_OK)
        at_line(reading, &fault);
    return 1;
}

static void find_folder(struct reading *reading)
{
    const char *slash = strrchr(reading->path, '/');
    if (slash)
        bytes_to_text(bytes_of(reading->path, (size_t)(slash - reading->path) + 1),
                      reading->folder, sizeof reading->folder);
}

enum status config_read(struct config *config, const char *path, struct fault *fault)
{
    struct reading reading = {.config = config, .path = path, .status = STATUS_OK,
                              .fault = fault};
    find_folder(&reading);
    reading.file = fopen(path, "re");
    if (!reading.file)
        return fault_set(fault, STATUS_NOT_FOUND, bytes_of(NULL, 0), "cannot read %s: %s", path,
                         strerror(errno));
    int error = ini_parse_stream(read_line, &reading, take, &reading);
    bool broken = ferror(reading.file) != 0;
    fclose(reading.file);
    if (broken)
        return fault_set(fault, STATUS_IO, bytes_of(NULL, 0), "cannot read %s", path);
    if (reading.status == STATUS_OK && error != 0)
        return fault_set(fault, STATUS_INVALID_VALUE, bytes_of(NULL, 0),
                         error < 0 ? "%s: cannot be read" : "%s, line %d: not \"name = value\"",
                         path, error);
    if (reading.status == STATUS_OK && reading.overlong)
        return fault_set(fault, STATUS_TOO_LARGE, bytes_of(NULL, 0), "%s: a line is too long",
                         path);
    return reading.status;
}
