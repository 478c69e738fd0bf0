package chain

import (
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

const channel = "mychannel"

type ledger = chaintest.Ledger

// newLedger holds the genesis block only.
func newLedger() *ledger { return chaintest.NewLedger(channel, chaintest.Settings{}) }

// lenient judges by the fake's own rules: its configs are none that Fabric could parse.
type lenient struct{ ledger *ledger }

func (j lenient) verdict(e machine.Judge) machine.Verdict { return j.ledger.Judge(e) }

func (j lenient) reproduce(config *fabric.Envelope) (*fabric.Envelope, error) {
	again, _, err := j.ledger.ProcessConfigMsg(config)
	return again, err
}

// envelope is a normal one of the channel.
func envelope(text string) *fabric.Envelope { return chaintest.Envelope(channel, text) }

func configEnvelope(key string, version int, seq uint64) *fabric.Envelope {
	return chaintest.ConfigEnvelope(channel, key, version, seq)
}
