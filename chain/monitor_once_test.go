package chain

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// slowGroups is a log whose group coordinator answers late.
type slowGroups struct {
	log.Log
	running, most, asked *atomic.Int64
}

func (s slowGroups) Publish(ctx context.Context, _ log.Progress) error {
	now := s.running.Add(1)
	defer s.running.Add(-1)
	s.most.Store(max(s.most.Load(), now))
	s.asked.Add(1)
	select {
	case <-time.After(7 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Monitoring does not start again while the previous run is in progress: a slow coordinator would get more and more
// requests, and an older answer would replace a newer one.
func TestMonitoringDoesNotOverlap(t *testing.T) {
	inBubble(t, func(r *rig) {
		var running, most, asked atomic.Int64
		l := newLedger()
		c := r.chain(l)
		c.opts.CheckInterval, c.opts.Member = time.Second, "orderer"
		c.opts.OpenLog = func([]string, string, uint32) (log.Log, error) {
			return slowGroups{r.broker.Open(channel, log.Settings{MaxMessageBytes: 1 << 20}), &running, &most, &asked}, nil
		}
		c.Start()
		settle()
		r.order(c, "a", "b", "c")
		settle()
		if most.Load() != 1 || asked.Load() < 10 {
			r.Errorf("%d at a time, %d in all", most.Load(), asked.Load())
		}
	})
}
