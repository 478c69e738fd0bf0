package chain

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// real is a chain on Fabric's own registrar, ledger and channel config.
type real struct {
	testing.TB
	net   *fabrictest.Network
	chain *Chain
	host  *host
}

func newReal(t testing.TB, net *fabrictest.Network) *real {
	broker := memlog.NewBroker()
	o := net.Start(func(s consensus.ConsenterSupport, metadata []byte) consensus.Chain {
		return New(s.(Support), metadata, Options{
			Crypto: fabrictest.Crypto(),
			OpenLog: func(_ []string, topic string, _ uint32) (log.Log, error) {
				return broker.Open(topic, log.Settings{MaxMessageBytes: 1 << 20}), nil
			},
		})
	})
	c := o.Chain.(*Chain)
	t.Cleanup(c.Halt)
	return &real{t, net, c, &host{chain: c, support: c.support, cut: newCutter(c)}}
}

// verdict judges an envelope as a record of the class, by one kind of check.
func (r *real) verdict(class machine.Class, check machine.Check, e *fabric.Envelope) machine.Verdict {
	return r.chain.judge.verdict(machine.Judge{Offset: 7, Class: class, Check: check,
		Envelope: machine.Envelope{Bytes: protoutil.MarshalOrPanic(e)}})
}

// config is in force.
func (r *real) config() *fabric.Config { return r.chain.support.ConfigtxValidator().ConfigProto() }

// larger is an update that every rule takes.
func (r *real) larger() []byte {
	return r.update(func(g *fabric.ConfigGroup) { fabrictest.Put(g, channelconfig.BatchSizeValue(11, 1<<20, 1<<19)) }, "Orderer")
}

func (r *real) update(change func(*fabric.ConfigGroup), path ...string) []byte {
	return protoutil.MarshalOrPanic(fabrictest.Update(r.config(), change, path...))
}

// proposed is the config envelope that the orderer makes of an update.
func (r *real) proposed(update []byte) *fabric.Envelope {
	r.Helper()
	e, _, err := r.chain.support.ProcessConfigUpdateMsg(r.net.Signed(update))
	if err != nil {
		r.Fatal(err)
	}
	return e
}

// inside returns the content of a config envelope.
func inside(t testing.TB, e *fabric.Envelope) *fabric.ConfigEnvelope {
	t.Helper()
	c := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(e, cb.HeaderType_CONFIG, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Everything below rests on it: what is sound is taken, and comes into force.
func TestRealConfigIsTakenAndWritten(t *testing.T) {
	r := newReal(t, fabrictest.NewNetwork(nil))
	e := r.proposed(r.larger())
	for _, check := range []machine.Check{machine.CheckAgreed, machine.CheckBroadcast, machine.CheckWriter} {
		if v := r.verdict(machine.Config, check, e); v != (machine.Verdict{}) {
			t.Fatalf("check %d: %+v", check, v)
		}
	}
	r.write(e)
	if r.chain.support.Sequence() != 1 || r.chain.support.Height() != 2 {
		t.Fatalf("sequence %d, height %d", r.chain.support.Sequence(), r.chain.support.Height())
	}
}
