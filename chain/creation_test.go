package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// among starts the chain of a ledger among other orderers.
func (r *rig) among(l *ledger, others *chaintest.Puller, change func(*Options)) *Chain {
	c := r.chain(l)
	c.opts.NewPuller = func(Support) (Puller, error) { return others, nil }
	change(&c.opts)
	c.Start()
	return c
}

func asItIs(*Options) {}

// said fails unless the channel is in a status, for a reason that contains a text.
func (r *rig) said(c *Chain, status types.Status, says string) {
	r.Helper()
	r.reports(c, status)
	if err := c.Order(envelope("x"), 0); err == nil || !strings.Contains(err.Error(), says) {
		r.Errorf("got %v, want it to say %q", err, says)
	}
}

// untouched fails unless a topic is as before: missing, or without a record.
func (r *rig) untouched(b *memlog.Broker, exists bool) {
	r.Helper()
	_, err := b.Open(channel, log.Settings{}).Identity(r.Context())
	if n := b.Len(channel); n != 0 || exists == errors.Is(err, log.ErrNoTopic) {
		r.Errorf("the topic has %d records; asked for its id: %v", n, err)
	}
}

const begins = "other orderers have blocks of the channel (orderer0 has "

// The topic was deleted, or deleted and recreated by somebody, or holds only what nobody can read. An orderer that
// joins has the genesis block only, and finds the same as in a new channel. Others have blocks, and it must not write
// a second block 1.
func TestAChannelBeginsOnce(t *testing.T) {
	for name, lose := range map[string]func(*memlog.Broker, string){"deleted": (*memlog.Broker).Delete, "recreated": (*memlog.Broker).Recreate} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, c := r.history()
				c.Halt()
				lose(r.broker, channel)
				fresh := newLedger()
				d := r.among(fresh, &chaintest.Puller{From: []*ledger{l}}, asItIs)
				time.Sleep(leastMissingTimeout - time.Second)
				r.said(d, types.StatusOnBoarding, begins)
				time.Sleep(3 * DefaultRetryMax)
				r.said(d, types.StatusFailed, begins)
				r.holds(fresh, "")
				r.untouched(r.broker, name == "recreated")
			})
		})
	}
}

// A topic without anything that could be a description is not described either.
func TestAChannelOfGarbageIsNotDescribed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, c := r.history()
		c.Halt()
		r.broker.Recreate(channel)
		r.broker.Write(channel, nil, []byte{0xff})
		d := r.among(newLedger(), &chaintest.Puller{From: []*ledger{l}}, asItIs)
		time.Sleep(leastMissingTimeout / 2)
		if err := d.Order(envelope("x"), 0); !errors.Is(err, status.ErrNotReady) {
			r.Errorf("order: %v", err)
		}
		settle()
		r.said(d, types.StatusFailed, begins)
		if n := r.broker.Len(channel); n != 2 {
			r.Errorf("the topic has %d records", n)
		}
	})
}

// Transaction markers alone are not a description either.
func TestATopicWithoutRecordsIsNotDescribed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, c := r.history()
		c.Halt()
		r.broker.Recreate(channel)
		d := r.chain(newLedger())
		d.opts.NewPuller = func(Support) (Puller, error) { return &chaintest.Puller{From: []*ledger{l}}, nil }
		r.through(d, func(l log.Log) log.Log { return markedLog{l, nil} })
		d.Start()
		long()
		r.said(d, types.StatusFailed, begins)
		r.untouched(r.broker, true)
	})
}

// The brokers of this orderer belong to another cluster, which never had the topic.
func TestAChannelDoesNotBeginInAnotherCluster(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, _ := r.history()
		other := memlog.NewCluster("another")
		d := r.among(newLedger(), &chaintest.Puller{From: []*ledger{l}}, func(o *Options) {
			o.OpenLog = func([]string, string, uint32) (log.Log, error) { return other.Open(channel, log.Settings{}), nil }
		})
		settle()
		r.said(d, types.StatusFailed, "or these are not the channel's brokers")
		r.untouched(other, false)
	})
}

// Orderers that have not answered may have blocks. The channel starts once all have answered that they have none, and
// once the brokers have reported a topic that existed all along.
func TestAChannelWaitsForAnswers(t *testing.T) {
	inBubble(t, func(r *rig) {
		others := &chaintest.Puller{From: []*ledger{newLedger(), newLedger()}, Silent: 20}
		seen := &reported{}
		c := r.among(newLedger(), others, seen.count)
		time.Sleep(10 * time.Second)
		r.said(c, types.StatusOnBoarding, "have not answered whether they have ordered through it: orderer0 (no orderer answers), orderer1 (no orderer answers)")
		r.untouched(r.broker, false)
		settle()
		r.reports(c, types.StatusActive)
		if seen.pulling.Load() != 0 || seen.unavailable.Load() != 0 || seen.waiting.Load() == 0 {
			r.Errorf("%d catch-ups, %d outages, %d waits", seen.pulling.Load(), seen.unavailable.Load(), seen.waiting.Load())
		}
	})
}

// If the topic comes back, or the brokers were slow to report it, the orderer joins.
func TestAChannelThatHasBegunIsJoined(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, c := r.history()
		c.Halt()
		values := r.broker.Values(channel)
		r.broker.Recreate(channel) // with an id that no description names
		fresh := newLedger()
		d := r.among(fresh, &chaintest.Puller{From: []*ledger{l}}, func(o *Options) { o.MovedTo = "topic-00000000000000002" })
		time.Sleep(leastMissingTimeout / 2)
		r.said(d, types.StatusOnBoarding, begins)
		r.broker.Write(channel, values...)
		settle()
		r.reports(d, types.StatusActive)
		r.equalLedgers(l, fresh)
	})
}

// An operator may begin without answers, but not against them.
func TestBegin(t *testing.T) {
	begin := func(o *Options) { o.Begin = true }
	inBubble(t, func(r *rig) {
		c := r.among(newLedger(), &chaintest.Puller{From: []*ledger{newLedger()}, Silent: 1 << 30}, begin)
		settle()
		r.reports(c, types.StatusActive)
	})
	inBubble(t, func(r *rig) {
		c := r.chain(newLedger())
		c.opts.Begin = true
		c.opts.NewPuller = func(Support) (Puller, error) { return nil, session.ErrCannotAsk }
		c.Start()
		settle()
		r.reports(c, types.StatusActive)
	})
	inBubble(t, func(r *rig) {
		l, c := r.history()
		c.Halt()
		r.broker.Delete(channel)
		d := r.among(newLedger(), &chaintest.Puller{From: []*ledger{l}}, begin)
		settle()
		r.said(d, types.StatusFailed, begins)
	})
}

// An orderer that cannot ask does not start the channel.
func TestAnOrdererThatCannotAsk(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := r.chain(newLedger())
		c.opts.NewPuller = func(Support) (Puller, error) { return nil, session.ErrCannotAsk }
		c.Start()
		settle()
		r.said(c, types.StatusOnBoarding, "cannot be asked")
		r.untouched(r.broker, false)
	})
}

// copied is another cluster whose topic has the records, and the id, of this one's:
// brokers without topic ids, and a mirror.
func (r *rig) copied(id string) *memlog.Broker {
	b := memlog.NewCluster(id)
	b.Write(channel, r.broker.Values(channel)...)
	return b
}

// The description names the cluster that it was written in. An orderer that reads it elsewhere has the brokers of a
// mirror, unless the operator says that the channel has moved there.
func TestTheClusterOfTheDescription(t *testing.T) {
	for name, test := range map[string]struct {
		cluster, moved string
		status         types.Status
	}{
		"another":             {"another", "", types.StatusFailed},
		"moved":               {"another", "topic-00000000000000001", types.StatusActive},
		"brokers without ids": {"", "", types.StatusActive},
		"the same":            {"cluster", "", types.StatusActive},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, _ := r.history()
				mirror := r.copied(test.cluster)
				c := r.among(newLedger(), &chaintest.Puller{From: []*ledger{l}}, func(o *Options) {
					o.MovedTo = test.moved
					o.OpenLog = func([]string, string, uint32) (log.Log, error) { return mirror.Open(channel, log.Settings{}), nil }
				})
				settle()
				r.reports(c, test.status)
				if test.status == types.StatusFailed {
					r.said(c, test.status, "was created in Kafka cluster cluster according to its description, but these brokers belong to cluster another")
				}
			})
		})
	}
}

// A config that names the brokers of a mirror is in the topic, from an orderer that did not reach them: orderers that
// have not read it yet would never see what is appended there.
func TestBrokersOfAMirror(t *testing.T) {
	for moved, want := range map[string]types.Status{"": types.StatusFailed, "topic-00000000000000001": types.StatusActive} {
		inBubble(t, func(r *rig) {
			mirror := memlog.NewCluster("another")
			mirror.Stop()
			c := r.chain(newLedger())
			c.opts.MovedTo = moved
			r.clusters(c, mirror)
			r.order(c, "a", "b", "c")
			if err := c.Configure(toTheOther, 0); err != nil {
				r.Fatal(err)
			}
			time.Sleep(time.Second)
			mirror.Write(channel, r.broker.Values(channel)...)
			mirror.Resume()
			settle()
			r.reports(c, want)
			if want == types.StatusFailed {
				r.said(c, want, "a different Kafka cluster than before")
			}
		})
	}
}

// Two orderers start at the same moment, with brokers of two clusters: neither finds a block of the other's. The one
// that writes its first block later finds the other's.
func TestTwoClustersAtTheSameMoment(t *testing.T) {
	for name, texts := range map[string][]string{"other envelopes": {"x", "y", "z"}, "the same envelopes": {"a", "b", "c"}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				other := memlog.NewCluster("another")
				other.Make("a topic before", 1)
				a, b := newLedger(), newLedger()
				c := r.among(a, &chaintest.Puller{From: []*ledger{b}}, asItIs)
				d := r.among(b, &chaintest.Puller{From: []*ledger{a}}, func(o *Options) {
					o.OpenLog = func([]string, string, uint32) (log.Log, error) { return other.Open(channel, log.Settings{}), nil }
				})
				settle()
				r.reports(d, types.StatusActive)
				r.order(c, "a", "b", "c")
				settle()
				r.order(d, texts...)
				settle()
				r.holds(a, "a b c @3")
				r.holds(b, "")
				r.reports(c, types.StatusActive)
				r.said(d, types.StatusFailed, "block 1 of another orderer differs from the one that this orderer has or would write")
			})
		})
	}
}

// Both write the first block at the same moment, or cannot reach each other then: it is compared again before the
// next one.
func TestTheFirstBlockIsComparedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		other, late := memlog.NewCluster("another"), make(chan struct{})
		other.Make("a topic before", 1)
		a, b := newLedger(), newLedger()
		c := r.among(a, &chaintest.Puller{From: []*ledger{b}, Late: late}, asItIs)
		d := r.among(b, &chaintest.Puller{From: []*ledger{a}, Late: late}, func(o *Options) {
			o.OpenLog = func([]string, string, uint32) (log.Log, error) { return other.Open(channel, log.Settings{}), nil }
		})
		settle()
		r.order(c, "a", "b", "c")
		r.order(d, "x", "y", "z")
		settle()
		close(late)
		d.Halt()
		again := r.chain(b) // a restart does not forget it
		again.opts.NewPuller, again.opts.OpenLog = d.opts.NewPuller, d.opts.OpenLog
		again.Start()
		for _, o := range []*Chain{c, again} {
			settle()
			r.order(o, "d", "e", "f")
			settle()
			r.said(o, types.StatusFailed, "block 1 of another orderer differs from the one that this orderer has")
		}
		r.holds(a, "a b c @3")
		r.holds(b, "x y z @3")
	})
}

// What another orderer returns as its first block does not crash the process.
func TestAFirstBlockThatPanics(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b := newLedger(), newLedger()
		r.order(r.started(a), "a", "b", "c", "d")
		settle()
		altered := 0
		d := r.among(b, &chaintest.Puller{From: []*ledger{a}, Alter: func(*fabric.Block) { altered++; panic("bad bytes") }}, asItIs)
		settle()
		if altered == 0 {
			r.Error("it was not asked")
		}
		r.reports(d, types.StatusActive)
		r.equalLedgers(a, b)
	})
}

// Two orderers of one cluster do not disturb each other, and none waits for one that is down.
func TestTheFirstBlockIsCompared(t *testing.T) {
	inBubble(t, func(r *rig) {
		a, b, away := newLedger(), newLedger(), &chaintest.Puller{From: []*ledger{newLedger()}, Silent: 1 << 30}
		c := r.among(a, &chaintest.Puller{From: []*ledger{b}}, asItIs)
		settle() // starting at the same time, they may describe the topic more than once
		r.among(b, &chaintest.Puller{From: []*ledger{a}}, asItIs)
		third := newLedger()
		r.among(third, away, asItIs)
		settle()
		r.order(c, "a", "b", "c", "d")
		settle()
		r.holds(a, "a b c @3; d @5")
		r.equalLedgers(a, b)
		r.equalLedgers(a, third)
	})
}
