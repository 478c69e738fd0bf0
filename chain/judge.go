package chain

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// arbiter answers Judge effects, and computes lagging configs again.
type arbiter interface {
	verdict(machine.Judge) machine.Verdict
	reproduce(config *fabric.Envelope) (*fabric.Envelope, error)
}

// judge gives verdicts on envelopes at the config in force. Every orderer must
// come to the same one at the same offset: no clock (so no expiry check), no
// local file, no local setting.
type judge struct {
	support     Support
	crypto      fabric.CryptoProvider
	size        msgprocessor.Rule
	signature   msgprocessor.Rule
	maintenance msgprocessor.Rule
}

func newJudge(s Support, crypto fabric.CryptoProvider) *judge {
	return &judge{
		support:     s,
		crypto:      crypto,
		size:        msgprocessor.NewSizeFilter(s),
		signature:   msgprocessor.NewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, s),
		maintenance: msgprocessor.NewMaintenanceFilter(s, crypto),
	}
}

// verdict answers a Judge effect.
func (j *judge) verdict(e machine.Judge) machine.Verdict {
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(e.Envelope.Bytes, envelope); err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	if err := j.check(e, envelope); err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

func (j *judge) check(e machine.Judge, envelope *fabric.Envelope) error {
	switch {
	case e.Check == machine.CheckBroadcast && e.Class == machine.Config:
		_, _, err := j.support.ProcessConfigMsg(envelope)
		return err
	case e.Check == machine.CheckBroadcast:
		_, err := j.support.ProcessNormalMsg(envelope)
		return err
	case e.Check == machine.CheckWriter:
		_, _, err := j.writable(envelope)
		return err
	case e.Class == machine.Config:
		return j.config(envelope)
	}
	return j.normal(envelope)
}

// normal is Fabric's check at Broadcast without the parts that read a clock.
func (j *judge) normal(envelope *fabric.Envelope) error {
	orderer, ok := j.support.OrdererConfig()
	if !ok {
		return errors.New("the channel has no orderer config")
	}
	if orderer.Capabilities().ConsensusTypeMigration() && orderer.ConsensusState() != fabric.StateNormal {
		return errors.New("the channel is in maintenance mode")
	}
	return j.writes(envelope)
}

// config refuses whatever the block writer would panic on, and what could not
// be continued.
func (j *judge) config(envelope *fabric.Envelope) error {
	bundle, config, err := j.writable(envelope)
	if err != nil {
		return err
	}
	if err := j.next(bundle, config); err != nil {
		return err
	}
	return j.maintenance.Apply(envelope)
}

// writable refuses whatever the block writer would panic on.
func (j *judge) writable(envelope *fabric.Envelope) (*channelconfig.Bundle, *fabric.Config, error) {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return nil, nil, err
	}
	if config.Config == nil || config.LastUpdate == nil {
		return nil, nil, errors.New("config envelope without config or update")
	}
	if err := j.support.ConfigtxValidator().Validate(config); err != nil {
		return nil, nil, err
	}
	bundle, err := channelconfig.NewBundle(j.support.ChannelID(), config.Config, j.crypto)
	return bundle, config.Config, err
}

// next checks a config that is to follow the one in force.
func (j *judge) next(bundle *channelconfig.Bundle, config *fabric.Config) error {
	next, ok := bundle.OrdererConfig()
	if !ok {
		return errors.New("config without an orderer group")
	}
	if err := next.Capabilities().Supported(); err != nil {
		return fmt.Errorf("orderer capabilities: %w", err)
	}
	if err := bundle.ChannelConfig().Capabilities().Supported(); err != nil {
		return fmt.Errorf("channel capabilities: %w", err)
	}
	if err := j.support.ValidateNew(bundle); err != nil {
		return err
	}
	if err := checkConsensus(next); err != nil {
		return err
	}
	if next.ConsensusType() != ConsensusType {
		return nil
	}
	_, err := Brokers(config)
	return err
}

// checkConsensus holds a channel config to what can follow kafka: kafka again,
// without metadata, or a type that can start from the metadata that comes along.
func checkConsensus(next channelconfig.Orderer) error {
	kind, metadata := next.ConsensusType(), next.ConsensusMetadata()
	switch {
	case kind == ConsensusType && len(metadata) > 0:
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata empty", kind)
	case kind == ConsensusType:
		return nil
	case kind != "etcdraft" && kind != "BFT":
		return fmt.Errorf("a %s channel cannot become one of consensus type %q", ConsensusType, kind)
	case len(metadata) == 0:
		return fmt.Errorf("consensus type %s needs metadata: name its consenters in ConsensusType.metadata", kind)
	}
	return nil
}
