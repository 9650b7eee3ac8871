/* restore: a backup becomes a store of its own, with an epoch of its own.
 *
 * Seqs count changes from the founding on. After a restore they are given out anew, from the
 * backup's last one, for other changes; a client that had seen the old ones must not take the new
 * for them. The epoch tells it: seqs of another epoch mean nothing, so it starts over. The copy has
 * its epoch before it is where a server would open it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/app/app_log.h"
#include "server/app/commands.h"
#include "server/app/founding.h"
#include "server/app/json.h"
#include "server/store/store.h"

static enum status copy(const char *from, const char *to, struct fault *fault)
{
    struct store *store;
    struct store_options how = {.path = from, .as_it_is = true, .tell = app_log_line};
    enum status status = store_open(&how, &store, fault);
    if (status != STATUS_OK)
        return status;
    uint8_t random[10];
    founding_random(NULL, random, sizeof random);
    status = store_restore(store, to, id_make(founding_now_ms(NULL), random), fault);
    store_close(store);
    return status;
}

int command_restore(const struct options *options)
{
    const char *from = options->from, *to = options->config.data;
    if (!from || to[0] == '\0')
        return command_usage("restore needs --from and --data");
    struct fault fault;
    fault_clear(&fault);
    bool made = mkdir(to, 0700) == 0;
    enum status status = copy(from, to, &fault);
    if (status != STATUS_OK && made)
        rmdir(to);
    if (status != STATUS_OK)
        return command_failed("restore", status, &fault);
    if (options->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "from", from);
        json_text(&json, "data", to);
        json_end(&json);
    } else {
        printf("Restored to %s; tandemd run --data %s serves it. Clients will start over with it.\n",
               to, to);
    }
    return EXIT_DONE;
}
