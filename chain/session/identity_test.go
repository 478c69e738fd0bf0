package session_test

import (
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/session"
)

// reading returns a rig that has read a block.
func reading(t *testing.T) *rig {
	r := newRig(t)
	r.reads()
	r.orders("a", "b")
	r.reads()
	return r
}

func TestADifferentTopic(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*rig)
		says   []string
	}{
		{"recreated", func(r *rig) { r.broker.Recreate(channelID) },
			[]string{"is not the same as before"}},
		{"cut short", func(r *rig) { r.broker.CutTail(channelID, 2) },
			[]string{"ends at offset 2, but the ledger was made from the records below 3"}},
		{"in another cluster", func(r *rig) {
			other := memlog.NewCluster("another")
			other.Write(channelID, r.broker.Values(channelID)...)
			r.broker = other
		}, []string{"the brokers belong to a different Kafka cluster than before: their id was cluster and is another"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := reading(t)
			test.change(r)
			r.ends(session.Stop, test.says...)
			r.holds("a b")
		})
	}
}

// A broker that has just started may not know a topic yet: it counts as deleted only after several sessions, and is
// not recreated then.
func TestADeletedTopicIsNotRecreated(t *testing.T) {
	r := reading(t)
	r.broker.Delete(channelID)
	for range 4 {
		r.ends(session.Retry)
	}
	r.ends(session.Retry, "the channel stops if that lasts for 1m0s")
	r.now += r.timeout
	r.ends(session.Stop, "was deleted")
	if n := r.broker.Len(channelID); n != 0 {
		t.Errorf("the topic was recreated, with %d records", n)
	}
}

// Records that are ordered in several partitions have no order.
func TestAFreshTopicHasOnePartition(t *testing.T) {
	r := newRig(t)
	r.broker.Make(channelID, 2)
	r.ends(session.Stop, "has 2 partitions, a channel's has one")
}

// A topic that gets more partitions later is still read, from the only one that was ever used.
func TestMorePartitionsAreReported(t *testing.T) {
	r := newRig(t)
	reported := 0
	r.events.Partitions = func(n int) { reported = n }
	r.restart()
	r.reads()
	r.orders("a", "b")
	r.reads()
	r.broker.Repartition(channelID, 3)
	r.orders("c", "d")
	r.reads()
	r.holds("a b; c d")
	if reported != 3 {
		t.Errorf("%d partitions were reported", reported)
	}
}

// A topic that the channel was moved to is read if the operator names it.
func TestMovedTopic(t *testing.T) {
	r := reading(t)
	records := r.broker.Values(channelID)
	r.broker.Recreate(channelID)
	r.broker.Write(channelID, records...)
	id, err := r.broker.Open(channelID, log.Settings{}).Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.settings.MovedTo = id.TopicID
	r.restart()
	r.orders("c", "d")
	r.reads()
	r.holds("a b; c d")

	r.settings.MovedTo = "another"
	r.restart()
	r.ends(session.Stop, "was moved to another")
}
