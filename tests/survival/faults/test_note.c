/* A live note, with the n-th allocation, write or flush failing, for every n: while it is typed in
 * with others, without a connection, when that is back, and when it is opened again.
 *
 * After the failure the program goes on with the same handle, or is started again with whatever of
 * the writes a loss of power left. Either way, in the end: each word that was typed with OK is in
 * the server's text, once, and what was taken back with OK is not; so is each word of the others;
 * what was refused for want of memory is not there, and what was for the disk's sake once at most;
 * the text shown is the server's, and at every moment what the events have told of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/survival/faults/failing_calls.h"
#include "tests/survival/faults/failing_memory.h"
#include "tests/survival/faults/lost_writes.h"
#include "tests/survival/faults/sweep.h"
#include "tests/unit/client-lib/note_server.h"

#define WORDS 8u
#define LARGE 20000u /* more than a row of its own is worth */

enum fate { NOT_TYPED, TYPED, TAKEN_BACK, UNKNOWN };

struct typist {
    void *state; /* of the world, which each run makes anew */
    struct world *world;
    tandem_note *note;
    enum fate words[WORDS];
    unsigned others;
    struct buffer shown; /* as events and own edits made it */
    unsigned told;       /* events */
    bool memory;         /* is what fails */
};

static struct note_server shop;

/* ---- What is shown --------------------------------------------------------- */

static void splice(struct buffer *text, size_t from, size_t removed, struct bytes with)
{
    struct buffer next = {0};
    assert_true(from <= text->size && removed <= text->size - from);
    buffer_append(&next, text->data, from);
    buffer_append(&next, with.data, with.size);
    buffer_append(&next, text->data + from + removed, text->size - from - removed);
    buffer_release(text);
    *text = next;
}

static void on_event(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct typist *typist = context;
    (void)note;
    failing_memory_pause(true);
    typist->told++;
    if (event->kind == TANDEM_NOTE_CHANGED)
        splice(&typist->shown, event->from, event->removed,
               bytes_of(event->inserted, event->inserted_size));
    assert_int_not_equal(event->kind, TANDEM_NOTE_ENDED);
    assert_int_not_equal(event->kind, TANDEM_NOTE_REFUSED);
    failing_memory_pause(false);
}

static struct bytes text_of(const struct typist *typist)
{
    size_t size = 0;
    const char *text = tandem_note_text(typist->note, &size);
    return bytes_of(text, size);
}

static void look(struct typist *typist)
{
    const struct bytes text = text_of(typist);
    failing_memory_pause(true);
    buffer_clear(&typist->shown);
    buffer_append(&typist->shown, text.data, text.size);
    failing_memory_pause(false);
}

static void assert_shown(const struct typist *typist)
{
    if (typist->note != NULL)
        assert_true(bytes_equal(text_of(typist), buffer_bytes(&typist->shown)));
}

/* ---- The program ----------------------------------------------------------- */

static void word_of(unsigned number, char out[24])
{
    (void)snprintf(out, 24, "<word %u>", number);
}

/* What an edit comes to that was refused: nothing, unless it is the disk that cannot tell. */
static enum fate refused(const struct typist *typist, enum fate before)
{
    return typist->memory ? before : UNKNOWN;
}

static void type_text(struct typist *typist, unsigned number, bool at_end, struct bytes text)
{
    if (typist->note == NULL)
        return;
    const unsigned told = typist->told;
    const size_t at = at_end ? text_of(typist).size : 0;
    const tandem_code code =
        tandem_note_insert(typist->note, at, (const char *)text.data, text.size);
    typist->words[number] = code == TANDEM_OK ? TYPED : refused(typist, NOT_TYPED);
    failing_memory_pause(true);
    if (told != typist->told)
        look(typist); /* others' changes came within the call */
    else if (code == TANDEM_OK)
        splice(&typist->shown, at, 0, text);
    failing_memory_pause(false);
    assert_shown(typist);
}

static void type(struct typist *typist, unsigned number, bool at_end)
{
    char word[24];
    word_of(number, word);
    type_text(typist, number, at_end, bytes_text(word));
}

/* A whole page at once, with the word in it. */
static void type_page(struct typist *typist, unsigned number)
{
    static char page[LARGE];
    char word[24];
    word_of(number, word);
    memset(page, '.', sizeof page);
    memcpy(page + 100, word, strlen(word));
    type_text(typist, number, true, bytes_of(page, sizeof page));
}

static void take_back(struct typist *typist, unsigned number)
{
    if (typist->note == NULL || typist->words[number] != TYPED)
        return;
    const tandem_code code = tandem_note_undo(typist->note);
    typist->words[number] = code == TANDEM_OK ? TAKEN_BACK : refused(typist, TYPED);
    assert_shown(typist);
}

static void open_note(struct typist *typist)
{
    if (tandem_note_open(typist->world->client, id_text(NOTE_NUMBER), on_event, typist,
                         &typist->note) == TANDEM_OK)
        look(typist);
    else
        typist->note = NULL;
}

static void close_note(struct typist *typist)
{
    tandem_note_close(typist->note);
    typist->note = NULL;
}

/* ---- The server ------------------------------------------------------------ */

static void serve(struct typist *typist, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        const int due = tandem_timeout(typist->world->client);
        if (due > 0)
            typist->world->port.now += (uint64_t)due < 1000 ? (uint64_t)due : 1000;
        (void)tandem_service(typist->world->client);
        assert_shown(typist);
        failing_memory_pause(true);
        note_forget_frames();
        note_serve(&shop);
        if (server.link == NULL) { /* whatever it says nobody hears */
            server.inbox_used = server.inbox_count;
            shop.open = false;
        }
        failing_memory_pause(false);
    }
}

static void other_types(struct typist *typist)
{
    char word[24];
    (void)snprintf(word, sizeof word, "{other %u}", typist->others++);
    failing_memory_pause(true);
    const char *text = note_server_text(&shop);
    note_other(&shop, "ola", (size_t)(strstr(text, "Text.") - text), 0, word);
    failing_memory_pause(false);
}

static void lose_connection(struct typist *typist)
{
    server.sent_seen = server.sent_count;
    server.inbox_used = server.inbox_count;
    shop.open = false;
    if (server.link != NULL)
        hang_up(1006);
    (void)tandem_service(typist->world->client);
    assert_shown(typist);
}

static void work(struct typist *typist)
{
    type(typist, 0, false);
    serve(typist, 2);
    other_types(typist);
    type(typist, 1, false);
    serve(typist, 4);
    type(typist, 2, true);
    take_back(typist, 2);
    serve(typist, 2);
    lose_connection(typist);
    type(typist, 3, true);
    other_types(typist);
    type_page(typist, 4);
    other_types(typist);
    type(typist, 5, false);
    typist->world->port.now += 60000;
    serve(typist, 8);
    other_types(typist);
    serve(typist, 2);
    close_note(typist);
    serve(typist, 2);
    open_note(typist);
    type(typist, 6, false);
    serve(typist, 3);
}

/* ---- Afterwards ------------------------------------------------------------ */

static bool is_settled(const struct typist *typist)
{
    return tandem_connected(typist->world->client) && shop.open &&
           tandem_note_waiting(typist->note) == 0 && server.inbox_used == server.inbox_count &&
           server.sent_seen == server.sent_count &&
           tandem_note_version(typist->note) == shop.version;
}

/* Nothing fails any more. */
static void finish(struct typist *typist)
{
    struct world *world = typist->world;
    if (world->client == NULL)
        open_client(world, true);
    if (!tandem_connected(world->client))
        assert_int_equal(tandem_connect(world->client, &usual, NULL), TANDEM_OK);
    for (unsigned i = 0; i < 300 && !tandem_connected(world->client); i++)
        serve(typist, 1);
    if (typist->note == NULL)
        open_note(typist);
    assert_non_null(typist->note);
    type(typist, 7, true);
    assert_int_equal(typist->words[7], TYPED);
    for (unsigned i = 0; i < 300 && !is_settled(typist); i++)
        serve(typist, 1);
    assert_true(is_settled(typist));
    serve(typist, 3);
}

static unsigned times(const char *word)
{
    unsigned count = 0;
    const char *at = note_server_text(&shop);
    while ((at = strstr(at, word)) != NULL) {
        count++;
        at++;
    }
    return count;
}

static void judge(const struct typist *typist)
{
    char word[24];
    for (unsigned i = 0; i < WORDS; i++) {
        word_of(i, word);
        if (typist->words[i] == UNKNOWN)
            assert_true(times(word) <= 1);
        else
            assert_int_equal(times(word), typist->words[i] == TYPED);
    }
    for (unsigned i = 0; i < typist->others; i++) {
        (void)snprintf(word, sizeof word, "{other %u}", i);
        assert_int_equal(times(word), 1);
    }
    assert_shown(typist);
    assert_string_equal(tandem_note_text(typist->note, NULL), note_server_text(&shop));
}

/* ---- The sweeps ------------------------------------------------------------ */

struct course {
    bool memory, reopens;
    int error;
    enum failing_way way;
    enum lost_writes lost;
};

static void make(struct typist *typist, const struct course *course)
{
    *typist = (struct typist){.memory = course->memory};
    assert_int_equal(set_up(&typist->state), 0);
    typist->world = typist->state;
    note_server_init(&shop, "Text.");
    note_start(typist->world);
    note_settle(typist->world, &shop);
    open_note(typist);
    assert_non_null(typist->note);
    note_settle(typist->world, &shop);
    assert_string_equal(tandem_note_text(typist->note, NULL), "Text.");
}

static void arm(const struct course *course, uint64_t n, bool onwards)
{
    if (course->memory)
        failing_memory_arm(n, onwards);
    else
        failing_calls_arm_disk(course->way, course->error, n, onwards);
}

static bool disarm(const struct course *course)
{
    return (course->memory ? failing_memory_disarm() : failing_calls_disarm(failing_plan())) > 0;
}

static bool try(void *context, uint64_t n, bool onwards)
{
    const struct course *course = context;
    struct typist typist;
    make(&typist, course);
    if (!course->memory)
        lost_writes_watch(typist.world->folder);
    arm(course, n, onwards);
    work(&typist);
    const bool met = disarm(course);
    if (course->reopens) {
        note_crash(typist.world, &shop);
        typist.note = NULL;
    }
    if (!course->memory)
        lost_writes_take(course->reopens ? course->lost : LOST_NONE, n + sweep_seed());
    finish(&typist);
    judge(&typist);
    assert_int_equal(tear_down(&typist.state), 0);
    note_server_release(&shop);
    buffer_release(&typist.shown);
    return met;
}

static void allocations(void **state)
{
    struct course course = {.memory = true};
    (void)state;
    sweep("allocation, note that goes on", 31, try, &course);
    course.reopens = true;
    sweep("allocation, note opened again", 31, try, &course);
    assert_int_equal(failing_memory_held(), 0);
}

static void each_disk(struct course *course, const char *what)
{
    static const char *const names[] = {"restart", "power lost", "power lost halfway"};
    char kind[96];
    course->reopens = false;
    (void)snprintf(kind, sizeof kind, "write and flush, note, %s, goes on", what);
    sweep(kind, 37, try, course);
    course->reopens = true;
    for (unsigned lost = LOST_NONE; lost <= LOST_SOME; lost++) {
        course->lost = (enum lost_writes)lost;
        (void)snprintf(kind, sizeof kind, "write and flush, note, %s, %s", what, names[lost]);
        sweep(kind, 37, try, course);
    }
}

static void writes_and_flushes(void **state)
{
    struct course course = {.error = EIO};
    (void)state;
    each_disk(&course, "EIO");
    course.way = FAILING_ALL_DONE;
    each_disk(&course, "EIO with the data in the cache");
    course.way = FAILING_HALF_DONE;
    course.error = ENOSPC;
    each_disk(&course, "half written");
}

int main(void)
{
    failing_plan()->skip_flush = 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations),
        cmocka_unit_test(writes_and_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
