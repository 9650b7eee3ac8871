#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
    /* Widths of characters need a locale that knows them; everything else stays as in C. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
    /* A peer that closes the connection must be an answer, not the end of the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    return cli_main(argc, argv, stdout, stderr);
}
