package chain

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"

	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// line is a build on one line of Fabric, as far as lines differ: what the code of
// go.mod's Fabric does is adapted to what the other line's code was read to do.
type line struct {
	name    string
	knows   knowledge
	shape   *shape                     // of a channel config, as it knows it
	refuses func(*fabric.Config) error // what its NewBundle refuses beside
	targets string                     // consensus types that its maintenance filter lets a channel change to
}

// lines25, module, lines31 and the one after them.
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
		{"3.1", without("V9_9"), channelShape, refusedBy31, "BFT"},
		{"later", without(), &later, refusedBy31, "BFT etcdraft"},
	}
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

// refusedKeys refuses administrators with keys of a kind.
func refusedKeys(c *fabric.Config, kind x509.PublicKeyAlgorithm) error {
	for _, org := range c.ChannelGroup.Groups["Orderer"].Groups {
		config, inner := &fabric.MSPConfig{}, &fabric.FabricMSPConfig{}
		if err := errors.Join(fabric.Unmarshal(org.Values["MSP"].GetValue(), config), fabric.Unmarshal(config.Config, inner)); err != nil {
			return err
		}
		for _, text := range inner.Admins {
			if k, ok := keyOf(text); ok && k == kind {
				return fmt.Errorf("an administrator with an %s key", kind)
			}
		}
	}
	return nil
}

// build is the judge of a line, for a channel at its config.
type build struct {
	line
	channel *realChannel
	judge   *judge
}

func (c *realChannel) build(l line) *build {
	bundle, err := channelconfig.NewBundle(channel, c.config, c.provider)
	if err != nil {
		c.Fatal(err)
	}
	b := &build{line: l, channel: c}
	support := &realSupport{bundle: bundle, build: b}
	b.judge = newJudge(support, c.provider)
	b.judge.agreed.unknown, b.judge.read = unknown{l.knows, l.shape}, b.read
	b.judge.maintenance = maintenance{support, msgprocessor.NewMaintenanceFilter(support, c.provider), l.targets}
	return b
}

// read is the line's NewBundle. Values that only a later line knows are not shown
// to that of go.mod's Fabric, nor keys that it does not take.
func (b *build) read(config *fabric.Config) (*channelconfig.Bundle, error) {
	if err := b.refuses(config); err != nil {
		return nil, err
	}
	shown := &fabric.Config{}
	if err := fabric.Unmarshal(protoutil.MarshalOrPanic(config), shown); err != nil {
		return nil, err
	}
	if _, ok := b.shape.values["Novelty"]; ok {
		delete(shown.ChannelGroup.Values, "Novelty")
	}
	if refusedKeys(shown, x509.Ed25519) != nil {
		shown.ChannelGroup.Groups["Orderer"].Groups["Org"].Values["MSP"] = b.channel.config.ChannelGroup.Groups["Orderer"].Groups["Org"].Values["MSP"]
	}
	return channelconfig.NewBundle(channel, shown, b.channel.provider)
}

// verdict is that on a config record.
func (b *build) verdict(check machine.Check, envelope *fabric.Envelope) machine.Verdict {
	bytes := protoutil.MarshalOrPanic(envelope)
	return b.judge.verdict(machine.Judge{Class: machine.Config, Check: check, Envelope: machine.Envelope{Bytes: bytes}})
}

// maintenance is a line's filter: a change of type is let through in maintenance
// mode, to some types.
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
		return m.module.Apply(envelope)
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

// ProcessConfigMsg is Fabric's check at Broadcast, but for the envelope's signature.
func (s *realSupport) ProcessConfigMsg(envelope *fabric.Envelope) (*fabric.Envelope, uint64, error) {
	tx, err := processable(envelope)
	if err != nil {
		return nil, 0, err
	}
	next, err := s.bundle.ConfigtxValidator().ProposeConfigUpdate(tx.envelope.LastUpdate)
	if err != nil {
		return nil, 0, err
	}
	for _, group := range []string{channelconfig.ChannelGroupKey, channelconfig.OrdererGroupKey} {
		for c := range capabilitiesOf(map[string]*fabric.ConfigGroup{"Channel": next.Config.ChannelGroup, "Orderer": ordererGroup(next.Config)}[group]) {
			if !s.build.knows(group, c) {
				return nil, 0, fmt.Errorf("capability %s is required but not supported", c)
			}
		}
	}
	bundle, err := s.build.read(next.Config)
	if err != nil {
		return nil, 0, err
	}
	if err := s.ValidateNew(bundle); err != nil {
		return nil, 0, err
	}
	return envelope, 0, s.build.judge.maintenance.Apply(envelope)
}
