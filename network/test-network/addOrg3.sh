#!/usr/bin/env bash
# test-network's addOrg3.sh, with the hooks of the network on Kafka; see network.sh.
KAFKA_SCRIPT=addOrg3/addOrg3.sh exec "$(dirname "${BASH_SOURCE[0]}")/network.sh" "$@"
