#include "client-lib/outbox/outbox.h"

#include "protocol/memory.h"

/* Bytes of a mutate message besides its changes: names, numbers, mode. */
#define OVERHEAD 128u

enum status outbox_add(struct outbox *outbox, struct buffer *changes, uint64_t base, bool overwrite,
                       tandem_result_fn *done, void *context, struct outbox_entry **out)
{
    if (outbox->count >= LIMIT_IN_FLIGHT)
        return STATUS_LIMIT;
    if (changes->size > LIMIT_MESSAGE_BYTES - OVERHEAD)
        return STATUS_TOO_LARGE;
    struct outbox_entry *entry = memory_new(sizeof *entry);
    if (entry == NULL)
        return STATUS_NO_MEMORY;
    entry->changes = *changes;
    *changes = (struct buffer){0};
    entry->base = base;
    entry->overwrite = overwrite;
    entry->done = done;
    entry->context = context;
    if (outbox->last != NULL)
        outbox->last->next = entry;
    else
        outbox->first = entry;
    outbox->last = entry;
    outbox->count++;
    *out = entry;
    return STATUS_OK;
}

void outbox_start(struct outbox *outbox, uint64_t last_number)
{
    uint64_t first = 0; /* the lowest number in use */
    for (struct outbox_entry *entry = outbox->first; entry != NULL && first == 0;
         entry = entry->next)
        first = entry->number;
    if (first == 0) {
        outbox->next_number = last_number + 1;
        return;
    }
    if (last_number + 1 >= first) {
        if (outbox->next_number <= last_number)
            outbox->next_number = last_number + 1;
        return;
    }
    outbox_free_number(outbox, last_number + 1);
}

void outbox_free_number(struct outbox *outbox, uint64_t number)
{
    outbox->next_number = number;
    for (struct outbox_entry *entry = outbox->first; entry != NULL; entry = entry->next) {
        if (entry->number < number)
            continue;
        entry->number = 0;
        buffer_clear(&entry->frame);
    }
}

/* All numbers below the first unanswered one have been answered. */
static uint64_t answered_up_to(const struct outbox *outbox)
{
    const struct outbox_entry *first = outbox->first;
    return first != NULL && first->number != 0 ? first->number - 1 : outbox->next_number - 1;
}

struct bytes outbox_frame(struct outbox *outbox, struct outbox_entry *entry)
{
    struct message message = {.type = MESSAGE_MUTATE};
    if (entry->frame.size > 0)
        return buffer_bytes(&entry->frame);
    buffer_clear(&entry->frame);
    message.as.mutate.answered = answered_up_to(outbox);
    message.as.mutate.number = entry->number != 0 ? entry->number : outbox->next_number;
    message_mark(&message, "answered");
    message.as.mutate.changes = buffer_bytes(&entry->changes);
    if (entry->base != 0) {
        message.as.mutate.base = entry->base;
        message_mark(&message, "base");
    }
    if (entry->overwrite) {
        message.as.mutate.mode = bytes_text("overwrite");
        message_mark(&message, "mode");
    }
    message_encode(&entry->frame, &message);
    if (entry->frame.failed) {
        buffer_clear(&entry->frame);
        return (struct bytes){0};
    }
    if (entry->number == 0)
        entry->number = outbox->next_number++;
    return buffer_bytes(&entry->frame);
}

static struct outbox_entry *unlink_entry(struct outbox *outbox, struct outbox_entry *before,
                                         struct outbox_entry *entry)
{
    if (before != NULL)
        before->next = entry->next;
    else
        outbox->first = entry->next;
    if (outbox->last == entry)
        outbox->last = before;
    outbox->count--;
    entry->next = NULL;
    return entry;
}

bool outbox_has(const struct outbox *outbox, uint64_t number)
{
    for (const struct outbox_entry *entry = outbox->first; entry != NULL; entry = entry->next)
        if (entry->number == number && number != 0)
            return true;
    return false;
}

struct outbox_entry *outbox_answered(struct outbox *outbox, uint64_t number)
{
    struct outbox_entry *before = NULL;
    if (number == 0)
        return NULL;
    for (struct outbox_entry *entry = outbox->first; entry != NULL; entry = entry->next) {
        if (entry->number == number)
            return unlink_entry(outbox, before, entry);
        before = entry;
    }
    return NULL;
}

struct outbox_entry *outbox_take(struct outbox *outbox)
{
    return outbox->first != NULL ? unlink_entry(outbox, NULL, outbox->first) : NULL;
}

void outbox_entry_free(struct outbox_entry *entry)
{
    if (entry == NULL)
        return;
    buffer_release(&entry->changes);
    buffer_release(&entry->frame);
    memory_free(entry);
}
