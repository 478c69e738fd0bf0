package chain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/status"
)

// clusters gives a chain the broker of rig at kafka:9092 and another at new:9092.
func (r *rig) clusters(c *Chain, other *memlog.Broker) *Chain {
	c.opts.OpenLog = func(brokers []string, topic string, _ uint32) (log.Log, error) {
		b := map[string]*memlog.Broker{"kafka:9092": r.broker, "new:9092": other}[brokers[0]]
		if b == nil {
			return nil, fmt.Errorf("no cluster at %s", brokers)
		}
		return b.Open(topic, log.Settings{MaxMessageBytes: 1 << 20}), nil
	}
	c.Start()
	if err := c.WaitReady(); err != nil {
		r.Fatal(err)
	}
	return c
}

var toTheOther = configEnvelope("brokers:new:9092", 0, 1)

// An update that names another cluster is not ordered, whether that has a topic of the channel's name or
// not. Brokers that are down cannot be distinguished from the channel's.
func TestBrokersOfAnotherCluster(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*memlog.Broker)
		says    string
	}{
		"no topic":      {func(*memlog.Broker) {}, "do not have the channel's topic"},
		"another topic": {func(b *memlog.Broker) { b.Make("other", 1); b.Make(channel, 1) }, "have another topic of the channel's name (id topic-00000000000000002, not topic-00000000000000001)"},
		"a mirror":      {func(b *memlog.Broker) { b.Make(channel, 1) }, "belong to another cluster (id another, not cluster)"},
		"away":          {func(b *memlog.Broker) { b.Stop() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				l, other := newLedger(), memlog.NewBroker()
				if name == "a mirror" {
					other = memlog.NewCluster("another")
				}
				test.prepare(other)
				c := r.clusters(r.chain(l), other)
				err := c.Configure(toTheOther, 0)
				if (err == nil) != (test.says == "") || err != nil && (!strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "not ordered")) {
					r.Errorf("configure: %v, want it to say %q", err, test.says)
				}
				settle()
				if (l.Sequence() == 0) != (err != nil) {
					r.Errorf("the config is at sequence %d", l.Sequence())
				}
				c.Halt()
			})
		})
	}
}

// A config that is in the topic nevertheless (from an orderer that could not reach the other cluster) stops the
// channel everywhere, and the other cluster acknowledges nothing. What the cluster in force has acknowledged after it
// is still there, and is ordered once the operators let the orderers continue there.
func TestRecordsAfterAChangeOfTheCluster(t *testing.T) {
	inBubble(t, func(r *rig) {
		l, other := newLedger(), memlog.NewBroker()
		c := r.clusters(r.chain(l), other)
		r.order(c, "a", "b", "c")
		other.Stop()
		slow, late := newLedger(), make(chan struct{})
		d := r.clusters(r.chain(slow), other)
		slow.Stall(late) // it reads the config last
		r.order(c, "d", "e", "f")
		if err := c.Configure(toTheOther, 0); err != nil {
			r.Fatal(err)
		}
		other.Resume()
		time.Sleep(time.Second)
		r.order(d, "late") // acknowledged by the cluster in force
		close(late)
		settle()
		for _, chain := range []*Chain{c, d} {
			r.reports(chain, types.StatusFailed)
			if err := chain.Order(envelope("x"), 1); !errors.Is(err, status.ErrFailed) {
				r.Errorf("order: %v", err)
			}
			chain.Halt()
		}
		if n := other.Len(channel); n != 0 {
			r.Errorf("the other cluster has %d records", n)
		}
		for _, ledger := range []*ledger{l, slow} {
			again := r.chain(ledger)
			again.opts.Brokers = []string{"kafka:9092"} // as the operators set it
			r.clusters(again, other)
			settle()
			if !strings.HasSuffix(ledger.Contents(), "; late @9") {
				r.Errorf("the ledger holds %s", ledger.Contents())
			}
			again.Halt()
		}
		r.equalLedgers(l, slow)
	})
}
