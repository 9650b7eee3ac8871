/* What each kind of attacker does. */
#ifndef TANDEM_TESTS_SURVIVAL_HOSTILE_ATTACK_ROLES_H
#define TANDEM_TESTS_SURVIVAL_HOSTILE_ATTACK_ROLES_H

#include "tests/survival/hostile/swarm.h"

extern const struct role role_tcp_only, role_tls_begun, role_upgrade_dribbled;
extern const struct role role_silent_tls, role_silent_upgraded, role_silent_user;
extern const struct role role_deaf_subscriber, role_deaf_asker;
extern const struct role role_slow_writer, role_slow_stranger;
extern const struct role role_frame_pinger, role_message_pinger;
extern const struct role role_wrong_tls, role_wrong_upgrade, role_wrong_hello, role_wrong_message;

#endif
