package chain

import (
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

const channel = "mychannel"

type ledger = chaintest.Ledger

// newLedger returns a ledger that holds the genesis block only.
func newLedger() *ledger { return chaintest.NewLedger(channel, chaintest.Settings{}) }

// lenient judges by the fake's own rules: Fabric could not parse its configs.
type lenient struct {
	*verdict.Validator
	ledger *ledger
}

func newLenient(l *ledger) lenient { return lenient{verdict.New(l, nil), l} }

func (j lenient) Judge(e machine.Judge) machine.Verdict { return j.ledger.Judge(e) }

func (j lenient) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	again, seq, err := j.ledger.ProcessConfigMsg(protoutil.UnmarshalEnvelopeOrPanic(envelope))
	if err != nil {
		return nil, machine.ConfigSeq(seq), err
	}
	value, err := fabric.Marshal(again)
	return value, machine.ConfigSeq(j.ledger.Sequence()), err
}

// envelope returns a normal envelope of the channel.
func envelope(text string) *fabric.Envelope { return chaintest.Envelope(channel, text) }

func configEnvelope(key string, version int, seq uint64) *fabric.Envelope {
	return chaintest.ConfigEnvelope(channel, key, version, seq)
}
