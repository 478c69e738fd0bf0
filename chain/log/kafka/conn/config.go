// Package conn connects the sarama clients of a log to the brokers of its cluster.
//
// A [Cluster] is shared by the clients of one log, each of which dials through its own
// [Gate]. The package does what sarama does not: it uses whichever broker answers, reports a
// broker that hangs and abandons it for one that answers, requires progress of a transfer
// instead of limiting the whole, reads certificates and passwords for each connection, waits
// interruptibly when a broker asks for a pause, and can close all connections of a client at
// once, so that no call waits for a broker that is down.
//
// It retries nothing but the metadata requests of [Client.Connect] and [Client.Update]: sarama and the callers do the rest.
package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log/kafka/idle"
)

// version is the requested protocol level. 2.8 is the oldest that returns a topic's id;
// brokers from 2.8 to 4.x support it.
var version = sarama.V2_8_0_0

// Config is how to connect. Fields without a default are required.
type Config struct {
	Brokers  []string // host:port, at least one
	ClientID string   // shown in the brokers' logs and quotas

	DialTimeout  time.Duration // of a connection with its TLS handshake, and of getting a token
	ReadTimeout  time.Duration // of a response
	WriteTimeout time.Duration // of a part of a request
	RetryBackoff time.Duration // between a client's attempts
	MaxIdle      time.Duration // see defaultMaxIdle, which is the default

	TLS  func() (*tls.Config, error) // called for each connection, concurrently; nil: plaintext
	SASL *SASL                       // nil: none

	Waiting  func(Wait)                     // called for a broker that keeps a client waiting; nil: not reported
	Answered func(broker, operation string) // called when that is over; nil: not reported

	Pools *Pools // keeps the clients of calls, for those of other logs too; nil: each call has one of its own

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer; replaced in tests
}

// defaultMaxIdle is how long a connection may be idle before no batch is sent on it: brokers
// close it after ten minutes (connections.max.idle.ms), load balancers earlier, some
// silently. There would be no way to know whether what is written to it then has arrived.
const defaultMaxIdle = time.Minute

func (c Config) withDefaults() Config {
	c.MaxIdle = cmp.Or(c.MaxIdle, defaultMaxIdle)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return c
}

func (c Config) waiting() func(Wait) {
	if c.Waiting == nil {
		return func(Wait) {}
	}
	return c.Waiting
}

func (c Config) answered() func(broker, operation string) {
	if c.Answered == nil {
		return func(string, string) {}
	}
	return c.Answered
}

// Wait describes a broker that keeps this client waiting.
type Wait struct {
	Broker    string        // host:port
	Operation string        // a request, as Kafka's protocol names it, or connect
	Waited    time.Duration // so far
	Longer    time.Duration // since the last report
	Throttled bool          // the broker answers, but asks for pauses: a quota
}

// Config returns what the configurations of all clients have in common.
func (g *Gate) Config() *sarama.Config {
	c := g.config
	s := sarama.NewConfig()
	s.Version = version
	s.ClientID = c.ClientID
	s.MetricRegistry = idle.Unmeasured{}

	s.Net.Proxy.Enable = true // not a proxy: the way to give sarama our dialer, which does TLS
	s.Net.Proxy.Dialer = g
	s.Net.DialTimeout = c.DialTimeout
	s.Net.ReadTimeout = c.ReadTimeout
	s.Net.WriteTimeout = c.WriteTimeout
	if c.SASL != nil {
		c.SASL.configure(s, g)
	}

	s.Metadata.Full = false                   // only our topic: clusters can be large
	s.Metadata.RefreshFrequency = 0           // whoever needs the metadata asks for it
	s.Metadata.AllowAutoTopicCreation = false // a deleted topic must not come back empty
	s.Metadata.Retry.Max = 3
	s.Metadata.Retry.BackoffFunc = func(int, int) time.Duration { return g.Pause(c.RetryBackoff) }
	return s
}

// MetadataRequest returns a request for the metadata of a topic.
func MetadataRequest(topic string) *sarama.MetadataRequest {
	return sarama.NewMetadataRequest(version, []string{topic})
}

// NewClient returns a client that uses whichever broker answers; see [anyBroker].
func NewClient(config *sarama.Config) (sarama.Client, error) {
	return sarama.NewClient([]string{anyBroker}, config)
}

// CloseClient closes a client whose connections may have been closed: errors of Close are
// expected then.
func CloseClient(c sarama.Client) {
	if !c.Closed() {
		_ = c.Close()
	}
}
