package chaintest

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// Settings are the channel config. The zero value of a field means its default.
type Settings struct {
	Seq       uint64
	Type      string        // consensus type; default "kafka"
	Brokers   []string      // default "kafka:9092"
	Count     uint32        // MaxMessageCount; default 3
	MaxBytes  uint32        // AbsoluteMaxBytes; default 1 MiB
	Preferred uint32        // PreferredMaxBytes; default 512 KiB
	Timeout   time.Duration // BatchTimeout; default 1 s

	Capability string // of the orderer group; default none
}

func (s Settings) withDefaults() Settings {
	s.Type = cmp.Or(s.Type, fabric.ConsensusTypeKafka)
	s.Count = cmp.Or(s.Count, 3)
	s.MaxBytes = cmp.Or(s.MaxBytes, 1<<20)
	s.Preferred = cmp.Or(s.Preferred, 1<<19)
	s.Timeout = cmp.Or(s.Timeout, time.Second)
	if s.Brokers == nil {
		s.Brokers = []string{"kafka:9092"}
	}
	return s
}

// SharedConfig returns the config in force.
func (l *Ledger) SharedConfig() channelconfig.Orderer { return ordererConfig{settings: l.now()} }

// OrdererConfig returns the config in force.
func (l *Ledger) OrdererConfig() (channelconfig.Orderer, bool) { return l.SharedConfig(), true }

// ConfigtxValidator returns a validator of updates of the config in force.
func (l *Ledger) ConfigtxValidator() configtx.Validator {
	return validator{settings: l.now(), ledger: l}
}

// PolicyManager returns a manager that has every policy; each accepts what [Ledger.Judge] does.
func (l *Ledger) PolicyManager() policies.Manager { return policyManager{ledger: l} }

type ordererConfig struct {
	channelconfig.Orderer
	settings Settings
}

func (o ordererConfig) ConsensusType() string       { return o.settings.Type }
func (o ordererConfig) BatchTimeout() time.Duration { return o.settings.Timeout }
func (o ordererConfig) BatchSize() *fabric.BatchSize {
	return &fabric.BatchSize{
		MaxMessageCount: o.settings.Count, AbsoluteMaxBytes: o.settings.MaxBytes, PreferredMaxBytes: o.settings.Preferred,
	}
}

func (o ordererConfig) ConsensusState() ab.ConsensusType_State { return fabric.StateNormal }

func (o ordererConfig) Capabilities() channelconfig.OrdererCapabilities { return capabilities{} }

type capabilities struct {
	channelconfig.OrdererCapabilities
}

func (capabilities) Resubmission() bool           { return true }
func (capabilities) ConsensusTypeMigration() bool { return true }

type validator struct {
	configtx.Validator
	settings Settings
	ledger   *Ledger
}

func (v validator) ConfigProto() *fabric.Config {
	return &fabric.Config{Sequence: v.settings.Seq, ChannelGroup: group(v.settings)}
}

// ProposeConfigUpdate returns the config after an update.
func (v validator) ProposeConfigUpdate(update *fabric.Envelope) (*fabric.ConfigEnvelope, error) {
	u, ok := updateOfConfig(&fabric.ConfigEnvelope{Config: &fabric.Config{}, LastUpdate: update})
	if !ok {
		return nil, errors.New("no config update")
	}
	next := v.settings
	u.change(&next)
	config := &fabric.Config{Sequence: v.settings.Seq + 1, ChannelGroup: group(next)}
	return &fabric.ConfigEnvelope{Config: config, LastUpdate: update}, v.ledger.applies(u)
}

// Validate refuses a config that does not follow the one in force.
func (v validator) Validate(config *fabric.ConfigEnvelope) error {
	u, ok := updateOfConfig(config)
	if !ok {
		return errors.New("no config")
	}
	return v.ledger.follows(u)
}

func (l *Ledger) follows(u Update) error {
	if err := l.applies(u); err != nil {
		return err
	}
	if u.Seq != l.Sequence()+1 {
		return errors.New("computed at another sequence")
	}
	return nil
}

type policyManager struct{ ledger *Ledger }

func (m policyManager) Manager([]string) (policies.Manager, bool) { return m, true }

func (m policyManager) GetPolicy(string) (policies.Policy, bool) {
	return policy{ledger: m.ledger}, true
}

type policy struct {
	policies.Policy
	ledger *Ledger
}

func (p policy) EvaluateSignedData(data []*protoutil.SignedData) error {
	for _, d := range data {
		if err := p.ledger.holds(textOf(d.Data)); err != nil {
			return err
		}
	}
	return nil
}

// holds refuses the text "not at N" at sequence N.
func (l *Ledger) holds(text string) error {
	if text == fmt.Sprintf("not at %d", l.Sequence()) {
		return errors.New("signer has no rights")
	}
	return nil
}

// Judge returns the verdict that a machine asks for. A config is valid if the ledger
// would apply its update; a normal envelope is, unless its text is "not at N" and the
// config sequence is N. It stands in for Fabric's checks, which need configs that
// Fabric can parse.
func (l *Ledger) Judge(e machine.Judge) machine.Verdict {
	if e.Class == machine.Normal {
		return verdictOf(l.holds(Text(e.Envelope.Bytes)))
	}
	u, ok := UpdateOf(protoutil.UnmarshalEnvelopeOrPanic(e.Envelope.Bytes))
	if !ok {
		return machine.Verdict{Refusal: "no config"}
	}
	return verdictOf(l.follows(u))
}

func verdictOf(err error) machine.Verdict {
	if err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

// Newer makes the ledger behave as in a build that supports every capability.
func (l *Ledger) Newer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newer = true
}

// mustSupport panics, as Fabric's block writer does, when the config in force requires a
// capability that the build does not support. Called with mu locked.
func (l *Ledger) mustSupport() {
	if l.config.Capability != "" && !l.newer {
		panic(fmt.Sprintf("config requires unsupported orderer capabilities: %s", l.config.Capability))
	}
}

// group returns a channel group with a consensus type, brokers and capabilities only.
func group(s Settings) *fabric.ConfigGroup {
	value := func(m fabric.Message) *fabric.ConfigValue {
		return &fabric.ConfigValue{Value: protoutil.MarshalOrPanic(m)}
	}
	values := map[string]*fabric.ConfigValue{
		"ConsensusType": value(&fabric.ConsensusType{Type: s.Type}),
		"KafkaBrokers":  value(&fabric.KafkaBrokers{Brokers: s.Brokers}),
	}
	if s.Capability != "" {
		values["Capabilities"] = value(&fabric.Capabilities{Capabilities: map[string]*fabric.Capability{s.Capability: {}}})
	}
	return &fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{"Orderer": {Values: values}}}
}
