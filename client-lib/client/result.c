#include "client-lib/client/result.h"

#include <string.h>

#include "client-lib/base/fault.h"
#include "client-lib/client/client.h"
#include "protocol/memory.h"
#include "protocol/wire.h"

/* The bytes of a part of a map, or "none". */
static struct bytes part(struct bytes map, const char *key)
{
    struct bytes value = {0};
    return wire_map_find(map, key, &value) ? value : (struct bytes){0};
}

static const char *part_text(struct texts *texts, struct bytes map, const char *key)
{
    struct wire_reader reader = wire_read(part(map, key));
    struct bytes text = {0};
    (void)wire_get_str(&reader, &text);
    const char *kept = texts_keep(texts, text);
    return kept != NULL ? kept : "";
}

static void read_conflict(tandem_client *client, struct bytes map, struct texts *texts,
                          tandem_conflict *out)
{
    struct wire_reader reader = wire_read(part(map, "id"));
    struct buffer entity = {0}, theirs = {0};
    char id_text[ID_TEXT_SIZE] = "";
    struct id id;
    if (wire_get_id(&reader, &id)) {
        id_to_text(id, id_text);
        client_entity_of(client, id, &entity);
    }
    out->id = texts_keep(texts, bytes_text(id_text));
    out->field = part_text(texts, map, "field");
    out->by = part_text(texts, map, "by");
    value_print(buffer_bytes(&entity), bytes_text(out->field), part(map, "theirs"), &client->source,
                &theirs);
    out->theirs = texts_keep(texts, buffer_bytes(&theirs));
    reader = wire_read(part(map, "at"));
    (void)wire_get_int(&reader, &out->at_ms);
    reader = wire_read(part(map, "seq"));
    (void)wire_get_uint(&reader, &out->seq);
    if (out->id == NULL)
        out->id = "";
    if (out->theirs == NULL)
        out->theirs = "";
    buffer_release(&entity);
    buffer_release(&theirs);
}

tandem_conflict *result_conflicts(tandem_client *client, struct bytes array, struct texts *texts,
                                  size_t *count)
{
    struct wire_reader reader = wire_read(array);
    uint32_t listed = 0;
    *count = 0;
    if (!wire_get_array(&reader, &listed) || listed == 0)
        return NULL;
    tandem_conflict *conflicts = memory_new(listed * sizeof *conflicts);
    if (conflicts == NULL)
        return NULL;
    for (uint32_t i = 0; i < listed; i++) {
        struct bytes map;
        if (!wire_skip(&reader, &map))
            break;
        read_conflict(client, map, texts, &conflicts[i]);
        (*count)++;
    }
    return conflicts;
}

void result_fault(const struct msg_result *result, tandem_fault *out)
{
    char field[65], detail[161], name[33];
    enum status status =
        bytes_is(result->status, "ok") ? STATUS_OK : status_from_name(result->status);
    bytes_to_text(result->field, field, sizeof field);
    bytes_to_text(result->detail, detail, sizeof detail);
    bytes_to_text(result->status, name, sizeof name);
    if (status == STATUS_INTERNAL && strcmp(name, status_name(status)) != 0)
        trouble(out, STATUS_DENIED, field, "%s: %s", name, detail);
    else
        trouble(out, status, field, "%s", detail);
    const struct message message = {.type = MESSAGE_RESULT, .as.result = *result};
    if (message_has(&message, "change") && result->change < LIMIT_CHANGES)
        out->change = (int)result->change;
}
