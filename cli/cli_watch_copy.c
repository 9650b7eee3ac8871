/* How new the copy is while a watch keeps it so (cli_watch.h): what is said of its age when the
 * server is away. A watch runs for days, and may be killed. */

#include "cli/cli_watch.h"

/* The file is written anew, and flushed: after what came, and else now and then, since a copy of
 * which nothing changes is as new as one in which much does. */
#define AFTER_NEWS_MS 5000
#define AT_REST_MS 60000

/* Only the profile's own replica is a copy, and only once all of it has come. */
static bool keeps(const struct watch *watch)
{
    return watch->own && watch->caught_up > 0 && !watch->catching &&
           tandem_connected(watch->cli->client);
}

int watch_copy_due(const struct watch *watch)
{
    int64_t pause = watch->newer ? AFTER_NEWS_MS : AT_REST_MS;
    int64_t left = watch->noted_ms + pause - cli_now_ms(CLOCK_MONOTONIC);
    if (!keeps(watch)) {
        return -1;
    }
    return watch->noted_ms == 0 || left < 0 ? 0 : (int)left;
}

void watch_note_copy(struct watch *watch, bool now)
{
    char problem[256];
    if (!keeps(watch) || (!now && watch_copy_due(watch) > 0)) {
        return;
    }
    watch->noted_ms = cli_now_ms(CLOCK_MONOTONIC);
    watch->newer = false;
    if (!copy_note_time(&watch->cli->profile, cli_now_ms(CLOCK_REALTIME), problem)) {
        cli_note(watch->cli, "%s", problem);
    }
}
