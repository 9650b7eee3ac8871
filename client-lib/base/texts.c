#include "client-lib/base/texts.h"

#include <string.h>

#include "protocol/memory.h"

struct text_block {
    struct text_block *next;
    char text[];
};

const char *texts_keep(struct texts *texts, struct bytes text)
{
    struct text_block *block = memory_new(sizeof *block + text.size + 1);
    if (block == NULL)
        return NULL;
    if (text.size > 0)
        memcpy(block->text, text.data, text.size);
    block->next = texts->first;
    texts->first = block;
    return block->text;
}

void texts_release(struct texts *texts)
{
    while (texts->first != NULL) {
        struct text_block *block = texts->first;
        texts->first = block->next;
        memory_free(block);
    }
}
