#include "tests/sim/sim_noted.h"

#include "server/core/note/note.h"
#include "server/core/record/record.h"
#include "server/core/state.h"

bool noted_read(const struct state *state, struct id id, struct sim_noted *out, struct buffer *text)
{
    struct buffer scratch = {0};
    struct bytes encoded;
    struct record record;
    struct note_head head;
    *out = (struct sim_noted){.id = id};
    if (state->ops->record(state->self, id, &encoded) == STATUS_OK &&
        record_decode(encoded, &record) == STATUS_OK && !record.deleted &&
        bytes_is(record.entity, "note") &&
        note_read_head(state, &record, &scratch, &head) == STATUS_OK && head.version > 0) {
        out->version = head.version;
        out->settled = head.settled;
        out->seq = record.seq;
        out->changed_ms = head.changed_ms;
        out->size = head.text.size;
        (void)bytes_to_text(head.by, out->by, sizeof out->by);
        buffer_append(text, head.text.data, head.text.size);
    }
    buffer_release(&scratch);
    return out->version > 0;
}
