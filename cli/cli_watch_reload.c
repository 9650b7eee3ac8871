/* What another process of the profile found and did not name (cli_watch.h). Who keeps the replica up
 * to date says of a scope that came or went only that there is more to be read, so that its name
 * stands in no file. Which accounts are there now is found by looking. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_watch.h"

struct look {
    struct watch *watch;
    json_t *now;       /* ids of the accounts in the replica */
    bool failed;
    const char *scope; /* whose records are to be told of */
};

static bool take_id(void *context, const tandem_record *record)
{
    struct look *look = context;
    look->failed = json_object_set_new(look->now, tandem_record_id(record), json_true()) != 0;
    return !look->failed;
}

static bool tell_record(void *context, const tandem_record *record)
{
    const struct look *look = context;
    struct watch *watch = look->watch;
    const tandem_event event = {.kind = TANDEM_EVENT_CHANGED,
                                .seq = tandem_record_seq(record),
                                .id = tandem_record_id(record),
                                .scope = "",
                                .record = record,
                                .detail = ""};
    if (strcmp(tandem_record_scope(record), look->scope) == 0 && !watch_is_seen(watch, record)) {
        watch_tell(watch, &event, false);
        watch_note_name(watch, &event);
    }
    return !watch->stop;
}

static void tell_scope(struct look *look, tandem_event_kind kind, const char *id)
{
    struct watch *watch = look->watch;
    char scope[TANDEM_ID_TEXT + 16];
    (void)snprintf(scope, sizeof scope, "account:%s", id);
    const tandem_event event = {.kind = kind,
                                .seq = tandem_cursor(watch->cli->client),
                                .id = "",
                                .scope = scope,
                                .detail = ""};
    watch_tell(watch, &event, false);
    if (kind == TANDEM_EVENT_PURGED) {
        watch_note_name(watch, &event);
        return;
    }
    look->scope = scope;
    (void)tandem_each(watch->cli->client, NULL, tell_record, look);
}

/* Those of one table that are not in the other. */
static size_t tell_missing(struct look *look, json_t *from, const json_t *in,
                           tandem_event_kind kind)
{
    size_t told = 0;
    void *next = NULL;
    const char *id = NULL;
    json_t *value = NULL;
    json_object_foreach_safe(from, next, id, value)
    {
        if (json_object_get(in, id) == NULL) {
            tell_scope(look, kind, id);
            told++;
        }
    }
    return told;
}

bool watch_find_accounts(struct watch *watch)
{
    struct look look = {.watch = watch, .now = json_object()};
    size_t told = 0;
    /* Of more than can be remembered nobody knows which are new. */
    if (watch->live && watch_knows_accounts(watch) && look.now != NULL &&
        tandem_each(watch->cli->client, "account", take_id, &look) == TANDEM_OK &&
        !look.failed) {
        told = tell_missing(&look, watch->accounts, look.now, TANDEM_EVENT_PURGED);
        told += tell_missing(&look, look.now, watch->accounts, TANDEM_EVENT_ENTERED);
    }
    json_decref(look.now);
    return told > 0;
}
