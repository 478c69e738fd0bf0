package consenter

import (
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// The namespace and subsystem of all metrics.
const (
	namespace = "consensus"
	subsystem = "kafka"
)

// Labels of the metrics. All but channel and broker have few values; the number of members,
// which are other orderers' consumer groups, is bounded.
const (
	labelChannel = "channel"
	labelCause   = "cause"
	labelReason  = "reason"
	labelResult  = "result"
	labelMember  = "member"

	labelBroker    = "broker"
	labelOperation = "operation"
)

// metrics are created once per process, since a provider accepts each name once. All but
// those of the process have the label channel.
type metrics struct {
	certificateEnd                                    fabric.Gauge // of the process
	nextOffset, available, failed, flaws              fabric.Gauge
	logEnd, lag, sinceRecord                          fabric.Gauge
	compared                                          fabric.Gauge
	fork                                              fabric.Gauge   // label member
	failure                                           fabric.Gauge   // label cause
	refused                                           fabric.Counter // label reason
	blocks                                            fabric.Counter // label cause
	skipped                                           fabric.Counter // label reason
	reproduced, cutsPosted, cutsFailed, interruptions fabric.Counter
	reconnects, ambiguous, pulled                     fabric.Counter
	appendDuration                                    fabric.Histogram // label result
	brokerWait                                        fabric.Counter   // labels broker, operation
	brokerWaiting                                     fabric.Gauge     // labels broker, operation
}

func newMetrics(p fabric.MetricsProvider) *metrics {
	return &metrics{
		certificateEnd: p.NewGauge(fabric.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "client_certificate_expiry_seconds",
			Help: "End of the client certificate for the brokers, in seconds of Unix time.", StatsdFormat: "%{#fqname}"}),
		nextOffset:     gauge(p, "next_offset", "Offset of the record that this orderer reads next."),
		logEnd:         gauge(p, "log_end", "Offset after the last record of the topic, as last seen."),
		lag:            gauge(p, "lag", "Records that this orderer has not processed yet: log_end minus next_offset."),
		sinceRecord:    gauge(p, "since_record_seconds", "Seconds since this orderer processed a record, or since it started."),
		available:      gauge(p, "available", "1 while this orderer reads the channel's topic, else 0."),
		failed:         gauge(p, "failed", "1 once the channel has stopped on this orderer until an operator acts, else 0."),
		failure:        gauge(p, "failure", "1 while the channel has stopped on this orderer for this cause, else 0.", labelCause),
		refused:        counter(p, "envelopes_refused", "Envelopes that were not accepted from clients, by reason.", labelReason),
		flaws:          gauge(p, "topic_flaws", "Settings of the topic with which records can be lost or appends fail."),
		compared:       gauge(p, "compared_orderers", "Other orderers whose published blocks this orderer last compared with its own."),
		fork:           gauge(p, "fork", "1 while another orderer has published a block that differs from this orderer's, else 0.", labelMember),
		blocks:         counter(p, "blocks_cut", "Blocks written, by what cut them.", labelCause),
		skipped:        counter(p, "records_skipped", "Records that were skipped, by reason.", labelReason),
		pulled:         counter(p, "blocks_pulled", "Blocks from other orderers, written because the topic had lost their records."),
		reproduced:     counter(p, "configs_reproduced", "Stale config envelopes that this orderer resubmitted."),
		cutsPosted:     counter(p, "cuts_posted", "Time-to-cut records that this orderer appended."),
		cutsFailed:     counter(p, "cuts_failed", "Attempts to append a time-to-cut record that failed."),
		interruptions:  counter(p, "interruptions", "Attempts to reach or to read the topic that failed."),
		reconnects:     counter(p, "reconnects", "Times that this orderer read the topic again after being cut off."),
		ambiguous:      counter(p, "appends_ambiguous", "Appends whose outcome is not known."),
		brokerWait:     counter(p, "broker_wait_seconds", "Seconds that requests waited for a broker which did not answer for 2 s or more.", labelBroker, labelOperation),
		brokerWaiting:  gauge(p, "broker_waiting_seconds", "Seconds that a request has waited so far for a broker which has not answered for 2 s or more, or throttles this orderer; 0 once it has answered.", labelBroker, labelOperation),
		appendDuration: histogram(p, "append_duration", "Seconds until Kafka acknowledged a client's envelope, or it was refused.", labelResult),
	}
}

// labelled returns the label names of a metric, and its name for statsd.
func labelled(more []string) (names []string, statsd string) {
	names = append([]string{labelChannel}, more...)
	statsd = "%{#fqname}"
	for _, name := range names {
		statsd += ".%{" + name + "}"
	}
	return names, statsd
}

func gauge(p fabric.MetricsProvider, name, help string, more ...string) fabric.Gauge {
	names, statsd := labelled(more)
	return p.NewGauge(fabric.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: names, StatsdFormat: statsd})
}

func counter(p fabric.MetricsProvider, name, help string, more ...string) fabric.Counter {
	names, statsd := labelled(more)
	return p.NewCounter(fabric.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: names, StatsdFormat: statsd})
}

func histogram(p fabric.MetricsProvider, name, help string, more ...string) fabric.Histogram {
	names, statsd := labelled(more)
	return p.NewHistogram(fabric.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: names, StatsdFormat: statsd})
}

// channelMetrics are the metrics of one channel.
type channelMetrics struct {
	all                              *metrics
	channel                          string
	nextOffset, available, stopped   fabric.Gauge
	flaws                            fabric.Gauge
	logEnd, lag, sinceRecord         fabric.Gauge
	comparedOthers                   fabric.Gauge
	reconnects, ambiguous            fabric.Counter
	configsReproduced, interruptions fabric.Counter
	cutsPosted, cutsFailed           fabric.Counter
	blocksPulled                     fabric.Counter
	appendDone, appendFailed         fabric.Histogram
}

// of returns the metrics of a channel whose chain is being created.
func (m *metrics) of(channel string) *channelMetrics {
	c := &channelMetrics{
		all:               m,
		channel:           channel,
		nextOffset:        m.nextOffset.With(labelChannel, channel),
		available:         m.available.With(labelChannel, channel),
		stopped:           m.failed.With(labelChannel, channel),
		flaws:             m.flaws.With(labelChannel, channel),
		logEnd:            m.logEnd.With(labelChannel, channel),
		lag:               m.lag.With(labelChannel, channel),
		sinceRecord:       m.sinceRecord.With(labelChannel, channel),
		comparedOthers:    m.compared.With(labelChannel, channel),
		reconnects:        m.reconnects.With(labelChannel, channel),
		ambiguous:         m.ambiguous.With(labelChannel, channel),
		configsReproduced: m.reproduced.With(labelChannel, channel),
		interruptions:     m.interruptions.With(labelChannel, channel),
		cutsPosted:        m.cutsPosted.With(labelChannel, channel),
		blocksPulled:      m.pulled.With(labelChannel, channel),
		cutsFailed:        m.cutsFailed.With(labelChannel, channel),
		appendDone:        m.appendDuration.With(labelChannel, channel, labelResult, "ok"),
		appendFailed:      m.appendDuration.With(labelChannel, channel, labelResult, "error"),
	}
	// These are exposed from the start, before anything has happened.
	c.available.Set(0)
	c.stopped.Set(0)
	for _, count := range []fabric.Counter{c.reconnects, c.ambiguous, c.interruptions} {
		count.Add(0)
	}
	return c
}

func (c *channelMetrics) blocks(cause machine.CutCause) fabric.Counter {
	return c.all.blocks.With(labelChannel, c.channel, labelCause, string(cause))
}

func (c *channelMetrics) skips(reason machine.Reason) fabric.Counter {
	return c.all.skipped.With(labelChannel, c.channel, labelReason, string(reason))
}

func (c *channelMetrics) refusals(reason status.Refusal) fabric.Counter {
	return c.all.refused.With(labelChannel, c.channel, labelReason, string(reason))
}

func (c *channelMetrics) failure(cause status.Cause) fabric.Gauge {
	return c.all.failure.With(labelChannel, c.channel, labelCause, string(cause))
}

func (c *channelMetrics) forkedFrom(member string) fabric.Gauge {
	return c.all.fork.With(labelChannel, c.channel, labelMember, member)
}
