package pull

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/protoutil"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const channel = "mychannel"

func crypto(t *testing.T) fabric.CryptoProvider {
	c, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	checktest.Must(t, err)
	return c
}

// transaction returns a serialized envelope of the channel.
func transaction(text string) []byte {
	return protoutil.MarshalOrPanic(chaintest.Envelope(channel, text))
}

// stale is an orderer's side of a channel whose ledger has the first block only.
type stale struct {
	chain.Support // what is not faked panics

	genesis *cb.Block
	bundle  *channelconfig.Bundle // in force
	config  *fabric.Config        // the same
}

func (*stale) ChannelID() string                 { return channel }
func (l *stale) Block(n uint64) *cb.Block        { return map[uint64]*cb.Block{0: l.genesis}[n] }
func (l *stale) PolicyManager() policies.Manager { return l.bundle.PolicyManager() }
func (*stale) Serialize() ([]byte, error)        { return []byte{}, nil }
func (*stale) Sign([]byte) ([]byte, error)       { return []byte("not verified here"), nil }

func (l *stale) ConfigtxValidator() configtx.Validator { return validator{config: l.config} }

type validator struct {
	configtx.Validator // what is not faked panics

	config *fabric.Config
}

func (v validator) ConfigProto() *fabric.Config { return v.config }

// inForce puts the config of a block in force.
func (l *stale) inForce(t *testing.T, b *cb.Block) {
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	checktest.Must(t, err)
	l.bundle, err = channelconfig.NewBundleFromEnvelope(envelope, crypto(t))
	checktest.Must(t, err)
	config := &cb.ConfigEnvelope{}
	_, err = protoutil.UnmarshalEnvelopeOfType(envelope, cb.HeaderType_CONFIG, config)
	checktest.Must(t, err)
	l.config = config.Config
}
