package consenter

import (
	_ "embed"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/mitchellh/mapstructure"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

// SampleYAML is the section Consensus.Kafka of orderer.yaml with every key at
// its default. The environment overrides only keys that are in the file, so an
// orderer.yaml should hold all of it.
//
//go:embed kafka.yaml
var SampleYAML string

// Config is the section Consensus.Kafka of orderer.yaml; kafka.yaml documents
// each key.
type Config struct {
	ClientID     string
	Topic        Topic
	Timeouts     Timeouts
	Retry        Retry
	Producer     Producer
	Consumer     Consumer
	DeliverGrace time.Duration
	CutJitter    float64
	TLS          TLS
	SASL         SASL
}

// Topic is what a topic is created with.
type Topic struct {
	ReplicationFactor int16
	MinInsyncReplicas int
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
	Inflight int
}

// Consumer says how the topic is read.
type Consumer struct {
	FetchBytes           int32
	MaxDecompressedBytes int32
}

// TLS of the connections to the brokers. All values are files.
type TLS struct {
	Enabled     bool
	RootCAs     []string
	Certificate string
	PrivateKey  string
	ServerName  string
}

// SASL authenticates to the brokers.
type SASL struct {
	Mechanism    string
	User         string
	PasswordFile string
}

// DefaultConfig is the config of an empty section.
func DefaultConfig() Config {
	return Config{
		ClientID: kafka.DefaultClientID,
		Topic:    Topic{ReplicationFactor: 3},
		Timeouts: Timeouts{
			Dial: kafka.DefaultDialTimeout, Read: kafka.DefaultReadTimeout, Write: kafka.DefaultWriteTimeout,
			Append: chain.DefaultAppendTimeout, Ready: chain.DefaultReadyTimeout,
		},
		Retry:        Retry{Min: chain.DefaultRetryMin, Max: chain.DefaultRetryMax},
		Producer:     Producer{Linger: kafka.DefaultLinger, Inflight: chain.DefaultInflight},
		Consumer:     Consumer{FetchBytes: kafka.DefaultFetchBytes, MaxDecompressedBytes: kafka.DefaultMaxDecompressedBytes},
		DeliverGrace: chain.DefaultDeliverGrace,
		CutJitter:    chain.DefaultCutJitter,
	}
}

// Key is the full name of the section.
const Key = "Consensus.Kafka"

// ParseConfig reads the section Kafka of the section Consensus as orderer.yaml
// and the environment gave it. The error names every fault: unknown keys, values
// of the wrong form, values out of range.
func ParseConfig(consensus any) (Config, error) {
	c := DefaultConfig()
	section, err := kafkaSection(consensus)
	if err != nil {
		return c, err
	}
	faults := decode(section, &c)
	faults = append(faults, c.faults()...)
	if len(faults) == 0 {
		return c, nil
	}
	sort.Strings(faults)
	return c, errors.New("orderer.yaml: " + strings.Join(faults, "; "))
}

// kafkaSection finds the section; nil if there is none. The other keys of
// Consensus belong to other consensus types.
func kafkaSection(consensus any) (any, error) {
	if consensus == nil {
		return nil, nil
	}
	all := map[string]any{}
	if err := mapstructure.Decode(consensus, &all); err != nil {
		return nil, fmt.Errorf("orderer.yaml: Consensus is no map: %w", err)
	}
	for key, value := range all {
		if strings.EqualFold(key, "Kafka") {
			return value, nil
		}
	}
	return nil, nil
}

func decode(section any, into *Config) []string {
	if section == nil {
		return nil
	}
	var meta mapstructure.Metadata
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:           into,
		Metadata:         &meta,
		WeaklyTypedInput: true, // the environment gives strings
		DecodeHook:       mapstructure.ComposeDecodeHookFunc(stringToDuration, stringToList),
	})
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	if err := d.Decode(section); err != nil {
		faults = append(faults, decodeFaults(err)...)
	}
	for _, key := range meta.Unused {
		faults = append(faults, unknownKey(key))
	}
	return faults
}

func decodeFaults(err error) []string {
	var many *mapstructure.Error
	if !errors.As(err, &many) {
		return []string{Key + ": " + err.Error()}
	}
	faults := make([]string, len(many.Errors))
	for i, e := range many.Errors {
		faults[i] = Key + ": " + e
	}
	return faults
}

func unknownKey(key string) string {
	hint := "see the sample for the known ones"
	if strings.HasSuffix(strings.ToLower(key), "password") {
		hint = "a secret is given as a file: SASL.PasswordFile"
	}
	return fmt.Sprintf("%s.%s is not a key; %s", Key, key, hint)
}

// stringToDuration takes "5s"; a bare number has no unit and is refused.
func stringToDuration(from, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from == to {
		return value, nil
	}
	return time.ParseDuration(fmt.Sprint(value))
}

// stringToList takes "a,b" and "[a,b]", which is how a list comes from the environment.
func stringToList(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[[]string]() {
		return value, nil
	}
	var list []string
	for part := range strings.SplitSeq(strings.Trim(value.(string), "[]"), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list, nil
}

// faults names every value that is out of range.
func (c Config) faults() []string {
	var faults []string
	check := func(ok bool, key, want string, got any) {
		if !ok {
			faults = append(faults, fmt.Sprintf("%s.%s is %v; want %s", Key, key, got, want))
		}
	}
	check(c.Topic.ReplicationFactor > 0, "Topic.ReplicationFactor", "at least 1", c.Topic.ReplicationFactor)
	check(c.Topic.MinInsyncReplicas >= 0 && c.Topic.MinInsyncReplicas <= int(c.Topic.ReplicationFactor),
		"Topic.MinInsyncReplicas", "0, or at most the replication factor", c.Topic.MinInsyncReplicas)
	for key, d := range map[string]time.Duration{
		"Timeouts.Dial": c.Timeouts.Dial, "Timeouts.Read": c.Timeouts.Read, "Timeouts.Write": c.Timeouts.Write,
		"Timeouts.Append": c.Timeouts.Append, "Timeouts.Ready": c.Timeouts.Ready,
		"Retry.Min": c.Retry.Min, "Producer.Linger": c.Producer.Linger, "DeliverGrace": c.DeliverGrace,
	} {
		check(d > 0, key, "more than 0s", d)
	}
	check(c.Retry.Max >= c.Retry.Min, "Retry.Max", "at least Retry.Min", c.Retry.Max)
	check(c.CutJitter >= 0 && c.CutJitter <= 1, "CutJitter", "0 to 1", c.CutJitter)
	check(c.Producer.Inflight > 0, "Producer.Inflight", "at least 1", c.Producer.Inflight)
	check(c.Consumer.FetchBytes > 0, "Consumer.FetchBytes", "at least 1", c.Consumer.FetchBytes)
	check(c.Consumer.MaxDecompressedBytes > 0, "Consumer.MaxDecompressedBytes", "at least 1", c.Consumer.MaxDecompressedBytes)
	check((c.TLS.Certificate == "") == (c.TLS.PrivateKey == ""), "TLS.Certificate", "both it and TLS.PrivateKey, or neither", quoted(c.TLS.Certificate))
	check(c.SASL.Mechanism == "" || c.SASL.Mechanism == "PLAIN", "SASL.Mechanism", "empty or PLAIN", quoted(c.SASL.Mechanism))
	check(c.SASL.Mechanism == "" || c.SASL.User != "" && c.SASL.PasswordFile != "", "SASL.Mechanism", "SASL.User and SASL.PasswordFile with it", quoted(c.SASL.Mechanism))
	return faults
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
