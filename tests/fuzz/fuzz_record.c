/* Any bytes as a stored record: corrupt, or what encodes to bytes that decode to the same, and can
 * be looked into. One whose fields hold values is shown to an outsider and to the server itself in
 * a form that clients can read, and comes to keys that fit. */
#include "fuzz.h"

#include <string.h>

#include "client-lib/base/record.h"
#include "protocol/wire.h"
#include "server/core/record/view.h"
#include "server/store/entries.h"

static bool has_values(const struct record *record)
{
    for (unsigned i = 0; i < record->field_count; i++) {
        const struct record_field *field = &record->fields[i];
        if (wire_validate(field->value, NULL) != STATUS_OK || !wire_utf8_valid(field->name) ||
            field->name.size > RECORD_NAME_MAX || record_field_any(record, field->name) != field)
            return false;
    }
    for (unsigned i = 0; i < record->stamp_count; i++)
        if (!wire_utf8_valid(record->stamps[i].by) || record->stamps[i].by.size > RECORD_NAME_MAX)
            return false;
    for (unsigned i = 0; i < record->restriction_count; i++)
        if (wire_validate(record->restrictions[i], NULL) != STATUS_OK)
            return false;
    return wire_utf8_valid(record->entity) && wire_utf8_valid(record->created.by) &&
           record->created.by.size <= RECORD_NAME_MAX && record->entity.size > 0 &&
           record->entity.size <= RECORD_NAME_MAX;
}

static void show(const struct record *record, const struct principal *who)
{
    struct buffer shown = {0};
    struct record_view view;
    view_encode(&shown, who, record);
    MUST(wire_validate(buffer_bytes(&shown), NULL) == STATUS_OK);
    if (record_view_read(buffer_bytes(&shown), &view)) {
        MUST(id_equal(view.id, record->id));
        MUST(view.seq == view_seq(who, record));
        MUST(view.field_count <= record->field_count);
    }
    buffer_release(&shown);
}

static void show_to_both(const struct record *record)
{
    struct principal server;
    struct principal partner = {.role = ROLE_PARTNER, .partner = true, .tag_count = 1};
    principal_system(&server);
    partner.tags[0] = (struct tag){.kind = TAG_PARTNERS};
    show(record, &server);
    show(record, &partner);
}

static void make_entries(const struct record *record)
{
    static struct entries entries;
    const enum status status = entries_of(record, &entries);
    MUST(status == STATUS_OK || status == STATUS_INVALID_VALUE || status == STATUS_LIMIT);
    if (status != STATUS_OK)
        return;
    MUST(entries.count <= ENTRIES_MAX);
    for (size_t i = 0; i < entries.count; i++) {
        MUST(entries.entry[i].key.size <= LAYOUT_KEY_MAX);
        MUST(entries_have(&entries, &entries.entry[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record record, again;
    struct buffer first = {0}, second = {0};
    if (record_decode(bytes_of(data, size), &record) != STATUS_OK)
        return 0;
    record_encode(&first, &record);
    MUST(record_decode(buffer_bytes(&first), &again) == STATUS_OK);
    record_encode(&second, &again);
    MUST(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    MUST(first.size <= size);
    (void)record_text(&record, "name");
    (void)record_reference(&record, "account");
    (void)record_boolean(&record, "restricted");
    (void)record_has_reference(&record, "team", record.id);
    for (unsigned i = 0; i < record.placement_count; i++) {
        const struct placement *place = &record.placements[i];
        (void)record_lane_seq(&record, place);
        MUST(place->removed || record_is_live(&record, &place->scope, place->tag));
    }
    if (has_values(&record)) {
        show_to_both(&record);
        make_entries(&record);
    }
    buffer_release(&first);
    buffer_release(&second);
    return 0;
}
