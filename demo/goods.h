/* What the company sells, and from whom it has it. */
#ifndef TANDEM_DEMO_GOODS_H
#define TANDEM_DEMO_GOODS_H

#include <stdint.h>

enum supplier { SUPPLIER_PAPER, SUPPLIER_TIMBER, SUPPLIER_OWN };

struct goods {
    const char *name, *code, *family, *unit;
    int price; /* øre */
    enum supplier supplier;
};

extern const struct goods demo_goods[];
extern const uint32_t demo_goods_count;

#endif
