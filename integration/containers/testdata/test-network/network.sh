#!/usr/bin/env bash
# Stands in for network.sh of fabric-samples' test-network, with its service names, ports, folders and way of calling commands:
# what the kit hooks into, and the faults that it fixes.
set -e

ROOTDIR=$(cd "$(dirname "$0")" && pwd)
cd "$ROOTDIR"
export PATH=$ROOTDIR/../bin:$PATH

: "${CONTAINER_CLI:=docker}"
if command -v "$CONTAINER_CLI-compose" >/dev/null; then
	: "${CONTAINER_CLI_COMPOSE:=$CONTAINER_CLI-compose}"
else
	: "${CONTAINER_CLI_COMPOSE:=$CONTAINER_CLI compose}"
fi
channel=mychannel

orgs=organizations/ordererOrganizations/example.com
tls=orderers/orderer.example.com/tls

up() {
	if [ ! -d organizations/peerOrganizations ]; then
		cryptogen generate --config=organizations/crypto-config.yaml --output=organizations
	fi
	# The exit status is not looked at, as in the original.
	${CONTAINER_CLI_COMPOSE} -f compose/compose-test-net.yaml -f compose/docker/docker-compose-test-net.yaml up -d || true
}

peers() {
	local org port
	for org in 1 2; do
		port=$((5051 + 2000 * org))
		FABRIC_CFG_PATH=$ROOTDIR/../config CORE_PEER_TLS_ENABLED=true CORE_PEER_LOCALMSPID=Org${org}MSP CORE_PEER_ADDRESS=localhost:$port \
			CORE_PEER_TLS_ROOTCERT_FILE=$ROOTDIR/organizations/peerOrganizations/org$org.example.com/tlsca/tlsca.org$org.example.com-cert.pem \
			CORE_PEER_MSPCONFIGPATH=$ROOTDIR/organizations/peerOrganizations/org$org.example.com/users/Admin@org$org.example.com/msp \
			peer channel join -b "channel-artifacts/$channel.block"
	done
}

create() {
	mkdir -p channel-artifacts
	FABRIC_CFG_PATH=$ROOTDIR/configtx configtxgen -profile ChannelUsingRaft -outputBlock "./channel-artifacts/$channel.block" -channelID "$channel"
	osnadmin channel join --channelID "$channel" --config-block "./channel-artifacts/$channel.block" -o localhost:7053 \
		--ca-file "$orgs/tlsca/tlsca.example.com-cert.pem" --client-cert "$orgs/$tls/server.crt" --client-key "$orgs/$tls/server.key" >>log.txt 2>&1
	peers
}

mode=$1
shift
while [ $# -gt 0 ]; do
	case $1 in
	createChannel) mode=createChannel ;;
	-c)
		channel=$2
		shift
		;;
	esac
	shift
done
case $mode in
up) up ;;
createChannel)
	up
	create
	;;
down)
	# One file has nothing but comments, and one is missing, as in the original on podman.
	${CONTAINER_CLI_COMPOSE} -f compose/compose-bft-test-net.yaml -f compose/compose-test-net.yaml -f compose/comments.yaml down --volumes --remove-orphans || true
	rm -rf organizations/peerOrganizations organizations/ordererOrganizations channel-artifacts log.txt
	;;
esac
