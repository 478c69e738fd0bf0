package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// A deleted topic is not recreated: an empty one would hide the loss.
func TestRow07TopicDeleted(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "restart": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.begin(live, func() { s.cluster.Delete(channel) })
			const final = 30 * time.Second // until then it may be a fault of the brokers
			s.within(final+timeout, "the channel has stopped", func() bool { return s.it.status() == types.StatusFailed })
			s.stopped("was deleted", fmt.Sprintf("offset %d", next))
			if s.cluster.Info(channel).Exists {
				t.Error("the topic was recreated")
			}
		})
	}
}

// begin injects a fault under a running orderer, or while it is down.
func (s *scene) begin(live bool, fault func()) {
	s.Helper()
	if live {
		fault()
		return
	}
	s.restarts(fault)
}

// refills has the numbers of records in a recreated topic.
var refills = map[string]int{"empty": 0, "shorter": next - 2, "equal": next, "longer": next + 10}

func TestRow08TopicRecreated(t *testing.T) {
	for name, n := range refills {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			values, before := s.values(n), s.cluster.Info(channel).ID
			s.cluster.Recreate(channel)
			s.write(channel, values...)
			s.stopped(before, s.cluster.Info(channel).ID, "deleted and recreated", fmt.Sprintf("offset %d", next))
		})
	}
}

// Between two fetches the topic is recreated with more records than it had: the
// broker returns no error.
func TestRow08RecreatedBetweenFetches(t *testing.T) {
	s := newScene(t, func(o *chain.Options) { o.CheckInterval = time.Minute })
	values, before := s.values(next+10), s.cluster.Info(channel).ID
	s.cluster.Slow(kafkatest.KeyFetch, 600*time.Millisecond) // every fetch is delayed before it is answered
	s.it.order("e", "f")                                     // ends the waiting fetch
	s.it.holds(initial + "; e f @6")
	s.cluster.Recreate(channel)
	s.write(channel, values...)
	s.it.stopped(initial+"; e f @6", before, s.cluster.Info(channel).ID, "deleted and recreated",
		"this orderer continues at offset") // 9 if it has read 7 and 8 and fetched again; 7 if a slow machine recreated the topic too late
}

// An operator's confirmation does not turn the new topic into the old one.
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
			s.stopped(before, after, "deleted and recreated", fmt.Sprintf("offset %d", next))

			s.restarts(nil, moved(after))
			if n < next {
				s.stopped(fmt.Sprintf("ends at offset %d", n), fmt.Sprintf("below %d", next))
				return
			}
			s.stopped("is not the log that the ledger was made from", "at offset 2") // the last record of the first block
		})
	}
}

// pulling lets a new orderer pull blocks from the scene's orderer.
func (s *scene) pulling(o *chain.Options) {
	o.NewPuller = func(chain.Support) (chain.Puller, error) {
		return &chaintest.Puller{From: []*chaintest.Ledger{s.it.ledger}}, nil
	}
}

// An orderer that has only the genesis block finds no topic, or an empty one: it does
// not start the channel a second time.
func TestRow07DeletedWithANewcomer(t *testing.T) {
	for name, lose := range map[string]func(*kafkatest.Cluster, string){"deleted": (*kafkatest.Cluster).Delete, "recreated": (*kafkatest.Cluster).Recreate} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			lose(s.cluster, channel)
			before := s.cluster.Info(channel)
			late := s.orderer(s.ledger(channel), s.pulling)
			s.eventually("the orderer reports that others have blocks", func() bool {
				err := late.Order(chaintest.Envelope(channel, "x"), 0)
				return err != nil && strings.Contains(err.Error(), "other orderers have blocks of the channel (orderer0 has 3")
			})
			if after := s.cluster.Info(channel); after != before {
				t.Errorf("the topic was %+v and is %+v", before, after)
			}
			s.other.accepts("onwards")
		})
	}
}

// The new orderer uses another cluster, which never had the topic.
func TestRow07AnotherCluster(t *testing.T) {
	s := newScene(t)
	elsewhere := kafkatest.Start(t, kafkatest.Options{})
	late := s.orderer(s.ledger(channel), s.pulling, func(o *chain.Options) { o.Brokers = elsewhere.Addresses() })
	s.eventually("the orderer reports that these may not be the channel's brokers", func() bool {
		err := late.Order(chaintest.Envelope(channel, "x"), 0)
		return err != nil && strings.Contains(err.Error(), "or these are not the channel's brokers")
	})
	if elsewhere.Info(channel).Exists {
		t.Error("the topic was created there")
	}
	s.it.accepts("onwards")
}
