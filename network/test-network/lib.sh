# What the scripts of the kit share; sourced by each.
# shellcheck shell=bash

# Where the user sees what is printed, also when test-network hides the output of a script: env.sh opens 7.
if ! { true >&7; } 2>/dev/null; then
	exec 7>&2
fi

# say prints progress.
say() { echo "kafka: $*" >&7; }

# fail prints what is wrong and what to do, and ends the script.
fail() {
	say "$@"
	exit 1
}

# last_lines shows the end of a container's log. Indented lines are left out: those of stack traces, and of the options that
# a program lists after its error, would leave no room for the error.
last_lines() {
	say "last lines of $1, without indented ones:"
	{ "$CONTAINER_CLI" logs --tail 300 "$1" 2>&1 | grep -v '^[[:space:]]' | tail -n 20 || true; } | sed 's/^/    /' >&7
}

# state prints a container's state, or "missing".
state() { "$CONTAINER_CLI" inspect --format '{{.State.Status}}' "$1" 2>/dev/null || echo missing; }

# must_run fails, with its last lines, if one of these containers does not run.
must_run() {
	local name now
	for name; do
		now=$(state "$name")
		case $now in
		running) ;;
		missing) fail "there is no container $name. The output of $KAFKA_COMPOSE above says why it was not created." ;;
		*)
			last_lines "$name"
			fail "container $name is $now, not running. See its last lines above; ./network.sh down removes what is left."
			;;
		esac
	done
}

# limit is how many seconds a step may take in which containers get ready.
limit=${KAFKA_WAIT:-120}
case $limit in
*[!0-9]*) fail "KAFKA_WAIT is $limit, which is not a number of seconds. Set it to one, or unset it." ;;
esac

# limited runs a command for at most some seconds: `limited 10 COMMAND`. A container that is paused accepts connections
# and never answers. macOS has no timeout.
limited() {
	if command -v timeout >/dev/null; then
		timeout "$@"
	else
		perl -e 'alarm shift; exec @ARGV' "$@"
	fi
}

# give_up fails with the last lines of each container: `give_up TEXT CONTAINER...`.
give_up() {
	local text=$1 name
	shift
	for name; do
		last_lines "$name"
	done
	fail "after $limit s $text. See the last lines above; KAFKA_WAIT=300 waits longer on a slow machine."
}

# containers prints the names of the orderers' containers, and of the brokers' that are the kit's own.
containers() {
	echo orderer.example.com orderer2.example.com orderer3.example.com
	if [ -z "${KAFKA_BROKERS:-}" ]; then
		echo kafka1.example.com kafka2.example.com kafka3.example.com
	fi
}
