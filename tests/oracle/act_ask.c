#include "tests/oracle/act.h"

void act_ask(struct oracle *oracle)
{
    (void)oracle;
}
