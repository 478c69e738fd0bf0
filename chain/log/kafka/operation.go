package kafka

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// operation is the key of a request to a broker, or connecting.
type operation int

const connecting operation = -1

// Keys of requests that this package or sarama makes. survey_releases.go and conn.go have
// the others.
const (
	keyListOffsets     = 2
	keyOffsetCommit    = 8
	keyOffsetFetch     = 9
	keyFindCoordinator = 10
	keyListGroups      = 16
	keyCreateTopics    = 19
	keyDeleteRecords   = 21
	keyInitProducerID  = 22
	keyDescribeConfigs = 32
)

var operationNames = map[operation]string{
	connecting: "connect", keyProduce: "Produce", keyFetch: "Fetch", keyListOffsets: "ListOffsets", keyMetadata: "Metadata",
	keyOffsetCommit: "OffsetCommit", keyOffsetFetch: "OffsetFetch", keyFindCoordinator: "FindCoordinator", keyListGroups: "ListGroups",
	saslHandshake: "SaslHandshake", apiVersions: "ApiVersions", keyCreateTopics: "CreateTopics", keyDeleteRecords: "DeleteRecords",
	keyInitProducerID: "InitProducerId", keyDescribeConfigs: "DescribeConfigs", saslAuthenticate: "SaslAuthenticate",
}

// name returns the name of the operation in Kafka's protocol.
func (o operation) name() string {
	if name, ok := operationNames[o]; ok {
		return name
	}
	return fmt.Sprintf("request %d", int(o))
}

// anywhere reports whether every broker can perform the operation.
func (o operation) anywhere() bool { return o == keyMetadata || o == keyFindCoordinator }

// patient reports whether only a certain broker other than the leader can perform a call:
// the controller, or the coordinator of a group. No block depends on these calls.
func patient(op string) bool {
	return op == "create" || op == "publish" || op == "published" || op == "trim"
}

// silence is the error for a broker that has not answered. The connection is closed with
// it: otherwise sarama would retry on it, and wait as long each time.
type silence struct {
	broker string
	what   operation
	waited time.Duration
	cause  error
}

func (s *silence) Error() string {
	return fmt.Sprintf("ask broker %s for %s: no answer for %s", s.broker, s.what.name(), s.waited.Round(100*time.Millisecond))
}

func (s *silence) Unwrap() []error { return []error{net.ErrClosed, s.cause} }

func (w *wait) err(cause error) *silence {
	return &silence{broker: w.address, what: w.operation, waited: w.waited(), cause: cause}
}

// silent returns the error of a connection whose broker does not answer.
func silent(err error) *accessError {
	var s *silence
	if !errors.As(err, &s) {
		return &accessError{err, matching}
	}
	return &accessError{err, fmt.Sprintf("broker %s to answer; what only the leader does is asked of another once one is elected", s.broker)}
}

// Slow describes the brokers that have not answered a request for 2 s, and those that
// throttle this client; empty for none. It makes no request.
func (l *Log) Slow() string { return l.brokers.slow() }

// slow describes the waits that are slow; empty for none.
func (b *brokers) slow() string {
	if b == nil {
		return "" // of a gate without a log
	}
	var texts []string
	for _, w := range b.waiting() {
		texts = append(texts, fmt.Sprintf("broker %s has not answered %s for %s", w.address, w.operation.name(), w.waited().Round(100*time.Millisecond)))
	}
	return strings.Join(append(texts, b.throttling()...), ", ")
}
