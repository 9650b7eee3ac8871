#include "tests/survival/kill/typists.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/tandem_command.h"

#define AT_ONCE 3u
#define DELETED_AT_ONCE 4u
/* In which an answer comes, or does not. */
#define ANSWER_MS 300

/* splitmix64, Sebastiano Vigna. */
uint32_t typists_random(struct typists *typists, uint32_t below)
{
    uint64_t z = typists->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % below);
}

/* ---- Typing -------------------------------------------------------------------------------- */

/* The place behind `count` characters that follow the place `from`. */
static size_t place_behind(const char *text, size_t size, size_t from, uint32_t count)
{
    for (; count > 0 && from < size; count--) {
        from += letter_width(text + from);
    }
    return from;
}

static size_t some_place(struct typists *typists, const char *text, size_t size)
{
    size_t at = typists_random(typists, (uint32_t)size + 1);
    while (at < size && (text[at] & 0xc0) == 0x80) {
        at++;
    }
    return at;
}

static void note_deleted(struct typists *typists, const char *text, size_t size)
{
    for (size_t at = 0; at < size; at += letter_width(text + at)) {
        const unsigned letter = letter_at(text + at);
        if (letter < LETTERS_MOST) {
            typists->deleted[letter] = true;
        }
    }
}

static bool edit(struct typists *typists, tandem_note *note)
{
    char inserted[AT_ONCE * LETTER_BYTES];
    size_t size, inserted_size = 0;
    const char *text = tandem_note_text(note, &size);
    const size_t from = some_place(typists, text, size);
    size_t to = from;
    if (typists_random(typists, 4) == 0) {
        to = place_behind(text, size, from, 1 + typists_random(typists, DELETED_AT_ONCE));
    }
    uint32_t letters =
        to > from && typists_random(typists, 2) == 0 ? 0 : 1 + typists_random(typists, AT_ONCE);
    for (; letters > 0 && typists->typed < LETTERS_MOST; letters--) {
        inserted_size += letter_put(typists->typed++, inserted + inserted_size);
    }
    note_deleted(typists, text + from, to - from);
    typists->edits++;
    const tandem_code code = tandem_note_replace(note, from, to - from, inserted, inserted_size);
    return code == TANDEM_OK ||
           crew_fail(&typists->crew, "an edit was refused: %s", tandem_error_text(code));
}

/* What a client is told by the server, it may tell a person. */
static void remember(struct typists *typists, const tandem_note *note)
{
    const uint64_t version = tandem_note_version(note);
    size_t size;
    const char *text = tandem_note_text(note, &size);
    typists->told = version > typists->told ? version : typists->told;
    if (tandem_note_waiting(note) == 0 && version > typists->saved &&
        size < sizeof typists->saved_text) {
        typists->saved = version;
        memcpy(typists->saved_text, text, size + 1);
    }
}

bool typists_type(struct typists *typists, unsigned edits, bool served)
{
    struct crew *crew = &typists->crew;
    for (; edits > 0 && !crew->failed; edits--) {
        if (!edit(typists, crew->members[typists_random(typists, TYPISTS)].note)) {
            return false;
        }
        /* Now and then somebody pauses, and has all that the others typed. */
        for (uint32_t turns = served ? typists_random(typists, 6) : 0; turns > 0; turns--) {
            (void)crew_serve(crew);
            for (size_t i = 0; i < TYPISTS; i++) {
                remember(typists, crew->members[i].note);
            }
        }
    }
    return !crew->failed;
}

/* ---- The server ---------------------------------------------------------------------------- */

void typists_kill(struct typists *typists)
{
    server_process_kill(&typists->crew.server);
    typists->kills++;
}

bool typists_kill_with(struct typists *typists)
{
    struct crew *crew = &typists->crew;
    struct crew_member *member = &crew->members[typists_random(typists, TYPISTS)];
    struct pollfd answer = {.fd = tandem_fd(member->client), .events = POLLIN};
    if (!edit(typists, member->note) || !crew_serve(crew)) {
        return false;
    }
    (void)poll(&answer, 1, ANSWER_MS);
    typists_kill(typists);
    typists->ended++;
    return crew_reopen(member);
}

bool typists_revive(struct typists *typists)
{
    return crew_start(&typists->crew);
}

bool typists_look_back(struct typists *typists)
{
    struct crew *crew = &typists->crew;
    char version[24], *text = malloc(sizeof typists->saved_text);
    (void)snprintf(version, sizeof version, "%llu", (unsigned long long)typists->saved);
    const char *const newest[] = {"note", crew->note, "--print", "--json", NULL};
    const char *const saved[] = {"note",  crew->note, "--print", "--version",
                                 version, "--json",   NULL};
    struct tandem_output output = crew_run(crew, newest);
    const int64_t now = tandem_output_number(&output, "version");
    tandem_output_release(&output);
    bool good = text != NULL || crew_fail(crew, "out of memory");
    if (good && (now < 0 || (uint64_t)now < typists->told)) {
        good = crew_fail(crew, "version %llu was told of, and the server has %lld",
                         (unsigned long long)typists->told, (long long)now);
    }
    if (good && typists->saved > 0) {
        output = crew_run(crew, saved);
        tandem_output_text(&output, "text", text, sizeof typists->saved_text);
        good = strcmp(text, typists->saved_text) == 0 ||
               crew_fail(crew, "version %s was \"%s\", and is \"%s\" now %s", version,
                         typists->saved_text, text, output.err);
        tandem_output_release(&output);
        typists->looked++;
    }
    free(text);
    return good;
}

/* ---- All together -------------------------------------------------------------------------- */

/* Letters by their numbers, those that were deleted with a minus. */
static void show_text(const struct typists *typists, const char *text, size_t size)
{
    for (size_t at = 0; at < size; at += letter_width(text + at)) {
        const unsigned letter = letter_at(text + at);
        if (letter < LETTERS_MOST) {
            (void)fprintf(stderr, " %s%u", typists->deleted[letter] ? "-" : "", letter);
        } else {
            (void)fprintf(stderr, "%.*s", (int)letter_width(text + at), text + at);
        }
    }
    (void)fprintf(stderr, "\n");
}

/* Whether a letter may stand there that was found so often before. */
static bool check_letter(struct typists *typists, unsigned letter, bool kept, unsigned before)
{
    struct crew *crew = &typists->crew;
    if (letter >= typists->typed) {
        return kept || crew_fail(crew, "something stands there that nobody typed");
    }
    if (typists->deleted[letter]) {
        return kept || crew_fail(crew, "letter %u was deleted, and stands there", letter);
    }
    return before == 0 || crew_fail(crew, "letter %u stands there twice", letter);
}

/* Every letter that nobody deleted, once, and nothing else. When passages were kept between marks,
 * the marks and what was deleted stand there too, as often as somebody wrote into it. */
static bool check_text(struct typists *typists, const char *text, size_t size)
{
    struct crew *crew = &typists->crew;
    const bool kept = crew->kept > typists->kept;
    uint8_t *found = calloc(LETTERS_MOST + 1, 1);
    bool good = found != NULL || crew_fail(crew, "out of memory");
    for (size_t at = 0; good && at < size; at += letter_width(text + at)) {
        const unsigned letter = letter_at(text + at);
        good = check_letter(typists, letter, kept, found[letter]);
        found[letter] = 1;
    }
    for (unsigned i = 0; good && i < typists->typed; i++) {
        good = typists->deleted[i] || found[i] == 1 || crew_fail(crew, "letter %u is lost", i);
    }
    if (!good) {
        show_text(typists, text, size);
    }
    free(found);
    return good;
}

bool typists_settle(struct typists *typists)
{
    struct crew *crew = &typists->crew;
    size_t size;
    if (!crew_settle(crew)) {
        return false;
    }
    remember(typists, crew->members[0].note);
    const char *text = tandem_note_text(crew->members[0].note, &size);
    return check_text(typists, text, size) && crew_server_has(crew, text, size);
}

bool typists_clear(struct typists *typists)
{
    struct crew *crew = &typists->crew;
    tandem_note *note = crew->members[0].note;
    size_t size;
    (void)tandem_note_text(note, &size);
    const tandem_code code = tandem_note_delete(note, 0, size);
    if (code != TANDEM_OK) {
        return crew_fail(crew, "the text cannot be deleted: %s", tandem_error_text(code));
    }
    memset(typists->deleted, 0, sizeof typists->deleted);
    typists->typed = 0;
    typists->kept = crew->kept;
    return typists_settle(typists);
}

bool typists_begin(struct typists *typists, uint64_t seed)
{
    *typists = (struct typists){.random = seed};
    return crew_open(&typists->crew, TYPISTS, false);
}

bool typists_end(struct typists *typists)
{
    return crew_close(&typists->crew);
}
