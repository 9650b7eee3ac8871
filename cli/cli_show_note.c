/* A note's record follows a moment after what is typed in it. Whoever looks at it is shown the text
 * as it is, and what of it waits on this machine. */
#include "cli/cli_show.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli_note.h"
#include "cli/cli_text.h"
#include "protocol/memory.h"

/* What the record has not yet: the server's, of a connection. */
static bool ask_newer(struct cli *cli, const char *id, uint64_t settled, struct note_version *out)
{
    const tandem_fault fault = cli->fault;
    bool asked = cli->client != NULL && !cli->local &&
                 note_ask_quietly(cli, id, 0, NULL, NULL, out) == TANDEM_OK;
    cli->fault = fault; /* looking in vain is no failure */
    if (asked && out->version > settled) {
        return true;
    }
    if (asked) {
        memory_free(out->text);
    }
    out->text = NULL;
    return false;
}

struct waiting {
    const char *id;
    size_t count;
};

static bool take_work(void *context, const tandem_note_work *work)
{
    struct waiting *waiting = context;
    if (text_same(work->id, waiting->id)) {
        waiting->count = work->waiting;
    }
    return true;
}

void show_note_find(struct cli *cli, const char *id, const char *version, struct show_note *out)
{
    struct note_version newest = {.text = NULL};
    struct waiting waiting = {.id = id};
    *out = (struct show_note){.text = NULL};
    if (ask_newer(cli, id, version == NULL ? 0 : strtoull(version, NULL, 10), &newest)) {
        out->text = newest.text;
        out->version = newest.version;
    }
    if (cli->client != NULL && cli->local) {
        (void)tandem_each_note_work(cli->client, take_work, &waiting);
        out->waiting = waiting.count;
    }
}

void show_note_release(struct show_note *note)
{
    memory_free(note->text);
    note->text = NULL;
}

char *show_note_json(const struct show_note *note, const char *json)
{
    json_t *object = json_loads(json, 0, NULL);
    json_t *newest = json_pack("{s:I, s:s}", "version", (json_int_t)note->version, "text",
                               note->text == NULL ? "" : note->text);
    if (note->text != NULL) {
        (void)json_object_set(object, "newest", newest);
    }
    if (note->waiting > 0) {
        (void)json_object_set_new(object, "waiting", json_integer((json_int_t)note->waiting));
    }
    char *printed = json_dumps(object, JSON_COMPACT);
    char *out = printed == NULL ? NULL : text_copy(printed);
    free(printed);
    json_decref(newest);
    json_decref(object);
    return out;
}

void show_note_print(struct cli *cli, const char *id, const struct show_note *note)
{
    char number[32];
    struct buffer line = {0};
    if (note->text != NULL) {
        show_line(cli->out, "",
                  "somebody is writing in it: this is the newest text; lists, searches and history "
                  "follow in a few seconds");
    }
    if (note->waiting > 0) {
        text_addf(&line,
                  "%s character%s that you typed wait%s on this machine and %s not in this text: "
                  "tandem note %s --print",
                  text_number(note->waiting, number), note->waiting == 1 ? "" : "s",
                  note->waiting == 1 ? "s" : "", note->waiting == 1 ? "is" : "are", id);
        show_line(cli->out, "", text_of(&line) == NULL ? "" : text_of(&line));
    }
    buffer_release(&line);
}
