package consenter

import (
	"testing"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

const channel = "mychannel"

// newConsenter returns a consenter with this section Kafka and metrics provider.
func newConsenter(t *testing.T, section map[string]any, metrics fabric.MetricsProvider) *Consenter {
	c, err := New(Host{Consensus: map[string]any{"Kafka": section}, Metrics: metrics, Crypto: crypto(t)})
	checktest.Must(t, err)
	return c
}

func plainConsenter(t *testing.T) *Consenter { return newConsenter(t, nil, &disabled.Provider{}) }

func crypto(t *testing.T) fabric.CryptoProvider {
	c, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	checktest.Must(t, err)
	return c
}

// support fakes what the registrar provides for a channel, with a ledger of the genesis block only.
type support struct {
	chain.Support // what is not faked panics

	bundle *channelconfig.Bundle
	config *fabric.Config
}

func newSupport(t *testing.T, config *fabric.Config) *support {
	b, err := channelconfig.NewBundle(channel, config, crypto(t))
	checktest.Must(t, err)
	return &support{bundle: b, config: config}
}

func (*support) ChannelID() string                 { return channel }
func (*support) Serialize() ([]byte, error)        { return []byte{}, nil }
func (*support) Height() uint64                    { return 1 }
func (*support) Sequence() uint64                  { return 0 }
func (*support) Block(uint64) *fabric.Block        { return protoutil.NewBlock(0, nil) }
func (s *support) PolicyManager() policies.Manager { return s.bundle.PolicyManager() }

func (s *support) OrdererConfig() (channelconfig.Orderer, bool) { return s.bundle.OrdererConfig() }

func (s *support) SharedConfig() channelconfig.Orderer {
	o, _ := s.bundle.OrdererConfig()
	return o
}

func (s *support) ConfigtxValidator() configtx.Validator { return validator{config: s.config} }

type validator struct {
	configtx.Validator // what is not faked panics

	config *fabric.Config
}

func (v validator) ConfigProto() *fabric.Config { return v.config }
