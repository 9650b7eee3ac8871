/* The installed headers alone, as plain C11 without extensions. */
#include <tandem/note.h>
#include <tandem/tandem.h>

int main(void)
{
    tandem_fault fault = {.code = TANDEM_OK};
    return tandem_error_class(fault.code) == TANDEM_DONE ? 0 : 1;
}
