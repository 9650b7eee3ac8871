/* An entry of the outbox as a program sees it: one line for each field, and all of it as JSON. */
#ifndef TANDEM_CLIENT_LIB_ENTRY_VIEW_H
#define TANDEM_CLIENT_LIB_ENTRY_VIEW_H

#include "client-lib/base/texts.h"
#include "client-lib/outbox/outbox_store.h"

struct entry_view {
    tandem_entry entry;
    tandem_fault fault;
    struct buffer changes; /* tandem_entry_change each */
    struct buffer json;
    struct texts texts;
    bool failed;
};

/* Fills zeroed storage; `item` must outlive it. NO_MEMORY. To be released in any case. */
enum status entry_view_make(tandem_client *client, const struct outbox_item *item,
                            struct entry_view *view);
void entry_view_release(struct entry_view *view);

#endif
