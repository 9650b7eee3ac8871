/* tandem-seed FOLDER RECORDS [STAFF [PARTNERS [ACCOUNTS-A-PARTNER [SEED]]]]: a store to try things
 * on. Prints who can sign in with which token, one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/seed/seed.h"

static void progress(void *context, uint64_t done, uint64_t of)
{
    (void)context;
    (void)fprintf(stderr, "\r%llu of %llu records", (unsigned long long)done,
                  (unsigned long long)of);
}

static unsigned number(int count, char **words, int at, unsigned otherwise)
{
    return at < count ? (unsigned)strtoul(words[at], NULL, 10) : otherwise;
}

int main(int count, char **words)
{
    if (count < 3) {
        (void)fprintf(stderr, "tandem-seed FOLDER RECORDS [STAFF [PARTNERS [ACCOUNTS-A-PARTNER "
                              "[SEED]]]]\n");
        return 2;
    }
    const struct seed_options options = {.folder = words[1],
                                         .records = strtoull(words[2], NULL, 10),
                                         .staff = number(count, words, 3, 1),
                                         .partners = number(count, words, 4, 1),
                                         .accounts_a_partner = number(count, words, 5, 1),
                                         .seed = number(count, words, 6, 1),
                                         .shared_percent = 50,
                                         .progress = progress};
    struct seeded *seeded = seed_store(&options);
    if (seeded == NULL) {
        return 1;
    }
    (void)fprintf(stderr, "\rseq %llu                        \n", (unsigned long long)seeded->seq);
    (void)printf("%s %s\n", seeded->admin, seeded->admin_token);
    for (size_t i = 0; i < seeded->staff + seeded->partners; i++) {
        (void)printf("%s %s\n", seeded->users[i].name, seeded->users[i].token);
    }
    seed_free(seeded);
    return 0;
}
