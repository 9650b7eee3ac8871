/* The bytes of a command in the log:
 *
 *     1 format (1)   1 kind   16 actor   16 client   8 at_ms   32 entropy   n body
 */
#include "server/core/command.h"

#include <string.h>

#define COMMAND_FORMAT 1
#define COMMAND_HEAD (2 + 2 * ID_SIZE + 8 + COMMAND_ENTROPY)

void command_encode(struct buffer *out, const struct command *command)
{
    uint8_t at[8];
    put_u64(at, command->at_ms);
    buffer_append_byte(out, COMMAND_FORMAT);
    buffer_append_byte(out, (uint8_t)command->kind);
    buffer_append(out, command->actor.octet, ID_SIZE);
    buffer_append(out, command->client.octet, ID_SIZE);
    buffer_append(out, at, sizeof at);
    buffer_append(out, command->entropy, COMMAND_ENTROPY);
    buffer_append(out, command->body.data, command->body.size);
}

enum status command_decode(struct bytes bytes, struct command *out)
{
    const uint8_t *at = bytes.data;
    if (!at || bytes.size < COMMAND_HEAD || at[0] != COMMAND_FORMAT)
        return STATUS_CORRUPT;
    if (at[1] < COMMAND_MUTATE || at[1] > COMMAND_NOTE)
        return STATUS_CORRUPT;
    out->kind = (enum command_kind)at[1];
    at += 2;
    memcpy(out->actor.octet, at, ID_SIZE);
    at += ID_SIZE;
    memcpy(out->client.octet, at, ID_SIZE);
    at += ID_SIZE;
    out->at_ms = get_u64(at);
    at += 8;
    memcpy(out->entropy, at, COMMAND_ENTROPY);
    out->body = (struct bytes){bytes.data + COMMAND_HEAD, bytes.size - COMMAND_HEAD};
    return STATUS_OK;
}
