/* A live view of all accounts in a plain terminal, which also works without a network.
 *
 *     cc live-view.c $(pkg-config --cflags --libs tandem) -o live-view
 *     TANDEM_PASSWORD=... ./live-view wss://localhost:7443 certs/ca.pem kari ./folder
 *
 * Above are the accounts by name, below the timeline of the chosen one. Whatever changes is shown
 * as it changes; what the server has not answered yet is marked *, what is in conflict !, and what
 * was refused x. Everything is read from the folder whenever the screen is drawn, and only as much
 * as it shows: the program holds no records of its own, so there is nothing to keep in step.
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tandem/tandem.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL_C 3
#define ESCAPE 27
#define BACKSPACE 127

struct view {
    tandem_client *client;
    tandem_observer *accounts, *timeline;
    char chosen[TANDEM_ID_TEXT];  /* account; "": the one at `cursor` */
    char watched[TANDEM_ID_TEXT]; /* whose timeline is observed */
    size_t top, cursor, row;      /* of the accounts: first shown, chosen, drawn or looked at now */
    size_t height;                /* rows of each half */
    int width;
    uint64_t conflict, refused; /* the oldest such entry of the outbox, 0: none */
    char status[256];
    const char *asking; /* "note", "phone": what is typed below; NULL: keys are commands */
    char typed[256];
    bool found; /* the chosen account */
    bool stale; /* the screen */
    bool quit;
};

/* ---- Drawing ------------------------------------------------------------------------------- */

/* Text comes from many hands, and a terminal obeys what it is sent: control characters become
 * blanks. At most `width` characters, filled up with blanks when `fill`. */
static void put(const char *text, int width, bool fill)
{
    int used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        const bool begins = (*at & 0xc0) != 0x80;
        const bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);
        if (begins && used == width)
            break;
        if (*at == 0xc2 && control && at[1] != '\0')
            at++;
        putchar(control ? ' ' : *at);
        used += begins;
    }
    for (; fill && used < width; used++)
        putchar(' ');
}

static void end_line(void)
{
    fputs("\033[m\033[K\n", stdout);
}

static char mark_of(const tandem_record *record)
{
    switch (tandem_record_state(record)) {
    case TANDEM_STATE_PENDING:
        return '*';
    case TANDEM_STATE_CONFLICT:
        return '!';
    case TANDEM_STATE_REFUSED:
        return 'x';
    default:
        return ' ';
    }
}

static bool draw_account(void *context, const tandem_record *record)
{
    struct view *view = context;
    const char *phone = tandem_record_text(record, "phoneNumber");
    if (view->row >= view->top) {
        fputs(view->row == view->cursor ? "\033[7m" : "", stdout);
        printf("%c ", mark_of(record));
        put(tandem_record_title(record), view->width - 22, true);
        put(phone == NULL ? "" : phone, 20, true);
        end_line();
    }
    return ++view->row < view->top + view->height;
}

static bool draw_moment(void *context, const tandem_record *record)
{
    struct view *view = context;
    char time[25];
    tandem_time_text(tandem_record_modified_at(record), time);
    printf("%c %.10s %.5s ", mark_of(record), time, time + 11);
    put(tandem_record_modified_by(record), 10, true);
    put(" ", 1, true);
    put(tandem_record_title(record), view->width - 30, false);
    end_line();
    view->row++;
    return true;
}

static bool draw_conflict(void *context, const tandem_entry *entry)
{
    struct view *view = context;
    char line[512] = "conflict";
    for (size_t i = 0; i < entry->change_count; i++) {
        const tandem_entry_change *change = &entry->changes[i];
        if (change->conflict)
            snprintf(line, sizeof line, "conflict: %s is %s, and %s says %s. m: mine, t: theirs",
                     change->field[0] == '\0' ? change->op : change->field,
                     change->mine == NULL ? "nothing" : change->mine, change->by,
                     change->theirs == NULL ? "nothing" : change->theirs);
    }
    view->conflict = entry->entry;
    put(line, view->width, false);
    return false;
}

static bool draw_refused(void *context, const tandem_entry *entry)
{
    struct view *view = context;
    char line[512];
    snprintf(line, sizeof line, "refused: %s %s. d: drop it", entry->fault->field,
             entry->fault->detail);
    view->refused = entry->entry;
    put(line, view->width, false);
    return false;
}

static void draw_bottom(struct view *view)
{
    view->conflict = view->refused = 0;
    tandem_outbox_each(view->client, 1u << TANDEM_ENTRY_CONFLICT, draw_conflict, view);
    if (view->conflict == 0)
        tandem_outbox_each(view->client, 1u << TANDEM_ENTRY_REFUSED, draw_refused, view);
    end_line();
    if (view->asking != NULL)
        printf("%s: ", view->asking);
    put(view->asking != NULL ? view->typed
                             : "up, down  n: note  p: phone  o: offline or online  q: quit",
        view->width - 8, false);
    fputs("\033[K", stdout);
}

static void draw_top(const struct view *view)
{
    char line[512];
    snprintf(line, sizeof line, "%s: %s, %zu waiting", tandem_user_name(view->client),
             tandem_paused(view->client)      ? "offline"
             : tandem_connected(view->client) ? "connected"
                                              : "not connected",
             tandem_unanswered(view->client));
    fputs("\033[H\033[1m", stdout);
    put(line, view->width / 2, true);
    put(view->status, view->width / 2, false);
    end_line();
}

/* ---- Reading ------------------------------------------------------------------------------- */

static const tandem_find all_accounts = {.entity = "account", .sort = "name"};

static void on_change(void *context, const tandem_event *event)
{
    (void)event;
    ((struct view *)context)->stale = true;
}

static bool find_chosen(void *context, const tandem_record *record)
{
    struct view *view = context;
    const char *id = tandem_record_id(record);
    if (view->chosen[0] == '\0' ? view->row < view->cursor : strcmp(view->chosen, id) != 0) {
        view->row++;
        return true;
    }
    snprintf(view->chosen, sizeof view->chosen, "%s", id);
    view->cursor = view->row;
    view->found = true;
    return false;
}

/* The chosen account stays chosen when others come and go above it. */
static void choose(struct view *view)
{
    view->found = false;
    for (int tries = 0; tries < 3 && !view->found; tries++) {
        view->row = 0;
        tandem_find_each(view->client, &all_accounts, find_chosen, view);
        if (!view->found) { /* it is gone, or this is below the last one */
            view->chosen[0] = '\0';
            if (view->cursor >= view->row)
                view->cursor = view->row == 0 ? 0 : view->row - 1;
        }
    }
    if (view->cursor < view->top)
        view->top = view->cursor;
    else if (view->cursor >= view->top + view->height)
        view->top = view->cursor - view->height + 1;
}

/* Hears of changes to the chosen account's timeline, and has it fetched before the rest. */
static void watch_chosen(struct view *view)
{
    if (strcmp(view->watched, view->chosen) == 0)
        return;
    const tandem_find its_timeline = {.account = view->chosen};
    tandem_unobserve(view->timeline);
    view->timeline = NULL;
    memcpy(view->watched, view->chosen, sizeof view->watched);
    if (view->chosen[0] != '\0') {
        tandem_observe(view->client, &its_timeline, NULL, on_change, view, &view->timeline);
        tandem_prefer(view->client, view->chosen);
    }
}

static void draw(struct view *view)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    view->width = size.ws_col < 60 ? 60 : size.ws_col;
    view->height = size.ws_row < 12 ? 4 : (size.ws_row - 4u) / 2;
    choose(view);
    watch_chosen(view);
    draw_top(view);
    view->row = 0;
    tandem_find_each(view->client, &all_accounts, draw_account, view);
    for (; view->row < view->top + view->height; view->row++)
        end_line();
    printf("\033[4m%*s", view->width, "");
    end_line();
    view->row = 0;
    const tandem_find its_timeline = {.account = view->chosen, .limit = (unsigned)view->height};
    if (view->chosen[0] != '\0')
        tandem_find_each(view->client, &its_timeline, draw_moment, view);
    for (; view->row < view->height; view->row++)
        end_line();
    draw_bottom(view);
    fflush(stdout);
    view->stale = false;
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static void say(struct view *view, tandem_code code)
{
    tandem_fault fault;
    tandem_last_fault(view->client, &fault);
    snprintf(view->status, sizeof view->status, "%s",
             code == TANDEM_OK         ? ""
             : fault.detail[0] != '\0' ? fault.detail
                                       : tandem_error_text(code));
}

/* What was typed becomes a change that is safe, and to be seen, before this returns. */
static tandem_code change(struct view *view)
{
    char id[TANDEM_ID_TEXT];
    tandem_mutation *mutation = tandem_mutation_new();
    if (mutation == NULL)
        return TANDEM_OK;
    if (strcmp(view->asking, "note") == 0) {
        tandem_create(mutation, "note", id);
        tandem_set_text(mutation, "account", view->chosen);
        tandem_set_text(mutation, "text", view->typed);
    } else {
        tandem_update(mutation, "account", view->chosen);
        tandem_set_text(mutation, "phoneNumber", view->typed);
    }
    const tandem_code code = tandem_send(view->client, mutation, NULL, NULL);
    tandem_mutation_free(mutation);
    return code;
}

static void type(struct view *view, char key)
{
    size_t size = strlen(view->typed);
    if (key == '\n' || key == '\r') {
        say(view, change(view));
        view->asking = NULL;
    } else if (key == ESCAPE) {
        view->asking = NULL;
    } else if (key == BACKSPACE || key == '\b') {
        while (size > 0 && (view->typed[--size] & 0xc0) == 0x80)
            continue;
        view->typed[size] = '\0';
    } else if (size + 1 < sizeof view->typed) {
        view->typed[size] = key;
        view->typed[size + 1] = '\0';
    }
}

static void ask(struct view *view, const char *what)
{
    if (view->chosen[0] != '\0')
        view->asking = what;
    view->typed[0] = '\0';
}

static void move(struct view *view, bool down)
{
    if (down || view->cursor > 0)
        view->cursor = down ? view->cursor + 1 : view->cursor - 1;
    view->chosen[0] = '\0';
}

static void command(struct view *view, char key)
{
    if (key == 'q' || key == CONTROL_C)
        view->quit = true;
    else if (key == 'j' || key == 'k')
        move(view, key == 'j');
    else if (key == 'n')
        ask(view, "note");
    else if (key == 'p')
        ask(view, "phone");
    else if (key == 'o')
        say(view, tandem_pause(view->client, !tandem_paused(view->client)));
    else if (key == 'm' && view->conflict != 0)
        say(view, tandem_resolve_mine(view->client, view->conflict, NULL));
    else if (key == 't' && view->conflict != 0)
        say(view, tandem_resolve_theirs(view->client, view->conflict));
    else if (key == 'd' && view->refused != 0)
        say(view, tandem_outbox_drop(view->client, view->refused));
}

static void read_keys(struct view *view)
{
    char keys[64];
    const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    view->quit = count <= 0;
    view->stale = true;
    for (ssize_t i = 0; i < count; i++) {
        if (view->asking == NULL && count - i > 2 && keys[i] == ESCAPE && keys[i + 1] == '[') {
            if (keys[i + 2] == 'A' || keys[i + 2] == 'B')
                move(view, keys[i + 2] == 'B');
            i += 2;
        } else if (view->asking != NULL) {
            type(view, keys[i]);
        } else {
            command(view, keys[i]);
        }
    }
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void on_event(void *context, const tandem_event *event)
{
    struct view *view = context;
    if (event->kind == TANDEM_EVENT_CHANGED || event->kind == TANDEM_EVENT_REMOVED ||
        (event->kind == TANDEM_EVENT_CAUGHT_UP && view->status[0] == '\0'))
        return; /* the observers hear of what is on the screen */
    if (event->kind == TANDEM_EVENT_PROGRESS)
        snprintf(view->status, sizeof view->status, "%llu of ~%llu",
                 (unsigned long long)event->done, (unsigned long long)event->total);
    else if (event->kind == TANDEM_EVENT_DISCONNECTED || event->kind == TANDEM_EVENT_RESET ||
             event->kind == TANDEM_EVENT_OUTBOX_DAMAGED)
        snprintf(view->status, sizeof view->status, "%s", event->detail);
    else if (event->kind == TANDEM_EVENT_CAUGHT_UP)
        view->status[0] = '\0';
    view->stale = true;
}

/* One turn: what changed is drawn, once, then whoever has something to say is heard. */
static void turn(struct view *view)
{
    if (view->stale)
        draw(view);
    const int wanted = tandem_want(view->client);
    struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = tandem_fd(view->client)}}; /* poll() passes over -1 */
    if ((wanted & TANDEM_WANT_READ) != 0)
        waits[1].events |= POLLIN;
    if ((wanted & TANDEM_WANT_WRITE) != 0)
        waits[1].events |= POLLOUT;
    const int ready = poll(waits, 2, tandem_timeout(view->client));
    tandem_service(view->client); /* when it failed for good, what is held is still to be seen */
    if (ready > 0 && waits[0].revents != 0)
        read_keys(view);
    else if (ready < 0) /* the window has another size */
        view->stale = true;
}

static tandem_code start(struct view *view, char **argv, tandem_fault *fault)
{
    const tandem_options options = {.replica = argv[4], .on_event = on_event, .context = view};
    const tandem_server server = {.url = argv[1],
                                  .ca = argv[2],
                                  .user = argv[3],
                                  .method = TANDEM_SIGN_IN_PASSWORD,
                                  .secret = getenv("TANDEM_PASSWORD"),
                                  .agent = "live-view"};
    tandem_code code = tandem_open(&options, &view->client, fault);
    if (code == TANDEM_OK)
        code = tandem_connect(view->client, &server, fault);
    if (code == TANDEM_OK) {
        code = tandem_subscribe(view->client, NULL, 0);
        if (code == TANDEM_OK)
            code =
                tandem_observe(view->client, &all_accounts, NULL, on_change, view, &view->accounts);
        tandem_last_fault(view->client, fault);
    }
    return code;
}

static void wake(int number)
{
    (void)number; /* poll() returns: that is all */
}

int main(int argc, char **argv)
{
    struct view view = {.stale = true};
    struct termios before, raw;
    tandem_fault fault;
    if (argc != 5 || getenv("TANDEM_PASSWORD") == NULL || tcgetattr(STDIN_FILENO, &before) != 0) {
        fprintf(stderr, "in a terminal: TANDEM_PASSWORD=... %s URL CA-FILE USER FOLDER\n", argv[0]);
        return TANDEM_USAGE;
    }
    const tandem_code code = start(&view, argv, &fault);
    if (code == TANDEM_OK) {
        const struct sigaction on_resize = {.sa_handler = wake};
        sigaction(SIGWINCH, &on_resize, NULL);
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
        setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* a picture is one write */
        fputs("\033[?1049h", stdout);           /* a screen of its own */
        while (!view.quit)
            turn(&view);
        fputs("\033[?1049l", stdout);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    } else {
        fprintf(stderr, "%s: %s\n", tandem_error_text(code), fault.detail);
    }
    tandem_unobserve(view.timeline);
    tandem_unobserve(view.accounts);
    tandem_close(view.client);
    return (int)tandem_error_class(code);
}
