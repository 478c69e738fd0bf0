package chain

import (
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// real is a chain on Fabric's own registrar, ledger and channel config.
type real struct {
	testing.TB
	net   *fabrictest.Network
	topic log.Log
	chain *Chain
}

func newReal(t testing.TB, net *fabrictest.Network) *real {
	return newRealWith(t, net, session.Settings{})
}

func newRealWith(t testing.TB, net *fabrictest.Network, settings session.Settings) *real {
	broker := memlog.NewBroker()
	open := func(topic string) log.Log { return broker.Open(topic, log.Settings{MaxMessageBytes: 16 << 20}) }
	o := net.Start(func(s consensus.ConsenterSupport, metadata []byte) consensus.Chain {
		return New(s.(Support), metadata, Options{
			Crypto:   fabrictest.Crypto(),
			Settings: settings,
			OpenLog:  func(_ []string, topic string, _ uint32) (log.Log, error) { return open(topic), nil },
		})
	})
	c := o.Chain.(*Chain)
	t.Cleanup(c.Halt)
	return &real{t, net, open(fabrictest.ChannelID), c}
}

// verdict judges an envelope as a record of the class, by one kind of check.
func (r *real) verdict(class machine.Class, check machine.Check, e *fabric.Envelope) machine.Verdict {
	return r.chain.validator.Judge(machine.Judge{Offset: 7, Class: class, Check: check,
		Envelope: machine.Envelope{Bytes: protoutil.MarshalOrPanic(e)}})
}

// config returns the config in force.
func (r *real) config() *fabric.Config { return r.chain.support.ConfigtxValidator().ConfigProto() }

// larger returns an update that every rule accepts.
func (r *real) larger() []byte {
	b := r.chain.support.SharedConfig().BatchSize()
	next := channelconfig.BatchSizeValue(b.MaxMessageCount+1, b.AbsoluteMaxBytes, b.PreferredMaxBytes)
	return r.update(func(g *fabric.ConfigGroup) { fabrictest.Put(g, next) }, "Orderer")
}

func (r *real) update(change func(*fabric.ConfigGroup), path ...string) []byte {
	return protoutil.MarshalOrPanic(fabrictest.Update(r.config(), change, path...))
}

// proposed returns the config envelope that the orderer computes from an update.
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

// eventually waits for what the loop or the block writer is about to do.
func (r *real) eventually(done func() bool) {
	r.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.Fatal("it did not happen")
		}
	}
}

// The tests below depend on this: a sound config is accepted and takes effect.
func TestRealConfigIsAcceptedAndWritten(t *testing.T) {
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
