package chain

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// unknown makes the brokers answer that they do not know the topic, while now is true.
func (r *rig) unknown(now *atomic.Bool) {
	r.broker.SetFault(func(op, topic string, _ int) *memlog.Failure {
		if !now.Load() {
			return nil
		}
		return &memlog.Failure{Err: &log.Error{Class: log.Retryable, Op: op, Topic: topic, Err: log.ErrNoTopic, Await: "the topic to be created"}}
	})
}

// While a controller restarts, brokers may not know a topic that exists. That is an outage, and not a reason to stop
// the channel until an operator acts.
func TestATopicThatIsUnknownForAWhile(t *testing.T) {
	inBubble(t, func(r *rig) {
		var now atomic.Bool
		l := newLedger()
		c := r.started(l)
		r.order(c, "a", "b", "c")
		settle()
		r.unknown(&now)
		for range 3 { // each is counted from its own beginning
			now.Store(true)
			r.broker.Elect(channel) // ends the session
			time.Sleep(leastMissingTimeout * 2 / 3)
			if err := c.Order(envelope("x"), 0); err == nil || !strings.Contains(err.Error(), "the channel stops if that lasts for 30s") {
				r.Errorf("order: %v", err)
			}
			now.Store(false)
			settle()
			r.reports(c, types.StatusActive)
		}
		r.order(c, "d", "e", "f")
		settle()
		r.holds(l, "a b c @3; d e f @6")

		now.Store(true)
		r.broker.Elect(channel)
		time.Sleep(leastMissingTimeout * 2 / 3)
		if _, status := c.StatusReport(); status == types.StatusFailed {
			r.Error("it has stopped")
		}
		settle()
		r.said(c, types.StatusFailed, "was deleted")
	})
}
