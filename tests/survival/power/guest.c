/* Runs inside the machine that loses its power.
 *
 *     power-guest write FOLDER CLIENT [--no-sync]
 *     power-guest check FOLDER LINES
 *
 * `write` opens the store in FOLDER (makes it first), prints "ready", and applies the mutations of
 * CLIENT in batches of 1 to 16 until the machine is gone, with a line for each that is durable:
 * "acked CLIENT NUMBER SEQ". `check` opens the store that was left and judges it by LINES, the
 * lines of all `write` so far: see guest_check.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/survival/power/events.h"
#include "tests/survival/power/guest_check.h"
#include "tests/survival/power/work.h"

#define LARGEST_BATCH 16u

static void print_answer(void *context, uint32_t client, uint32_t number, const char *status,
                         uint64_t seq)
{
    bool *refused = context;
    if (strcmp(status, "ok") == 0) {
        printf("acked %u %u %llu\n", client, number, (unsigned long long)seq);
    } else {
        printf("refused %u %u %s\n", client, number, status);
        *refused = true;
    }
}

static int work(const char *folder, uint32_t client, bool no_sync)
{
    bool refused = false;
    struct workplace place = {.answered = print_answer, .context = &refused, .seed = client};
    uint64_t seed = client;
    enum status status = workplace_open(&place, folder, true, no_sync);
    if (status != STATUS_OK) {
        printf("failed %s\n", status_name(status));
        return 1;
    }
    puts("ready");
    for (uint32_t number = 0; place.failed == STATUS_OK && !refused;) {
        for (uint64_t more = 1 + events_random(&seed) % LARGEST_BATCH; more > 0; more--) {
            if (!workplace_submit(&place, client, ++number)) {
                puts("failed: not taken");
                return 1;
            }
        }
        workplace_run(&place);
    }
    printf("failed %s\n", status_name(place.failed));
    return 1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 4 && strcmp(argv[1], "write") == 0) {
        bool no_sync = argc > 4 && strcmp(argv[4], "--no-sync") == 0;
        return work(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), no_sync);
    }
    if (argc == 4 && strcmp(argv[1], "check") == 0) {
        return guest_check(argv[2], argv[3]);
    }
    fputs("power-guest write FOLDER CLIENT [--no-sync] | check FOLDER LINES\n", stderr);
    return 2;
}
