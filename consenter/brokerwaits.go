package consenter

import (
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// brokerWaits reports the brokers that a channel's requests are waiting for, in metrics and
// in the log. It is safe for concurrent use.
type brokerWaits struct {
	log     *fabric.Logger
	metrics *channelMetrics

	mu     sync.Mutex
	logged map[brokerRequest]time.Time // when a wait was logged last
}

type brokerRequest struct{ broker, operation string }

// logWaitEvery is the interval at which a broker that stays slow is logged again.
const logWaitEvery = 30 * time.Second

func (c *Consenter) brokerWaits(channel string) *brokerWaits {
	return &brokerWaits{log: c.logger.With("channel", channel), metrics: c.metrics.of(channel), logged: map[brokerRequest]time.Time{}}
}

// waiting is called as Waiting of a kafka.Config.
func (s *brokerWaits) waiting(w conn.Wait) {
	s.metrics.BrokerWait(w.Broker, w.Operation).Add(w.Longer.Seconds())
	s.metrics.BrokerWaiting(w.Broker, w.Operation).Set(w.Waited.Seconds())
	if !s.due(brokerRequest{w.Broker, w.Operation}) {
		return
	}
	text := "A broker does not answer; requests that others can serve go to them instead"
	if w.Throttled {
		text = "A broker throttles this orderer by a quota"
	}
	s.log.Warnw(text, "broker", w.Broker, "operation", w.Operation, "waited", w.Waited.Round(100*time.Millisecond))
}

// answered is called as Answered of a kafka.Config.
func (s *brokerWaits) answered(broker, operation string) {
	s.metrics.BrokerWaiting(broker, operation).Set(0)
}

// due reports whether a request's wait is to be logged now.
func (s *brokerWaits) due(r brokerRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, before := s.logged[r]
	if before && time.Since(last) < logWaitEvery {
		return false
	}
	s.logged[r] = time.Now()
	return true
}
