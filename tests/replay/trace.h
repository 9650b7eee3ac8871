/* Recorded editing of real people, keystroke by keystroke, as collections of such traces keep it:
 * JSON, gzipped or plain.
 *
 *     sequential   {startContent, endContent, txns: [{patches: [[at, removed, inserted], ...]}]}
 *     concurrent   {kind: "concurrent", numAgents, endContent,
 *                   txns: [{agent, parents: [txn, ...], patches}]}
 *
 * Places count code points. Those of a sequential trace are meant in the text that all edits before
 * have made. Those of a concurrent one are meant in the text that its author had then, which is
 * what the edits of `parents` and all behind them make together. Where nobody inserts at the place
 * of another's insertion at the same time, that is one text however it is merged, and such traces
 * keep to that.
 */
#ifndef TANDEM_TESTS_REPLAY_TRACE_H
#define TANDEM_TESTS_REPLAY_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_AGENTS_MOST 16u
/* Bytes of JSON, gunzipped. */
#define TRACE_SIZE_MOST ((size_t)256 << 20)

/* One keystroke, mostly: what was selected is replaced. */
struct trace_edit {
    uint32_t agent;
    uint32_t at, removed; /* code points */
    uint32_t first;       /* number of the first character inserted; the others follow */
    uint32_t inserted;    /* characters */
    size_t text, size;    /* the text inserted: in trace.text, bytes */
    /* Concurrent: how many edits of each agent its author had, their own before this included. */
    uint32_t had[TRACE_AGENTS_MOST];
};

struct trace {
    bool concurrent;
    uint32_t agents; /* 1 for a sequential one */
    struct trace_edit *edits;
    size_t count;
    char *text; /* everything that was inserted */
    size_t text_size;
    uint32_t characters; /* in it */
    char *start, *end;   /* texts before and after all edits */
    size_t start_size, end_size;
};

/* False with the reason, without a full stop, in `why`. Release in any case. */
bool trace_read(const char *path, struct trace *out, char why[256]);
void trace_release(struct trace *trace);

/* Bytes of the character that begins with this byte. */
unsigned trace_width(unsigned char first);
/* Bytes of the first `characters` of a text; SIZE_MAX when it has fewer. */
size_t trace_bytes(const char *text, size_t size, size_t characters);

#endif
