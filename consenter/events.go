package consenter

import (
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// events turns what happens in a chain into one log line and the metrics each.
// What every block or record brings is at debug level.
func (c *Consenter) events(channel string) chain.Events {
	l, m := c.logger.With("channel", channel), c.metrics.of(channel)
	e := m.events()
	e.Started = func(next log.Offset, height uint64) {
		m.position(machine.Offset(next))
		m.available.Set(1)
		l.Infow("Reading the topic", "offset", next, "height", height)
	}
	e.Described = func(at machine.Offset) { l.Infow("The topic is described as ours", "offset", at) }
	e.BlockCut = func(number machine.BlockNumber, envelopes int, cause machine.Cause, at machine.Offset) {
		m.blocks.With("channel", channel, "cause", string(cause)).Add(1)
		l.Debugw("Cut a block", "block", number, "envelopes", envelopes, "cause", cause, "offset", at)
	}
	e.Skipped = func(at machine.Offset, reason machine.Reason, detail string) {
		m.skipped.With("channel", channel, "reason", string(reason)).Add(1)
		skipLine(l, reason)("Skipped a record", "offset", at, "reason", reason, "detail", detail)
	}
	e.Reproduced = func(at machine.Offset) {
		m.reproduced.Add(1)
		l.Infow("Appended a lagging config envelope anew", "offset", at)
	}
	e.CutFailed = func(number machine.BlockNumber, err error) {
		m.cutsFailed.Add(1)
		l.Warnw("Could not ask for a block to be cut; trying again", "block", number, "error", err)
	}
	e.Unavailable = func(err error, retry time.Duration) {
		m.available.Set(0)
		m.interruptions.Add(1)
		l.Warnw("Cannot reach the topic; trying again", "after", retry, "error", err)
	}
	e.Recovered = func(after time.Duration) { l.Infow("Reached the topic", "after", after) }
	e.Failed = func(err error) {
		m.available.Set(0)
		m.failed.Set(1)
		l.Errorw("The channel has stopped on this orderer", "error", err)
	}
	e.Halted = func() {
		m.available.Set(0)
		l.Info("Halted")
	}
	return e
}

// skipLine is quiet about records that belong to normal operation.
func skipLine(l *fabric.Logger, reason machine.Reason) func(string, ...any) {
	switch reason {
	case machine.ReasonConnect, machine.ReasonStaleCut, machine.ReasonDescription:
		return l.Debugw
	}
	return l.Warnw
}

// channelMetrics are the metrics with the channel filled in where no other label is open.
type channelMetrics struct {
	*metrics
	channel                                           string
	nextOffset, available, failed                     fabric.Gauge
	reproduced, cutsPosted, cutsFailed, interruptions fabric.Counter
}

func (m *metrics) of(channel string) channelMetrics {
	c := channelMetrics{
		metrics:       m,
		channel:       channel,
		nextOffset:    m.nextOffset.With("channel", channel),
		available:     m.available.With("channel", channel),
		failed:        m.failed.With("channel", channel),
		reproduced:    m.reproduced.With("channel", channel),
		cutsPosted:    m.cutsPosted.With("channel", channel),
		cutsFailed:    m.cutsFailed.With("channel", channel),
		interruptions: m.interruptions.With("channel", channel),
	}
	c.available.Set(0)
	c.failed.Set(0)
	return c
}

func (m channelMetrics) position(next machine.Offset) { m.nextOffset.Set(float64(next)) }

// events are those that only count.
func (m channelMetrics) events() chain.Events {
	ok := m.appendDuration.With("channel", m.channel, "result", "ok")
	failed := m.appendDuration.With("channel", m.channel, "result", "error")
	return chain.Events{
		Position:  m.position,
		CutPosted: func(machine.BlockNumber) { m.cutsPosted.Add(1) },
		Appended: func(took time.Duration, err error) {
			if err != nil {
				failed.Observe(took.Seconds())
				return
			}
			ok.Observe(took.Seconds())
		},
	}
}

// saramaLog prints what the client library has to say at debug level.
type saramaLog struct{ *fabric.Logger }

func (s saramaLog) Print(v ...any)                 { s.Debug(v...) }
func (s saramaLog) Printf(format string, v ...any) { s.Debugf(format, v...) }
func (s saramaLog) Println(v ...any)               { s.Debug(v...) }

// redirectSarama sets sarama's logger, one for the process.
func redirectSarama(l *fabric.Logger) { sarama.Logger = saramaLog{l} }
