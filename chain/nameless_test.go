package chain

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/record"
)

// nameless is a log whose brokers give no ids for a while, as those of an older release do.
type nameless struct {
	log.Log
	now *atomic.Bool
}

func (n nameless) Identity(ctx context.Context) (log.Identity, error) {
	id, err := n.Log.Identity(ctx)
	if n.now.Load() {
		id.TopicID, id.ClusterID = "", ""
	}
	return id, err
}

// An answer without ids says nothing about which topic it is: the ids that were read
// before are those that the next answer with ids is compared with.
func TestAnAnswerWithoutIDsForgetsNothing(t *testing.T) {
	for says, mirror := range map[string]struct {
		cluster string
		made    int // topics before
	}{
		"a different Kafka cluster than before": {"another", 0},
		"is not the same as before":             {"cluster", 1},
	} {
		t.Run(says, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				b := memlog.NewCluster(mirror.cluster)
				for range mirror.made {
					b.Make("other", 1)
				}
				b.Stop()
				c := r.namelessThen(b)
				r.said(c, types.StatusFailed, says)
			})
		})
	}
}

// namelessThen has a channel read a topic that no description names, whose brokers then
// give no ids, and then has brokers of a mirror, which gives ids.
func (r *rig) namelessThen(mirror *memlog.Broker) *Chain {
	without := &atomic.Bool{}
	connect, err := record.Encode(record.NewConnect(nil))
	if err != nil {
		r.Fatal(err)
	}
	r.broker.Write(channel, connect)
	c := r.chain(newLedger())
	c.opts.AllowUndescribed = true
	c.opts.OpenLog = func(brokers []string, _ string, _ uint32) (log.Log, error) {
		b := r.broker
		if slices.Contains(brokers, "new:9092") {
			b = mirror
		}
		return nameless{b.Open(channel, log.Settings{MaxMessageBytes: 1 << 20}), without}, nil
	}
	c.Start()
	settle()
	r.order(c, "a", "b", "c")
	without.Store(true)
	settle()
	r.reports(c, types.StatusActive)
	if err := c.Configure(toTheOther, 0); err != nil {
		r.Fatal(err)
	}
	time.Sleep(time.Second)
	without.Store(false)
	mirror.Write(channel, r.broker.Values(channel)...)
	mirror.Resume()
	settle()
	return c
}
