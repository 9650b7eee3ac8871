#include "server/net/inbox.h"

#include <unistd.h>

#include "protocol/memory.h"
#include "server/net/tls.h"

#define FIRST_CAPACITY 64
/* Far above what the limits on connections and on commands under way allow: a stop for a loop
 * that no longer turns. */
#define MOST_LETTERS (1u << 20)

void inbox_init(struct inbox *inbox)
{
    *inbox = (struct inbox){.letters = NULL};
    pthread_mutex_init(&inbox->mutex, NULL);
}

void letter_release(struct letter *letter)
{
    switch (letter->kind) {
    case LETTER_SOCKET:
        close(letter->as.socket.fd);
        break;
    case LETTER_NOTICE:
        notice_drop(letter->as.notice);
        break;
    case LETTER_ANSWER:
        memory_free(letter->as.answer.data);
        break;
    case LETTER_CERTIFICATE:
        tls_material_drop(letter->as.material);
        break;
    case LETTER_HASHED:
    case LETTER_PRESENCE:
    case LETTER_STOP:
        break;
    }
}

void inbox_release(struct inbox *inbox)
{
    for (size_t i = 0; i < inbox->count; i++)
        letter_release(&inbox->letters[i]);
    memory_free(inbox->letters);
    pthread_mutex_destroy(&inbox->mutex);
}

static bool make_room(struct inbox *inbox)
{
    if (inbox->count < inbox->capacity)
        return true;
    if (inbox->count >= MOST_LETTERS)
        return false;
    size_t capacity = inbox->capacity ? inbox->capacity * 2 : FIRST_CAPACITY;
    struct letter *letters = memory_resize(inbox->letters, capacity * sizeof *letters);
    if (!letters)
        return false;
    inbox->letters = letters;
    inbox->capacity = capacity;
    return true;
}

enum inbox_result inbox_put(struct inbox *inbox, const struct letter *letter)
{
    pthread_mutex_lock(&inbox->mutex);
    enum inbox_result result = inbox->count ? INBOX_QUEUED : INBOX_WAKE;
    if (make_room(inbox)) {
        inbox->letters[inbox->count++] = *letter;
    } else {
        inbox->lost = true;
        result = INBOX_LOST;
    }
    pthread_mutex_unlock(&inbox->mutex);
    return result;
}

size_t inbox_take(struct inbox *inbox, struct letter **letters, size_t *capacity, bool *lost)
{
    pthread_mutex_lock(&inbox->mutex);
    struct letter *full = inbox->letters;
    size_t count = inbox->count, full_capacity = inbox->capacity;
    *lost = inbox->lost;
    inbox->letters = *letters;
    inbox->capacity = *capacity;
    inbox->count = 0;
    inbox->lost = false;
    pthread_mutex_unlock(&inbox->mutex);
    *letters = full;
    *capacity = full_capacity;
    return count;
}
