package consenter

import (
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// slowBrokers reports the brokers that a channel's requests wait for. It is safe for
// concurrent use.
type slowBrokers struct {
	log     *fabric.Logger
	metrics *metrics
	channel string

	mu   sync.Mutex
	said map[slowRequest]time.Time // when it was logged last
}

type slowRequest struct{ broker, operation string }

// slowAgain is how often a broker that stays slow is logged.
const slowAgain = 30 * time.Second

func (c *Consenter) slowBrokers(channel string) *slowBrokers {
	return &slowBrokers{log: c.logger.With("channel", channel), metrics: c.metrics, channel: channel, said: map[slowRequest]time.Time{}}
}

// waiting is a kafka.Config's.
func (s *slowBrokers) waiting(w kafka.Wait) {
	labels := s.labels(w.Broker, w.Operation)
	s.metrics.brokerWait.With(labels...).Add(w.Longer.Seconds())
	s.metrics.brokerWaiting.With(labels...).Set(w.Waited.Seconds())
	if !s.due(slowRequest{w.Broker, w.Operation}) {
		return
	}
	text := "A broker does not answer; others are asked where they can do it instead"
	if w.Throttled {
		text = "A broker throttles this orderer by a quota"
	}
	s.log.Warnw(text, "broker", w.Broker, "operation", w.Operation, "waited", w.Waited.Round(100*time.Millisecond))
}

// answered is a kafka.Config's.
func (s *slowBrokers) answered(broker, operation string) {
	s.metrics.brokerWaiting.With(s.labels(broker, operation)...).Set(0)
}

func (s *slowBrokers) labels(broker, operation string) []string {
	return []string{labelChannel, s.channel, labelBroker, broker, labelOperation, operation}
}

func (s *slowBrokers) due(r slowRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, before := s.said[r]
	if before && time.Since(last) < slowAgain {
		return false
	}
	s.said[r] = time.Now()
	return true
}
