/* The run functions that the table of commands points to, and what few commands share. */
#ifndef TANDEM_CLI_LIST_OF_COMMANDS_H
#define TANDEM_CLI_LIST_OF_COMMANDS_H

#include "cli/cli.h"
#include "cli/cli_prompt.h"

typedef enum tandem_failure command_run(struct cli *cli, const struct arguments *arguments);

command_run command_login, command_logout, command_passwd, command_whoami, command_status;
command_run command_add, command_edit, command_remove, command_show, command_list;
command_run command_watch, command_version, command_help, command_schema;
command_run command_inbox, command_mention;
command_run command_log, command_note, command_timeline, command_history;
command_run command_share, command_unshare, command_assign, command_revoke;
command_run command_party_add, command_party_list, command_entity_add, command_field_add;
command_run command_user_add, command_user_list, command_user_disable, command_user_enable;
command_run command_user_move, command_user_invite, command_user_certificate;
command_run command_import, command_export;
command_run command_offline, command_online, command_conflicts, command_resolve;
command_run command_outbox, command_outbox_show, command_outbox_retry, command_outbox_drop;

/* The new password, from TANDEM_NEW_PASSWORD or asked for twice. */
enum tandem_failure login_new_password(struct cli *cli, char out[PROMPT_SECRET]);
/* Who is signed in, as one JSON object. */
void session_print_json(struct cli *cli);

#endif
