/* A whole note as bytes, and what is read of it.
 *
 *     [1, base version, version, base, theirs, sent, waiting, fresh, catching up, held]
 *
 * The sets are encoded as on the wire, an absent one as nil. */
#include "client-lib/note/note_doc.h"
#include "client-lib/note/note_doc_internal.h"
#include "client-lib/note/note_set.h"
#include "protocol/wire.h"

#define FORMAT 1u
#define ELEMENTS 10u

static void put_set(const struct change_set *set, struct buffer *out)
{
    if (note_set_none(set))
        wire_put_nil(out);
    else
        change_set_write(set, out);
}

void note_doc_save(const struct note_doc *doc, struct buffer *out)
{
    wire_put_array(out, ELEMENTS);
    wire_put_uint(out, FORMAT);
    wire_put_uint(out, doc->base_version);
    wire_put_uint(out, doc->version);
    wire_put_str(out, note_text_bytes(&doc->base));
    put_set(&doc->theirs, out);
    put_set(&doc->sent, out);
    put_set(&doc->waiting, out);
    put_set(&doc->fresh, out);
    wire_put_bool(out, doc->catching_up);
    wire_put_bool(out, doc->held);
}

static enum status get_set(struct wire_reader *reader, struct change_set *out)
{
    struct bytes encoded;
    if (wire_get_nil(reader))
        return STATUS_OK;
    if (!wire_skip(reader, &encoded))
        return STATUS_CORRUPT;
    return change_set_read_own(encoded, out);
}

/* `text` becomes what `set` makes of it. */
static enum status change(struct note_text *text, const struct change_set *set,
                          struct note_plan *plan)
{
    const enum status status = note_text_plan(text, set, plan);
    if (status == STATUS_OK)
        note_text_change(text, set, plan);
    return status;
}

static enum status read_saved(struct bytes saved, struct note_doc *out)
{
    struct wire_reader reader = wire_read(saved);
    uint32_t elements;
    uint64_t format;
    struct bytes base;
    if (wire_validate(saved, NULL) != STATUS_OK || !wire_get_array(&reader, &elements) ||
        elements != ELEMENTS || !wire_get_uint(&reader, &format) || format != FORMAT ||
        !wire_get_uint(&reader, &out->base_version) || !wire_get_uint(&reader, &out->version) ||
        out->version < out->base_version || !wire_get_str(&reader, &base))
        return STATUS_CORRUPT;
    enum status status = note_text_set(&out->base, base);
    if (status == STATUS_OK)
        status = get_set(&reader, &out->theirs);
    if (status == STATUS_OK)
        status = get_set(&reader, &out->sent);
    if (status == STATUS_OK)
        status = get_set(&reader, &out->waiting);
    if (status == STATUS_OK)
        status = get_set(&reader, &out->fresh);
    if (status != STATUS_OK)
        return status;
    return wire_get_bool(&reader, &out->catching_up) && wire_get_bool(&reader, &out->held)
               ? STATUS_OK
               : STATUS_CORRUPT;
}

/* Whether the sets fit the base and each other; makes the text. */
static enum status make_text(struct note_doc *doc)
{
    enum status status = note_text_plan(&doc->base, &doc->theirs, &doc->base_plan);
    if (status == STATUS_OK)
        status = note_text_set(&doc->text, note_text_bytes(&doc->base));
    if (status == STATUS_OK)
        status = change(&doc->text, &doc->sent, &doc->plan);
    if (status == STATUS_OK)
        status = change(&doc->text, &doc->waiting, &doc->plan);
    if (status == STATUS_OK)
        status = change(&doc->text, &doc->fresh, &doc->plan);
    return status;
}

/* Whether what is said of versions and of what is missing goes together. */
static bool is_sound(const struct note_doc *doc)
{
    if (doc->version != doc->base_version || !note_set_none(&doc->theirs))
        return doc->catching_up && doc->version > doc->base_version;
    return true;
}

enum status note_doc_load(struct note_doc *doc, struct bytes saved)
{
    struct note_doc *read = note_doc_new();
    if (read == NULL)
        return STATUS_NO_MEMORY;
    enum status status = read_saved(saved, read);
    if (status == STATUS_OK)
        status = make_text(read);
    if (status == STATUS_OK && !is_sound(read))
        status = STATUS_CORRUPT;
    if (status == STATUS_OK) {
        const struct note_doc old = *doc;
        read->past_from = read->base_version;
        *doc = *read;
        *read = old;
    }
    note_doc_free(read);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_CORRUPT;
}
