package matrix

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// both runs a test with an orderer that is running, and with one that is down during the fault.
func both(t *testing.T, f func(t *testing.T, live bool)) {
	for name, live := range map[string]bool{"live": true, "restart": false} {
		t.Run(name, func(t *testing.T) { f(t, live) })
	}
}

// Records that the orderer has not read yet are deleted. A running orderer cannot
// read them before, since its fetches fail.
func TestRow10Trimmed(t *testing.T) {
	const start = next + 3
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		s.begin(live, func() {
			fault := s.cluster.Fault(kafkatest.Fault{Key: kafkatest.KeyFetch, Topic: channel, Code: kafkatest.CodeStorageError})
			if live {
				s.it.is(types.StatusInactive)
			}
			s.write(channel, s.values(5)...)
			s.cluster.Trim(channel, start)
			fault.Remove()
		})
		s.stopped(fmt.Sprintf("starts at offset %d", start), fmt.Sprintf("continues at %d", next))
	})
}

// No needed record is lost, but the last one read can no longer be compared.
func TestRow11TrimmedToTheNextOffset(t *testing.T) {
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		s.begin(live, func() { s.cluster.Trim(channel, next) })
		s.eventually("the unchecked tail is reported", func() bool {
			return slices.Contains(s.it.seen.now().unchecked, next-1)
		})
		s.it.ready().order("e", "f")
		s.it.holds(initial + "; e f @6")
		s.it.is(types.StatusActive)
	})
}

// crashed kills the broker and changes its data. The orderer keeps running, or is
// down too.
func (s *scene) crashed(live bool, meanwhile func()) {
	s.Helper()
	s.begin(live, func() {
		s.cluster.Kill()
		meanwhile()
		s.cluster.Resume()
	})
}

// An election has made a replica the leader that lacks acknowledged records.
func TestRow12UncleanElectionShorter(t *testing.T) {
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		s.crashed(live, func() { s.cluster.CutTail(channel, 3) })
		s.stopped("ends at offset 3", fmt.Sprintf("below %d", next))
	})
}

// As before, but others have written since: the log is as long as it was.
func TestRow13UncleanElectionRefilled(t *testing.T) {
	for name, elected := range map[string]bool{"same epoch": false, "new epoch": true} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, live bool) {
				s := newScene(t)
				values := s.values(next)
				s.crashed(live, func() {
					s.cluster.CutTail(channel, 3)
					s.cluster.Apart(func() {
						if elected {
							s.cluster.Move(channel, 0)
						}
						s.write(channel, values...)
					})
				})
				differs := next - 1 // the last of its block
				if live && !elected {
					differs = 3 // a running orderer can compare each of the newest records
				}
				s.stopped("is not the log that the ledger was made from", fmt.Sprintf("at offset %d", differs))
			})
		})
	}
}

// The broker has lost all records and their start offset.
func TestRow16OffsetsRestartAtZero(t *testing.T) {
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		s.begin(live, func() {
			s.cluster.Trim(channel, -1)
			s.cluster.Kill()
			s.cluster.Resume()
		})
		if i := s.cluster.Info(channel); i.End != 0 {
			t.Fatalf("the fault did not occur: %+v", i)
		}
		s.stopped("ends at offset 0", fmt.Sprintf("below %d", next))
	})
}

// The same, but others have written since: the log is as long as it was.
func TestRow16OffsetsRestartAtZeroRefilled(t *testing.T) {
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		values := s.values(next)
		s.begin(live, func() {
			s.cluster.Trim(channel, -1)
			s.cluster.Kill()
			s.cluster.Apart(func() { s.write(channel, values...) })
			s.cluster.Resume()
		})
		differs := 2
		if live {
			differs = 0
		}
		s.stopped("is not the log that the ledger was made from", fmt.Sprintf("at offset %d", differs))
	})
}

// The channel is the first partition; nothing is ever written to the second.
func TestRow17SecondPartition(t *testing.T) {
	both(t, func(t *testing.T, live bool) {
		s := newScene(t)
		s.begin(live, func() { s.partitions(channel, 2) })
		s.eventually("the second partition is reported", func() bool {
			return slices.Contains(s.it.seen.now().partitions, 2)
		})
		s.it.ready().order("e", "f", "g", "h")
		s.it.holds(initial + "; e f @6; g h @8")
		s.it.is(types.StatusActive)
		if n := s.end(channel, 1); n != 0 {
			t.Errorf("the second partition has %d records", n)
		}
	})
}

// The folder of a ledger was copied: from another channel, or from the same
// channel of another network.
func TestRow56ForeignLedger(t *testing.T) {
	t.Run("of another channel", func(t *testing.T) {
		s := newScene(t)
		s.it.Halt()
		id, theirs := s.cluster.Info(channel).ID, s.cluster.Info(another).ID
		s.it = s.orderer(s.other.ledger.As(channel, 2))
		s.it.stopped("o p @2", id, theirs, "offset 3")
		s.it = s.orderer(s.other.ledger.As(channel, 2), moved(id))
		s.it.stopped("o p @2", "is not the log that the ledger was made from", "at offset 2")
		s.other.accepts("onwards")
	})
	t.Run("of another network", func(t *testing.T) {
		s := newScene(t)
		elsewhere := &world{T: t, cluster: kafkatest.Start(t, kafkatest.Options{})}
		stranger := elsewhere.orderer(elsewhere.ledger(channel)).ready()
		stranger.order("x", "y")
		stranger.holds("x y @2")
		stranger.Halt()
		s.it.Halt()
		id, theirs := s.cluster.Info(channel).ID, elsewhere.cluster.Info(channel).ID
		stranger.ledger.SetBrokers(s.cluster.Addresses()...)
		s.it = s.orderer(stranger.ledger)
		s.it.stopped("x y @2", id, theirs, "offset 3")
		s.other.accepts("onwards")
	})
	t.Run("of another network, empty", func(t *testing.T) {
		s := newScene(t)
		s.it.Halt()
		s.it = s.orderer(chaintest.NewForeignLedger(channel, s.settings()))
		s.it.stopped("", "names genesis block", "ours is")
		s.other.accepts("onwards")
	})
}
