package kafka

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// operation is what a broker is asked for: the key of a request, or connecting.
type operation int

const connecting operation = -1

// Keys of requests that this package or sarama makes. Those of releases.go and conn.go
// are the others.
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

// name returns the operation as Kafka's protocol names it.
func (o operation) name() string {
	if name, ok := operationNames[o]; ok {
		return name
	}
	return fmt.Sprintf("request %d", int(o))
}

// anywhere reports whether every broker can do it.
func (o operation) anywhere() bool { return o == keyMetadata || o == keyFindCoordinator }

// patient reports whether what a call does is done by a certain broker that is not the
// leader: the controller, or the coordinator of a group. Nobody waits for blocks there.
func patient(op string) bool {
	return op == "create" || op == "publish" || op == "published" || op == "trim"
}

// silence is a broker that has not answered. The connection is closed with it: sarama
// would else ask again on it, and wait as long each time.
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

// silent is what a broker's silence makes of a connection.
func silent(err error) *accessError {
	var s *silence
	if !errors.As(err, &s) {
		return &accessError{err, matching}
	}
	return &accessError{err, fmt.Sprintf("broker %s to answer; what only the leader does is asked of another once one is elected", s.broker)}
}

// Slow names the brokers that have not answered for 2 s, and what, and those that
// throttle this client; empty for none. It asks nobody.
func (l *Log) Slow() string { return l.brokers.slow() }

// slow names what waits for long; empty for nothing.
func (b *brokers) slow() string {
	if b == nil {
		return "" // of a gate without a log
	}
	var said []string
	for _, w := range b.waiting() {
		said = append(said, fmt.Sprintf("broker %s has not answered %s for %s", w.address, w.operation.name(), w.waited().Round(100*time.Millisecond)))
	}
	return strings.Join(append(said, b.throttling()...), ", ")
}
