// Package settings turns the section Consensus.Kafka of orderer.yaml into a typed
// [Config]. [Parse] decodes the section, applies defaults and limits, and names every
// fault at once, for the operator.
//
// To add a key, add a field to Config with its tags, and the key with its default and
// documentation to kafka.yaml. Nothing else names a key or a default: the tags say what
// is allowed, kafka.yaml is where defaults are read from, and tests hold the two
// together. The tags are:
//
//	is      what the key accepts, see [ruleOf]
//	min     smallest value; of a duration with its unit
//	max     largest value
//	of      the allowed values of a key that is "one of", separated by commas
//	needs   a value of another key without which this one has no effect and is
//	        refused, as in SASL.Mechanism=PLAIN,SCRAM-SHA-256; "-" if it always has one
//	secret  "true" for the name of a file with a secret: errors do not repeat the value,
//	        which may be the secret itself
package settings

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// Key is the full name of the section.
const Key = "Consensus.Kafka"

// Sample is the section Consensus.Kafka of orderer.yaml with every key at its default.
// The environment overrides only keys that are in the file, so an orderer.yaml should
// hold all of it.
//
//go:embed kafka.yaml
var Sample string

// Config is the section, parsed. kafka.yaml documents each key: default, unit, meaning.
type Config struct {
	ClientID      string   `is:"name" needs:"-"`
	ConsumerGroup string   `is:"name or empty" needs:"-"` // prefix of the groups that orderers publish their progress by; empty: none
	Brokers       []string `is:"brokers" needs:"-"`       // instead of every channel's list; none: that list
	Topic         Topic
	Timeouts      Timeouts
	Retry         Retry
	Producer      Producer
	Consumer      Consumer
	DiskReserve   int32         `is:"bytes" min:"0" needs:"-"` // free space to keep on the ledgers' disk; 0: it is not checked
	DeliverGrace  time.Duration `is:"duration" min:"1ms" max:"8760h" needs:"-"`
	CheckInterval time.Duration `is:"duration" min:"1s" max:"8760h" needs:"-"`
	Preflight     string        `is:"one of" of:"warn,enforce,off" needs:"-"`
	ForkAlarm     string        `is:"one of" of:"warn,stop,off" needs:"-"`
	Health        string        `is:"one of" of:"brokers,off" needs:"-"`
	SharedType    bool          `is:"flag" needs:"-"`     // order channels of type etcdraft that have brokers and no consenters
	CutJitter     float64       `is:"fraction" needs:"-"` // of the batch timeout; 0 is none
	TLS           TLS
	SASL          SASL
}

// Topic is what a topic is created with, and what an operator says about the topics of
// single channels.
type Topic struct {
	ReplicationFactor int16 `is:"number" min:"1" max:"32767" needs:"-"`
	MinInsyncReplicas int   `is:"number" min:"0" max:"32767" needs:"-"` // 0: 2 when ReplicationFactor is 3 or more, else 1

	Compatible []string                    `is:"channels" needs:"-"`  // * is all
	PassCuts   map[string][]machine.Offset `is:"offsets" needs:"-"`   // by channel
	Moved      map[string]string           `is:"topic ids" needs:"-"` // by channel
	Begin      []string                    `is:"channels" needs:"-"`  // * is all
}

// Timeouts bound single operations. Kafka's own are in milliseconds, of 32 bits.
type Timeouts struct {
	Dial   time.Duration `is:"duration" min:"10ms" max:"24h" needs:"-"`
	Read   time.Duration `is:"duration" min:"10ms" max:"24h" needs:"-"` // a broker is given half of it
	Write  time.Duration `is:"duration" min:"10ms" max:"24h" needs:"-"`
	Append time.Duration `is:"duration" min:"10ms" max:"24h" needs:"-"`
	Ready  time.Duration `is:"duration" min:"10ms" max:"24h" needs:"-"`
}

// Retry is the pause before a failed operation is tried again.
type Retry struct {
	Min time.Duration `is:"duration" min:"1ms" max:"8760h" needs:"-"`
	Max time.Duration `is:"duration" min:"1ms" max:"8760h" needs:"-"`
}

// Producer is how envelopes are appended.
type Producer struct {
	Linger   time.Duration `is:"duration" min:"1us" max:"8760h" needs:"-"`
	Inflight int           `is:"number" min:"1" max:"1048576" needs:"-"` // appends of one channel; memory is reserved for them
}

// Consumer is how the topic is read.
type Consumer struct {
	FetchBytes           int32 `is:"bytes" min:"1" needs:"-"`
	MaxDecompressedBytes int32 `is:"bytes" min:"1" needs:"-"`
}

// TLS of the connections to the brokers.
type TLS struct {
	Enabled     bool     `is:"flag" needs:"-"`
	RootCAs     []string `is:"files" needs:"TLS.Enabled=true"`              // none: the system's authorities
	Certificate string   `is:"file" needs:"TLS.Enabled=true"`               // empty: none
	PrivateKey  string   `is:"file" needs:"TLS.Enabled=true" secret:"true"` // empty: none
	ServerName  string   `is:"server name" needs:"TLS.Enabled=true"`        // empty: the host of the broker's address
}

// SASL authenticates to the brokers.
type SASL struct {
	Mechanism    string   `is:"one of" of:",PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER" needs:"-"` // empty: no authentication
	User         string   `is:"user" needs:"SASL.Mechanism=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"`
	PasswordFile string   `is:"file" needs:"SASL.Mechanism=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" secret:"true"`
	TokenFile    string   `is:"file" needs:"SASL.Mechanism=OAUTHBEARER" secret:"true"` // unless there is a TokenCommand
	TokenCommand []string `is:"command" needs:"SASL.Mechanism=OAUTHBEARER"`            // a program, by its absolute path, and its arguments
}

func (s SASL) byToken() bool { return s.Mechanism == conn.OAuthBearer }

func (s SASL) byPassword() bool { return s.Mechanism != "" && !s.byToken() }

// Default returns the config of an empty section: every key as kafka.yaml has it.
func Default() Config { return defaults() }

var defaults = sync.OnceValue(func() Config {
	var sample struct {
		Consensus any `yaml:"Consensus"`
	}
	if err := yaml.Unmarshal([]byte(Sample), &sample); err != nil {
		panic(fmt.Sprintf("read kafka.yaml: %v", err)) // it is compiled in
	}
	var c Config
	d := newDecoder(&c, "")
	d.consensus(sample.Consensus)
	if len(d.faults) > 0 {
		panic(fmt.Sprintf("read kafka.yaml: %q", d.faults))
	}
	return c
})
