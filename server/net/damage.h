/* Notes of which the log has said that they are damaged: once each, however often somebody asks for
 * them. When there are too many it says no more.
 *
 * Any thread.
 */
#ifndef TANDEM_NET_DAMAGE_H
#define TANDEM_NET_DAMAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/id.h"

#define DAMAGE_TOLD 64u

struct damage {
    pthread_mutex_t mutex;
    uint32_t count;
    struct id told[DAMAGE_TOLD];
};

void damage_init(struct damage *damage);
void damage_release(struct damage *damage);
/* Whether nobody has said so of this one. */
bool damage_is_news(struct damage *damage, struct id note);

#endif
