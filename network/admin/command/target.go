package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/inspect"
	"github.com/fabric-kafka/orderer/network/prune"
)

// Target is what a command works on: a channel, and the brokers and orderers to ask about it.
type Target struct {
	Channel  string
	Brokers  []string        // HOST:PORT; none: those of Config, else those of the channel's config
	Config   string          // orderer.yaml by which brokers are reached; empty: the defaults
	Reader   *inspect.Reader // of Orderers; nil without them
	Orderers []string        // names that Reader knows
	Members  []prune.Orderer // all orderers of the channel, for prune; none: unknown

	work *meter // counts what arrives; nil: nothing is counted
}

// observe has a meter count the records of topics and the blocks of orderers.
func (t *Target) observe(m *meter) {
	t.work = m
	if t.Reader != nil {
		t.Reader.Observe(m.block)
	}
}

// Topic is a channel's topic as commands need it.
type Topic interface {
	log.Log
	Since(ctx context.Context, t time.Time) (log.Offset, error)
	Trim(ctx context.Context, below log.Offset) error
}

var _ Topic = (*kafka.Log)(nil)

// defaultLargest is AbsoluteMaxBytes in Fabric's sample configuration.
const defaultLargest = 10 << 20

// Open opens the channel's topic like an orderer with Config does. largest is
// AbsoluteMaxBytes of the channel, 0 for the default. The caller closes the topic.
func (t *Target) Open(ctx context.Context, largest uint32) (Topic, error) {
	return t.OpenOr(ctx, largest, t.channelBrokers)
}

// OpenOr opens the topic, on the brokers that others returns if neither the command line nor
// Config names any.
func (t *Target) OpenOr(ctx context.Context, largest uint32, others func(context.Context) ([]string, error)) (Topic, error) {
	c, err := consenterOf(t.Config)
	if err != nil {
		return nil, usageError{err}
	}
	brokers := t.Brokers
	if len(brokers) == 0 && len(c.Brokers()) == 0 {
		if brokers, err = others(ctx); err != nil {
			return nil, err
		}
	}
	if largest == 0 {
		largest = defaultLargest
	}
	opened, err := c.OpenTopic(brokers, t.Channel, largest)
	if err != nil {
		return nil, usageError{err}
	}
	topic, ok := opened.(Topic)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T, not a topic on brokers", opened), opened.Close())
	}
	if t.work != nil {
		topic = metered{topic, t.work}
	}
	return topic, nil
}

// Joined returns the orderers that have the channel, and an error if none has.
func (t *Target) Joined(ctx context.Context) ([]string, error) {
	members, err := t.Reader.Members(ctx, t.Channel, t.Orderers)
	if err == nil && len(members) == 0 {
		err = fmt.Errorf("none of the orderers has channel %s: correct its name, or name orderers that have joined it", t.Channel)
	}
	return members, err
}

// Uncounted calls f, whose time does not count for --timeout: a reader of the output may pause.
func (t *Target) Uncounted(f func() error) error { return t.work.without(f) }

// channelBrokers returns the brokers that the channel's config names.
func (t *Target) channelBrokers(ctx context.Context) (brokers []string, err error) {
	if len(t.Orderers) == 0 {
		return nil, Usagef("%s names no brokers (Consensus.Kafka.Brokers): add --brokers HOST:PORT, or take them from the channel's config with --orderer HOST:PORT", t.Config)
	}
	err = t.AnyOrderer(func(name string) (err error) {
		brokers, err = t.Reader.Brokers(ctx, name, t.Channel)
		return err
	})
	return brokers, err
}

// AnyOrderer calls f for one orderer after the other until it succeeds.
func (t *Target) AnyOrderer(f func(name string) error) error {
	var faults []error
	for _, name := range t.Orderers {
		err := f(name)
		if err == nil {
			return nil
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// consenterOf returns the consenter of an orderer that has this orderer.yaml, or the
// default settings.
func consenterOf(config string) (*consenter.Consenter, error) {
	var file struct {
		Consensus any `yaml:"Consensus"`
	}
	if config != "" {
		text, err := os.ReadFile(config)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", config, err)
		}
	}
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		return nil, err
	}
	return consenter.New(consenter.Host{Consensus: file.Consensus, Metrics: &disabled.Provider{}, Crypto: crypto, ConfigDir: filepath.Dir(config)})
}

// hasOrderers sets the orderers to read, by their addresses.
func (t *Target) hasOrderers(addresses []string, files client.TLS, who *client.Identity) {
	orderers := make([]inspect.Orderer, len(addresses))
	for i, a := range addresses {
		orderers[i] = inspect.Orderer{Name: a, Address: a, TLS: files}
	}
	t.Orderers, t.Reader = addresses, inspect.NewReader(who, orderers)
}
