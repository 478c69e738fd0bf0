package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Codes that sarama does not name: the topic was recreated while a client used it.
const (
	UnknownTopicID      = sarama.KError(100)
	InconsistentTopicID = sarama.KError(103)
)

// Classify converts an error of the brokers to a [log.Error]. Most errors are Retryable: a
// cluster that is down, starting, electing or refusing a password can recover, and retrying
// without limit loses nothing. Fatal is what only an operator can change for this one
// channel. Whether an append that failed has changed the log is decided by the producer.
func (t *Topic) Classify(op string, err error) *log.Error {
	e := &log.Error{Class: log.Retryable, Op: op, Topic: t.Name, Err: err, Await: t.Reachable()}
	var access *conn.AccessError
	switch {
	case errors.As(err, &access):
		e.Await = access.Await
	case HasCode(err, sarama.ErrOffsetOutOfRange):
		e.Class, e.Err, e.Await = log.Fatal, fmt.Errorf("%w: %w", log.ErrOutOfRange, err), ""
	case HasCode(err, sarama.ErrUnknownTopicOrPartition):
		e.Err, e.Await = log.ErrNoTopic, "the topic to be created"
	case HasCode(err, UnknownTopicID, InconsistentTopicID):
		e.Class, e.Await = log.Fatal, "an operator to restore the topic that this channel was ordered on"
		e.Err = fmt.Errorf("the topic was deleted and recreated: %w", err)
	case unreadable(err):
		e.Class, e.Await = log.Fatal, "an operator to provide a topic that can be read"
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		e.Class, e.Await = log.Fatal, "an operator to raise Consumer.MaxDecompressedBytes of every orderer, or to provide another topic"
	case HasCode(err, sarama.ErrInvalidTopic, sarama.ErrInvalidPartitions, sarama.ErrPolicyViolation, sarama.ErrInvalidConfig):
		e.Class, e.Await = log.Fatal, "an operator to create this topic, or to change what the cluster allows for new topics"
	case HasCode(err, sarama.ErrInvalidReplicationFactor):
		e.Await = fmt.Sprintf("%d brokers for the replication factor", t.Config.Settings.ReplicationFactor)
	case HasCode(err, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right " + right(op) + " on the topic"
	case HasCode(err, sarama.ErrGroupAuthorizationFailed):
		e.Await = "an operator to grant this orderer's principal the right Read on its consumer group"
	case HasCode(err, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer):
		e.Await = "the coordinators of the consumer groups to load them"
	case HasCode(err, sarama.ErrSASLAuthenticationFailed):
		e.Await = "an operator to correct this orderer's credentials"
	case HasCode(err, sarama.ErrInvalidTimestamp):
		e.Await = "the clocks of this orderer and of the brokers to agree, or an operator to set the topic's message.timestamp.type to LogAppendTime"
	case HasCode(err, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend):
		e.Await = "enough in-sync replicas of the topic (min.insync.replicas)"
	case op == "append" && HasCode(err, sarama.ErrRequestTimedOut):
		e.Await = "an acknowledgement by all in-sync replicas of the topic"
	}
	return e
}

// right returns the right that Kafka requires for an operation. Read and Write imply
// Describe, and a principal that may write to any topic may write idempotently.
func right(op string) string {
	switch op {
	case "append":
		return "Write"
	case "create":
		return "Create"
	case "read", "publish", "survey":
		return "Read"
	case "trim":
		return "Delete"
	}
	return "Read, or Describe,"
}

// unreadable reports whether a batch can never be read: it has passed its checksum, which
// sarama verifies before it decompresses a batch of format 2 (Kafka's since 0.11), so the
// result of decoding depends on its bytes only. A bad checksum may be due to the network
// or to one replica's disk; sarama has one error type for that and for malformed records.
func unreadable(err error) bool {
	var unknown sarama.PacketDecodingError
	return errors.Is(err, ErrUndecodable) && !errors.As(err, &unknown) && !errors.Is(err, sarama.ErrDecompressedBatchTooLarge)
}

// Reachable returns what is awaited if no broker can be reached.
func (t *Topic) Reachable() string {
	brokers := "a connection to the brokers " + strings.Join(t.Config.Brokers, ", ")
	if slow := t.Cluster.Slow(); slow != "" {
		return brokers + " (" + slow + ")"
	}
	return brokers
}

// HasCode reports whether err wraps one of the codes.
func HasCode(err error, codes ...sarama.KError) bool {
	return slices.ContainsFunc(codes, func(c sarama.KError) bool { return errors.Is(err, c) })
}
