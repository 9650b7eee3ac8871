/* Any bytes as a message: refused with a reason, or decoded to what encodes to a frame that
 * decodes to the same. */
#include "fuzz.h"

#include <string.h>

#include "protocol/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer first = {0}, second = {0};
    struct message message;
    struct fault fault;
    fault_clear(&fault);
    const enum status status = message_decode(bytes_of(data, size), &message, &fault);
    MUST(fault.status == status);
    if (status != STATUS_OK) {
        MUST(fault.offset <= size);
        MUST(strlen(fault.detail) > 0);
        MUST(wire_utf8_valid(bytes_text(fault.detail)));
        return 0;
    }
    message_encode(&first, &message);
    MUST(message_decode(buffer_bytes(&first), &message, &fault) == STATUS_OK);
    message_encode(&second, &message);
    MUST(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
    buffer_release(&first);
    buffer_release(&second);
    return 0;
}
