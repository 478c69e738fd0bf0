package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// same waits until two orderers have the same blocks.
func (w *world) same(a, b *orderer) {
	w.Helper()
	w.eventually("both have the same blocks", func() bool { return chaintest.Differ(a.ledger, b.ledger) == nil })
}

func TestRow53JoinsLate(t *testing.T) {
	s := newScene(t)
	s.it.load("early", 4).sent(50).sound(s.it)
	s.same(s.it, s.orderer(s.ledger(channel)).ready())
}

// Trimmed records can only be replaced by blocks of another orderer.
func TestRow54JoinsLateToATrimmedTopic(t *testing.T) {
	s := newScene(t)
	s.it.order("e", "f", "g", "h")
	s.it.holds(initial + "; e f @6; g h @8")
	s.cluster.Trim(channel, next)
	fresh := s.orderer(s.ledger(channel))
	fresh.stopped("", fmt.Sprintf("starts at offset %d", next), "continues at 0", "no other orderer has the block")

	joined := s.orderer(s.it.ledger.UpTo(3)).ready() // blocks 0 to 2, the last at the offset before
	s.same(s.it, joined)
	joined.order("i", "j")
	s.same(s.it, joined)

	s.cluster.Trim(channel, next+1)
	s.orderer(s.it.ledger.UpTo(3)).stopped(initial, fmt.Sprintf("starts at offset %d", next+1), fmt.Sprintf("continues at %d", next))
}

func TestRow55OldBackup(t *testing.T) {
	t.Run("topic complete", func(t *testing.T) {
		s := newScene(t)
		s.it.order("e", "f", "g")
		s.eventually("the last envelope is in a block", func() bool { return s.it.count("g") == 1 })
		for height := 1; height <= int(s.it.ledger.Height()); height++ {
			s.same(s.it, s.orderer(s.it.ledger.UpTo(height)).ready())
		}
	})
	t.Run("trimmed", func(t *testing.T) {
		s := newScene(t)
		backup := s.it.ledger.UpTo(2)
		s.cluster.Trim(channel, next)
		s.orderer(backup).stopped("a b @2", fmt.Sprintf("starts at offset %d", next), "continues at 3")
		s.it.accepts("onwards")
	})
}

// One channel of many is poisoned. The others are not affected.
func TestRow60OneOfManyPoisoned(t *testing.T) {
	const many = 200
	w := newWorld(t, kafkatest.Options{})
	seldom := func(o *chain.Options) {
		o.CheckInterval, o.ReadyTimeout, o.AppendTimeout = time.Minute, timeout, timeout
	}
	var all []*orderer
	for i := range many {
		all = append(all, w.orderer(w.ledger(fmt.Sprint("channel", i)), seldom))
	}
	for _, o := range all {
		o.ready()
	}
	poisoned := all[many/2]
	c := w.client(kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerBatchMaxBytes(64<<20))
	defer c.Close()
	bomb := &kgo.Record{Topic: poisoned.ledger.ChannelID(), Value: make([]byte, 3*maxUnpacked)}
	if err := c.ProduceSync(t.Context(), bomb).FirstErr(); err != nil {
		t.Fatal(err)
	}
	poisoned.stopped("", "offset 1 was due")
	for _, o := range all {
		if o != poisoned {
			o.order("a", "b")
		}
	}
	for _, o := range all {
		if o != poisoned {
			o.holds("a b @2")
			for _, err := range o.seen.now().unavailable { // on a slow machine some are cut off
				if strings.Contains(err.Error(), "batch") {
					t.Errorf("%s was cut off by a record in another channel's topic: %v", o.ledger.ChannelID(), err)
				}
			}
		}
	}
}
