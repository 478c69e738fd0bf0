// Package offline has the commands of osnkafka that work only on files: a config block, an
// orderer.yaml, the ledgers of a stopped orderer. They ask neither brokers nor orderers.
package offline
