package fabrictest

import (
	"io"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
	"github.com/hyperledger/fabric/orderer/common/multichannel"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Crypto returns the crypto provider of every [Orderer].
func Crypto() fabric.CryptoProvider {
	return must(sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore()))
}

// Orderer is Fabric's registrar with the channel of a network, and a ledger in memory.
type Orderer struct {
	consensus.ConsenterSupport // from the registrar, for the channel

	Chain consensus.Chain // made by the function given to [Network.Start]
}

// Start starts a registrar whose ledger has the genesis block. handle returns the
// channel's chain, which the registrar does not start.
func (n *Network) Start(handle func(consensus.ConsenterSupport, []byte) consensus.Chain) *Orderer {
	flogging.Init(flogging.Config{LogSpec: "info", Writer: io.Discard})
	l := &ledger{blocks: []*fabric.Block{n.Genesis}}
	registrar := multichannel.NewRegistrar(localconfig.TopLevel{}, l, n.Orderer, &disabled.Provider{}, Crypto(), nil)
	o := &Orderer{}
	c := consenter{o, handle}
	registrar.Initialize(map[string]consensus.Consenter{"kafka": c, "etcdraft": c})
	return o
}

// consenter stores the support and the chain of the channel in its orderer.
type consenter struct {
	orderer *Orderer
	handle  func(consensus.ConsenterSupport, []byte) consensus.Chain
}

func (c consenter) HandleChain(s consensus.ConsenterSupport, m *fabric.Metadata) (consensus.Chain, error) {
	c.orderer.ConsenterSupport = s
	c.orderer.Chain = c.handle(s, m.GetValue())
	return idle{c.orderer.Chain, c.orderer.Chain.(consensus.MetadataValidator), c.orderer.Chain.(consensus.StatusReporter)}, nil
}

func (consenter) IsChannelMember(*fabric.Block) (bool, error) { return true, nil }

func (consenter) RemoveInactiveChainRegistry() {}

// idle is a chain that the registrar does not start.
type idle struct {
	consensus.Chain
	consensus.MetadataValidator
	consensus.StatusReporter
}

func (idle) Start() {}
