/* A live note in which a program types that is killed, and somebody else as well. */
#include <stdio.h>
#include <string.h>

#include "tests/survival/profile/kill_writer.h"

static void on_note(void *context, tandem_note *note, const tandem_note_event *event)
{
    struct run *run = context;
    (void)note;
    run->answered = run->answered || event->kind == TANDEM_NOTE_OPENED;
    run->failed =
        run->failed || event->kind == TANDEM_NOTE_ENDED || event->kind == TANDEM_NOTE_REFUSED;
}

static void on_made(void *context, const tandem_result *result)
{
    struct run *run = context;
    run->answered = true;
    run->failed = result->code != TANDEM_OK;
}

static bool make_note(struct run *run)
{
    tandem_mutation *mutation = tandem_mutation_new();
    run->answered = false;
    bool good = mutation != NULL && tandem_create(mutation, "note", run->note_id) == TANDEM_OK &&
                tandem_set_text(mutation, "text", "Minutes: ") == TANDEM_OK &&
                tandem_send(run->client, mutation, on_made, run) == TANDEM_OK;
    tandem_mutation_free(mutation);
    return good && run_wait(run, &run->answered) && !run->failed;
}

bool note_begin(struct run *run)
{
    if (!make_note(run))
        return false;
    run->answered = false;
    return tandem_note_open(run->client, run->note_id, on_note, run, &run->note) == TANDEM_OK &&
           run_wait(run, &run->answered) && !run->failed;
}

bool note_type_beside(struct run *run, unsigned round)
{
    char word[LINE];
    size_t size = 0;
    (void)tandem_note_text(run->note, &size);
    const int length = snprintf(word, sizeof word, "<beside %u>", round);
    /* In turn before and behind all that the other has typed. */
    if (tandem_note_insert(run->note, round % 2 == 0 ? 0 : size, word, (size_t)length) !=
            TANDEM_OK ||
        !run_typed(run, word))
        return false;
    for (int ms = 0; ms < WAIT_MS && tandem_note_waiting(run->note) > 0; ms += 100)
        (void)tandem_wait(run->client, 100);
    return tandem_note_waiting(run->note) == 0 && !run->failed;
}

/* Every word in the text: from a "<" to the ">" behind it. */
static void count_words(struct run *run, const char *text, size_t size)
{
    const char *end = text + size;
    for (const char *at = text; (at = memchr(at, '<', (size_t)(end - at))) != NULL;) {
        char word[LINE] = "";
        const char *close = memchr(at, '>', (size_t)(end - at));
        const size_t length = close != NULL ? (size_t)(close - at) + 1 : 0;
        if (length > 0 && length < sizeof word)
            memcpy(word, at, length);
        run_found(run, word);
        at++;
    }
}

static void on_text(void *context, const tandem_answer *answer, const tandem_fault *fault)
{
    struct run *run = context;
    tandem_note_version_text text;
    run->answered = true;
    run->failed = answer == NULL || tandem_answer_note(answer, &text, NULL, NULL) != TANDEM_OK;
    if (run->failed)
        (void)fprintf(stderr, "kill_writer: %s\n", fault->detail);
    else
        count_words(run, text.text, text.size);
}

bool note_count(struct run *run)
{
    run->answered = false;
    return tandem_ask_note(run->client, run->note_id, 0, on_text, run) == TANDEM_OK &&
           run_wait(run, &run->answered) && !run->failed;
}
