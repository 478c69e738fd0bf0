package conn

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

// Keys of requests that this orderer or sarama makes. conn.go has those of a login.
const (
	keyProduce         = 0
	keyFetch           = 1
	keyListOffsets     = 2
	keyMetadata        = 3
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
func silent(err error) *AccessError {
	var s *silence
	if !errors.As(err, &s) {
		return &AccessError{err, matching}
	}
	return &AccessError{err, fmt.Sprintf("broker %s to answer; what only the leader does is asked of another once one is elected", s.broker)}
}

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
