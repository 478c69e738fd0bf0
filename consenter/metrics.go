package consenter

import "github.com/fabric-kafka/orderer/chain/fabric"

// metrics are made once per process; each has the label channel.
type metrics struct {
	nextOffset     fabric.Gauge
	available      fabric.Gauge
	failed         fabric.Gauge
	blocks         fabric.Counter // cause
	skipped        fabric.Counter // reason
	reproduced     fabric.Counter
	cutsPosted     fabric.Counter
	cutsFailed     fabric.Counter
	appendDuration fabric.Histogram // result
	interruptions  fabric.Counter
}

// The namespace and subsystem of all metrics.
const (
	namespace = "consensus"
	subsystem = "kafka"
)

func newMetrics(p fabric.MetricsProvider) *metrics {
	return &metrics{
		nextOffset:     gauge(p, "next_offset", "Offset of the record that this orderer reads next."),
		available:      gauge(p, "available", "1 while this orderer reads the channel's topic, else 0."),
		failed:         gauge(p, "failed", "1 once the channel has stopped on this orderer until an operator acts."),
		blocks:         counter(p, "blocks_cut", "Blocks written, by what cut them.", "cause"),
		skipped:        counter(p, "records_skipped", "Records passed over, by reason.", "reason"),
		reproduced:     counter(p, "configs_reproduced", "Lagging config envelopes that were appended anew."),
		cutsPosted:     counter(p, "cuts_posted", "Time-to-cut records appended."),
		cutsFailed:     counter(p, "cuts_failed", "Attempts to append a time-to-cut record that failed."),
		appendDuration: histogram(p, "append_duration", "Seconds until Kafka acknowledged an envelope, or failed to.", "result"),
		interruptions:  counter(p, "interruptions", "Attempts to reach the topic that failed."),
	}
}

func labels(more []string) []string { return append([]string{"channel"}, more...) }

func format(more []string) string {
	f := "%{#fqname}.%{channel}"
	for _, l := range more {
		f += ".%{" + l + "}"
	}
	return f
}

func gauge(p fabric.MetricsProvider, name, help string, more ...string) fabric.Gauge {
	return p.NewGauge(fabric.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: labels(more), StatsdFormat: format(more)})
}

func counter(p fabric.MetricsProvider, name, help string, more ...string) fabric.Counter {
	return p.NewCounter(fabric.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: labels(more), StatsdFormat: format(more)})
}

func histogram(p fabric.MetricsProvider, name, help string, more ...string) fabric.Histogram {
	return p.NewHistogram(fabric.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		LabelNames: labels(more), StatsdFormat: format(more)})
}
