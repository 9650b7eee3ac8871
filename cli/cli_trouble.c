#include "cli/cli_trouble.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/cli_text.h"
#include "protocol/status.h"

/* The outbox needs some pages for each change. */
#define ROOM_LEAST (256u * 1024u)

enum trouble {
    TROUBLE_NONE,
    TROUBLE_NO_FOLDER,
    TROUBLE_DENIED,
    TROUBLE_FULL,
    TROUBLE_DISK,
    TROUBLE_HELD_UP,
    TROUBLE_OTHERS_HAVE_IT,
    TROUBLE_NEWER,
    TROUBLE_OUTBOX_FULL
};

/* The file system on which the copy is, or would be, has no room left. */
static bool is_full(const char *folder)
{
    struct statvfs stat;
    if (statvfs(folder, &stat) != 0) {
        return false;
    }
    return (uint64_t)stat.f_bavail * stat.f_frsize < ROOM_LEAST;
}

static enum trouble look_at_folder(const char *folder)
{
    struct stat status;
    if (stat(folder, &status) != 0) {
        return errno == EACCES    ? TROUBLE_DENIED
               : errno == ENOTDIR ? TROUBLE_NO_FOLDER
                                  : TROUBLE_NONE;
    }
    if (!S_ISDIR(status.st_mode)) {
        return TROUBLE_NO_FOLDER;
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0 && errno == EACCES) {
        return TROUBLE_DENIED;
    }
    return is_full(folder) ? TROUBLE_FULL : TROUBLE_NONE;
}

static enum trouble find(const struct cli *cli, const tandem_fault *fault,
                         char folder[PROFILE_PATH])
{
    enum trouble found = TROUBLE_NONE;
    (void)profile_replica(&cli->profile, folder);
    if (!cli->in_folder) {
        return TROUBLE_NONE;
    }
    switch (fault->code) {
    case STATUS_IO:
        found = look_at_folder(folder);
        return found == TROUBLE_NONE ? TROUBLE_DISK : found;
    case STATUS_UNREACHABLE: /* what the server says is not heard where it cannot be noted down */
        return look_at_folder(folder) == TROUBLE_FULL ? TROUBLE_FULL : TROUBLE_NONE;
    case STATUS_DENIED: /* while it is opened; else it is about who is signed in */
        return cli->client == NULL ? TROUBLE_DENIED : TROUBLE_NONE;
    case STATUS_LIMIT:
        return TROUBLE_OUTBOX_FULL;
    case STATUS_FORMAT_VERSION:
        return TROUBLE_NEWER;
    case STATUS_LOCKED:
        return strstr(fault->detail, "holds up") != NULL ? TROUBLE_HELD_UP : TROUBLE_OTHERS_HAVE_IT;
    default:
        return TROUBLE_NONE;
    }
}

tandem_code trouble_code(const struct cli *cli, const tandem_fault *fault)
{
    char folder[PROFILE_PATH];
    return find(cli, fault, folder) == TROUBLE_FULL ? (tandem_code)STATUS_IO : fault->code;
}

/* How many changes the library found in an outbox that it could not open; 0 when it did not say. */
static unsigned long count_in(const char *detail)
{
    const char *number = strpbrk(detail, "0123456789");
    return number == NULL ? 0 : strtoul(number, NULL, 10);
}

static void add_newer(const tandem_fault *fault, const char *folder, struct buffer *out)
{
    unsigned long count = count_in(fault->detail);
    text_addf(out, "a newer version of tandem wrote the outbox in %s", folder);
    if (count > 0) {
        text_addf(out, ", in which %lu change%s", count, count == 1 ? " waits" : "s wait");
    }
}

bool trouble_add_words(const struct cli *cli, const tandem_fault *fault, struct buffer *out)
{
    char folder[PROFILE_PATH];
    switch (find(cli, fault, folder)) {
    case TROUBLE_NO_FOLDER:
        text_addf(out, "%s is not a folder", folder);
        return true;
    case TROUBLE_DENIED:
        text_addf(out, "%s is not yours to read and write", folder);
        return true;
    case TROUBLE_FULL:
        text_addf(out, "the disk with %s is full", folder);
        return true;
    case TROUBLE_DISK:
        text_addf(out, "the disk reported an error in %s%s%s", folder,
                  fault->detail[0] == '\0' ? "" : ": ", cli_fault_detail(fault));
        return true;
    case TROUBLE_HELD_UP:
        text_addf(out, "another program has stopped in the middle of opening %s", folder);
        return true;
    case TROUBLE_OTHERS_HAVE_IT:
        text_addf(out, "%s", fault->detail);
        return true;
    case TROUBLE_NEWER:
        add_newer(fault, folder, out);
        return true;
    case TROUBLE_OUTBOX_FULL:
        text_add(out, "the outbox holds no more");
        return true;
    default:
        return false;
    }
}

void trouble_add_step(const struct cli *cli, const tandem_fault *fault, struct buffer *out)
{
    char folder[PROFILE_PATH];
    switch (find(cli, fault, folder)) {
    case TROUBLE_NO_FOLDER:
        text_add(out,
                 " Nothing was changed. Move it away, or name another profile: TANDEM_PROFILE");
        break;
    case TROUBLE_DENIED:
        text_add(out, " Nothing was changed. Work as its owner, or with a profile of your own: "
                      "TANDEM_PROFILE");
        break;
    case TROUBLE_FULL:
        text_add(out,
                 " What is in the outbox is kept. Make room, see what is there (tandem outbox), "
                 "and try again.");
        break;
    case TROUBLE_DISK:
        text_add(out,
                 " What is in the outbox stays on the disk. See that the disk works, then what is "
                 "there (tandem outbox), and try again.");
        break;
    case TROUBLE_HELD_UP:
        text_add(out, " Nothing was changed. Let it go on (fg), or end it, and try again.");
        break;
    case TROUBLE_OTHERS_HAVE_IT:
        text_add(out,
                 " Nothing was changed, and nothing is thrown away. End the other programs of this "
                 "profile, as tandem watch, and try again.");
        break;
    case TROUBLE_NEWER:
        text_add(out,
                 " Nothing was touched. Use that version, or let it send what waits first: tandem "
                 "online");
        break;
    case TROUBLE_OUTBOX_FULL:
        text_add(out, " What is in it is kept. Send it first: tandem online");
        break;
    default:
        break;
    }
}

/* A remark that programs get too. */
static void warn(struct cli *cli, const char *sentence, const char *key, json_t *value)
{
    json_t *object = cli->json ? json_pack("{s:s, s:O?}", "warning", sentence, key, value) : NULL;
    if (object != NULL) {
        (void)json_dumpf(object, cli->err, JSON_COMPACT);
        (void)fputc('\n', cli->err);
        json_decref(object);
    }
    cli_note(cli, "%s", sentence);
    json_decref(value);
}

void trouble_tell_damaged(struct cli *cli, const char *name)
{
    char folder[PROFILE_PATH];
    struct buffer text = {0};
    (void)profile_replica(&cli->profile, folder);
    text_addf(
        &text,
        "The outbox could not be read and was set aside: what waited in it is not sent, and is "
        "to be typed again unless somebody can repair the file, which is kept as %s/%s. What the "
        "server has is safe.",
        folder, name);
    warn(cli, text_of(&text) == NULL ? name : text_of(&text), "damaged",
         json_sprintf("%s/%s", folder, name));
    buffer_release(&text);
}

void trouble_tell_empty(struct cli *cli)
{
    if (cli->copy.caught_up_ms > 0 && tandem_paused(cli->client) &&
        tandem_cursor(cli->client) == 0) {
        warn(cli,
             "The copy on this machine could not be read and is empty now, so that nothing is "
             "found. "
             "It is fetched again by: tandem online. What waits in the outbox is kept.",
             "copyEmpty", json_true());
    }
}
