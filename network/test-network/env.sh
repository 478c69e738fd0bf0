# Hooks that have fabric-samples' test-network order through Kafka; for bash, to be sourced. network.sh beside this
# file does so, and so does test-network's own network.sh with kafka.patch. The scripts of test-network call
# configtxgen, osnadmin and $CONTAINER_CLI_COMPOSE without a path: each is a function here, which child processes
# inherit, since these scripts would split a path that has blanks.
# shellcheck shell=bash

KAFKA_KIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${CONTAINER_CLI:=docker}"
: "${ORDERER_IMAGE:=fabric-kafka/orderer:latest}"

# The program that composes: the caller's, else the newest that is installed.
if [ -z "${KAFKA_COMPOSE:-}" ] && [ "${CONTAINER_CLI_COMPOSE:-kafka_compose}" != kafka_compose ]; then
	case $CONTAINER_CLI_COMPOSE in
	# test-network's own default, which prefers the standalone program, whatever its version
	"$CONTAINER_CLI-compose" | "$CONTAINER_CLI compose") ;;
	*) KAFKA_COMPOSE=$CONTAINER_CLI_COMPOSE ;;
	esac
fi
if [ -z "${KAFKA_COMPOSE:-}" ]; then
	if "$CONTAINER_CLI" compose version >/dev/null 2>&1; then
		KAFKA_COMPOSE="$CONTAINER_CLI compose"
	else
		KAFKA_COMPOSE=$CONTAINER_CLI-compose
	fi
fi

# Brokers: KAFKA_BROKERS, or the kit's own, of the image that was built here or else Apache's.
if [ -z "${KAFKA_IMAGE:-}" ]; then
	if "$CONTAINER_CLI" image inspect fabric-kafka/broker:latest >/dev/null 2>&1; then
		KAFKA_IMAGE=fabric-kafka/broker:latest
	else
		KAFKA_IMAGE=apache/kafka:4.4.0
	fi
fi

# Brokers elsewhere: compose resolves relative paths from another folder.
for KAFKA_FILE in KAFKA_TLS_CA KAFKA_TLS_CERT KAFKA_TLS_KEY KAFKA_SASL_PASSWORD_FILE; do
	if [ -n "${!KAFKA_FILE:-}" ]; then
		if [ ! -r "${!KAFKA_FILE}" ]; then
			echo "kafka: $KAFKA_FILE names ${!KAFKA_FILE}, which cannot be read. Give the path of a file." >&2
			exit 1
		fi
		export "$KAFKA_FILE=$(cd "$(dirname "${!KAFKA_FILE}")" && pwd)/${!KAFKA_FILE##*/}"
	fi
done
if [ -n "${KAFKA_TLS_CA:-}" ]; then
	export KAFKA_TLS=true
fi
case ,${KAFKA_BROKERS:-}, in
*,localhost:* | *,127.*)
	echo "kafka: KAFKA_BROKERS is $KAFKA_BROKERS, and localhost is each container itself. Give names or addresses that containers reach, and that the brokers advertise." >&2
	exit 1
	;;
esac
if [ -n "${KAFKA_BROKERS:-}" ]; then
	export KAFKA_BROKERS
fi

CONTAINER_CLI_COMPOSE=kafka_compose
export KAFKA_KIT KAFKA_COMPOSE KAFKA_IMAGE ORDERER_IMAGE CONTAINER_CLI CONTAINER_CLI_COMPOSE

# Progress and errors go here: test-network hides the output of osnadmin.
exec 7>&2

# test-network does not look at the status of these two when it starts containers and joins orderers: end its script.
kafka_compose() {
	"$KAFKA_KIT/compose" "$@" || case " $* " in
	*" up "*) exit 1 ;;
	*) return 1 ;;
	esac
}
osnadmin() { "$KAFKA_KIT/join" "$@" || exit 1; }
configtxgen() { "$KAFKA_KIT/genesis" "$@"; }
export -f kafka_compose osnadmin configtxgen
