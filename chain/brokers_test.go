package chain

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
)

// opening returns a chain that records which brokers its logs were opened with.
func (r *rig) opening(l *ledger, own ...string) (c *Chain, opened func() string) {
	var mu sync.Mutex
	var lists []string
	c = r.chain(l)
	c.opts.Brokers = own
	c.opts.OpenLog = func(brokers []string, topic string, _ uint32) (log.Log, error) {
		mu.Lock()
		defer mu.Unlock()
		lists = append(lists, strings.Join(brokers, ","))
		return r.broker.Open(topic, log.Settings{MaxMessageBytes: 1 << 20}), nil
	}
	c.Start()
	if err := c.WaitReady(); err != nil {
		r.Fatal(err)
	}
	return c, func() string {
		settle()
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(slices.Compact(slices.Clone(lists)), "; ") // Configure has already opened the new ones
	}
}

// A config block that names other brokers makes the channel connect to them, and nothing is lost.
func TestBrokersOfTheConfigAreFollowed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := newLedger()
		c, opened := r.opening(l)
		r.order(c, "a", "b", "c")
		if err := c.Configure(configEnvelope("brokers:new:9092", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		if got, want := opened(), "kafka:9092; new:9092"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.order(c, "d", "e", "f")
		settle()
		r.holds(l, "a b c @3; brokers:new:9092 @4; d e f @7")
	})
}

// The brokers that this orderer's operator names take precedence over the channel's list, whatever that contains.
func TestBrokersOfThisOrderer(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: []string{"nowhere"}})
		c, opened := r.opening(l, "mine:9092", "mine:9093")
		if err := c.Configure(configEnvelope("brokers:new:9092", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		r.order(c, "a", "b", "c")
		if got, want := opened(), "mine:9092,mine:9093"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.holds(l, "brokers:new:9092 @1; a b c @4")
	})
}

// A list that was accepted once is in the ledger permanently: the chain connects to
// what can be connected to, though no new list may have such entries.
func TestUsableEntriesOfAnOldListAreUsed(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: []string{
			":9092", " kafka:9092", "kafka:0", "kafka_1:9093", "kafka", "", "[::1]:9094", "kafka:99999", "kafka:9092", "tcp://kafka:9092", "kafka:http"}})
		c, opened := r.opening(l)
		r.order(c, "a", "b", "c")
		if got, want := opened(), "kafka:9092,kafka_1:9093,[::1]:9094"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.holds(l, "a b c @3")
	})
}

// Without any, the channel stops and reports what to do; a config update cannot be the remedy, since it
// would have to be ordered.
func TestChannelWithoutUsableBrokersStops(t *testing.T) {
	for _, list := range [][]string{{":9092"}, {}, {"kafka:0", "kafka"}, {" "}} {
		inBubble(t, func(r *rig) {
			l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: list})
			c := r.chain(l)
			c.Start()
			settle()
			r.reports(c, types.StatusFailed)
			err := c.WaitReady()
			const fact = "the channel config names no broker that can be connected to"
			if err == nil || !strings.Contains(err.Error(), fact) || status.CauseOf(err) != status.CauseNoBroker {
				r.Errorf("%q: got %v, cause %q, want it to say %q", list, err, status.CauseOf(err), fact)
			}
			if !closed(c.Errored()) {
				r.Error("clients wait for blocks of a channel that has stopped")
			}
		})
	}
}

// The way out: this orderer's own list, and an update that corrects the channel's.
func TestOwnBrokersReplaceUnusableOnes(t *testing.T) {
	inBubble(t, func(r *rig) {
		l := chaintest.NewLedger(channel, chaintest.Settings{Brokers: []string{":9092"}})
		c, opened := r.opening(l, "mine:9092")
		r.order(c, "a", "b", "c")
		if err := c.Configure(configEnvelope("brokers:kafka:9092", 0, 1), 0); err != nil {
			r.Fatal(err)
		}
		settle()
		r.holds(l, "a b c @3; brokers:kafka:9092 @4")
		r.reports(c, types.StatusActive)
		c.Halt()

		next, reopened := r.opening(l)
		r.order(next, "d", "e", "f")
		if got, want := opened()+"; "+reopened(), "mine:9092; kafka:9092"; got != want {
			r.Errorf("logs of %s were opened, want %s", got, want)
		}
		r.holds(l, "a b c @3; brokers:kafka:9092 @4; d e f @7")
	})
}
