package chain

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
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
	agreed      agreed
	read        func(*fabric.Config) (*channelconfig.Bundle, error) // as this build's Fabric does
	size        msgprocessor.Rule
	signature   msgprocessor.Rule
	maintenance msgprocessor.Rule
}

func newJudge(s Support, crypto fabric.CryptoProvider) *judge {
	j := &judge{
		support:     s,
		crypto:      crypto,
		agreed:      newAgreed(),
		size:        msgprocessor.NewSizeFilter(s),
		signature:   msgprocessor.NewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, s),
		maintenance: msgprocessor.NewMaintenanceFilter(s, crypto),
	}
	j.read = func(c *fabric.Config) (*channelconfig.Bundle, error) {
		return channelconfig.NewBundle(s.ChannelID(), c, j.crypto)
	}
	return j
}

// verdict answers a Judge effect.
func (j *judge) verdict(e machine.Judge) machine.Verdict {
	err := session.Guarded(func() error { return j.check(e) })
	switch {
	case err == nil:
		return machine.Verdict{}
	case errors.Is(err, session.ErrNoVerdict):
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
		if err := j.agreed.update(j.support.ConfigtxValidator(), envelope); err != nil {
			return err
		}
		_, _, err := j.support.ProcessConfigMsg(envelope)
		return err
	case e.Check == machine.CheckBroadcast:
		_, err := j.support.ProcessNormalMsg(envelope)
		return err
	case e.Check == machine.CheckWriter:
		return j.written(envelope, j.agreed.writable)
	case e.Check == machine.CheckPulled:
		return j.written(envelope, j.agreed.unknown.config)
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

// config refuses whatever a block writer would panic on, what peers would not
// apply, and what could not be continued. A channel config in force and an update
// that it authorises are all that the verdict depends on.
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
	bundle, err := j.bundle(tx, func(now, next *fabric.Config) error { return j.agreed.change(tx.update, now, next) })
	if err != nil {
		return err
	}
	if err := j.support.ValidateNew(bundle); err != nil {
		return err
	}
	return j.maintenance.Apply(envelope)
}

// written refuses whatever the block writer would panic on, and what the rules do.
func (j *judge) written(envelope *fabric.Envelope, rules func(now, next *fabric.Config) error) error {
	tx, err := opened(envelope)
	if err == nil {
		_, err = j.bundle(tx, rules)
	}
	return err
}

// bundle returns the config of an envelope as Fabric reads it. The order of the
// checks matters: first whether the config in force authorises the update, which
// every build knows; only then what the update asks for, so that nobody without
// that authority can stop the channel by asking for what is unknown; then Fabric's
// own reading, which fails on what is unknown or differs by line.
func (j *judge) bundle(tx configTx, rules func(now, next *fabric.Config) error) (*channelconfig.Bundle, error) {
	switch {
	case tx.config == nil || tx.update == nil:
		return nil, errors.New("config envelope without config or update")
	case tx.channel != j.support.ChannelID():
		return nil, fmt.Errorf("config envelope for channel %q", tx.channel)
	}
	inForce := j.support.ConfigtxValidator()
	if err := inForce.Validate(tx.envelope); err != nil {
		return nil, err
	}
	if err := rules(inForce.ConfigProto(), tx.config); err != nil {
		return nil, err
	}
	bundle, err := j.read(tx.config)
	if err != nil {
		return nil, err
	}
	if _, ok := bundle.OrdererConfig(); !ok {
		return nil, errors.New("config without an orderer group")
	}
	return bundle, nil
}
