package matrix

import (
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/status"
)

// scene is an orderer with two channels on one broker: one gets the fault, and the
// other must not be affected. Both have blocks.
type scene struct {
	*world
	it, other *orderer
}

// The contents of the ledger of the scene's channel, and the next offset of its
// topic, whose description is at offset 0.
const (
	initial = "a b @2; c d @4"
	next    = 5
)

func newScene(t *testing.T, tweaks ...func(*chain.Options)) *scene {
	t.Helper()
	w := newWorld(t, kafkatest.Options{})
	s := &scene{world: w, it: w.orderer(w.ledger(channel), tweaks...).ready(), other: w.orderer(w.ledger(another)).ready()}
	s.it.order("a", "b", "c", "d")
	s.it.holds(initial)
	s.other.order("o", "p")
	s.other.holds("o p @2")
	return s
}

// restarts stops the orderer, calls meanwhile, and starts the orderer again.
func (s *scene) restarts(meanwhile func(), tweaks ...func(*chain.Options)) {
	s.Helper()
	s.it = s.it.restarted(meanwhile, tweaks...)
}

// stopped waits until the channel has stopped, and checks the error that clients
// get, that no block was written, and that the other channel continues.
func (s *scene) stopped(texts ...string) {
	s.Helper()
	s.it.stopped(initial, texts...)
	s.other.accepts("onwards")
}

// stopped waits until the channel has stopped with these contents of its ledger.
func (o *orderer) stopped(contents string, texts ...string) {
	o.w.Helper()
	o.is(types.StatusFailed)
	if !closed(o.Errored()) {
		o.w.Error("Errored is open: readers wait for blocks that never come")
	}
	o.refuses(status.ErrFailed, texts...)
	o.w.eventually("the failure is reported", func() bool { return len(o.seen.now().failed) > 0 })
	if n := len(o.seen.now().failed); n != 1 {
		o.w.Errorf("the failure was reported %d times", n)
	}
	o.Halt() // no block can follow
	if got := o.ledger.Contents(); got != contents {
		o.w.Errorf("the ledger holds\n%s, want\n%s", got, contents)
	}
}
