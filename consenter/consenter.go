// Package consenter creates Kafka chains for an orderer's registrar: Fabric's
// consensus.Consenter and ClusterConsenter for channels that Kafka orders, the
// wiring of what the packages below it do, and the adapters to Fabric's logs and metrics.
//
// A Consenter has no goroutine. Of a channel it keeps whether it is cut off, for /healthz,
// whether it existed at start in spite of a fault, and the disk space granted to it; everything
// else belongs to the chains that it creates.
package consenter

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/consenter/credentials"
	"github.com/fabric-kafka/orderer/consenter/pull"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

var (
	_ consensus.Consenter        = (*Consenter)(nil)
	_ consensus.ClusterConsenter = (*Consenter)(nil)
)

// loggerName is the name of the package's logger, and the prefix of the others.
const loggerName = "orderer.consensus.kafka"

// Host is what the orderer gives its consenters.
type Host struct {
	Consensus   any                    // the section Consensus of orderer.yaml, as parsed; may be nil
	Metrics     fabric.MetricsProvider // required
	Crypto      fabric.CryptoProvider  // required
	Cluster     pull.Cluster           // if empty, no blocks are pulled
	LedgerDir   string                 // folder of the ledgers; if empty, free space is not checked
	Health      fabric.HealthRegistry  // for /healthz; nil if the build has none
	Environment []string               // of the process, as from [os.Environ]; if nil, variables without effect are not reported
	ConfigFile  string                 // path of orderer.yaml; if empty, duplicate keys are not reported
	ConfigDir   string                 // folder that relative files are relative to, that of orderer.yaml; if empty, the working directory
}

// Consenter creates the chains of one orderer process. It is safe for concurrent use.
type Consenter struct {
	config      settings.Config
	certificate *credentials.ClientCertificate
	sasl        *conn.SASL
	pools       *conn.Pools // of the logs of all channels
	crypto      fabric.CryptoProvider
	pullers     *pull.Factory
	disk        *disk
	metrics     *metrics
	health      *health
	admission   admission
	raft        consensus.Consenter // Fabric's own of type etcdraft; nil if the build has none
	logger      *fabric.Logger
}

// New reads the local configuration and the files that it names. Its error lists all of their faults, one per line.
// Call New once in a process: metrics cannot be registered twice.
func New(host Host) (*Consenter, error) {
	if host.Metrics == nil || host.Crypto == nil {
		return nil, errors.New("the orderer gave no metrics provider or no crypto provider: it was not built for this plugin")
	}
	config, parseErr := settings.Parse(host.Consensus, host.ConfigDir)
	transport, tlsErr := credentials.LoadTLS(config.TLS)
	auth, saslErr := credentials.LoadSASL(config.SASL)
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
	if credentials.Exposed(config.TLS, config.SASL) {
		logger.Warnw("The orderer sends its secret to the brokers in clear text; set TLS.Enabled, or use a SCRAM mechanism", "mechanism", config.SASL.Mechanism)
	}
	m := newMetrics(host.Metrics)
	certificate := credentials.NewClientCertificate(transport, m.process.CertificateExpiry, logger.Warnw)
	certificate.Refresh()
	return &Consenter{
		config:      config,
		certificate: certificate,
		sasl:        auth,
		pools:       conn.NewPools(config.CheckInterval / poolShare),
		crypto:      host.Crypto,
		pullers:     pull.NewFactory(host.Cluster, host.Crypto),
		disk:        newDisk(host.LedgerDir, int64(config.DiskReserve)),
		metrics:     m,
		health:      state,
		logger:      logger,
	}, nil
}

// unread returns the environment variables without effect to be logged as warnings, and
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

// misconfigured is an error in the configuration. Its text says where to correct it.
type misconfigured struct{ error }

func (m misconfigured) Error() string {
	return "orderer.yaml, or an environment variable ORDERER_CONSENSUS_KAFKA_..., is wrong:\n  " +
		strings.ReplaceAll(m.error.Error(), "\n", "\n  ")
}

func (m misconfigured) Unwrap() error { return m.error }

// HandleChain returns the chain of a channel, not yet started. It does no I/O, and fails
// only if the registrar is not the one that this build was made for, since an error
// can end the orderer process.
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

// member returns the consumer group that the orderer publishes its progress under; empty for none.
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
	c.logger.Warnw("Cannot publish the ledger's progress: this orderer's identity gives no group name", "channel", s.ChannelID(), "error", err)
	return ""
}

func (c *Consenter) options(channel string) chain.Options {
	o := c.config
	jitter := o.CutJitter
	if jitter == 0 {
		jitter = -1 // package chain uses its default for zero
	}
	return chain.Options{
		OpenLog:       c.openLog,
		Brokers:       o.Brokers,
		Settings:      topicSettings(o.Topic, channel),
		Crypto:        c.crypto,
		Events:        c.events(channel),
		NewPuller:     c.pullers.New,
		Room:          c.disk.room,
		Explain:       explain,
		RetryMin:      o.Retry.Min,
		RetryMax:      o.Retry.Max,
		AppendTimeout: o.Timeouts.Append,
		ReadyTimeout:  o.Timeouts.Ready,
		DeliverGrace:  o.DeliverGrace,
		Handover:      handover.Local{Raft: c.checkRaft(), ExcludeShared: !o.SharedType},
		CheckInterval: spread(o.CheckInterval, channel),
		Preflight:     chain.Preflight(o.Preflight),
		ForkAlarm:     chain.ForkAlarm(o.ForkAlarm),
		CutJitter:     jitter,
		Inflight:      o.Producer.Inflight,
	}
}

// A channel checks its topic more often than every CheckInterval, by a tenth to three tenths according to its name: the checks of
// many channels do not coincide, however they were started. A connection of a check may have been open for a tenth of
// CheckInterval, so whoever may no longer connect is cut off within CheckInterval.
const (
	poolShare  = 10
	leastShare = 0.7
	mostShare  = 0.9
)

// spread returns how often a channel checks its topic.
func spread(interval time.Duration, channel string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(channel)) // never fails
	share := leastShare + (mostShare-leastShare)*float64(h.Sum32())/math.MaxUint32
	return time.Duration(share * float64(interval))
}

// topicSettings returns the local settings of a channel's topic.
func topicSettings(t settings.Topic, channel string) session.Settings {
	return session.Settings{
		AllowUndescribed: lists(t.Compatible, channel),
		IgnoredCuts:      t.PassCuts[channel],
		MovedTo:          t.Moved[channel],
		Begin:            lists(t.Begin, channel),
	}
}

// lists reports whether a list of channels contains a channel; * stands for all.
func lists(channels []string, channel string) bool {
	return slices.Contains(channels, channel) || slices.Contains(channels, "*")
}

// valueOverhead is the framing of envelope and record, in bytes, which a record's value has in
// addition to the payload and signature that AbsoluteMaxBytes counts.
const valueOverhead = 1 << 10

// maxValue is the largest value, in bytes, that fits into a request to Kafka. A channel may
// allow larger envelopes. They are refused one by one: if the channel stopped instead,
// no config update could correct it.
const maxValue = 96 << 20

func (c *Consenter) openLog(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	config := c.logConfig(brokers, maxEnvelope)
	waits := c.brokerWaits(topic)
	config.Waiting, config.Answered = waits.waiting, waits.answered
	return kafka.Open(config, topic)
}

// Brokers returns the brokers of the local configuration, which take precedence over a channel's.
func (c *Consenter) Brokers() []string { return c.config.Brokers }

// OpenTopic opens a topic as a channel's chain does, for tools. If brokers is empty, it
// uses those of the local configuration.
func (c *Consenter) OpenTopic(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	if len(brokers) == 0 {
		brokers = c.config.Brokers
	}
	return c.openLog(brokers, topic, maxEnvelope)
}

func (c *Consenter) logConfig(brokers []string, maxEnvelope uint32) kafka.Config {
	o := c.config
	config := kafka.Config{
		Brokers:              brokers,
		ClientID:             o.ClientID,
		DialTimeout:          o.Timeouts.Dial,
		ReadTimeout:          o.Timeouts.Read,
		WriteTimeout:         o.Timeouts.Write,
		RetryBackoff:         o.Retry.Min,
		Linger:               o.Producer.Linger,
		FetchBytes:           o.Consumer.FetchBytes,
		MaxDecompressedBytes: o.Consumer.MaxDecompressedBytes,
		TLS:                  c.certificate.TLS(),
		SASL:                 c.sasl,
		Pools:                c.pools,
		Settings: log.Settings{
			ReplicationFactor: o.Topic.ReplicationFactor,
			MinInsyncReplicas: o.Topic.MinInsyncReplicas,
			MaxMessageBytes:   int(min(uint64(maxEnvelope)+valueOverhead, maxValue)),
		},
	}
	return config
}
