/* What each event of tandem watch becomes (cli_watch.h). */
#include <string.h>

#include "cli/cli_entry.h"
#include "cli/cli_text.h"
#include "cli/cli_watch.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *kind_name(tandem_event_kind kind)
{
    switch (kind) {
    case TANDEM_EVENT_CHANGED:
        return "changed";
    case TANDEM_EVENT_REMOVED:
        return "removed";
    case TANDEM_EVENT_PURGED:
        return "purged";
    case TANDEM_EVENT_ENTERED:
        return "entered";
    case TANDEM_EVENT_CAUGHT_UP:
        return "caught-up";
    case TANDEM_EVENT_RESET:
        return "reset";
    case TANDEM_EVENT_CONFLICT:
        return "conflict";
    case TANDEM_EVENT_REFUSED:
        return "refused";
    case TANDEM_EVENT_REPAIRED:
        return "repaired";
    case TANDEM_EVENT_RELOAD:
        return "reload";
    default:
        return NULL;
    }
}

static void print_json(struct watch *watch, const char *kind, uint64_t seq,
                       const tandem_event *event, bool earlier)
{
    FILE *out = watch->cli->out;
    char *json = event->record == NULL ? NULL : tandem_record_json(event->record);
    (void)fprintf(out, "{\"kind\":\"%s\",\"seq\":%llu", kind, (unsigned long long)seq);
    if (event->kind == TANDEM_EVENT_REMOVED) {
        (void)fprintf(out, ",\"id\":\"%s\"", event->id);
    }
    if (event->scope != NULL && event->scope[0] != '\0') {
        (void)fprintf(out, ",\"scope\":\"%s\"", event->scope);
    }
    if (event->entry != 0) {
        (void)fprintf(out, ",\"entry\":%llu", (unsigned long long)event->entry);
    }
    if (earlier) {
        (void)fputs(",\"earlier\":true", out);
    }
    watch_print_names(watch, event);
    if (json != NULL) {
        (void)fprintf(out, ",\"record\":%s", json);
    }
    (void)fputs("}\n", out);
    watch->stop = fflush(out) != 0 || watch->stop;
    tandem_free(json);
}

void watch_print_json_held(struct watch *watch, const tandem_record *record)
{
    const tandem_event event = {.kind = TANDEM_EVENT_CHANGED, .record = record, .detail = ""};
    print_json(watch, "changed", tandem_record_seq(record), &event, true);
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* "entry 12, edit account Fjord Bruk AS, is in conflict: tandem conflicts" */
static void say_entry(struct watch *watch, const tandem_event *event, const char *what)
{
    struct buffer text = {0};
    json_t *entry = entry_read(watch->cli, event->entry);
    text_addf(&text, "your change in entry %llu", (unsigned long long)event->entry);
    if (entry != NULL) {
        text_add(&text, ", ");
        entry_add_what(entry, &text);
        text_add(&text, ",");
    }
    text_addf(&text, " %s", what);
    watch_say(watch, text_of(&text) == NULL ? what : text_of(&text), false);
    json_decref(entry);
    buffer_release(&text);
}

void watch_print_pending(struct watch *watch, const tandem_event *event)
{
    char text[64];
    if (watch->cli->json) {
        print_json(watch, "pending", event->seq, event, false);
        return;
    }
    if (event->record == NULL) { /* it is gone, and only the entry says what it was */
        say_entry(watch, event, "waits (pending)");
        return;
    }
    (void)snprintf(text, sizeof text, " was %s by you (pending, entry %llu)",
                   event->kind == TANDEM_EVENT_REMOVED ? "removed" : "changed",
                   (unsigned long long)event->entry);
    watch_say_record(watch, event->record, text, false);
}

static void say_scope(struct watch *watch, const char *scope, const char *happened, bool earlier)
{
    struct buffer text = {0};
    (void)watch_name_scope(watch, scope, &text);
    text_add(&text, happened);
    watch_say(watch, text_of(&text) == NULL ? scope : text_of(&text), earlier);
    buffer_release(&text);
}

static void say_removed(struct watch *watch, const tandem_event *event, bool earlier)
{
    struct buffer text = {0};
    if (event->record != NULL) {
        watch_name_record(watch, event->record, &text);
    } else { /* found gone by another process */
        watch_name_id(watch, event->id, &text);
    }
    watch_say_removed(watch, event, text_of(&text) == NULL ? event->id : text_of(&text), earlier);
    buffer_release(&text);
}

static void say_reset(struct watch *watch, const char *why)
{
    struct buffer text = {0};
    text_addf(&text, "everything is fetched anew: %s", why);
    watch_say(watch, text_of(&text) == NULL ? why : text_of(&text), false);
    buffer_release(&text);
}

/* Whether it happened before what was told last: while what was missed comes in, or, of a record, as
 * its place in the server's order says. */
static bool is_earlier(const struct watch *watch, const tandem_event *event)
{
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        return watch->catching || tandem_record_seq(event->record) <= watch->head;
    case TANDEM_EVENT_REMOVED:
    case TANDEM_EVENT_PURGED:
    case TANDEM_EVENT_ENTERED:
        return watch->catching;
    default:
        return false;
    }
}

/* `looked`: what was to be found by looking again is told already. */
static void print_event(struct watch *watch, const tandem_event *event, bool looked)
{
    bool earlier = is_earlier(watch, event);
    switch (event->kind) {
    case TANDEM_EVENT_CHANGED:
        if (watch->live || watch->all) {
            watch_say_changed(watch, event->record, earlier);
        }
        break;
    case TANDEM_EVENT_REMOVED:
        say_removed(watch, event, earlier);
        break;
    case TANDEM_EVENT_PURGED:
        say_scope(watch, event->scope, " is no longer yours to see", earlier);
        break;
    case TANDEM_EVENT_ENTERED:
        if (watch->live) {
            watch_say_entered(watch, event->scope, earlier);
        }
        break;
    case TANDEM_EVENT_RESET:
        say_reset(watch, event->detail);
        break;
    case TANDEM_EVENT_CONFLICT:
        say_entry(watch, event, "is in conflict: tandem conflicts");
        break;
    case TANDEM_EVENT_REFUSED:
        say_entry(watch, event, "was refused: tandem outbox");
        break;
    case TANDEM_EVENT_REPAIRED:
        say_scope(watch, event->scope, " differed from the server's and is fetched anew", false);
        break;
    case TANDEM_EVENT_RELOAD:
        if (!looked) {
            watch_say(watch, "more has changed than can be told here: see tandem list", false);
        }
        break;
    default:
        break;
    }
}

/* Whether an event concerns what was asked for: with ids, an account stands for its scope. */
static bool is_meant(const struct watch *watch, const tandem_event *event)
{
    if (watch->id_count == 0 || (event->kind != TANDEM_EVENT_CHANGED &&
                                 event->kind != TANDEM_EVENT_REMOVED)) {
        return true;
    }
    const char *id = event->record == NULL ? event->id : tandem_record_id(event->record);
    const char *scope = event->record == NULL ? "" : tandem_record_scope(event->record);
    for (size_t i = 0; i < watch->id_count; i++) {
        if (watch->ids[i] == NULL ? strcmp(scope, watch->scopes[i]) == 0
                                  : strcmp(id, watch->ids[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_pending(const tandem_event *event)
{
    return event->entry != 0 && (event->kind == TANDEM_EVENT_CHANGED ||
                                 event->kind == TANDEM_EVENT_REMOVED);
}

/* That the profile works without the network is news like any other. */
static void say_line(struct watch *watch, bool offline)
{
    static const tandem_event nothing = {.detail = ""};
    watch->offline = offline;
    if (watch->cli->json) {
        print_json(watch, offline ? "offline" : "online", tandem_cursor(watch->cli->client),
                   &nothing, false);
    } else {
        watch_say(watch, offline ? "offline, until: tandem online" : "online again", false);
    }
}

/* Asked for, since a line that is down already does not break. */
void watch_look_at_line(struct watch *watch)
{
    if (!watch->offline && !watch->stop && tandem_paused(watch->cli->client)) {
        say_line(watch, true);
    }
}

static void follow_line(struct watch *watch, const tandem_event *event)
{
    watch->catching = watch->catching || event->kind == TANDEM_EVENT_DISCONNECTED;
    watch_look_at_line(watch);
    if (watch->offline) {
        if (event->kind == TANDEM_EVENT_CONNECTED) {
            say_line(watch, false);
            watch->broken = false;
        }
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && watch->cli->ever_connected &&
               !event->final && !watch->broken) {
        watch->broken = true;
        (void)fputs("tandem: the line broke (", watch->cli->err);
        (void)text_put(watch->cli->err,
                       event->detail[0] == '\0' ? tandem_error_text(event->code) : event->detail,
                       0);
        (void)fputs("); trying again\n", watch->cli->err);
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && !watch->cli->ever_connected) {
        watch->cli->lost = true;
    } else if (event->kind == TANDEM_EVENT_CONNECTED && watch->broken) {
        watch->broken = false;
        (void)fprintf(watch->cli->err, "tandem: connected again\n");
    }
}

static void count(struct watch *watch, const tandem_event *event)
{
    bool change = event->kind == TANDEM_EVENT_CHANGED || event->kind == TANDEM_EVENT_REMOVED;
    if (change && watch->live) {
        watch->changes++;
        watch->enough = watch->enough || (watch->count > 0 && watch->changes >= watch->count);
    }
    if (event->kind == TANDEM_EVENT_CAUGHT_UP) {
        watch->head = event->seq > watch->head ? event->seq : watch->head;
        watch->catching = false;
        watch->newer = true;
        watch->caught_up++;
        watch->greet = watch->greet || !watch->greeted;
        watch->live = true;
        watch->enough = watch->enough || watch->until_caught_up;
    } else if (event->kind == TANDEM_EVENT_RESET) {
        watch->live = false;
        watch->catching = true;
        watch->head = 0; /* of another history, perhaps */
    }
}

void watch_tell(struct watch *watch, const tandem_event *event, bool looked)
{
    if (watch->cli->json) {
        print_json(watch, kind_name(event->kind), event->seq, event, is_earlier(watch, event));
    } else {
        print_event(watch, event, looked);
    }
}

static bool is_account(const tandem_event *event)
{
    return event->kind == TANDEM_EVENT_CHANGED &&
           strcmp(tandem_record_entity(event->record), "account") == 0;
}

void watch_on_event(void *context, const tandem_event *event)
{
    struct watch *watch = context;
    if (kind_name(event->kind) == NULL) {
        follow_line(watch, event);
        return;
    }
    if (watch->stop || watch->enough || !is_meant(watch, event)) {
        return;
    }
    if (event->kind == TANDEM_EVENT_REMOVED || is_pending(event)) {
        watch_forget_seen(watch, event->id);
    } else if (event->kind == TANDEM_EVENT_RESET || event->kind == TANDEM_EVENT_PURGED) {
        watch_forget_seen(watch, NULL);
    }
    if (is_pending(event)) { /* while online the server's own word of it follows at once */
        if (tandem_paused(watch->cli->client)) {
            watch_print_pending(watch, event);
        }
        return;
    }
    if (event->kind == TANDEM_EVENT_CHANGED && watch_is_seen(watch, event->record)) {
        return;
    }
    bool undecided =
        event->kind == TANDEM_EVENT_CONFLICT || event->kind == TANDEM_EVENT_REFUSED;
    if (undecided && !watch_tells_entry(watch, event->entry)) {
        return;
    }
    bool looked = event->kind == TANDEM_EVENT_RELOAD && watch->own &&
                  watch_look_at_outbox(watch, true);
    if (watch->own && event->kind == TANDEM_EVENT_RELOAD) {
        looked = watch_find_accounts(watch) || looked;
        watch->reloaded = true;
    } else if (watch->reloaded && (event->kind == TANDEM_EVENT_CAUGHT_UP || is_account(event))) {
        (void)watch_find_accounts(watch);
        watch->reloaded = event->kind != TANDEM_EVENT_CAUGHT_UP;
    }
    if (event->kind == TANDEM_EVENT_CAUGHT_UP) { /* who hears it finds it noted */
        count(watch, event);
        watch_note_copy(watch, false);
    }
    watch_tell(watch, event, looked);
    watch_note_name(watch, event);
    if (event->kind != TANDEM_EVENT_CAUGHT_UP) {
        count(watch, event);
    }
}
