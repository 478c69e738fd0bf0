package chain

import (
	"context"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// slowLog takes its time for the first record of each reader.
type slowLog struct {
	log.Log
	takes time.Duration
}

type slowReader struct {
	log.Reader
	takes time.Duration
}

func (s slowLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := s.Log.Read(ctx, from)
	return &slowReader{r, s.takes}, err
}

func (s *slowReader) Next(ctx context.Context) (log.Record, error) {
	select {
	case <-time.After(s.takes):
		s.takes = 0
		return s.Reader.Next(ctx)
	case <-ctx.Done():
		return log.Record{}, ctx.Err()
	}
}

// A fetch that takes longer than CheckInterval comes to its end all the same.
func TestSlowerThanTheCheck(t *testing.T) {
	inBubble(t, func(r *rig) {
		a := newLedger()
		r.order(r.started(a), "a", "b", "c", "d")
		settle()
		b := newLedger()
		c := r.chain(b)
		c.opts.CheckInterval = time.Second
		fast := c.opts.OpenLog
		c.opts.OpenLog = func(brokers []string, topic string, limit uint32) (log.Log, error) {
			l, err := fast(brokers, topic, limit)
			return slowLog{l, 5 * time.Second}, err
		}
		c.Start()
		settle()
		r.equalLedgers(a, b)
	})
}
