/* note --edit: the loop around the editor in cli/editor/.
 *
 * It waits for keys, for the library and for signals at once. Keys go to the model, whose port is
 * the note; the note's events go to the model; then the screen is drawn, once for whatever came in
 * between. Every edit is in the profile's folder before it shows, so however this ends nothing is
 * lost: a signal only ends the loop, and so does a terminal that goes away. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_mention.h"
#include "cli/cli_note.h"
#include "cli/cli_note_typed.h"
#include "cli/cli_text.h"
#include "cli/editor/editor.h"
#include "cli/editor/editor_screen.h"
#include "protocol/memory.h"
#include "protocol/status.h"

#define ESCAPE_MS 50    /* silence behind an Escape that was no beginning of another key */
#define TYPING_MS 2000  /* silence after which one does not type any more */
#define LEAVING_MS 5000 /* for what is left to be sent, before leaving */

struct editing {
    struct cli *cli;
    struct open_note open;
    struct editor editor;
    struct editor_keys keys;
    struct editor_screen *screen;
    struct editor_frame frame;
    char *before; /* the text as it was found; NULL until then, and when out of memory */
    struct note_typed typed;
    int signals;
    bool stale; /* the screen is not as it should be */
    bool stop;
    bool hung_up; /* the terminal is gone */
    bool people;  /* others came, went or moved */
    bool asking;  /* for a note that is not on this machine */
    bool leaving;
    int64_t leave_ms, typed_ms; /* when to leave at the latest; when something was typed last */
    size_t told_at;             /* the cursor, as others were told */
    bool told_typing, told;
};

/* ---- The port -------------------------------------------------------------------------------- */

static const char *port_text(void *context, size_t *size)
{
    const struct editing *editing = context;
    return tandem_note_text(editing->open.note, size);
}

static tandem_code port_replace(void *context, size_t from, size_t removed, const char *text,
                                size_t size)
{
    struct editing *editing = context;
    tandem_code code = tandem_note_replace(editing->open.note, from, removed, text, size);
    if (code == TANDEM_OK) { /* the cursor moved with the place, when others' changes came */
        note_typed_change(&editing->typed, editing->editor.cursor, removed, size, true);
    }
    return code;
}

static tandem_code port_undo(void *context)
{
    struct editing *editing = context;
    return tandem_note_undo(editing->open.note);
}

static tandem_code port_redo(void *context)
{
    struct editing *editing = context;
    return tandem_note_redo(editing->open.note);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static bool keeps_words(const tandem_note *note)
{
    size_t size = 0;
    (void)tandem_note_text(note, &size);
    return tandem_note_code(note) == STATUS_NOT_FOUND ? size > 0 : tandem_note_waiting(note) > 0;
}

static void say_ended(struct editing *editing, const tandem_note_event *event)
{
    bool kept = keeps_words(editing->open.note);
    if (event->code == STATUS_DENIED) {
        editor_say(&editing->editor,
                   kept ? "You may not change this note any more. What others do not see yet stays "
                          "on this machine."
                        : "You may not change this note any more.");
    } else {
        editor_say(&editing->editor,
                   kept ? "This note was removed, or is no longer yours to see. Here is what you "
                          "typed and the server has not taken."
                        : "This note was removed, or is no longer yours to see.");
    }
}

static void say_rights(struct editing *editing)
{
    if (!tandem_note_read_only(editing->open.note)) {
        editor_say(&editing->editor, "You may write in this note again.");
    } else if (tandem_note_code(editing->open.note) == TANDEM_OK) {
        editor_say(&editing->editor, "You may read this note, but not change it.");
    }
}

static void on_note_event(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct editing *editing = context;
    (void)note;
    editing->stale = true;
    switch (event->kind) {
    case TANDEM_NOTE_CHANGED:
        note_typed_change(&editing->typed, event->from, event->removed, event->inserted_size,
                          editing->editor.doing);
        editor_changed(&editing->editor, event->from, event->removed, event->inserted_size);
        editing->people = true;
        break;
    case TANDEM_NOTE_PEOPLE:
        editing->people = true;
        break;
    case TANDEM_NOTE_KEPT:
        editor_say(&editing->editor, "%s. Both are kept: look for [[kept",
                   event->own ? "A passage that you rewrote was deleted by others"
                              : "A passage that you deleted was rewritten by others");
        break;
    case TANDEM_NOTE_REFUSED:
        editor_say(&editing->editor, "The server does not take this, so others do not see it: %s.",
                   tandem_error_text(event->code));
        break;
    case TANDEM_NOTE_ENDED:
        say_ended(editing, event);
        break;
    case TANDEM_NOTE_RIGHTS:
        say_rights(editing);
        break;
    default:
        break;
    }
}

static void on_client_event(void *context, const tandem_event *event)
{
    struct editing *editing = context;
    editing->stale = true;
    if (event->kind == TANDEM_EVENT_DISCONNECTED && editing->asking) {
        editing->cli->lost = true; /* there is nothing to show meanwhile */
    } else if (event->kind == TANDEM_EVENT_DISCONNECTED && event->final) {
        editor_say(&editing->editor, "Not connected any more: %s. What you type is kept here.",
                   tandem_error_text(event->code));
    }
}

/* ---- Others ---------------------------------------------------------------------------------- */

struct gathering {
    struct editor_person people[EDITOR_PEOPLE];
    size_t count;
};

static bool take_person(void *context, const tandem_person *person)
{
    struct gathering *gathering = context;
    if (gathering->count < EDITOR_PEOPLE) {
        struct editor_person *out = &gathering->people[gathering->count];
        const char *name = person->user[0] != '\0' ? person->user : person->name;
        *out = (struct editor_person){.session = person->session,
                                      .typing = person->typing,
                                      .has_cursor = person->has_cursor,
                                      .at = person->at,
                                      .anchor = person->anchor};
        (void)bytes_to_text(bytes_text(name), out->name, sizeof out->name);
    }
    gathering->count++;
    return true;
}

static void gather_people(struct editing *editing)
{
    struct gathering gathering = {.count = 0};
    if (editing->people &&
        tandem_note_each_person(editing->open.note, take_person, &gathering) == TANDEM_OK) {
        editor_people(&editing->editor, gathering.people, gathering.count);
    }
    editing->people = false;
}

/* Tells others where one's cursor is; the library sees to it that this is not too often. */
static void tell_cursor(struct editing *editing)
{
    bool typing =
        editing->typed_ms != 0 && cli_now_ms(CLOCK_MONOTONIC) - editing->typed_ms < TYPING_MS;
    size_t at = editing->editor.cursor;
    if (!typing) {
        editing->typed_ms = 0;
    }
    if (editing->told && at == editing->told_at && typing == editing->told_typing) {
        return;
    }
    editing->told = true;
    editing->told_at = at;
    editing->told_typing = typing;
    (void)tandem_note_cursor(editing->open.note, at, at, typing); /* is told again with the next */
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static void note_state(struct editing *editing)
{
    tandem_client *client = editing->cli->client;
    struct editor *editor = &editing->editor;
    enum editor_line line = editor->line;
    size_t waiting = editor->waiting;
    editor->line = tandem_note_code(editing->open.note) != TANDEM_OK ? EDITOR_ENDED
                   : tandem_note_read_only(editing->open.note)       ? EDITOR_READ_ONLY
                   : tandem_paused(client)                           ? EDITOR_PAUSED
                   : tandem_connected(client)                        ? EDITOR_ONLINE
                                                                     : EDITOR_OFFLINE;
    editor->waiting = tandem_note_waiting(editing->open.note);
    editing->stale = editing->stale || line != editor->line || waiting != editor->waiting;
}

/* False when there is no memory for a screen of this size. */
static bool take_size(struct editing *editing)
{
    size_t rows = 0;
    size_t columns = 0;
    editor_screen_size(editing->screen, &rows, &columns);
    if (rows == editing->frame.rows && columns == editing->frame.columns) {
        return true;
    }
    editor_frame_release(&editing->frame);
    editor_frame_init(&editing->frame, rows, columns);
    if (editing->frame.cells == NULL) {
        return false;
    }
    editor_resize(&editing->editor, rows, columns);
    editing->stale = true;
    return true;
}

static void draw(struct editing *editing)
{
    if (!editing->stale || editing->hung_up) {
        return;
    }
    bool anew = editing->editor.redraw;
    editor_draw(&editing->editor, &editing->frame);
    editor_screen_show(editing->screen, &editing->frame, anew);
    editing->stale = false;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static int open_signals(sigset_t *before)
{
    static const int wanted[] = {SIGHUP, SIGINT, SIGTERM, SIGWINCH, SIGTSTP, SIGCONT};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        (void)signal(wanted[i], SIG_DFL); /* ignored ones cannot be read */
        (void)sigaddset(&set, wanted[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &set, before);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Of those that are still to be read none is to end what comes after. */
static void close_signals(int signals, const sigset_t *before)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    }
    (void)close(signals);
    (void)sigprocmask(SIG_SETMASK, before, NULL);
}

static void take_signal(struct editing *editing, int number)
{
    editing->stale = true;
    switch (number) {
    case SIGWINCH:
        editing->stop = editing->stop || !take_size(editing);
        break;
    case SIGTSTP:
        editor_screen_suspend(editing->screen);
        (void)raise(SIGSTOP);
        break;
    case SIGCONT:
        editing->editor.redraw = true;
        editing->stop = editing->stop || !take_size(editing);
        break;
    case SIGHUP:
        editing->hung_up = true;
        editing->stop = true;
        break;
    default:
        editing->stop = true;
    }
}

static void read_signals(struct editing *editing)
{
    struct signalfd_siginfo info;
    while (read(editing->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        take_signal(editing, (int)info.ssi_signo);
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* Leaving waits a little for what is not sent yet. */
static void leave(struct editing *editing)
{
    bool sends = tandem_connected(editing->cli->client) &&
                 tandem_note_code(editing->open.note) == TANDEM_OK &&
                 tandem_note_waiting(editing->open.note) > 0;
    editing->editor.quit = false;
    if (editing->leaving || !sends) {
        editing->stop = true;
        return;
    }
    editing->leaving = true;
    editing->leave_ms = cli_now_ms(CLOCK_MONOTONIC) + LEAVING_MS;
    editor_say(&editing->editor, "Sending what is left. Ctrl-Q leaves it for later.");
}

static void on_key(void *context, const struct editor_key *key)
{
    struct editing *editing = context;
    editor_key(&editing->editor, key);
    editing->stale = true;
    if (editing->editor.typed) {
        editing->typed_ms = cli_now_ms(CLOCK_MONOTONIC);
    }
    if (editing->editor.quit) {
        leave(editing);
    } else {
        editing->leaving = false;
    }
}

static void read_keys(struct editing *editing)
{
    char bytes[4096];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got > 0) {
        editor_keys_feed(&editing->keys, bytes, (size_t)got, on_key, editing);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        editing->hung_up = true;
        editing->stop = true;
    }
}

/* ---- The loop -------------------------------------------------------------------------------- */

static int sooner(int timeout, int64_t left)
{
    int most = left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
    return timeout < 0 || most < timeout ? most : timeout;
}

static int next_timeout(const struct editing *editing)
{
    int timeout = tandem_timeout(editing->cli->client);
    int64_t now = cli_now_ms(CLOCK_MONOTONIC);
    if (editor_keys_waits(&editing->keys)) {
        timeout = sooner(timeout, ESCAPE_MS);
    }
    if (editing->typed_ms != 0) {
        timeout = sooner(timeout, editing->typed_ms + TYPING_MS - now);
    }
    return editing->leaving ? sooner(timeout, editing->leave_ms - now) : timeout;
}

static void turn(struct editing *editing)
{
    tandem_client *client = editing->cli->client;
    int want = tandem_want(client);
    struct pollfd polled[3] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = editing->signals, .events = POLLIN},
        {.fd = tandem_fd(client),
         .events = (short)((want & TANDEM_WANT_READ ? POLLIN : 0) |
                           (want & TANDEM_WANT_WRITE ? POLLOUT : 0))},
    };
    int ready = poll(polled, 3, next_timeout(editing));
    if (ready > 0 && polled[1].revents != 0) {
        read_signals(editing);
    }
    if (ready > 0 && polled[0].revents != 0) {
        read_keys(editing);
    } else if (ready >= 0 && editor_keys_waits(&editing->keys)) {
        editor_keys_flush(&editing->keys, on_key, editing);
    }
    (void)tandem_service(client); /* a failure for good is told by its event */
    gather_people(editing);
    note_state(editing);
    tell_cursor(editing);
    if (editing->leaving &&
        (editing->editor.waiting == 0 || cli_now_ms(CLOCK_MONOTONIC) >= editing->leave_ms)) {
        editing->stop = true;
    }
}

static enum tandem_failure run(struct editing *editing)
{
    struct cli *cli = editing->cli;
    char problem[256];
    sigset_t before;
    editing->signals = open_signals(&before);
    if (editing->signals < 0) {
        return cli_refuse(cli, TANDEM_REFUSED, "no way to be told of signals");
    }
    editing->screen = editor_screen_open(problem);
    bool good = editing->screen != NULL && take_size(editing);
    editing->people = editing->stale = true;
    while (good && !editing->stop) {
        gather_people(editing);
        note_state(editing);
        draw(editing);
        turn(editing);
    }
    editor_screen_close(editing->screen);
    close_signals(editing->signals, &before);
    if (good) {
        return TANDEM_DONE;
    }
    return editing->screen == NULL
               ? cli_refuse(cli, TANDEM_REFUSED, "%s. Try: TERM=vt100 tandem note ID --edit",
                            problem)
               : cli_no_memory(cli);
}

/* ---- Before and after ------------------------------------------------------------------------ */

static enum tandem_failure find_id(struct cli *cli, const char *name, char id[TANDEM_ID_TEXT])
{
    struct sighting about;
    enum tandem_failure failure = TANDEM_DONE;
    if (lookup_is_id(name)) {
        (void)bytes_to_text(bytes_text(name), id, TANDEM_ID_TEXT);
        return TANDEM_DONE; /* it may be on this machine, and the server away */
    }
    failure = cli_connect(cli, CLI_READS);
    if (failure == TANDEM_DONE) {
        failure = note_lookup(cli, name, &about);
    }
    if (failure == TANDEM_DONE) {
        (void)bytes_to_text(bytes_text(about.id), id, TANDEM_ID_TEXT);
    }
    if (cli->client != NULL) {
        cli_close(cli);
    }
    return failure;
}

static enum tandem_failure open_folder(struct cli *cli)
{
    char path[PROFILE_PATH];
    char problem[256];
    if (!profile_make_folder(profile_replica(&cli->profile, path), problem)) {
        return cli_refuse(cli, TANDEM_REFUSED, "%s", problem);
    }
    enum tandem_failure failure = cli_open(cli, path);
    if (failure == TANDEM_DONE) {
        (void)tandem_service(cli->client); /* nothing is connected: tells what opening has found */
    }
    return failure;
}

static enum tandem_failure tell_code(struct cli *cli, const char *what, tandem_code code)
{
    note_take_fault(cli, code);
    return cli_fault(cli, what, &cli->fault);
}

/* The note is not on this machine: the server has to be asked first. */
static enum tandem_failure open_from_server(struct editing *editing, const char *id)
{
    struct cli *cli = editing->cli;
    tandem_server server = cli_server(cli, false);
    if (tandem_paused(cli->client)) {
        return cli_refuse(cli, TANDEM_REFUSED,
                          "this note is not on this machine, and the profile is offline. Connect "
                          "again: tandem online");
    }
    editing->asking = true;
    if (cli_sign_in(cli, &server) != TANDEM_DONE) {
        return cli_fault(cli, NULL, &cli->fault);
    }
    tandem_code code = note_open_here(&editing->open, cli, id);
    enum tandem_failure failure =
        code == TANDEM_OK ? note_wait_here(&editing->open, id) : tell_code(cli, id, code);
    editing->asking = false;
    return failure;
}

static enum tandem_failure begin(struct editing *editing, const char *id)
{
    struct cli *cli = editing->cli;
    tandem_server server = cli_server(cli, false);
    enum tandem_failure failure = open_folder(cli);
    if (failure != TANDEM_DONE) {
        return failure;
    }
    tandem_code code = note_open_here(&editing->open, cli, id);
    if (code == STATUS_NOT_FOUND) {
        return open_from_server(editing, id);
    }
    if (code != TANDEM_OK) {
        return tell_code(cli, id, code);
    }
    code =
        tandem_connect(cli->client, &server, &cli->fault); /* waits while the profile is offline */
    return code == TANDEM_OK ? TANDEM_DONE : cli_fault(cli, NULL, &cli->fault);
}

static enum tandem_failure tell_ended(const struct editing *editing, const char *id,
                                      tandem_code code)
{
    struct cli *cli = editing->cli;
    if (keeps_words(editing->open.note)) {
        return cli_refuse(
            cli, TANDEM_REFUSED,
            "the note cannot be edited any more: %s. What you typed and the server has "
            "not taken is kept on this machine: tandem note %s --print",
            tandem_error_text(code), id);
    }
    return cli_refuse(cli, TANDEM_REFUSED, "the note cannot be edited any more: %s",
                      tandem_error_text(code));
}

/* What the person should know now that the screen is gone. */
static enum tandem_failure tell_end(const struct editing *editing, const char *id)
{
    struct cli *cli = editing->cli;
    size_t waiting = tandem_note_waiting(editing->open.note);
    tandem_code code = tandem_note_code(editing->open.note);
    char number[32];
    if (code != TANDEM_OK) {
        return tell_ended(editing, id, code);
    }
    if (waiting > 0) {
        cli_note(cli, "%s character%s of this note wait%s on this machine. Send %s: tandem online",
                 text_number(waiting, number), waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
                 waiting == 1 ? "it" : "them");
    }
    return TANDEM_DONE;
}

static void begin_typing(struct editing *editing)
{
    size_t size = 0;
    const char *text = tandem_note_text(editing->open.note, &size);
    editing->before = text_copy(text);
    note_typed_begin(&editing->typed, size);
}

/* Whoever was newly named here. Where the text waits so do the mentions. */
static void tell_mentioned(const struct editing *editing, const char *id)
{
    struct cli *cli = editing->cli;
    size_t size = 0;
    const char *text = tandem_note_text(editing->open.note, &size);
    const uint8_t *typed = note_typed_marks(&editing->typed, size);
    bool kept = editing->hung_up || !tandem_connected(cli->client) ||
                tandem_note_waiting(editing->open.note) > 0;
    if (editing->before != NULL && typed != NULL) {
        mention_tell_typed(cli, id, editing->before, text, typed, kept);
    }
}

enum tandem_failure note_edit(struct cli *cli, const char *name)
{
    struct editing editing = {.cli = cli};
    const struct editor_port port = {&editing, port_text, port_replace, port_undo, port_redo};
    char id[TANDEM_ID_TEXT] = "";
    if (cli->json) {
        return cli_usage(cli,
                         "--edit is for people; programs have libtandem. --print --json prints");
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return cli_usage(cli,
                         "--edit needs a terminal. What comes from a pipe is added without it");
    }
    if (!cli->profile.signed_in) {
        return cli_refuse_signed_out(cli);
    }
    editor_init(&editing.editor, &port);
    editing.open.on_event = on_note_event;
    editing.open.context = &editing;
    enum tandem_failure failure = find_id(cli, name, id);
    cli->on_event = on_client_event;
    cli->event_context = &editing;
    if (failure == TANDEM_DONE) {
        failure = begin(&editing, id);
    }
    if (failure == TANDEM_DONE) {
        begin_typing(&editing);
        failure = run(&editing);
    }
    if (failure == TANDEM_DONE) {
        failure = tell_end(&editing, id);
    }
    cli->on_event = NULL;
    if (failure == TANDEM_DONE) {
        tell_mentioned(&editing, id);
    }
    if (editing.open.note != NULL) {
        note_close(&editing.open);
    }
    memory_free(editing.before);
    note_typed_release(&editing.typed);
    editor_keys_release(&editing.keys);
    editor_frame_release(&editing.frame);
    return failure;
}
