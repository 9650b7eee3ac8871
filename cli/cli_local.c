#include "cli/cli_local.h"

#include <string.h>

#include "protocol/status.h"

static tandem_code ended(struct cli *cli, tandem_code code)
{
    if (code != TANDEM_OK) {
        tandem_last_fault(cli->client, &cli->fault);
        if (cli->fault.code != code) {
            cli->fault = (tandem_fault){.code = code, .change = -1};
        }
    }
    return code;
}

tandem_code local_fetch(struct cli *cli, const char *id, tandem_record_fn *each, void *context)
{
    return ended(cli, tandem_get(cli->client, id, each, context));
}

tandem_code local_query(struct cli *cli, const tandem_query *query, tandem_record_fn *each,
                        void *context)
{
    const tandem_find find = {.entity = query->entity,
                              .where = query->where,
                              .where_count = query->where_count,
                              .sort = query->sort,
                              .descending = query->descending,
                              .limit = query->limit};
    return ended(cli, tandem_find_each(cli->client, &find, each, context));
}

tandem_code local_timeline(struct cli *cli, const char *account, unsigned limit,
                           tandem_record_fn *each, void *context)
{
    const tandem_find find = {.account = account, .limit = limit};
    return ended(cli, tandem_find_each(cli->client, &find, each, context));
}

enum tandem_failure local_send(struct cli *cli, const tandem_mutation *mutation, const char *what)
{
    cli->fault = (tandem_fault){.change = -1};
    tandem_code code = mutation == NULL ? (tandem_code)STATUS_NO_MEMORY
                                        : tandem_send(cli->client, mutation, NULL, NULL);
    if (code != TANDEM_OK) {
        (void)ended(cli, code);
        return cli_fault(cli, what, &cli->fault);
    }
    cli->entry = tandem_last_entry(cli->client);
    return TANDEM_DONE;
}

const char *local_role(const struct cli *cli)
{
    return cli->local ? cli->copy.role : tandem_user_role(cli->client);
}
