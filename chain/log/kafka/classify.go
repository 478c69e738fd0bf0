package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Codes that sarama has no names for: the topic was recreated under its client.
const (
	unknownTopicID      = sarama.KError(100)
	inconsistentTopicID = sarama.KError(103)
)

// classify turns what a call other than Append met into a *log.Error. Retryable
// is the rule: a cluster that is down, starting, electing or refusing a
// password can come back, and trying for ever loses nothing. Fatal is what only
// an operator can change about this one channel.
func (l *Log) classify(op string, err error) *log.Error {
	e := &log.Error{Class: log.Retryable, Op: op, Topic: l.topic, Err: err, Await: l.reachable()}
	var access *accessError
	switch {
	case errors.As(err, &access):
		e.Await = access.await
	case is(err, sarama.ErrOffsetOutOfRange):
		e.Class, e.Err, e.Await = log.Fatal, fmt.Errorf("%w: %w", log.ErrOutOfRange, err), ""
	case is(err, sarama.ErrUnknownTopicOrPartition):
		e.Err, e.Await = log.ErrNoTopic, "the topic to be created"
	case is(err, unknownTopicID, inconsistentTopicID):
		e.Class, e.Await = log.Fatal, "an operator, with the topic that this channel was ordered on"
		e.Err = fmt.Errorf("the topic was deleted and created again: %w", err)
	case lost(err):
		e.Class, e.Await = log.Fatal, "an operator, with a topic that can be read"
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		e.Class, e.Await = log.Fatal, "an operator: a higher limit at every orderer, or another topic"
	case is(err, sarama.ErrInvalidTopic, sarama.ErrInvalidPartitions, sarama.ErrPolicyViolation, sarama.ErrInvalidConfig):
		e.Class, e.Await = log.Fatal, "an operator: the cluster will not have this topic"
	case is(err, sarama.ErrInvalidReplicationFactor):
		e.Await = fmt.Sprintf("%d brokers for the replication factor", l.config.Settings.ReplicationFactor)
	case is(err, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right " + right(op) + " on the topic"
	case is(err, sarama.ErrGroupAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right Read on its consumer group"
	case is(err, sarama.ErrSASLAuthenticationFailed):
		e.Await = "an operator to mend this orderer's credentials"
	case is(err, sarama.ErrInvalidTimestamp):
		e.Await = "the clocks of this orderer and of the brokers to agree, or an operator to set the topic's message.timestamp.type to LogAppendTime"
	case is(err, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend):
		e.Await = "enough in-sync replicas of the topic (min.insync.replicas)"
	}
	return e
}

// classifyAppend says what is known about a record that sarama gave up on. Only
// answers by which the broker refuses before it appends make the outcome
// certain; after any other the record may be in the log, or still get there.
func (l *Log) classifyAppend(err error, size int) error {
	e := l.classify("append", err)
	var misuse sarama.ConfigurationError
	switch {
	case is(err, sarama.ErrMessageSizeTooLarge), errors.As(err, &misuse):
		e.Class, e.Await = log.Rejected, ""
		e.Err = fmt.Errorf("%w: %d bytes: %w", log.ErrTooLarge, size, err)
	case is(err, sarama.ErrNotEnoughReplicas, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTimestamp):
		e.Class = log.Retryable
	case is(err, unknownTopicID, inconsistentTopicID): // fatal: the record can only be in a topic that is gone
	default:
		e.Class = log.Ambiguous
	}
	return e
}

// right is what Kafka asks of who does that. Read and Write have Describe in them,
// and whoever may write to any topic may do so with idempotence.
func right(op string) string {
	switch op {
	case "append":
		return "Write"
	case "create":
		return "Create"
	case "read", "publish":
		return "Read"
	case "survey":
		return "DescribeConfigs"
	}
	return "Read, or Describe,"
}

// lost says whether a batch will never be read: it has passed its checksum
// (sarama looks at that before it unpacks a batch of format 2, Kafka's since
// 0.11), and what becomes of it is a function of its bytes. Of a bad checksum
// that is not known, it may come from the network or from one replica's disk;
// sarama has one error type for it and for records that are malformed.
func lost(err error) bool {
	var unknown sarama.PacketDecodingError
	return errors.Is(err, errUndecodable) && !errors.As(err, &unknown) && !errors.Is(err, sarama.ErrDecompressedBatchTooLarge)
}

func (l *Log) reachable() string {
	return "a connection to the brokers " + strings.Join(l.config.Brokers, ", ")
}

func is(err error, codes ...sarama.KError) bool {
	return slices.ContainsFunc(codes, func(c sarama.KError) bool { return errors.Is(err, c) })
}
