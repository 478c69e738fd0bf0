package chaintest

import (
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
	fill(&s.Type, fabric.ConsensusTypeKafka)
	fill(&s.Count, 3)
	fill(&s.MaxBytes, 1<<20)
	fill(&s.Preferred, 1<<19)
	fill(&s.Timeout, time.Second)
	if s.Brokers == nil {
		s.Brokers = []string{"kafka:9092"}
	}
	return s
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// SharedConfig is the config in force.
func (l *Ledger) SharedConfig() channelconfig.Orderer { return ordererConfig{settings: l.now()} }

// OrdererConfig is the config in force.
func (l *Ledger) OrdererConfig() (channelconfig.Orderer, bool) { return l.SharedConfig(), true }

// ConfigtxValidator knows the config in force and which updates apply to it.
func (l *Ledger) ConfigtxValidator() configtx.Validator {
	return validator{settings: l.now(), ledger: l}
}

// PolicyManager has every policy; all of them judge as Judge does.
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

// ProposeConfigUpdate returns the config that an update leads to.
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

// Judge answers a machine's question as the ledger applies updates; normal
// envelopes hold unless their text says at which sequence they no longer do. It
// is what Fabric's checks come to, without configs that Fabric could parse.
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

// Newer makes the ledger that of a build which knows every capability.
func (l *Ledger) Newer() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newer = true
}

// mustSupport panics as Fabric's block writer does, when a config comes into force
// that asks for a capability which the build does not know. Called with mu held.
func (l *Ledger) mustSupport() {
	if l.config.Capability != "" && !l.newer {
		panic(fmt.Sprintf("config requires unsupported orderer capabilities: %s", l.config.Capability))
	}
}

// group is a channel group with nothing but a consensus type, brokers and capabilities.
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
