/* Texts that live as long as the thing they were made for. Zero-initialised storage is empty. */
#ifndef TANDEM_CLIENT_LIB_TEXTS_H
#define TANDEM_CLIENT_LIB_TEXTS_H

#include "protocol/bytes.h"

struct text_block;

struct texts {
    struct text_block *first;
};

/* A copy with a NUL behind it, valid until texts_release(); NULL when out of memory. */
const char *texts_keep(struct texts *texts, struct bytes text);
void texts_release(struct texts *texts);

#endif
