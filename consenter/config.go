package consenter

import (
	_ "embed"
	"slices"
	"time"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// SampleYAML is the section Consensus.Kafka of orderer.yaml with every key at
// its default. The environment overrides only keys that are in the file, so an
// orderer.yaml should hold all of it.
//
//go:embed kafka.yaml
var SampleYAML string

// Config is the section Consensus.Kafka of orderer.yaml, parsed. kafka.yaml
// documents each key: default, unit, meaning.
type Config struct {
	ClientID      string
	ConsumerGroup string   // first part of the name of the group that progress is published by; empty: it is not
	Brokers       []string // in the place of every channel's list; none: that list
	Topic         Topic
	Timeouts      Timeouts
	Retry         Retry
	Producer      Producer
	Consumer      Consumer
	DiskReserve   int32 // bytes that must stay free on the ledger's disk; 0: it is not looked at
	DeliverGrace  time.Duration
	CheckInterval time.Duration
	Preflight     string  // warn, enforce or off
	ForkAlarm     string  // warn, stop or off
	Health        string  // brokers or off
	CutJitter     float64 // part of the batch timeout, 0 to 1; 0 is none
	TLS           TLS
	SASL          SASL
}

// Topic is what a topic is created with, and what an operator says about the
// topics of single channels.
type Topic struct {
	ReplicationFactor int16
	MinInsyncReplicas int // 0: 2 when ReplicationFactor is 3 or more, else 1

	Compatible []string                    // channels; * is all
	PassCuts   map[string][]machine.Offset // by channel
	Moved      map[string]string           // topic ids, by channel
	Begin      []string                    // channels; * is all
}

// of is what an operator says about a channel.
func (t Topic) of(channel string) session.Settings {
	return session.Settings{
		AllowUndescribed: slices.Contains(t.Compatible, channel) || slices.Contains(t.Compatible, "*"),
		IgnoredCuts:      t.PassCuts[channel],
		MovedTo:          t.Moved[channel],
		Begin:            slices.Contains(t.Begin, channel) || slices.Contains(t.Begin, "*"),
	}
}

// Timeouts bound what is waited for.
type Timeouts struct {
	Dial, Read, Write, Append, Ready time.Duration
}

// Retry says how soon something that failed is tried again.
type Retry struct {
	Min, Max time.Duration
}

// Producer says how envelopes are appended.
type Producer struct {
	Linger   time.Duration
	Inflight int // appends of one channel
}

// Consumer says how the topic is read.
type Consumer struct {
	FetchBytes           int32
	MaxDecompressedBytes int32
}

// TLS of the connections to the brokers.
type TLS struct {
	Enabled     bool
	RootCAs     []string // files; none: the system's authorities
	Certificate string   // file; empty: none
	PrivateKey  string   // file; empty: none
	ServerName  string   // empty: the host of the broker's address
}

// SASL authenticates to the brokers.
type SASL struct {
	Mechanism    string   // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER; empty: no authentication
	User         string   // not with OAUTHBEARER
	PasswordFile string   // not with OAUTHBEARER
	TokenFile    string   // with OAUTHBEARER, unless there is a TokenCommand
	TokenCommand []string // a program, by its absolute path, and its arguments
}

func (s SASL) byToken() bool { return s.Mechanism == kafka.OAuthBearer }

func (s SASL) byPassword() bool { return s.Mechanism != "" && !s.byToken() }

// DefaultConsumerGroup begins the names of the groups that orderers publish their
// progress by.
const DefaultConsumerGroup = "fabric-orderer"

// DefaultConfig is the config of an empty section.
func DefaultConfig() Config {
	return Config{
		ClientID: kafka.DefaultClientID,

		ConsumerGroup: DefaultConsumerGroup,

		Topic: Topic{ReplicationFactor: 3},
		Timeouts: Timeouts{
			Dial: kafka.DefaultDialTimeout, Read: kafka.DefaultReadTimeout, Write: kafka.DefaultWriteTimeout,
			Append: chain.DefaultAppendTimeout, Ready: chain.DefaultReadyTimeout,
		},
		Retry:        Retry{Min: chain.DefaultRetryMin, Max: chain.DefaultRetryMax},
		Producer:     Producer{Linger: kafka.DefaultLinger, Inflight: chain.DefaultInflight},
		Consumer:     Consumer{FetchBytes: kafka.DefaultFetchBytes, MaxDecompressedBytes: kafka.DefaultMaxDecompressedBytes},
		DiskReserve:  defaultReserve,
		DeliverGrace: chain.DefaultDeliverGrace,
		CutJitter:    chain.DefaultCutJitter,

		CheckInterval: chain.DefaultCheckInterval,
		Preflight:     string(chain.PreflightWarn),
		ForkAlarm:     string(chain.ForkWarn),
		Health:        off,
	}
}
