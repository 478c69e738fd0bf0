package kafka

import (
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// recordOverhead is room for key, framing and batch header beside a value.
	recordOverhead = 4 << 10
	// maxRequestBytes stays below sarama's own limit of 100 MiB for a request.
	maxRequestBytes = 99 << 20
)

// version is the protocol level asked for. 2.8 is the oldest that tells a
// topic's id; brokers from 2.8 to 4.x speak it.
var version = sarama.V2_8_0_0

// processLimits guards what sarama keeps in package variables: set by the first
// Open of the process, before any client exists.
var processLimits sync.Once

// limitProcess bounds what one compressed batch may unpack to: 28 KB can
// otherwise become gigabytes in every orderer.
func (c Config) limitProcess() {
	processLimits.Do(func() { sarama.MaxDecompressedBatchSize = c.MaxDecompressedBytes })
}

// clientConfig is common to producing and reading.
func (c Config) clientConfig(g *gate) *sarama.Config {
	s := sarama.NewConfig()
	s.Version = version
	s.ClientID = c.ClientID

	s.Net.Proxy.Enable = true // not a proxy: the way to give sarama our dialer, which does TLS
	s.Net.Proxy.Dialer = g
	s.Net.DialTimeout = c.DialTimeout
	s.Net.ReadTimeout = c.ReadTimeout
	s.Net.WriteTimeout = c.WriteTimeout
	if c.SASL != nil {
		c.SASL.configure(s, g)
	}

	s.Metadata.Full = false                   // only our topic: clusters can be large
	s.Metadata.AllowAutoTopicCreation = false // a topic that is gone must not come back empty
	s.Metadata.Retry.Max = 3
	s.Metadata.Retry.BackoffFunc = func(int, int) time.Duration { return g.pause(c.RetryBackoff) }
	return s
}

// producerConfig is that of a client which sends one batch at a time; the rest of what
// producing is about is in session and producer.
func (c Config) producerConfig(g *gate) *sarama.Config {
	s := c.clientConfig(g)
	s.Net.MaxOpenRequests = 1
	return s
}

// batchBytes is the limit of a batch of several records, and room for the largest alone.
func (c Config) batchBytes() int { return c.Settings.MaxMessageBytes + recordOverhead }

// consumerConfig reads one partition with a bounded amount fetched ahead.
func (c Config) consumerConfig(g *gate) *sarama.Config {
	s := c.clientConfig(g)
	s.Consumer.Return.Errors = true
	s.Consumer.IsolationLevel = sarama.ReadUncommitted // as every other reader of the topic: no transactions are used
	s.Consumer.Fetch.Default = c.FetchBytes
	s.Consumer.Fetch.Max = 0                                            // a limit makes sarama skip a record that is larger
	s.Consumer.MaxWaitTime = min(500*time.Millisecond, c.ReadTimeout/2) // an answer without records is in time
	s.Consumer.MaxProcessingTime = 10 * time.Second                     // a slow disk must not drop the subscription
	s.Consumer.Retry.BackoffFunc = func(int) time.Duration { return g.pause(2 * c.RetryBackoff) }
	s.ChannelBufferSize = 256 // records, behind at most one fetch
	return s
}

// topicEntries are the settings that Create gives a topic: nothing is ever
// removed from it, and no replica that lacks acknowledged records may lead it.
func (c Config) topicEntries() map[string]*string {
	entries := map[string]string{
		"cleanup.policy":                 "delete", // compaction would keep one record: all have the same key
		"retention.ms":                   "-1",
		"retention.bytes":                "-1",
		"min.insync.replicas":            strconv.Itoa(c.Settings.MinInsyncReplicas),
		"unclean.leader.election.enable": "false",
		"message.timestamp.type":         "LogAppendTime", // nothing depends on it; brokers refuse a writer's from the future
		"max.message.bytes":              strconv.Itoa(c.topicMaxBytes()),
	}
	out := make(map[string]*string, len(entries))
	for k, v := range entries {
		out[k] = &v
	}
	return out
}

// topicMaxBytes is the topic's max.message.bytes. Kafka applies it to a batch,
// and sarama fills batches up to its own limit, so it is above that.
func (c Config) topicMaxBytes() int {
	return c.Settings.MaxMessageBytes + 2*recordOverhead
}
