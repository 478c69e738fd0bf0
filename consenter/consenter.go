// Package consenter makes Kafka chains for an orderer's registrar: Fabric's
// consensus.Consenter and ClusterConsenter for the consensus type kafka, the
// local configuration, and the adapters to Fabric's logs and metrics.
package consenter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
)

var (
	_ consensus.Consenter        = (*Consenter)(nil)
	_ consensus.ClusterConsenter = (*Consenter)(nil)
)

// Host is what the orderer gives its consenters.
type Host struct {
	Consensus any                    // the section Consensus of orderer.yaml, as it was parsed
	Metrics   fabric.MetricsProvider // required
	Crypto    fabric.CryptoProvider  // required
}

// Consenter makes the chains of one orderer process. It holds no state of a
// channel and is safe for concurrent use.
type Consenter struct {
	config  Config
	tls     *tls.Config
	crypto  fabric.CryptoProvider
	metrics *metrics
	logger  *fabric.Logger
}

// New reads the local configuration. Its error names all that is wrong with it.
func New(host Host) (*Consenter, error) {
	config, err := ParseConfig(host.Consensus)
	if err != nil {
		return nil, err
	}
	transport, err := config.TLS.load()
	if err != nil {
		return nil, err
	}
	logger := fabric.NewLogger("orderer.consensus.kafka")
	redirectSarama(logger.Named("sarama"))
	return &Consenter{
		config:  config,
		tls:     transport,
		crypto:  host.Crypto,
		metrics: newMetrics(host.Metrics),
		logger:  logger,
	}, nil
}

// HandleChain returns the chain of a channel. It does no network I/O, and fails
// only if the registrar is not the one that this build was made for: an error
// here would end the orderer process.
func (c *Consenter) HandleChain(support consensus.ConsenterSupport, metadata *fabric.Metadata) (consensus.Chain, error) {
	s, ok := support.(chain.Support)
	if !ok {
		return nil, fmt.Errorf("the registrar's %T lacks channel resources that a kafka chain needs: "+
			"the plugin was built for another Fabric version", support)
	}
	id := s.ChannelID()
	o := c.config
	jitter := o.CutJitter
	if jitter == 0 {
		jitter = -1 // for chain, zero means its default
	}
	return chain.New(s, metadata.GetValue(), chain.Options{
		OpenLog:       c.openLog,
		Crypto:        c.crypto,
		Events:        c.events(id),
		RetryMin:      o.Retry.Min,
		RetryMax:      o.Retry.Max,
		AppendTimeout: o.Timeouts.Append,
		ReadyTimeout:  o.Timeouts.Ready,
		DeliverGrace:  o.DeliverGrace,
		CutJitter:     jitter,
		Inflight:      o.Producer.Inflight,
	}), nil
}

// valueOverhead is what a record's value has beside the payload and signature
// that AbsoluteMaxBytes counts: the framing of envelope and record.
const valueOverhead = 1 << 10

func (c *Consenter) openLog(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	o := c.config
	auth, err := o.SASL.load()
	if err != nil {
		return nil, err
	}
	return kafka.Open(kafka.Config{
		Brokers:              brokers,
		ClientID:             o.ClientID,
		DialTimeout:          o.Timeouts.Dial,
		ReadTimeout:          o.Timeouts.Read,
		WriteTimeout:         o.Timeouts.Write,
		RetryBackoff:         o.Retry.Min,
		Linger:               o.Producer.Linger,
		FetchBytes:           o.Consumer.FetchBytes,
		MaxDecompressedBytes: o.Consumer.MaxDecompressedBytes,
		TLS:                  c.tls,
		SASL:                 auth,
		Settings: log.Settings{
			ReplicationFactor: o.Topic.ReplicationFactor,
			MinInsyncReplicas: o.Topic.MinInsyncReplicas,
			MaxMessageBytes:   int(maxEnvelope) + valueOverhead,
		},
	}, topic)
}

// IsChannelMember says that this orderer is a consenter of the channel of a
// config block: every orderer of a kafka channel is. The error says what is
// wrong with the block; osnadmin shows it to whoever tries to join with it.
func (c *Consenter) IsChannelMember(block *fabric.Block) (bool, error) {
	envelope, err := configOf(block)
	if err != nil {
		return false, err
	}
	channel, err := protoutil.GetChannelIDFromBlock(block)
	if err != nil {
		return false, fmt.Errorf("config block: %w", err)
	}
	bundle, err := channelconfig.NewBundle(channel, envelope.Config, c.crypto)
	if err != nil {
		return false, fmt.Errorf("channel config: %w", err)
	}
	orderer, ok := bundle.OrdererConfig()
	if !ok {
		return false, errors.New("the channel config has no orderer group")
	}
	if kind := orderer.ConsensusType(); kind != chain.ConsensusType {
		return false, fmt.Errorf("the channel is of consensus type %q, not %q", kind, chain.ConsensusType)
	}
	if len(orderer.ConsensusMetadata()) > 0 {
		return false, fmt.Errorf("ConsensusType.metadata must be empty for consensus type %q", chain.ConsensusType)
	}
	if _, err := chain.Brokers(envelope.Config); err != nil {
		return false, err
	}
	return true, nil
}

func configOf(block *fabric.Block) (*fabric.ConfigEnvelope, error) {
	if block == nil {
		return nil, errors.New("no block")
	}
	envelope, err := protoutil.ExtractEnvelope(block, 0)
	if err != nil {
		return nil, fmt.Errorf("config block: %w", err)
	}
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return nil, fmt.Errorf("config block: %w", err)
	}
	return config, nil
}

// RemoveInactiveChainRegistry belongs to system channels, which this consenter has none of.
func (c *Consenter) RemoveInactiveChainRegistry() {}

// load returns nil if TLS is off.
func (t TLS) load() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	var faults []error
	for _, file := range t.RootCAs {
		pem, err := os.ReadFile(file)
		if config.RootCAs == nil {
			config.RootCAs = x509.NewCertPool()
		}
		if err == nil && !config.RootCAs.AppendCertsFromPEM(pem) {
			err = fmt.Errorf("%s holds no certificate in PEM", file)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s.TLS.RootCAs: %w", Key, err))
		}
	}
	if t.Certificate != "" {
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.Certificate, t.PrivateKey)
			return &pair, err
		}
		if _, err := load(); err != nil {
			faults = append(faults, fmt.Errorf("%s.TLS.Certificate: %w", Key, err))
		}
		// Read again for each connection, so that a rotated certificate needs no restart.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return config, errors.Join(faults...)
}

// load returns nil if SASL is off.
func (s SASL) load() (*kafka.SASL, error) {
	if s.Mechanism == "" {
		return nil, nil
	}
	password, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("%s.SASL.PasswordFile: %w", Key, err)
	}
	return &kafka.SASL{User: s.User, Password: strings.TrimRight(string(password), "\r\n")}, nil
}
