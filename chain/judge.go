package chain

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// arbiter answers Judge effects.
type arbiter interface {
	verdict(machine.Judge) machine.Verdict
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
	err := engine.Guarded(func() error { return j.check(e) })
	switch {
	case err == nil:
		return machine.Verdict{}
	case errors.Is(err, engine.ErrNoVerdict):
		return machine.Verdict{Stop: err.Error()}
	}
	return machine.Verdict{Refusal: err.Error()}
}

func (j *judge) check(e machine.Judge) error {
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(e.Envelope.Bytes, envelope); err != nil {
		return err
	}
	switch {
	case e.Check == machine.CheckBroadcast && e.Class == machine.Config:
		if err := processable(envelope); err != nil {
			return err
		}
		_, _, err := j.support.ProcessConfigMsg(envelope)
		return err
	case e.Check == machine.CheckBroadcast:
		_, err := j.support.ProcessNormalMsg(envelope)
		return err
	case e.Check == machine.CheckWriter:
		tx, err := opened(envelope)
		if err == nil {
			_, err = j.writable(tx)
		}
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
	if err := j.size.Apply(envelope); err != nil {
		return err
	}
	return j.signature.Apply(envelope)
}

// config refuses whatever the block writer would panic on, what peers would not
// apply, and what could not be continued.
func (j *judge) config(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err != nil {
		return err
	}
	if err := j.signed(envelope); err != nil {
		return err
	}
	if err := tx.usable(); err != nil {
		return err
	}
	bundle, err := j.writable(tx)
	if err != nil {
		return err
	}
	if err := j.next(bundle, tx.config); err != nil {
		return err
	}
	return j.maintenance.Apply(envelope)
}

// writable refuses whatever the block writer would panic on. A config for another
// channel it takes, and the orderer then takes the channel for the other one.
func (j *judge) writable(tx configTx) (*channelconfig.Bundle, error) {
	switch {
	case tx.config == nil || tx.update == nil:
		return nil, errors.New("config envelope without config or update")
	case tx.channel != j.support.ChannelID():
		return nil, fmt.Errorf("config envelope for channel %q", tx.channel)
	}
	if err := j.support.ConfigtxValidator().Validate(tx.envelope); err != nil {
		return nil, err
	}
	return channelconfig.NewBundle(tx.channel, tx.config, j.crypto)
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
