#!/usr/bin/env bash
# fabric-samples' test-network on Kafka: takes the arguments of its network.sh and runs it, unchanged, with the hooks of
# env.sh. See README.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
script=${KAFKA_SCRIPT:-network.sh} # below test-network

complain() {
	echo "kafka: $*" >&2
	exit 1
}

# find_samples prints the folder of test-network.
find_samples() {
	local place dir
	for place in ${FABRIC_SAMPLES:+"$FABRIC_SAMPLES"} . .. fabric-samples ../fabric-samples "$HOME/fabric-samples"; do
		for dir in "$place/test-network" "$place"; do
			if [ -x "$dir/network.sh" ] && [ -d "$dir/organizations" ]; then
				(cd "$dir" && pwd)
				return
			fi
		done
		if [ -n "${FABRIC_SAMPLES:-}" ]; then
			complain "FABRIC_SAMPLES is $FABRIC_SAMPLES, where there is no test-network. Set it to the folder of fabric-samples."
		fi
	done
	complain "fabric-samples was not found from here. Set FABRIC_SAMPLES to its folder; Fabric's install-fabric.sh fetches it."
}

test_network=$(find_samples)

# The scripts of test-network split a path that has blanks: give them one that has none.
case $test_network in
*[[:space:]]*)
	link=$(mktemp -d)
	trap 'rm -rf "$link"' EXIT
	ln -s "$(dirname "$test_network")" "$link/samples"
	test_network=$link/samples/${test_network##*/}
	;;
esac

# env.sh is sourced below, when the engine is known to answer: it asks for images.
engine=${CONTAINER_CLI:-docker}
command -v "$engine" >/dev/null || complain "there is no $engine on the PATH. Install it, or set CONTAINER_CLI=podman."
"$engine" info >/dev/null 2>&1 || complain "$engine does not answer. Start it, or set DOCKER_HOST: $engine info shows what is wrong."
. "$here/env.sh"
. "$here/lib.sh"

# check_tools looks for what the scripts and the hooks call.
check_tools() {
	local tool
	for tool in jq openssl; do
		command -v "$tool" >/dev/null || complain "there is no $tool on the PATH. Install it with your system's package manager."
	done
	for tool in peer configtxgen configtxlator osnadmin; do
		PATH="$test_network/../bin:$PATH" command -v "$tool" >/dev/null ||
			complain "there is no $tool in $test_network/../bin, nor on the PATH. Run Fabric's install-fabric.sh binary in the folder of fabric-samples; it also writes config there."
	done
	# shellcheck disable=SC2086 # "docker compose" is two words
	$KAFKA_COMPOSE version >/dev/null 2>&1 || complain "$KAFKA_COMPOSE does not run. Install the compose plugin, or docker-compose."
	"$engine" image inspect "$ORDERER_IMAGE" >/dev/null 2>&1 ||
		complain "there is no image $ORDERER_IMAGE. Run make images in the checkout of this project, or set ORDERER_IMAGE."
}

# sweep removes what test-network's own down has left, whatever state it found, and fails if something stays.
sweep() {
	local kind left
	for kind in container network volume; do
		left=$(leftovers "$kind")
		if [ -n "$left" ]; then
			say "removing what down has left: ${left//$'\n'/ }"
			# shellcheck disable=SC2086 # one word for each
			"$engine" "$kind" rm -f $left >/dev/null 2>&1 || "$engine" "$kind" rm $left >/dev/null || true
		fi
		left=$(leftovers "$kind")
		if [ -n "$left" ]; then
			fail "these could not be removed: $left. Remove each with $engine $kind rm."
		fi
	done
	rm -rf "$test_network"/organizations/{peerOrganizations,ordererOrganizations} "$test_network/channel-artifacts" ||
		fail "files in $test_network/organizations belong to another user. Remove them as that user."
}

# leftovers prints the containers, networks or volumes of test-network that exist.
leftovers() {
	case $1 in
	container) "$engine" ps -aq --filter label=service=hyperledger-fabric ;;
	network) "$engine" network ls --format '{{.Name}}' | grep -x fabric_test || true ;;
	volume) "$engine" volume ls -q | grep -xE 'compose_(orderer[234]?|peer0\.org[123])\.example\.com' || true ;;
	esac
}

for argument; do
	case $argument in
	-bft) complain "-bft asks for BFT orderers, and this network orders through Kafka. Leave it out, or run test-network's own network.sh." ;;
	-cfssl) complain "-cfssl makes certificates for one orderer, and this network has three. Leave it out, or use -ca." ;;
	esac
done
case ${1:-} in
up | createChannel | restart)
	check_tools
	KAFKA_CHANNEL_TYPE=${KAFKA_CHANNEL_TYPE:-$("$here/channel-type")}
	export KAFKA_CHANNEL_TYPE
	say "orderers $ORDERER_IMAGE, brokers ${KAFKA_BROKERS:-$KAFKA_IMAGE}, channels of type $KAFKA_CHANNEL_TYPE"
	;;
esac

status=0
(cd "$(dirname "$test_network/$script")" && "./${script##*/}" "$@") || status=$?
if [ "${1:-}" = down ]; then
	sweep
fi
exit "$status"
