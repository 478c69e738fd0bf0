package chain

import (
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// knowing gives verdicts on the fake's configs: what no orderer can write is refused, then the rules of
// this build apply.
type knowing struct{ lenient }

func (j knowing) Judge(e machine.Judge) machine.Verdict {
	if v := j.lenient.Judge(e); e.Class != machine.Config || v != (machine.Verdict{}) {
		return v
	}
	err := j.CheckFollows(protoutil.UnmarshalEnvelopeOrPanic(e.Envelope.Bytes))
	switch {
	case errors.Is(err, session.ErrUnknown):
		return machine.Verdict{Stop: err.Error()}
	case err != nil:
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

// newerBuild starts the chain of a ledger in a build that knows V9_9.
func (r *rig) newerBuild(l *ledger) *Chain {
	l.Newer()
	c := r.chain(l)
	all := func(string, string) bool { return true }
	c.validator = knowing{lenient{verdict.New(l, nil).Knowing(all), l}}
	c.Start()
	if err := c.WaitReady(); err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) thisBuild(l *ledger) *Chain {
	c := r.chain(l)
	c.validator = knowing{newLenient(l)}
	c.Start()
	return c
}

const unknownCapability = "capability:V9_9"

// stoppedAt checks that a channel has stopped because of the capability, before any part of the record was written to
// its ledger.
func (r *rig) stoppedAt(c *Chain, l *ledger, holds string) {
	r.Helper()
	r.reports(c, types.StatusFailed)
	for _, says := range []string{`capability "V9_9" of /Channel/Orderer`, "Fabric 9.9 introduced it", "replace this orderer with a build"} {
		if err := c.WaitReady(); !errors.Is(err, status.ErrFailed) || !strings.Contains(err.Error(), says) {
			r.Errorf("got %v, want it to say %q", err, says)
		}
	}
	r.holds(l, holds)
}

// An orderer of a newer build enables what this one does not know, whether the record's config sequence is the one in
// force or stale: this one stops before it.
func TestUnknownCapabilityStopsTheChannel(t *testing.T) {
	for name, seq := range map[string]uint64{"in time": 1, "stale": 0} {
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

// Either rule set stops it also if no newer build is left to resubmit the stale update.
func TestStaleUnknownCapability(t *testing.T) {
	for name, compatible := range map[string]bool{"strict": false, "compatible": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.broker.Make(channel, 1)
				first, holds := record.NewConnect(nil), "count @1"
				if !compatible {
					first = describe(r)
				}
				r.broker.Write(channel, encoded(r, first), staleRecord(r, "count"), staleRecord(r, unknownCapability))
				l := newLedger()
				c := r.chain(l)
				c.opts.AllowUndescribed = compatible
				c.validator = knowing{newLenient(l)}
				c.Start()
				settle()
				r.stoppedAt(c, l, holds)
			})
		})
	}
}

// staleRecord returns the record of an update that was computed at the genesis block's config.
func staleRecord(r *rig, key string) []byte {
	v, flaw := record.OfEnvelope(configEnvelope(key, 0, 1), 0, machine.Config)
	if flaw != "" {
		r.Fatal(flaw)
	}
	return v
}

// describe returns the description that the orderers of a channel write to its topic.
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

// So does a block of a newer build whose records the topic no longer has.
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
		d.validator = knowing{newLenient(again)}
		d.opts.NewPuller = func(Support) (Puller, error) { return &chaintest.Puller{From: []*ledger{l}}, nil }
		d.Start()
		settle()
		r.stoppedAt(d, again, "a b c @3")
	})
}

// At Broadcast the client gets the error, and the channel continues.
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
