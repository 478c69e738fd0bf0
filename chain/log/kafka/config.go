// Package kafka is the log contract on Apache Kafka, through IBM/sarama.
//
// A [Log] is one topic. One goroutine, the producer, appends for all callers and owns its
// client; every reader has two connections that nothing else uses; every other call, and a reader that
// looks for the leader, has a client for itself meanwhile,
// which [conn.Pools] may keep for other calls, of any log of the same brokers.
// They share what they know of the brokers: a broker that hangs is
// asked last, and abandoned for one that answers. Closing any of them first closes its
// connections, so that nothing waits for a broker that is down.
//
// The packages below it, each of which imports only those after it:
//
//	producer, reader, survey   what is done with a topic
//	client                     calls about a topic, and the classes of their errors
//	conn                       connections to the brokers
//	idle                       what keeps channels without records cheap
//	pool                       what calls use after each other
package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/client"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

// Config is how to reach a topic. The zero value of a field means its default.
type Config struct {
	Brokers  []string // host:port, at least one
	ClientID string   // shown in the brokers' logs and quotas; default "fabric-kafka-orderer"

	DialTimeout  time.Duration // of one connection attempt, and of getting a token; default 5 s
	ReadTimeout  time.Duration // of one response; default 10 s
	WriteTimeout time.Duration // of one request; default 10 s
	RetryBackoff time.Duration // between the client's attempts; default 100 ms

	Linger               time.Duration // how long appends wait to share a batch while many arrive; default 1 ms
	FetchBytes           int32         // requested at a time when reading; default 4 MiB
	MaxDecompressedBytes int32         // of one batch after decompression, for the whole process; default 100 MiB

	TLS  func() (*tls.Config, error) // called for each connection, concurrently; nil: plaintext
	SASL *conn.SASL                  // nil: none

	Settings log.Settings // what Create gives a new topic

	// Waiting is called each second while a broker does not answer, for the first time
	// after 2 s, and at each answer by which it throttles this client, once those pauses
	// add up to 2 s. Answered is called when that is over. Both are called by any goroutine
	// and must not call the log; nil: not reported.
	Waiting  func(conn.Wait)
	Answered func(broker, operation string)

	// Pools keeps clients of calls between them, for other logs too; nil: each call connects by itself.
	Pools *conn.Pools

	dial    func(ctx context.Context, network, address string) (net.Conn, error) // replaced in tests
	maxIdle time.Duration                                                        // replaced in tests
}

// topic returns the part of the config that every call needs.
func (c Config) topic() client.Config {
	return client.Config{Settings: c.Settings, Config: conn.Config{Brokers: c.Brokers, ClientID: c.ClientID,
		DialTimeout: c.DialTimeout, ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout, RetryBackoff: c.RetryBackoff, MaxIdle: c.maxIdle,
		TLS: c.TLS, SASL: c.SASL, Waiting: c.Waiting, Answered: c.Answered, Pools: c.Pools, Dial: c.dial}}
}

// Defaults of Config.
const (
	DefaultClientID             = "fabric-kafka-orderer"
	DefaultDialTimeout          = 5 * time.Second
	DefaultReadTimeout          = 10 * time.Second
	DefaultWriteTimeout         = 10 * time.Second
	DefaultRetryBackoff         = 100 * time.Millisecond
	DefaultLinger               = time.Millisecond
	DefaultFetchBytes           = 4 << 20
	DefaultMaxDecompressedBytes = 100 << 20
)

// defaultMaxMessageBytes is for tools that only read; an orderer always derives it from the channel.
const defaultMaxMessageBytes = 1 << 20

func (c Config) withDefaults() Config {
	c.ClientID = cmp.Or(c.ClientID, DefaultClientID)
	c.DialTimeout = cmp.Or(c.DialTimeout, DefaultDialTimeout)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, DefaultReadTimeout)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, DefaultWriteTimeout)
	c.RetryBackoff = cmp.Or(c.RetryBackoff, DefaultRetryBackoff)
	c.Linger = cmp.Or(c.Linger, DefaultLinger)
	c.FetchBytes = cmp.Or(c.FetchBytes, DefaultFetchBytes)
	c.MaxDecompressedBytes = cmp.Or(c.MaxDecompressedBytes, DefaultMaxDecompressedBytes)
	c.Settings.ReplicationFactor = cmp.Or(c.Settings.ReplicationFactor, 1)
	c.Settings.MaxMessageBytes = cmp.Or(c.Settings.MaxMessageBytes, defaultMaxMessageBytes)
	if c.Settings.MinInsyncReplicas == 0 {
		c.Settings.MinInsyncReplicas = 1
		if c.Settings.ReplicationFactor >= 3 {
			c.Settings.MinInsyncReplicas = 2
		}
	}
	return c
}

// validate reports all faults of a config with its defaults filled in.
func (c Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Brokers) > 0, "no brokers")
	for _, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		check(err == nil && host != "" && port != "", "broker %q is not host:port", b)
	}
	for _, d := range []time.Duration{c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.RetryBackoff, c.Linger} {
		check(d > 0, "negative duration %v", d)
	}
	check(c.FetchBytes > 0, "fetch bytes %d are negative", c.FetchBytes)
	check(c.MaxDecompressedBytes > 0, "max decompressed bytes %d are negative", c.MaxDecompressedBytes)
	s := c.Settings
	check(s.ReplicationFactor > 0, "replication factor %d is negative", s.ReplicationFactor)
	check(s.MinInsyncReplicas > 0 && s.MinInsyncReplicas <= int(s.ReplicationFactor),
		"min.insync.replicas %d is not between 1 and the replication factor %d", s.MinInsyncReplicas, s.ReplicationFactor)
	check(s.MaxMessageBytes > 0 && s.MaxMessageBytes <= maxRequestBytes,
		"max message bytes %d is not between 1 and %d", s.MaxMessageBytes, maxRequestBytes)
	return errors.Join(append(faults, c.SASL.Validate())...)
}
