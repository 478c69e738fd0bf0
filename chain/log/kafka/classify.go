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
	case op == "append" && is(err, sarama.ErrRequestTimedOut):
		e.Await = "an acknowledgement by all in-sync replicas of the topic"
	}
	return e
}

// refusals are the answers to a produce request by which a broker says that it has
// appended nothing by that request: each is given before the append alone, by the
// checks of rights, replicas, size, time stamps and sequence numbers. Nothing else is
// certain. NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION and KAFKA_STORAGE_ERROR
// are given before and after: a broker that has appended and waits for the replicas
// answers so when it loses the partition (Kafka's DelayedProduce). They say nothing of
// requests before, of the same batch; see producer.
var refusals = append([]sarama.KError{
	sarama.ErrNotEnoughReplicas, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
	sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge, sarama.ErrInvalidTimestamp,
	unknownTopicID, inconsistentTopicID, // the record can only be in a topic that is gone
}, misnumbered...)

// misnumbered are answered where a broker has lost what it knew of a producer id: another is needed.
var misnumbered = []sarama.KError{sarama.ErrOutOfOrderSequenceNumber, sarama.ErrInvalidProducerEpoch, sarama.ErrUnknownProducerID}

// passing are the answers after which the same batch is sent again. DUPLICATE_SEQUENCE_NUMBER
// is not among them, and is no acknowledgement: a broker that has a batch answers as it
// did at first, once the replicas have it; that code waits for none.
var passing = append([]sarama.KError{
	sarama.ErrInvalidMessage, sarama.ErrUnknownTopicOrPartition, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition,
	sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrKafkaStorageError,
}, misnumbered...)

// lasting are met before anything is sent, and do not pass by themselves.
var lasting = []sarama.KError{sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed, sarama.ErrInvalidTopic}

// final reports whether another attempt to append a batch would come to nothing else.
func final(err error, d *delivery) bool {
	var code sarama.KError
	switch {
	case d.unsent && d.tries == 0 && is(err, sarama.ErrUnknownTopicOrPartition):
		return true // and not a topic that had a leader before
	case d.unsent:
		return is(err, lasting...)
	case d.doubt != nil && is(err, misnumbered...):
		return true
	}
	return errors.As(err, &code) && !slices.Contains(passing, code)
}

func tooLarge(err error) bool {
	return is(err, sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge)
}

// outcomeOf is what a caller is told of a record of a batch that is done with. Once an
// attempt may have appended it, that is ambiguous, whatever the last was answered.
func (l *Log) outcomeOf(d *delivery, err error) error {
	if err == nil || d.doubt == nil && errors.Is(err, log.ErrClosed) {
		return err
	}
	e := l.classify("append", err)
	switch {
	case d.doubt != nil:
		e.Class = log.Ambiguous
		if before := d.doubt.Error(); before != err.Error() {
			e.Err = fmt.Errorf("%w, and an attempt before may have appended it: %w", e.Err, d.doubt)
		}
	case tooLarge(err):
		e.Class, e.Await = log.Rejected, ""
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
	brokers := "a connection to the brokers " + strings.Join(l.config.Brokers, ", ")
	if slow := l.brokers.slow(); slow != "" {
		return brokers + " (" + slow + ")"
	}
	return brokers
}

func is(err error, codes ...sarama.KError) bool {
	return slices.ContainsFunc(codes, func(c sarama.KError) bool { return errors.Is(err, c) })
}
