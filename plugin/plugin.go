// Package plugin is what an orderer build compiles in to order channels of
// consensus type kafka. The orderer's main calls Register once, just before it
// hands its consenters to the registrar, and Started once, just after that;
// plugin/builder writes both calls.
package plugin

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/consenter"
)

// Type is the consensus type of the channels that the plugin orders.
const Type = fabric.ConsensusTypeKafka

// Host is what the orderer's main gives the plugin. It may leave ConfigFile and
// ConfigDir empty, which are then the orderer.yaml that the orderer reads and its
// folder, and Environment nil, which is then that of the process.
type Host = consenter.Host

// Cluster is how the orderer reaches other orderers.
type Cluster = consenter.Cluster

// HealthRegistry takes checks for /healthz; the orderer's operations system is one.
type HealthRegistry = fabric.HealthRegistry

// Register adds the consenter for Type. The error is for the operator who starts
// the orderer: it names all that is wrong with the configuration. The orderer
// must not go on after one.
func Register(consenters map[string]consensus.Consenter, host Host) error {
	if _, taken := consenters[Type]; taken {
		return fmt.Errorf("the orderer has a consenter for %q already: it was built with the plugin twice", Type)
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
	return nil
}

// Started says that the registrar has started the channels that the orderer has
// ledgers of. Before, no channel is refused, since the registrar ends the process
// over a refusal; from then on config blocks of joins are judged.
func Started(consenters map[string]consensus.Consenter) {
	if c, ok := consenters[Type].(*consenter.Consenter); ok {
		c.Started()
	}
}
