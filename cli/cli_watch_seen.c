/* What a watch need not tell again (cli_watch.h). The library tells of a record whenever reads show
 * it otherwise, which it also does when the server has taken a change of one's own and not sent it
 * yet; and a change that another process of the profile sends can be heard of twice, from the
 * outbox and from the server. A change is told once, as the server sends it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_watch.h"
#include "protocol/mix.h"

/* Remembered at a time: enough for what is heard of twice, which follows at once. */
#define SEEN_MOST 4096u
#define SEEN_TEXT (24 + 2 * MIX_SIZE)

/* What lies over the record is the only news. What somebody types here is told as pending, and what
 * became of it as an entry of the outbox. */
static bool is_laid_over(const struct watch *watch, const tandem_record *record)
{
    tandem_state state = tandem_record_state(record);
    return watch->live && tandem_record_seq(record) <= watch->head &&
           (watch->cli->json ? state == TANDEM_STATE_PENDING : state != TANDEM_STATE_SYNCED);
}

/* What tells one state of a record from another: for a program all it would be given, since what is
 * laid over may go again; a person is told what became of an entry. */
static void describe(const struct watch *watch, const tandem_record *record, char out[SEEN_TEXT])
{
    uint8_t mixed[MIX_SIZE] = {0};
    char *json = watch->cli->json ? tandem_record_json(record) : NULL;
    int length = snprintf(out, SEEN_TEXT, "%llu ", (unsigned long long)tandem_record_seq(record));
    if (json != NULL) {
        mix128(bytes_text(json), 0, mixed);
    }
    for (size_t i = 0; i < MIX_SIZE; i++) {
        (void)snprintf(out + length + 2 * (int)i, 3, "%02x", mixed[i]);
    }
    tandem_free(json);
}

bool watch_is_seen(struct watch *watch, const tandem_record *record)
{
    char now[SEEN_TEXT];
    if (!watch->live) { /* all there is, each once */
        return false;
    }
    const char *id = tandem_record_id(record);
    const json_t *seen = json_object_get(watch->seen, id);
    const char *before = json_string_value(json_object_get(seen, "state"));
    json_int_t until = json_integer_value(json_object_get(seen, "seq"));
    describe(watch, record, now);
    if (is_laid_over(watch, record) || (before != NULL && strcmp(before, now) == 0)) {
        return true;
    }
    if (json_object_size(watch->seen) >= SEEN_MOST) {
        (void)json_object_clear(watch->seen);
    }
    if (watch->seen == NULL) {
        watch->seen = json_object();
    }
    (void)json_object_set_new(watch->seen, id,
                              json_pack("{s:s, s:I, s:I}", "state", now, "seq",
                                        (json_int_t)tandem_record_seq(record), "until", until));
    return false;
}

/* Of the first filling, and of what is opened, only the newest change is told. */
uint64_t watch_told_until(const struct watch *watch, const tandem_record *record)
{
    const json_t *seen = json_object_get(watch->seen, tandem_record_id(record));
    uint64_t until = (uint64_t)json_integer_value(json_object_get(seen, "until"));
    uint64_t seq = tandem_record_seq(record);
    until = until > watch->head ? until : watch->head;
    return watch->live && until < seq ? until : seq - 1;
}

void watch_forget_seen(struct watch *watch, const char *id)
{
    if (id == NULL) {
        (void)json_object_clear(watch->seen);
    } else {
        (void)json_object_del(watch->seen, id);
    }
}
