#!/usr/bin/env bash
# fabric-samples' test-network on Kafka: takes the arguments of its network.sh and runs it, unchanged, with the hooks of
# env.sh. See README.md.
set -euo pipefail
unset CDPATH # with it, cd prints folders, here and in the scripts of test-network

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

# without_blanks sets path to a path of $1 that has no blanks, by a link named $2: the scripts of test-network split one
# that has some.
links=
without_blanks() {
	path=$1
	case $path in *[[:space:]]*) ;; *) return ;; esac
	if [ -z "$links" ]; then
		links=$(mktemp -d)
		trap 'rm -rf "$links"' EXIT
	fi
	case $path in /*) ;; *) path=$test_network/$path ;; esac
	ln -s "$path" "$links/$2"
	path=$links/$2
}

without_blanks "$(dirname "$test_network")" samples
test_network=$path/${test_network##*/}

# env.sh is sourced below, when the engine is known to answer: it asks for images.
engine=${CONTAINER_CLI:-docker}
command -v "$engine" >/dev/null || complain "there is no $engine on the PATH. Install it, or set CONTAINER_CLI=podman."
"$engine" info >/dev/null 2>&1 || complain "$engine does not answer. Start it, or set DOCKER_HOST: $engine info shows what is wrong."
. "$here/env.sh"
. "$here/lib.sh"

# check_tools looks for what the scripts and the hooks call.
check_tools() {
	local tool tools='peer configtxgen configtxlator osnadmin'
	case " $* " in *" -ca "*) tools+=' fabric-ca-client' ;; esac
	for tool in jq openssl; do
		command -v "$tool" >/dev/null || complain "there is no $tool on the PATH. Install it with your system's package manager."
	done
	for tool in $tools; do # of two there are functions as well, from env.sh
		PATH="$test_network/../bin:$PATH" type -P "$tool" >/dev/null ||
			complain "there is no $tool in $test_network/../bin, nor on the PATH. Run Fabric's install-fabric.sh binary in the folder of fabric-samples; it also writes config there."
	done
	# shellcheck disable=SC2086 # "docker compose" is two words
	$KAFKA_COMPOSE version >/dev/null 2>&1 || complain "$KAFKA_COMPOSE does not run. Install the compose plugin, or docker-compose."
	"$engine" image inspect "$ORDERER_IMAGE" >/dev/null 2>&1 ||
		complain "there is no image $ORDERER_IMAGE. Run make images in the checkout of this project, or set ORDERER_IMAGE."
}

help=
for argument; do
	case $argument in
	-h) help=yes ;;
	-bft) complain "-bft asks for BFT orderers, and this network orders through Kafka. Leave it out, or run test-network's own network.sh." ;;
	-cfssl) complain "-cfssl makes certificates for one orderer, and this network has three. Leave it out, or use -ca." ;;
	esac
done
for ((i = 1; i < $#; i++)); do
	case ${!i} in
	-ccp | -cccg)
		next=$((i + 1))
		without_blanks "${!next}" "argument$i"
		set -- "${@:1:i}" "$path" "${@:i+2}"
		;;
	esac
done
case ${help:-${1:-}} in
up | createChannel | restart)
	check_tools "$@"
	KAFKA_CHANNEL_TYPE=${KAFKA_CHANNEL_TYPE:-$("$here/channel-type")}
	case $KAFKA_CHANNEL_TYPE in
	kafka | etcdraft) export KAFKA_CHANNEL_TYPE ;;
	*) complain "KAFKA_CHANNEL_TYPE is $KAFKA_CHANNEL_TYPE, and channels are of type kafka or etcdraft. Set it to one of these, or unset it." ;;
	esac
	say "orderers $ORDERER_IMAGE, brokers ${KAFKA_BROKERS:-$KAFKA_IMAGE}, channels of type $KAFKA_CHANNEL_TYPE"
	;;
esac

cd "$(dirname "$test_network/$script")"
if [ "${help:-${1:-}}" != down ] && [ -z "$links" ]; then
	exec "./${script##*/}" "$@" # who ends this process ends test-network's script
fi
status=0
"./${script##*/}" "$@" || status=$?
if [ "${help:-${1:-}}" = down ]; then
	"$here/sweep" "$test_network"
fi
exit "$status"
