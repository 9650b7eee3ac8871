/* Entries of an outbox laid over a record: [record or nil, [state, seq, changes] ...], any of it.
 *
 * What comes out is a record of the same id or nothing, well-formed, and the same each time. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/outbox/overlay.h"
#include "protocol/wire.h"

static const struct id looked_for = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static bool read_entry(struct bytes entry, struct outbox_item *out)
{
    struct wire_reader reader = wire_read(entry);
    uint32_t parts = 0;
    uint64_t state = 0;
    *out = (struct outbox_item){.at_ms = 5};
    if (!wire_get_array(&reader, &parts) || parts != 3 || !wire_get_uint(&reader, &state) ||
        state >= TANDEM_ENTRY_STATES || !wire_get_uint(&reader, &out->seq) ||
        !wire_skip(&reader, &out->changes))
        return false;
    out->state = (tandem_entry_state)state;
    return true;
}

static void check(const struct overlay *overlay, struct id id)
{
    struct record_view view;
    if (overlay->record.size == 0)
        return;
    MUST(wire_validate(buffer_bytes(&overlay->record), NULL) == STATUS_OK);
    MUST(record_view_read(buffer_bytes(&overlay->record), &view));
    MUST(id_equal(view.id, id));
}

/* Lays all entries; false when the input is not of the form. */
static bool lay(struct bytes input, struct overlay *overlay)
{
    static const struct id party = {{7}};
    const struct overlay_author author = {bytes_text("kari"), false, &party, 1};
    struct wire_reader reader = wire_read(input);
    struct bytes held = {0}, entry;
    struct record_view view;
    struct id id = looked_for;
    uint32_t count = 0;
    if (!wire_get_array(&reader, &count) || count == 0 || !wire_skip(&reader, &held))
        return false;
    if (record_view_read(held, &view))
        id = view.id;
    else
        held = (struct bytes){0};
    MUST(overlay_begin(overlay, held) == STATUS_OK);
    for (uint64_t order = 1; order < count && wire_skip(&reader, &entry); order++) {
        struct outbox_item item;
        if (!read_entry(entry, &item))
            return false;
        item.order = order;
        enum status status = overlay_add(overlay, &item, id, 10, &author);
        MUST(status == STATUS_OK || status == STATUS_MALFORMED);
        check(overlay, id);
        MUST((overlay->state == TANDEM_STATE_SYNCED) <= (overlay->entry == 0));
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct overlay first = {0}, second = {0};
    struct bytes input = bytes_of(data, size);
    if (wire_validate(input, NULL) != STATUS_OK)
        return 0;
    bool whole = lay(input, &first);
    MUST(lay(input, &second) == whole);
    MUST(bytes_equal(buffer_bytes(&first.record), buffer_bytes(&second.record)));
    MUST(first.state == second.state && first.entry == second.entry);
    overlay_release(&first);
    overlay_release(&second);
    return 0;
}
