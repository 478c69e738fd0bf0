package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
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
		"this orderer continues at offset") // 9, if it has read 7 and 8 and asked; 7, if a slow machine made the new topic too late
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

// beside is the other orderer of a newcomer's channel.
func (s *scene) beside(o *chain.Options) {
	o.NewPuller = func(chain.Support) (chain.Puller, error) {
		return &chaintest.Puller{From: []*chaintest.Ledger{s.it.ledger}}, nil
	}
}

// An orderer that has the genesis block alone finds no topic, or an empty one: the
// channel does not begin a second time.
func TestRow07DeletedBesideANewcomer(t *testing.T) {
	for name, lose := range map[string]func(*kafkatest.Cluster, string){"deleted": (*kafkatest.Cluster).Delete, "recreated": (*kafkatest.Cluster).Recreate} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			lose(s.cluster, channel)
			before := s.cluster.Info(channel)
			late := s.orderer(s.ledger(channel), s.beside)
			s.eventually("it says that the channel has begun", func() bool {
				err := late.Order(chaintest.Envelope(channel, "x"), 0)
				return err != nil && strings.Contains(err.Error(), "the channel has begun: of blocks, orderer0 has 3")
			})
			if after := s.cluster.Info(channel); after != before {
				t.Errorf("the topic was %+v and is %+v", before, after)
			}
			s.other.takes("onwards")
		})
	}
}

// The newcomer's brokers are another cluster's: the topic never was there.
func TestRow07AnotherCluster(t *testing.T) {
	s := newScene(t)
	elsewhere := kafkatest.Start(t, kafkatest.Options{})
	late := s.orderer(s.ledger(channel), s.beside, func(o *chain.Options) { o.Brokers = elsewhere.Addresses() })
	s.eventually("it says that these are not the brokers", func() bool {
		err := late.Order(chaintest.Envelope(channel, "x"), 0)
		return err != nil && strings.Contains(err.Error(), "or these are not the channel's brokers")
	})
	if elsewhere.Info(channel).Exists {
		t.Error("the topic was made there")
	}
	s.it.takes("onwards")
}
