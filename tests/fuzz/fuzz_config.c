/* Any bytes as a configuration file: refused with a line, or settings that are each in their range
 * and can be set again from what they are shown as. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/bytes.h"
#include "protocol/wire.h"
#include "server/app/config.h"

struct showing {
    struct config *again; /* NULL: only show */
    struct buffer text;
};

static void show(void *context, const char *name, const char *value, bool is_number,
                 const char *unit, const char *about)
{
    struct showing *showing = context;
    struct fault fault;
    (void)unit, (void)about;
    fault_clear(&fault);
    if (is_number)
        MUST(value[0] != '\0' && value[strspn(value, "0123456789")] == '\0');
    if (showing->again != NULL)
        MUST(config_set(showing->again, name, value, &fault) == STATUS_OK);
    buffer_append(&showing->text, name, strlen(name) + 1);
    buffer_append(&showing->text, value, strlen(value) + 1);
}

static void set_again(const struct config *config)
{
    static struct config again;
    struct showing first = {.again = &again}, second = {0};
    config_init(&again);
    config_each(config, show, &first);
    config_each(&again, show, &second);
    MUST(bytes_equal(buffer_bytes(&first.text), buffer_bytes(&second.text)));
    buffer_release(&first.text);
    buffer_release(&second.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    char path[64];
    struct fault fault;
    const int fd = memfd_create("config", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fault_clear(&fault);
    config_init(&config);
    const enum status status = config_read(&config, path, &fault);
    close(fd);
    if (status != STATUS_OK) {
        MUST(fault.detail[0] != '\0' && strlen(fault.detail) < sizeof fault.detail);
        return 0;
    }
    set_again(&config);
    fault_clear(&fault);
    if (config_complete(&config, &fault) != STATUS_OK)
        MUST(fault.detail[0] != '\0');
    return 0;
}
