package matrix

import (
	"fmt"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A topic that is gone stays gone: an empty one would hide what was lost.
func TestRow07TopicDeleted(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "restart": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.begin(live, func() { s.cluster.Delete(channel) })
			s.stopped("was deleted", fmt.Sprintf("offset %d", next))
			if s.cluster.Info(channel).Exists {
				t.Error("the topic was made again")
			}
		})
	}
}

// begin lets something happen under a running orderer, or while it is down.
func (s *scene) begin(live bool, happens func()) {
	s.Helper()
	if live {
		happens()
		return
	}
	s.restarts(happens)
}

// refills are how many records a topic has that was made again.
var refills = map[string]int{"empty": 0, "shorter": next - 2, "equal": next, "longer": next + 10}

func TestRow08TopicRecreated(t *testing.T) {
	for name, n := range refills {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			values, before := s.values(n), s.cluster.Info(channel).ID
			s.cluster.Recreate(channel)
			s.write(channel, values...)
			s.stopped(before, s.cluster.Info(channel).ID, "deleted and created again", fmt.Sprintf("offset %d", next))
		})
	}
}

// Between a fetch and the next the topic is made again and is longer than it was:
// no answer of the broker is an error.
func TestRow08RecreatedBetweenFetches(t *testing.T) {
	s := newScene(t, func(o *chain.Options) { o.CheckInterval = time.Minute })
	values, before := s.values(next+10), s.cluster.Info(channel).ID
	s.cluster.Slow(kafkatest.KeyFetch, 600*time.Millisecond) // every fetch rests before it is done
	s.it.order("e", "f")                                     // ends the one that waits
	s.it.holds(told + "; e f @6")
	s.cluster.Recreate(channel)
	s.write(channel, values...)
	s.it.stopped(told+"; e f @6", before, s.cluster.Info(channel).ID, "deleted and created again",
		"this orderer goes on at offset") // 9, if it has read 7 and 8 and asked; 7, if a slow machine made the new topic too late
}

// The operator's word for the new topic does not make it the old one.
func TestRow09TopicRecreatedWhileDown(t *testing.T) {
	for name, n := range refills {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			values, before := s.values(n), s.cluster.Info(channel).ID
			s.restarts(func() {
				s.cluster.Recreate(channel)
				s.write(channel, values...)
			})
			after := s.cluster.Info(channel).ID
			s.stopped(before, after, "deleted and created again", fmt.Sprintf("offset %d", next))

			s.restarts(nil, moved(after))
			if n < next {
				s.stopped(fmt.Sprintf("ends at offset %d", n), fmt.Sprintf("below %d", next))
				return
			}
			s.stopped("is not the log that the ledger was made from", "at offset 2") // the last record of the first block
		})
	}
}
