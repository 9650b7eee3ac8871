/* tandem-demo: fills a freshly made server with the demo company. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "demo/generate.h"
#include "demo/load.h"
#include "protocol/schema.h"
#include "tandem/tandem.h"

#define DAY_S 86400

static void help(FILE *out)
{
    fputs(
        "tandem-demo --server wss://HOST:PORT --admin NAME [--ca FILE] [--today YYYY-MM-DD]\n"
        "\n"
        "Fills a server that `tandemd init` has just made with a made-up company, Nordlys Handel\n"
        "AS: the same each time, told backwards and forwards from today (or the day given). The\n"
        "administrator's password is taken from TANDEM_PASSWORD. Its users are kari, nils,\n"
        "ingrid, ole, sigrid (departments), eva, jonas, maria (partners); each one's password is\n"
        "nordlys- and the name.\n",
        out);
}

struct arguments {
    struct load_target target;
    int64_t today;
    bool help;
};

/* False after saying what is wrong. */
static bool read_arguments(int count, char **values, struct arguments *out)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'}, {"ca", required_argument, NULL, 'c'},
        {"admin", required_argument, NULL, 'a'},  {"today", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(count, values, "h", options, NULL)) != -1) {
        if (option == 's')
            out->target.url = optarg;
        else if (option == 'c')
            out->target.ca = optarg;
        else if (option == 'a')
            out->target.admin = optarg;
        else if (option == 'h')
            out->help = true;
        else if (option != 't')
            return false;
        else if (!schema_date_from_text(bytes_text(optarg), &out->today)) {
            fprintf(stderr, "tandem-demo: --today needs a day, as 2026-03-01\n");
            return false;
        }
    }
    if (out->help)
        return true;
    if (optind < count || out->target.url == NULL || out->target.admin == NULL) {
        fprintf(stderr, "tandem-demo: --server and --admin are needed, and nothing else but "
                        "--ca and --today\n");
        return false;
    }
    return true;
}

int main(int count, char **values)
{
    struct arguments arguments = {.today = (int64_t)time(NULL) / DAY_S};
    struct company company = {.failed = false};
    if (!read_arguments(count, values, &arguments)) {
        help(stderr);
        return TANDEM_USAGE;
    }
    if (arguments.help) {
        help(stdout);
        return TANDEM_DONE;
    }
    arguments.target.password = getenv("TANDEM_PASSWORD");
    if (arguments.target.password == NULL) {
        fputs("tandem-demo: the administrator's password is missing; set TANDEM_PASSWORD\n",
              stderr);
        return TANDEM_USAGE;
    }
    bool done = generate_company(&company, arguments.today);
    if (!done)
        fputs("tandem-demo: out of memory\n", stderr);
    else
        done = load_company(&company, &arguments.target);
    company_release(&company);
    return done ? TANDEM_DONE : TANDEM_REFUSED;
}
