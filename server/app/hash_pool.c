#include "server/app/hash_pool.h"

#include <argon2.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/memory.h"

#define PASSES 2
#define MEMORY_KIB 19456
#define LANES 1
#define SALT_SIZE 16
#define HASH_SIZE 32
#define PHC_MAX 128
#define HASH_NICENESS 10

struct job {
    struct origin origin;
    bool create;
    uint8_t *secret;
    size_t secret_size;
    char phc[PHC_MAX];
};

struct hash_pool {
    struct hash_pool_port port;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool running, stopping;
    char dummy[PHC_MAX];
    size_t capacity, first, count;
    struct job jobs[];
};

enum status hash_password(struct bytes secret, char phc[128])
{
    uint8_t salt[SALT_SIZE];
    phc[0] = '\0';
    if (getrandom(salt, sizeof salt, 0) != sizeof salt)
        return STATUS_IO;
    int error = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, secret.data, secret.size, salt,
                                      sizeof salt, HASH_SIZE, phc, PHC_MAX);
    if (error == ARGON2_OK)
        return STATUS_OK;
    phc[0] = '\0';
    return STATUS_NO_MEMORY;
}

bool hash_matches(struct bytes secret, const char *phc)
{
    return argon2id_verify(phc, secret.data, secret.size) == ARGON2_OK;
}

struct hash_pool *hash_pool_new(size_t queue, const struct hash_pool_port *port)
{
    struct hash_pool *pool = memory_new(sizeof *pool + queue * sizeof pool->jobs[0]);
    uint8_t nobody[16];
    if (!pool)
        return NULL;
    pool->port = *port;
    pool->capacity = queue;
    if (getrandom(nobody, sizeof nobody, 0) != sizeof nobody ||
        hash_password(bytes_of(nobody, sizeof nobody), pool->dummy) != STATUS_OK) {
        memory_free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    return pool;
}

static void forget(struct job *job)
{
    if (job->secret)
        explicit_bzero(job->secret, job->secret_size);
    memory_free(job->secret);
    explicit_bzero(job, sizeof *job);
}

static void compute(const struct hash_pool *pool, const struct job *job,
                    struct hash_outcome *outcome)
{
    struct bytes secret = bytes_of(job->secret, job->secret_size);
    if (job->create) {
        hash_password(secret, outcome->phc); /* "" says that it failed */
        return;
    }
    bool known = job->phc[0] != '\0';
    bool matches = hash_matches(secret, known ? job->phc : pool->dummy);
    outcome->matched = known && matches;
}

/* Takes the first job; false when stopped and none is left. */
static bool next_job(struct hash_pool *pool, struct job *out, bool *stopping)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->stopping)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    bool taken = pool->count > 0;
    if (taken) {
        *out = pool->jobs[pool->first];
        explicit_bzero(&pool->jobs[pool->first], sizeof pool->jobs[0]);
        pool->first = (pool->first + 1) % pool->capacity;
        pool->count--;
    }
    *stopping = pool->stopping;
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

static void *run(void *argument)
{
    struct hash_pool *pool = argument;
    struct job job;
    bool stopping;
    /* Whoever is signed in goes first: on Linux a thread has a priority of its own. Failing, it
     * takes its turn like any other. */
    setpriority(PRIO_PROCESS, (id_t)gettid(), HASH_NICENESS);
    while (next_job(pool, &job, &stopping)) {
        struct hash_outcome outcome = {.busy = stopping};
        if (!stopping)
            compute(pool, &job, &outcome);
        pool->port.done(pool->port.self, job.origin, &outcome);
        forget(&job);
    }
    return NULL;
}

enum status hash_pool_start(struct hash_pool *pool)
{
    pool->running = pthread_create(&pool->thread, NULL, run, pool) == 0;
    return pool->running ? STATUS_OK : STATUS_IO;
}

bool hash_pool_submit(struct hash_pool *pool, struct origin origin,
                      const struct hash_request *request)
{
    if (request->phc.size >= PHC_MAX)
        return false;
    struct job job = {.origin = origin, .create = request->what == HASH_CREATE,
                      .secret = memory_copy(request->secret.data, request->secret.size),
                      .secret_size = request->secret.size};
    if (!job.secret)
        return false;
    bytes_to_text(request->phc, job.phc, sizeof job.phc);
    pthread_mutex_lock(&pool->mutex);
    bool taken = !pool->stopping && pool->count < pool->capacity;
    if (taken) {
        pool->jobs[(pool->first + pool->count++) % pool->capacity] = job;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!taken)
        forget(&job);
    return taken;
}

void hash_pool_stop(struct hash_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    if (pool->running)
        pthread_join(pool->thread, NULL);
    pool->running = false;
}

void hash_pool_free(struct hash_pool *pool)
{
    if (!pool)
        return;
    hash_pool_stop(pool);
    for (size_t i = 0; i < pool->count; i++)
        forget(&pool->jobs[(pool->first + i) % pool->capacity]);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    memory_free(pool);
}
