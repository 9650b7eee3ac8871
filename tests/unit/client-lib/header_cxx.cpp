// The installed headers alone, as C++.
#include <tandem/note.h>
#include <tandem/tandem.h>

int main()
{
    tandem_fault fault{};
    return tandem_error_class(fault.code) == TANDEM_DONE ? 0 : 1;
}
