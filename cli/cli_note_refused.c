/* Which notes the server did not take what was typed in, remembered in the profile's folder.
 *
 * The library keeps what was typed and tries it with each connection, since access may come back;
 * why it was turned away it knows only until the connection ends. A person who looks later is to
 * know all the same. The file has ids, codes and numbers, nothing of the text:
 *
 *     {"ID":{"code":"denied", "waiting":17}}
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_note.h"
#include "protocol/status.h"

static bool file_path(const struct cli *cli, const char *name, char out[PROFILE_PATH])
{
    char folder[PROFILE_PATH];
    int size = snprintf(out, PROFILE_PATH, "%s/%s", profile_replica(&cli->profile, folder), name);
    return size > 0 && size < PROFILE_PATH;
}

static json_t *load(const struct cli *cli)
{
    char path[PROFILE_PATH];
    json_t *known = file_path(cli, "notes-refused", path) ? json_load_file(path, 0, NULL) : NULL;
    if (json_is_object(known)) {
        return known;
    }
    json_decref(known);
    return json_object(); /* what cannot be read is not known */
}

/* What cannot be written is not known later, which is no reason to fail. */
static void save(const struct cli *cli, const json_t *known)
{
    char path[PROFILE_PATH];
    char written[PROFILE_PATH];
    if (!file_path(cli, "notes-refused", path) || !file_path(cli, "notes-refused.new", written)) {
        return;
    }
    if (json_object_size(known) == 0) {
        (void)unlink(path);
    } else if (json_dump_file(known, written, JSON_COMPACT) != 0 || rename(written, path) != 0) {
        (void)unlink(written);
    }
}

static json_int_t waiting(const json_t *object)
{
    return json_integer_value(json_object_get(object, "waiting"));
}

void note_refused_put(json_t *note, tandem_code code)
{
    (void)json_object_set_new(note, "state", json_string("refused"));
    (void)json_object_set_new(note, "code", json_string(tandem_error_name(code)));
    (void)json_object_set_new(note, "reason", json_string(tandem_error_text(code)));
}

void note_refused_recall(const struct cli *cli, json_t *notes)
{
    size_t index = 0;
    json_t *note = NULL;
    json_t *known = load(cli);
    json_array_foreach(notes, index, note)
    {
        const json_t *then = json_object_get(known, cli_member(note, "note"));
        enum status code = status_from_name(bytes_text(cli_member(then, "code")));
        /* Less of it, and some was taken since: it is another story. */
        if (then != NULL && strcmp(cli_member(note, "state"), "waiting") == 0 &&
            waiting(note) >= waiting(then)) {
            note_refused_put(note, (tandem_code)code);
        }
    }
    json_decref(known);
}

void note_refused_remember(const struct cli *cli, const json_t *notes)
{
    size_t index = 0;
    json_t *note = NULL;
    json_t *known = json_object();
    json_array_foreach(notes, index, note)
    {
        if (strcmp(cli_member(note, "state"), "refused") == 0) {
            (void)json_object_set_new(known, cli_member(note, "note"),
                                      json_pack("{s:s, s:I}", "code", cli_member(note, "code"),
                                                "waiting", waiting(note)));
        }
    }
    save(cli, known);
    json_decref(known);
}

void note_refused_forget(const struct cli *cli, const char *id)
{
    json_t *known = load(cli);
    if (json_object_del(known, id) == 0) {
        save(cli, known);
    }
    json_decref(known);
}
