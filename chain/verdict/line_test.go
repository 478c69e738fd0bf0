package verdict

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// channel is the one that a registrar of fabrictest serves.
const channel = fabrictest.ChannelID

// line is a build on one line of Fabric, as far as lines differ: go.mod's Fabric, adapted to what the other line's
// code does, as read.
type line struct {
	name    string
	knows   knowledge
	shape   *shape                     // of a channel config, as it knows it
	refuses func(*fabric.Config) error // what its NewBundle refuses in addition
	targets string                     // consensus types that its maintenance filter lets a channel change to
}

// allLines returns 2.5, the module, 3.1 and the line after it.
func allLines() []line {
	without := func(capabilities ...string) knowledge {
		return func(_, c string) bool {
			for _, w := range capabilities {
				if c == w {
					return false
				}
			}
			return true
		}
	}
	later := *channelShape
	later.values = maps.Clone(channelShape.values)
	later.values["Novelty"] = messageOf[fabric.Capabilities]
	return []line{
		{"2.5", without("V3_0", "V9_9"), channelShape, refusedBy25, "etcdraft solo kafka"},
		{"module", without("V3_0", "V9_9"), channelShape, refusedByModule, "etcdraft testing-only"},
		{"3.x", without("V9_9"), channelShape, refusedBy31, "BFT"},
		{"later", without(), &later, refusedBy31, "BFT etcdraft"},
	}
}

// thisLine is the line that the test is compiled against.
func thisLine() line {
	all := allLines()
	return all[slices.IndexFunc(all, func(l line) bool { return l.name == fabrictest.ThisLine().Name })]
}

var like25 = regexp.MustCompile(`^(|[[:alnum:]]|[[:alnum:]][[:alnum:].-]*[[:alnum:]]):[0-9]+$`)

func refusedBy25(c *fabric.Config) error {
	root, list := c.ChannelGroup, &fabric.KafkaBrokers{}
	if err := fabric.Unmarshal(root.Groups["Orderer"].Values["KafkaBrokers"].GetValue(), list); err != nil {
		return err
	}
	for _, b := range list.Brokers {
		if !like25.MatchString(b) {
			return fmt.Errorf("2.5: broker %q", b)
		}
	}
	if root.Values["Orderers"] != nil || root.Groups["Orderer"].Values["Orderers"] != nil {
		return errors.New("2.5: unexpected key Orderers")
	}
	return refusedByModule(c)
}

func refusedByModule(c *fabric.Config) error { return refusedKeys(c, x509.Ed25519) }

func refusedBy31(c *fabric.Config) error {
	if _, v3 := capabilitiesOf(c.ChannelGroup)["V3_0"]; v3 {
		if len(addressesOf(c.ChannelGroup, "OrdererAddresses")) > 0 {
			return errors.New("3.1: global addresses with V3_0")
		}
		for _, org := range c.ChannelGroup.Groups["Orderer"].Groups {
			if len(addressesOf(org, "Endpoints")) == 0 {
				return errors.New("3.1: no endpoints with V3_0")
			}
		}
	}
	return refusedKeys(c, x509.RSA)
}

// refusedKeys refuses administrators, and Ed25519 authorities, with keys of a kind.
func refusedKeys(c *fabric.Config, kind x509.PublicKeyAlgorithm) error {
	for _, org := range c.ChannelGroup.Groups["Orderer"].Groups {
		config, inner := &fabric.MSPConfig{}, &fabric.FabricMSPConfig{}
		if err := errors.Join(fabric.Unmarshal(org.Values["MSP"].GetValue(), config), fabric.Unmarshal(config.Config, inner)); err != nil {
			return err
		}
		certs := inner.Admins
		if kind == x509.Ed25519 {
			certs = append(certs, inner.RootCerts...)
		}
		for _, text := range certs {
			if k, ok := keyOf(text); ok && k == kind {
				return fmt.Errorf("an %s key", kind)
			}
		}
	}
	return nil
}

// starts reports whether the line's registrar accepts a channel with the capabilities of its config in force. The
// module's accepts its draft of V3_0.
func (l line) starts(c *fabric.Config) bool {
	for group, g := range map[string]*fabric.ConfigGroup{"Channel": c.ChannelGroup, "Orderer": ordererGroup(c)} {
		for name := range capabilitiesOf(g) {
			if !l.knows(group, name) && (l.name != "module" || name != "V3_0") {
				return false
			}
		}
	}
	return true
}

// build is the validator of a line, for a channel at its current config.
type build struct {
	line
	channel   *realChannel
	validator *Validator
}

func (c *realChannel) build(l line) *build {
	bundle, err := channelconfig.NewBundle(channel, c.config, c.provider)
	if err != nil {
		c.Fatal(err)
	}
	b := &build{line: l, channel: c}
	support := &realSupport{bundle: bundle, build: b}
	b.validator = New(support, c.provider)
	b.validator.rules.unknownCheck, b.validator.read = unknownCheck{l.knows, l.shape}, b.read
	b.validator.maintenance = maintenance{support, msgprocessor.NewMaintenanceFilter(support, c.provider), l.targets}
	return b
}

// read is the line's NewBundle.
func (b *build) read(config *fabric.Config) (*channelconfig.Bundle, error) {
	if err := b.refuses(config); err != nil {
		return nil, err
	}
	return channelconfig.NewBundle(channel, b.shown(config), b.channel.provider)
}

// shown returns a config as go.mod's Fabric gets it: without the values, capabilities and keys that only a later line
// knows.
func (b *build) shown(config *fabric.Config) *fabric.Config {
	copied := &fabric.Config{}
	if err := fabric.Unmarshal(protoutil.MarshalOrPanic(config), copied); err != nil {
		panic(err)
	}
	root := copied.ChannelGroup
	if _, ok := b.shape.values["Novelty"]; ok {
		delete(root.Values, "Novelty")
	}
	if app := root.Groups["Application"]; app != nil && b.knows("Application", "V9_9") && capabilitiesOf(app)["V9_9"] != nil {
		enable(app, "V2_0")
	}
	if refusedKeys(copied, x509.Ed25519) != nil {
		for _, kind := range []string{"Orderer", "Application"} {
			if root.Groups[kind] == nil {
				continue
			}
			root.Groups[kind].Groups["Org"].Values["MSP"] = b.channel.config.ChannelGroup.Groups[kind].Groups["Org"].Values["MSP"]
		}
	}
	return copied
}

// verdict returns the verdict on a config record.
func (b *build) verdict(check machine.Check, envelope *fabric.Envelope) machine.Verdict {
	bytes := protoutil.MarshalOrPanic(envelope)
	return b.validator.Judge(machine.Judge{Class: machine.Config, Check: check, Envelope: machine.Envelope{Bytes: bytes}})
}

// maintenance is a line's filter: a change of type is allowed in maintenance mode, to some types.
type maintenance struct {
	support *realSupport
	module  msgprocessor.Rule
	targets string
}

func (m maintenance) Apply(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err != nil {
		return err
	}
	now, _ := m.support.OrdererConfig()
	next := &fabric.ConsensusType{}
	if err := fabric.Unmarshal(ordererGroup(tx.config).Values["ConsensusType"].GetValue(), next); err != nil {
		return err
	}
	switch {
	case next.Type == now.ConsensusType():
		return m.module.Apply(m.support.build.channel.envelope(cb.HeaderType_CONFIG, &fabric.ConfigEnvelope{Config: m.support.build.shown(tx.config), LastUpdate: tx.envelope.LastUpdate}))
	case now.ConsensusState() != ab.ConsensusType_STATE_MAINTENANCE || next.State != ab.ConsensusType_STATE_MAINTENANCE:
		return errors.New("not in maintenance mode")
	case !strings.Contains(m.targets, next.Type):
		return errors.New("transition not supported")
	}
	return nil
}

// realSupport is Fabric's side of a channel, by one line of Fabric.
type realSupport struct {
	Support // what is not faked panics

	bundle *channelconfig.Bundle
	build  *build
}

func (s *realSupport) ChannelID() string { return channel }

func (s *realSupport) ConfigtxValidator() configtx.Validator { return s.bundle.ConfigtxValidator() }

func (s *realSupport) MSPManager() msp.MSPManager { return s.bundle.MSPManager() }

func (s *realSupport) PolicyManager() policies.Manager { return s.bundle.PolicyManager() }

func (s *realSupport) OrdererConfig() (channelconfig.Orderer, bool) { return s.bundle.OrdererConfig() }

func (s *realSupport) ValidateNew(next channelconfig.Resources) error {
	return s.bundle.ValidateNew(next)
}

// ProcessConfigMsg is Fabric's check at Broadcast, except for the envelope's signature.
func (s *realSupport) ProcessConfigMsg(envelope *fabric.Envelope) (*fabric.Envelope, uint64, error) {
	tx, err := processable(envelope)
	if err != nil {
		return nil, 0, err
	}
	next, err := s.bundle.ConfigtxValidator().ProposeConfigUpdate(tx.envelope.LastUpdate)
	if err != nil {
		return nil, 0, err
	}
	if !s.build.starts(next.Config) {
		return nil, 0, errors.New("a capability is required but not supported")
	}
	bundle, err := s.build.read(next.Config)
	if err != nil {
		return nil, 0, err
	}
	if err := s.ValidateNew(bundle); err != nil {
		return nil, 0, err
	}
	return envelope, 0, s.build.validator.maintenance.Apply(envelope)
}
