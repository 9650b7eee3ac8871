/* ./dev replay: a recorded trace of editing, through a real server. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/replay/replay.h"

#define STATUS_FAILED 1
#define STATUS_USAGE 2
#define SAY_EVERY_S 5

static const char usage[] =
    "./dev replay FILE.json.gz [--edits N] [--each] [--readers N] [--json] [--help]\n"
    "\n"
    "Types a recorded trace of editing, keystroke by keystroke, into a live note: a server and "
    "clients\n"
    "of the library, each with a folder of its own. A sequential trace is typed by one client, "
    "and\n"
    "another looks on. A concurrent one is typed by one client for each of its agents, all "
    "connected,\n"
    "whose changes are merged as they go.\n"
    "\n"
    "At the end the server and all clients must have one text: of a sequential trace the trace's "
    "own;\n"
    "of a concurrent one every character that was inserted and that nobody deleted, each once.\n"
    "Then the keystrokes a second are told, and the bytes that the server's store has grown by.\n"
    "\n"
    "  FILE         gzipped or plain JSON, as github.com/josephg/editing-traces has it\n"
    "  --edits N    only the first N keystrokes\n"
    "  --each       everybody has each keystroke before the next is typed, so that each is a "
    "version\n"
    "               of its own, as when a person types; without it clients send what has gathered\n"
    "  --readers N  clients that look on (default: 1 of a sequential trace, else 0; at most 8)\n"
    "  --json       figures as one JSON object\n"
    "\n"
    "Everything lies in a folder below TMPDIR that is gone at the end.\n"
    "Exit status: 0 replayed, 1 the texts are not as they should be, 2 usage, or no such trace.\n";

struct arguments {
    const char *file;
    struct replay_options options;
    bool json, help, has_readers;
};

static bool read_count(const char *option, const char *text, size_t most, size_t *out)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > most) {
        (void)fprintf(stderr, "replay: %s takes a number, at most %zu\n", option, most);
        return false;
    }
    *out = (size_t)number;
    return true;
}

static bool read_arguments(int count, char **words, struct arguments *out)
{
    static const struct option options[] = {
        {"edits", required_argument, NULL, 'n'},   {"each", no_argument, NULL, 'e'},
        {"readers", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    bool good = true;
    for (int option; good && (option = getopt_long(count, words, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'n':
            good = read_count("--edits", optarg, UINT32_MAX, &out->options.edits);
            break;
        case 'r':
            out->has_readers = true;
            good = read_count("--readers", optarg, CREW_MOST - TRACE_AGENTS_MOST,
                              &out->options.readers);
            break;
        case 'e':
            out->options.each = true;
            break;
        case 'j':
            out->json = true;
            break;
        case 'h':
            out->help = true;
            break;
        default:
            good = false;
        }
    }
    if (good && !out->help && optind + 1 != count) {
        (void)fprintf(stderr, "replay: which trace? One FILE is needed.\n");
        good = false;
    }
    out->file = good && !out->help ? words[optind] : NULL;
    return good;
}

/* ---- What is said ---------------------------------------------------------------------------- */

static void say_progress(void *context, size_t done, size_t count)
{
    time_t *said = context;
    time_t now = time(NULL);
    if (now >= *said + SAY_EVERY_S) {
        *said = now;
        (void)fprintf(stderr, "%zu of %zu keystrokes\n", done, count);
    }
}

static double per(uint64_t from, uint64_t to, size_t count)
{
    return count > 0 ? ((double)to - (double)from) / (double)count : 0;
}

static void print_plain(const struct arguments *arguments, const struct trace *trace,
                        const struct replay_figures *told)
{
    const struct store_size *before = &told->before, *after = &told->after;
    double grown = (double)after->all - (double)before->all;
    (void)printf("%s: %zu keystrokes by %u, %zu clients\n",
                 trace->concurrent ? "concurrent" : "sequential", told->keystrokes, trace->agents,
                 told->clients);
    (void)printf("text        the server and all clients have the same %zu bytes\n",
                 told->text_size);
    if (!trace->concurrent) {
        (void)printf("            which are those that the trace ends with%s\n",
                     told->keystrokes < trace->count ? " after so many" : "");
    } else {
        (void)printf("            with every character that nobody deleted, each once; in %s\n",
                     told->in_order ? "the trace's own order" : "another order than the trace's");
        (void)printf("            all waited for all %zu times, since a keystroke needed it\n",
                     told->meetings);
    }
    (void)printf("time        %.1f s, %.0f keystrokes/s, %llu versions\n", told->seconds,
                 (double)told->keystrokes / told->seconds, (unsigned long long)told->versions);
    if (arguments->options.each) {
        (void)printf(
            "            until everybody had a keystroke: half %.1f ms, 99 of 100 %.1f ms\n",
            told->p50_ms, told->p99_ms);
    }
    (void)printf("stored      %.0f bytes, %.1f a keystroke, %.1f times the text (live notes alone: "
                 "%.1f a keystroke)\n",
                 grown, per(before->all, after->all, told->keystrokes),
                 told->text_size > 0 ? grown / (double)told->text_size : 0,
                 per(before->notes, after->notes, told->keystrokes));
    (void)printf("typed       %zu bytes were inserted in all, %.1f a keystroke\n", told->inserted,
                 per(0, told->inserted, told->keystrokes));
}

static bool print_json(const struct arguments *arguments, const struct trace *trace,
                       const struct replay_figures *told)
{
    double grown = (double)told->after.all - (double)told->before.all;
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:b, s:I}", "file",
        arguments->file, "kind", trace->concurrent ? "concurrent" : "sequential", "agents",
        (json_int_t)trace->agents, "clients", (json_int_t)told->clients, "keystrokes",
        (json_int_t)told->keystrokes, "seconds", told->seconds, "keystrokesPerSecond",
        (double)told->keystrokes / told->seconds, "versions", (json_int_t)told->versions,
        "textBytes", (json_int_t)told->text_size, "insertedBytes", (json_int_t)told->inserted,
        "storedBytes", grown, "storedPerKeystroke",
        per(told->before.all, told->after.all, told->keystrokes), "notesPerKeystroke",
        per(told->before.notes, told->after.notes, told->keystrokes), "storedPerTextByte",
        told->text_size > 0 ? grown / (double)told->text_size : 0.0, "ownOrder", told->in_order,
        "meetings", (json_int_t)told->meetings);
    if (object == NULL) {
        return false;
    }
    if (arguments->options.each) {
        (void)json_object_set_new(object, "seenP50Ms", json_real(told->p50_ms));
        (void)json_object_set_new(object, "seenP99Ms", json_real(told->p99_ms));
    }
    bool good = json_dumpf(object, stdout, JSON_REAL_PRECISION(6)) == 0 && putchar('\n') != EOF;
    json_decref(object);
    return good;
}

int main(int count, char **words)
{
    struct arguments arguments = {.file = NULL};
    struct replay_figures told;
    struct trace trace;
    char why[CREW_WHY] = "";
    time_t said = time(NULL);
    if (!read_arguments(count, words, &arguments)) {
        (void)fprintf(stderr, "\n%s", usage);
        return STATUS_USAGE;
    }
    if (arguments.help) {
        return fputs(usage, stdout) >= 0 ? EXIT_SUCCESS : STATUS_FAILED;
    }
    if (!trace_read(arguments.file, &trace, why)) {
        (void)fprintf(stderr, "replay: %s: %s\n", arguments.file, why);
        trace_release(&trace);
        return STATUS_USAGE;
    }
    if (!arguments.has_readers) {
        arguments.options.readers = trace.concurrent ? 0 : 1;
    }
    arguments.options.progress = say_progress;
    arguments.options.context = &said;
    bool good = replay_run(&trace, &arguments.options, &told, why);
    if (!good) {
        (void)fprintf(stderr, "replay: %s: FAILED: %s\n", arguments.file, why);
    } else if (arguments.json) {
        good = print_json(&arguments, &trace, &told);
    } else {
        print_plain(&arguments, &trace, &told);
    }
    trace_release(&trace);
    return good && fflush(stdout) == 0 ? EXIT_SUCCESS : STATUS_FAILED;
}
