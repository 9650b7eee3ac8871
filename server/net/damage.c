#include "server/net/damage.h"

void damage_init(struct damage *damage)
{
    pthread_mutex_init(&damage->mutex, NULL);
    damage->count = 0;
}

void damage_release(struct damage *damage)
{
    pthread_mutex_destroy(&damage->mutex);
}

bool damage_is_news(struct damage *damage, struct id note)
{
    pthread_mutex_lock(&damage->mutex);
    bool news = damage->count < DAMAGE_TOLD;
    for (uint32_t i = 0; i < damage->count && news; i++)
        news = !id_equal(damage->told[i], note);
    if (news)
        damage->told[damage->count++] = note;
    pthread_mutex_unlock(&damage->mutex);
    return news;
}
