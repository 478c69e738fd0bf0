package consenter

import "github.com/fabric-kafka/orderer/chain/fabric"

// The lists below have a field for each metric. Its type is the metric's kind, its tags are the name after
// consensus_kafka_, the further labels and the help that the provider shows. To add a metric, add a field here, a row
// in METRICS.md and a panel in the dashboard; tests fail until all of them exist and an event sets the metric.

// channelMetrics are the metrics of a channel. Their first label is channel. Other labels have few values, except for
// broker; the number of members, which are other orderers' consumer groups, is bounded.
type channelMetrics struct {
	Available   fabric.Gauge `metric:"available" help:"1 while this orderer reads the channel's topic, else 0."`
	Failed      fabric.Gauge `metric:"failed" help:"1 once the channel has stopped on this orderer until an operator acts, else 0."`
	Failure     gauges       `metric:"failure" labels:"cause" help:"1 while the channel has stopped on this orderer for this cause, else 0."`
	Type        gauges       `metric:"type" labels:"type" help:"1 for the channel's consensus type in its config, else 0. Kafka orders the channel whatever the type is."`
	TopicFlaws  fabric.Gauge `metric:"topic_flaws" help:"Unsafe settings of the topic and the brokers, replicas that are not in sync, missing rights and clocks that differ."`
	Fork        gauges       `metric:"fork" labels:"member" help:"1 while another orderer has published a block that differs from this orderer's, else 0."`
	Compared    fabric.Gauge `metric:"compared_orderers" help:"Other orderers whose published blocks this orderer last compared with its own."`
	NextOffset  fabric.Gauge `metric:"next_offset" help:"Offset of the record that this orderer reads next."`
	LogEnd      fabric.Gauge `metric:"log_end" help:"Offset after the last record of the topic, as last seen."`
	Lag         fabric.Gauge `metric:"lag" help:"Records that this orderer has not processed yet: log_end minus next_offset."`
	SinceRecord fabric.Gauge `metric:"since_record_seconds" help:"Seconds since this orderer processed a record, or since it started."`

	BlocksCut         counters       `metric:"blocks_cut" labels:"cause" help:"Blocks written, by what cut them."`
	BlocksPulled      fabric.Counter `metric:"blocks_pulled" help:"Blocks from other orderers, written because the topic had lost their records."`
	RecordsSkipped    counters       `metric:"records_skipped" labels:"reason" help:"Records that were skipped, by reason."`
	ConfigsReproduced fabric.Counter `metric:"configs_reproduced" help:"Stale envelopes that this orderer resubmitted."`
	CutsPosted        fabric.Counter `metric:"cuts_posted" help:"Time-to-cut records that this orderer appended."`
	CutsFailed        fabric.Counter `metric:"cuts_failed" help:"Attempts to append a time-to-cut record that failed."`

	EnvelopesRefused counters       `metric:"envelopes_refused" labels:"reason" help:"Envelopes that were not accepted from clients, by reason."`
	AppendDuration   histograms     `metric:"append_duration" labels:"result" help:"Seconds until Kafka acknowledged a client's envelope, or it was refused."`
	AppendsAmbiguous fabric.Counter `metric:"appends_ambiguous" help:"Appends whose outcome is not known."`

	Interruptions fabric.Counter `metric:"interruptions" help:"Attempts to reach or to read the topic that failed."`
	Reconnects    fabric.Counter `metric:"reconnects" help:"Times that this orderer read the topic again after being cut off."`
	BrokerWait    counters       `metric:"broker_wait_seconds" labels:"broker,operation" help:"Seconds that requests waited for a broker which did not answer, or throttled this orderer, for 2 s or more."`
	BrokerWaiting gauges         `metric:"broker_waiting_seconds" labels:"broker,operation" help:"Seconds that a request has waited so far for a broker which has not answered for 2 s or more, or throttles this orderer; 0 once it has answered."`
}

// processMetrics are the metrics of the orderer's process.
type processMetrics struct {
	CertificateExpiry fabric.Gauge `metric:"client_certificate_expiry_seconds" help:"End of the client certificate for the brokers, in seconds of Unix time."`
}

// metrics are registered once per process, since a provider accepts each name once.
type metrics struct {
	process processMetrics
	channel []registered // of channelMetrics
}

func newMetrics(p fabric.MetricsProvider) *metrics {
	m := &metrics{channel: register(p, &channelMetrics{}, "channel")}
	bind(&m.process, register(p, &processMetrics{}))
	return m
}

// of returns the metrics of a channel.
func (m *metrics) of(channel string) *channelMetrics {
	c := &channelMetrics{}
	bind(c, m.channel, channel)
	return c
}

// expose shows the metrics that operators alert on, or take rates of, before anything has
// happened to a channel whose chain is being created.
func (c *channelMetrics) expose() {
	c.Available.Set(0)
	c.Failed.Set(0)
	c.Reconnects.Add(0)
	c.AppendsAmbiguous.Add(0)
	c.Interruptions.Add(0)
}
