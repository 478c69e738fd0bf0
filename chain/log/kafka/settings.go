package kafka

import (
	"strconv"
	"sync"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/survey"
)

// maxRequestBytes stays below sarama's own limit of 100 MiB for a request.
const maxRequestBytes = 99 << 20

// processLimits guards sarama's package variables: the first Open of the process sets
// them, before any client exists.
var processLimits sync.Once

// limitProcess bounds the decompressed size of one batch: otherwise 28 KB can become
// gigabytes in every orderer.
func (c Config) limitProcess() {
	processLimits.Do(func() { sarama.MaxDecompressedBatchSize = c.MaxDecompressedBytes })
}

// topicEntries returns the settings that Create gives a topic: nothing is ever deleted
// from it, and no replica that lacks acknowledged records may become its leader.
func (c Config) topicEntries() map[string]*string {
	entries := map[string]string{
		"cleanup.policy":                 "delete", // compaction would keep one record, since all have the same key
		"retention.ms":                   "-1",
		"retention.bytes":                "-1",
		"min.insync.replicas":            strconv.Itoa(c.Settings.MinInsyncReplicas),
		"unclean.leader.election.enable": "false",
		"message.timestamp.type":         "LogAppendTime", // nothing depends on it; brokers refuse a writer's timestamp from the future
		client.MaxBytesSetting:           strconv.Itoa(c.topic().TopicBytes()),
	}
	out := make(map[string]*string, len(entries))
	for k, v := range entries {
		out[k] = &v
	}
	return out
}

// ToolSettings is the file that the remedies of a survey name; see [survey.ToolSettings].
const ToolSettings = survey.ToolSettings
