package chain

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
)

// opening is a chain that notes which brokers its logs were opened with.
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
		return strings.Join(slices.Compact(slices.Clone(lists)), "; ") // Configure has looked at new ones before
	}
}

// A config block that names other brokers has the channel connect to them, and
// nothing is lost on the way.
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

// What the operator of this orderer names goes before the channel's list,
// whatever is in that.
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
