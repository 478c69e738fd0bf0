package consenter

import (
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
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
func (s *slowBrokers) waiting(broker, operation string, longer time.Duration) {
	s.metrics.brokerWait.With(labelChannel, s.channel, labelBroker, broker, labelOperation, operation).Add(longer.Seconds())
	if s.due(slowRequest{broker, operation}) {
		s.log.Warnw("A broker does not answer; others are asked where they can do it instead", "broker", broker, "operation", operation, "waited", longer.Round(100*time.Millisecond))
	}
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
