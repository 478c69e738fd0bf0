// Package plugin is what an orderer build compiles in to order channels
// through Kafka. The orderer's main calls Register once, just before it
// hands its consenters to the registrar, and Started once, just after that;
// plugin/builder writes both calls.
package plugin

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/consenter/pull"
)

// Type is the consensus type that the plugin adds; it also orders channels of the shared type, see package form.
const Type = fabric.ConsensusTypeKafka

// Host is what the orderer's main gives the plugin. An empty ConfigFile is the
// orderer.yaml that the orderer reads, an empty ConfigDir its folder, and a nil
// Environment that of the process.
type Host = consenter.Host

// Cluster is how the orderer reaches other orderers.
type Cluster = pull.Cluster

// HealthRegistry registers checks for /healthz, as the orderer's operations system does.
type HealthRegistry = fabric.HealthRegistry

// Register adds the consenter for [Type], and stands in front of the one for type etcdraft, to order the channels
// of that type that have brokers and no consenters. Its error is for the operator who starts the
// orderer: it names everything that is wrong with the configuration. The orderer must
// not start after an error.
func Register(consenters map[string]consensus.Consenter, host Host) error {
	if _, taken := consenters[Type]; taken {
		return fmt.Errorf("the orderer has a consenter for %q already: it was built with the plugin twice; build it again with plugin/builder", Type)
	}
	if host.ConfigFile == "" {
		host.ConfigFile = configFile()
	}
	if host.ConfigDir == "" && host.ConfigFile != "" {
		host.ConfigDir = filepath.Dir(host.ConfigFile)
	}
	if host.Environment == nil {
		host.Environment = os.Environ()
	}
	c, err := consenter.New(host)
	if err != nil {
		return fmt.Errorf("kafka plugin %s: %w", Version, err)
	}
	consenters[Type] = c
	consenters[form.SharedType] = c.Share(consenters[form.SharedType])
	return nil
}

// Started informs the consenter that the registrar has started the channels whose ledgers the orderer has. Until then
// no channel is refused, since the registrar ends the process over a refusal; afterwards the config block of a join
// is checked.
func Started(consenters map[string]consensus.Consenter) {
	if c, ok := consenters[Type].(*consenter.Consenter); ok {
		c.Started()
	}
}
