package chain

import (
	"errors"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// knowing is an arbiter as the judge is, of the fake's configs: what no orderer
// can write is refused, then the rules of this build are asked.
type knowing struct {
	lenient
	agreed agreed
}

func (j knowing) verdict(e machine.Judge) machine.Verdict {
	if v := j.lenient.verdict(e); e.Class != machine.Config || v != (machine.Verdict{}) {
		return v
	}
	tx, err := opened(protoutil.UnmarshalEnvelopeOrPanic(e.Envelope.Bytes))
	if err == nil {
		err = j.agreed.config(j.ledger.ConfigtxValidator().ConfigProto(), tx.config)
	}
	switch {
	case errors.Is(err, session.ErrUnknown):
		return machine.Verdict{Stop: err.Error()}
	case err != nil:
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

// newerBuild makes every chain that starts from now on one of a build that knows V9_9.
func (r *rig) newerBuild(l *ledger) *Chain {
	l.Newer()
	c := r.chain(l)
	c.agreed.knows = func(string, string) bool { return true }
	c.judge = knowing{lenient{l}, c.agreed}
	c.Start()
	if err := c.WaitReady(); err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) thisBuild(l *ledger) *Chain {
	c := r.chain(l)
	c.judge = knowing{lenient{l}, c.agreed}
	c.Start()
	return c
}

const unknownCapability = "capability:V9_9"

// stoppedAt checks that a channel has stopped for want of the capability, before
// anything of the record came to its ledger.
func (r *rig) stoppedAt(c *Chain, l *ledger, holds string) {
	r.Helper()
	r.reports(c, types.StatusFailed)
	for _, says := range []string{`capability "V9_9" of /Channel/Orderer`, "Fabric 9.9 introduced it", "replace this orderer by a build"} {
		if err := c.WaitReady(); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), says) {
			r.Errorf("got %v, want it to say %q", err, says)
		}
	}
	r.holds(l, holds)
}

// An orderer of a newer build enables what this one does not know, whether the
// record's config sequence is the one in force or lags: this one stops before it.
func TestUnknownCapabilityStopsTheChannel(t *testing.T) {
	for name, seq := range map[string]uint64{"in time": 1, "lagging": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				newer, older := newLedger(), newLedger()
				c, d := r.newerBuild(newer), r.thisBuild(older)
				r.order(c, "a", "b", "c")
				if err := c.Configure(configEnvelope("count", 0, 1), 0); err != nil {
					r.Fatal(err)
				}
				settle()
				if err := c.Configure(configEnvelope(unknownCapability, 0, seq+1), seq); err != nil {
					r.Fatal(err)
				}
				settle()
				if !strings.Contains(newer.Contents(), unknownCapability) {
					r.Errorf("the newer build has %s", newer.Contents())
				}
				r.stoppedAt(d, older, "a b c @3; count @4")
			})
		})
	}
}

// The same by either rule set where no newer build runs any more that would have
// appended the lagging update again.
func TestLaggingUnknownCapability(t *testing.T) {
	for name, compatible := range map[string]bool{"strict": false, "compatible": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.broker.Make(channel, 1)
				first, holds := record.NewConnect(nil), "count @1"
				if !compatible {
					first = describe(r)
				}
				r.broker.Write(channel, encoded(r, first), laggingRecord(r, "count"), laggingRecord(r, unknownCapability))
				l := newLedger()
				c := r.chain(l)
				c.opts.AllowUndescribed = compatible
				c.judge = knowing{lenient{l}, c.agreed}
				c.Start()
				settle()
				r.stoppedAt(c, l, holds)
			})
		})
	}
}

// laggingRecord is the record of an update that was computed at the genesis block's config.
func laggingRecord(r *rig, key string) []byte {
	v, err := session.Value(configEnvelope(key, 0, 1), 0, machine.Config)
	if err != nil {
		r.Fatal(err)
	}
	return v
}

// describe is the description that the orderers of a channel give its topic.
func describe(r *rig) *record.Message {
	genesis := newLedger().Block(0)
	payload, err := record.EncodeDescription(&record.Description{FormatVersion: 1, RuleSet: record.RuleSet_RULE_SET_STRICT,
		ChannelId: channel, GenesisHash: protoutil.BlockHeaderHash(genesis.Header)})
	if err != nil {
		r.Fatal(err)
	}
	return record.NewConnect(payload)
}

func encoded(r *rig, m *record.Message) []byte {
	b, err := record.Encode(m)
	if err != nil {
		r.Fatal(err)
	}
	return b
}

// A block of a newer build, which the topic does not have any more.
func TestPulledUnknownCapabilityStopsTheChannel(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.newerBuild(l)
		r.order(c, "a", "b", "c")
		settle()
		if err := c.Configure(configEnvelope(unknownCapability, 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		settle()
		r.broker.Write(channel, nil, nil)
		r.broker.Trim(channel, 6)
		again := newLedger()
		d := r.chain(again)
		d.judge = knowing{lenient{again}, d.agreed}
		d.opts.NewPuller = func(Support) (Puller, error) { return &chaintest.Puller{From: []*ledger{l}}, nil }
		d.Start()
		settle()
		r.stoppedAt(d, again, "a b c @3")
	})
}

// At Broadcast it is the client who hears of it, and the channel goes on.
func TestUnknownIsRefusedAtBroadcast(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c := r.thisBuild(l)
		for key, says := range map[string]string{
			unknownCapability:      `capability "V9_9" of /Channel/Orderer, which this build does not know`,
			"brokers:kafka_1:9092": `broker "kafka_1:9092" of the channel config`,
			"brokers: kafka:9092":  `broker " kafka:9092" of the channel config`,
			"brokers:[::1]:9092":   `broker "[::1]:9092" of the channel config`,
		} {
			err := c.Configure(configEnvelope(key, 0, 1), 0)
			if err == nil || !strings.Contains(err.Error(), "the config is not ordered: ") || !strings.Contains(err.Error(), says) {
				r.Errorf("%s: %v", key, err)
			}
		}
		settle()
		r.order(c, "a", "b", "c")
		settle()
		r.holds(l, "a b c @3")
	})
}

// A pulled block is what another orderer has written: only what this build cannot
// read or does not know keeps it out.
func TestPulledConfigs(t *testing.T) {
	c := newRealChannel(t)
	b, all := c.thisBuild(), changes(c)
	for name, want := range map[string]string{
		"underscore": passes, "IPv6": passes, "no brokers": passes, "etcdraft": passes, "another state": passes,
		"channel V9_9": stops, "a value": stops, "a policy": stops, "garbage for a value": "failed to deserialize values",
	} {
		next := c.clone()
		all[name](next.ChannelGroup)
		v := b.verdict(machine.CheckPulled, c.update(next, true))
		if said := v.Refusal + v.Stop; !strings.Contains(said, want) || (said == "") != (want == passes) || (v.Stop != "") != (want == stops) {
			t.Errorf("%s: %+v, want %q", name, v, want)
		}
	}
}

// What an update that lags leads to is judged before Fabric's own check of it, for
// which all that it cannot do is one and the same error.
func TestProcessTellsTheUnknown(t *testing.T) {
	c := newRealChannel(t)
	b, all := c.thisBuild(), changes(c)
	h := &host{support: b.judge.support, chain: &Chain{agreed: newAgreed()}}
	for name, unknown := range map[string]bool{"channel V9_9": true, "a value": true, "underscore": false, "etcdraft": false, "garbage for a value": false} {
		for _, signed := range []bool{true, false} {
			next := c.clone()
			all[name](next.ChannelGroup)
			_, _, err := h.Process(machine.Config, protoutil.MarshalOrPanic(c.update(next, signed)))
			if err == nil || errors.Is(err, session.ErrUnknown) != (unknown && signed) {
				t.Errorf("%s, signed %v: %v", name, signed, err)
			}
		}
	}
	bare := chaintest.EnvelopeOf(channel, fabric.TypeConfig, protoutil.MarshalOrPanic(&fabric.ConfigEnvelope{Config: c.config}))
	if _, _, err := h.Process(machine.Config, protoutil.MarshalOrPanic(bare)); err == nil {
		t.Error("a config without an update is taken")
	}
}

// Fabric's releases differ on a block whose first envelope alone is a config; and one
// that was written as a normal block is none, whatever its envelope is.
func TestConfigBlocks(t *testing.T) {
	config, normal := protoutil.MarshalOrPanic(configEnvelope("k", 0, 1)), protoutil.MarshalOrPanic(envelope("a"))
	for i, c := range []struct {
		want bool
		last uint64
		data [][]byte
	}{
		{true, 3, [][]byte{config}},
		{false, 2, [][]byte{config}},
		{false, 0, [][]byte{config}},
		{false, 3, nil},
		{false, 3, [][]byte{normal}},
		{false, 3, [][]byte{config, normal}},
		{false, 3, [][]byte{config, config}},
		{false, 3, [][]byte{normal, config}},
	} {
		b := protoutil.NewBlock(3, nil)
		b.Data.Data = c.data
		b.Metadata.Metadata[signaturesSlot] = valueOf(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: c.last}})
		if got := isConfigBlock(b); got != c.want {
			t.Errorf("block %d: %v, want %v", i, got, c.want)
		}
		oldBlock(b)
		if got, want := isConfigBlock(b), len(c.data) == 1 && string(c.data[0]) == string(config); got != want {
			t.Errorf("block %d, of before Fabric 1.4.1: %v, want %v", i, got, want)
		}
	}
	genesis := protoutil.NewBlock(0, nil)
	if genesis.Data.Data = [][]byte{config}; !isConfigBlock(genesis) {
		t.Error("block 0 is one of a config")
	}
}

func valueOf(m *cb.OrdererBlockMetadata) []byte {
	return protoutil.MarshalOrPanic(&fabric.Metadata{Value: protoutil.MarshalOrPanic(m)})
}
