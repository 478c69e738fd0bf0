// Package consenter makes Kafka chains for an orderer's registrar: Fabric's
// consensus.Consenter and ClusterConsenter for the consensus type kafka, the
// local configuration, and the adapters to Fabric's logs and metrics.
//
// A Consenter has no goroutine, and of a channel it knows only for /healthz whether
// it is cut off; everything else belongs to the chains that it makes.
package consenter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

var (
	_ consensus.Consenter        = (*Consenter)(nil)
	_ consensus.ClusterConsenter = (*Consenter)(nil)
)

// loggerName is the name, and the prefix of the names, of all loggers here.
const loggerName = "orderer.consensus.kafka"

// Host is what the orderer gives its consenters.
type Host struct {
	Consensus   any                    // the section Consensus of orderer.yaml, as it was parsed; may be nil
	Metrics     fabric.MetricsProvider // required
	Crypto      fabric.CryptoProvider  // required
	Cluster     Cluster                // may be empty: blocks are not pulled then
	LedgerDir   string                 // where the ledgers are; empty: their disk is not looked at
	Health      fabric.HealthRegistry  // for /healthz; nil if the build has none
	Environment []string               // of the process, as os.Environ gives it; nil: variables without an effect are not looked for
	ConfigFile  string                 // orderer.yaml; empty: keys that are in it twice are not looked for
	ConfigDir   string                 // what relative files are relative to: the folder of orderer.yaml; empty: the working directory
}

// Consenter makes the chains of one orderer process. It is safe for concurrent use.
type Consenter struct {
	config      settings.Config
	certificate *clientCertificate
	sasl        *kafka.SASL
	crypto      fabric.CryptoProvider
	cluster     Cluster
	dialer      *cluster.StandardDialer // to other orderers; nil: there is none
	disk        *disk
	metrics     *metrics
	health      *health
	admission   admission
	logger      *fabric.Logger
}

// New reads the local configuration and the files that it names. Its error names
// everything that is wrong with them, a line each. Call it once in a process: metrics
// cannot be registered twice.
func New(host Host) (*Consenter, error) {
	if host.Metrics == nil || host.Crypto == nil {
		return nil, errors.New("the orderer gave no metrics provider or no crypto provider: it was not built for this plugin")
	}
	config, parseErr := settings.Parse(host.Consensus, host.ConfigDir)
	transport, tlsErr := loadTLS(config.TLS)
	auth, saslErr := loadSASL(config.SASL)
	logger := fabric.NewLogger(loggerName)
	warnings, variablesErr := host.unread()
	for _, w := range warnings {
		logger.Warnw("An environment variable has no effect", "variable", w.Name, "reason", w.Reason)
	}
	if err := errors.Join(parseErr, settings.Duplicates(host.ConfigFile), tlsErr, saslErr, variablesErr); err != nil {
		return nil, misconfigured{err}
	}
	state := newHealth(config.DeliverGrace)
	if err := state.register(config.Health, host.Health); err != nil {
		return nil, misconfigured{err}
	}
	if exposed(config) {
		logger.Warnw("The secret that the orderer logs in to the brokers with crosses the network in clear text: set TLS.Enabled, or a mechanism SCRAM", "mechanism", config.SASL.Mechanism)
	}
	m := newMetrics(host.Metrics)
	certificate := &clientCertificate{transport: transport, end: m.certificateEnd, warn: logger.Warnw, now: time.Now}
	certificate.look()
	return &Consenter{
		config:      config,
		certificate: certificate,
		sasl:        auth,
		crypto:      host.Crypto,
		cluster:     host.Cluster,
		dialer:      host.Cluster.dialer(),
		disk:        newDisk(host.LedgerDir, int64(config.DiskReserve)),
		metrics:     m,
		health:      state,
		logger:      logger,
	}, nil
}

// unread returns the environment variables without an effect that are to be logged, and
// an error that names those that concern security.
func (h Host) unread() (warnings []settings.Unread, err error) {
	var faults []error
	for _, u := range settings.UnreadVariables(h.Environment, h.Consensus, h.ConfigDir) {
		if u.Security {
			faults = append(faults, u)
			continue
		}
		warnings = append(warnings, u)
	}
	return warnings, errors.Join(faults...)
}

// misconfigured is an error of the configuration, with where to find the faults.
type misconfigured struct{ error }

func (m misconfigured) Error() string {
	return "orderer.yaml, or an environment variable ORDERER_CONSENSUS_KAFKA_..., is wrong:\n  " +
		strings.ReplaceAll(m.error.Error(), "\n", "\n  ")
}

func (m misconfigured) Unwrap() error { return m.error }

// HandleChain returns the chain of a channel, not yet started. It does no I/O,
// and fails only if the registrar is not the one that this build was made for:
// an error here can end the orderer process.
func (c *Consenter) HandleChain(support consensus.ConsenterSupport, metadata *fabric.Metadata) (consensus.Chain, error) {
	s, ok := support.(chain.Support)
	if !ok {
		return nil, fmt.Errorf("the registrar's %T lacks channel resources that a kafka chain needs: "+
			"the plugin was built for another Fabric version", support)
	}
	opts := c.options(s.ChannelID())
	if opts.Member = c.member(s); opts.Member != "" {
		opts.Members = c.config.ConsumerGroup + "."
	}
	return chain.New(s, metadata.GetValue(), opts), nil
}

// member is the group that the orderer publishes its progress by; empty for none.
func (c *Consenter) member(s chain.Support) string {
	if c.config.ConsumerGroup == "" {
		return ""
	}
	identity, err := s.Serialize()
	if err == nil {
		var member string
		if member, err = Group(c.config.ConsumerGroup, identity); err == nil {
			return member
		}
	}
	c.logger.Warnw("Cannot publish how far the ledger is: this orderer has no name", "channel", s.ChannelID(), "error", err)
	return ""
}

func (c *Consenter) options(channel string) chain.Options {
	o := c.config
	jitter := o.CutJitter
	if jitter == 0 {
		jitter = -1 // for chain, zero means its default
	}
	return chain.Options{
		OpenLog:       c.openLog,
		Brokers:       o.Brokers,
		Settings:      topicSettings(o.Topic, channel),
		Crypto:        c.crypto,
		Events:        c.events(channel),
		NewPuller:     c.newPuller,
		Room:          c.disk.room,
		Explain:       explain,
		RetryMin:      o.Retry.Min,
		RetryMax:      o.Retry.Max,
		AppendTimeout: o.Timeouts.Append,
		ReadyTimeout:  o.Timeouts.Ready,
		DeliverGrace:  o.DeliverGrace,
		CheckInterval: o.CheckInterval,
		Preflight:     chain.Preflight(o.Preflight),
		ForkAlarm:     chain.ForkAlarm(o.ForkAlarm),
		CutJitter:     jitter,
		Inflight:      o.Producer.Inflight,
	}
}

// topicSettings returns what the operator says about a channel's topic.
func topicSettings(t settings.Topic, channel string) session.Settings {
	return session.Settings{
		AllowUndescribed: lists(t.Compatible, channel),
		IgnoredCuts:      t.PassCuts[channel],
		MovedTo:          t.Moved[channel],
		Begin:            lists(t.Begin, channel),
	}
}

// lists reports whether a list of channels has a channel; * stands for all.
func lists(channels []string, channel string) bool {
	return slices.Contains(channels, channel) || slices.Contains(channels, "*")
}

// valueOverhead is what a record's value has beside the payload and signature
// that AbsoluteMaxBytes counts: the framing of envelope and record.
const valueOverhead = 1 << 10

// mostValue is what fits into a request to Kafka. A channel may allow larger
// envelopes; they are refused one by one, since a channel that stopped for
// being so configured could not be configured back.
const mostValue = 96 << 20

func (c *Consenter) openLog(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	config := c.logConfig(brokers, maxEnvelope)
	waits := c.brokerWaits(topic)
	config.Waiting, config.Answered = waits.waiting, waits.answered
	return kafka.Open(config, topic)
}

// Brokers are those of the configuration, which an orderer prefers to a channel's.
func (c *Consenter) Brokers() []string { return c.config.Brokers }

// OpenTopic opens a topic as the chain of a channel does, for tools. Without
// brokers, it is on those of the configuration.
func (c *Consenter) OpenTopic(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	if len(brokers) == 0 {
		brokers = c.config.Brokers
	}
	return c.openLog(brokers, topic, maxEnvelope)
}

func (c *Consenter) logConfig(brokers []string, maxEnvelope uint32) kafka.Config {
	o := c.config
	made := kafka.Config{
		Brokers:              brokers,
		ClientID:             o.ClientID,
		DialTimeout:          o.Timeouts.Dial,
		ReadTimeout:          o.Timeouts.Read,
		WriteTimeout:         o.Timeouts.Write,
		RetryBackoff:         o.Retry.Min,
		Linger:               o.Producer.Linger,
		FetchBytes:           o.Consumer.FetchBytes,
		MaxDecompressedBytes: o.Consumer.MaxDecompressedBytes,
		SASL:                 c.sasl,
		Settings: log.Settings{
			ReplicationFactor: o.Topic.ReplicationFactor,
			MinInsyncReplicas: o.Topic.MinInsyncReplicas,
			MaxMessageBytes:   int(min(uint64(maxEnvelope)+valueOverhead, mostValue)),
		},
	}
	if c.certificate.transport != nil {
		made.TLS = c.certificate.connect
	}
	return made
}
