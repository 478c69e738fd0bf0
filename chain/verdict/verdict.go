// Package verdict decides whether an envelope in the topic is accepted or refused at the channel config in force, or
// cannot be judged by this build. README.md lists where Fabric's releases differ, and what is decided instead.
//
// Every orderer must reach the same verdict on the same record, whatever release of Fabric it is built with: verdicts
// read no clock, no local file and no local setting.
package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/orderer/consensus"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Support is what verdicts depend on: what Fabric gives every consenter and,
// beyond that, the channel's resources. The registrar's *multichannel.ChainSupport has
// all of it.
type Support interface {
	consensus.ConsenterSupport

	PolicyManager() policies.Manager
	OrdererConfig() (channelconfig.Orderer, bool)
	ConfigtxValidator() configtx.Validator
	MSPManager() msp.MSPManager
	ValidateNew(next channelconfig.Resources) error
}

var _ session.Validator = (*Validator)(nil)

// Validator gives verdicts on envelopes at the config in force. Every orderer must reach the same verdict at the same
// offset: no clock (so no expiry check), no local file, no local setting.
type Validator struct {
	support     Support
	crypto      fabric.CryptoProvider
	rules       commonRules
	read        func(*fabric.Config) (*channelconfig.Bundle, error) // as this build's Fabric does
	size        msgprocessor.Rule
	signature   msgprocessor.Rule
	writers     msgprocessor.Rule // as signature outside of maintenance mode
	maintenance msgprocessor.Rule
}

// New returns the validator of a channel.
func New(s Support, crypto fabric.CryptoProvider) *Validator {
	v := &Validator{
		support:     s,
		crypto:      crypto,
		rules:       newCommonRules(),
		size:        msgprocessor.NewSizeFilter(s),
		signature:   msgprocessor.NewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, s),
		writers:     msgprocessor.NewSigFilter(policies.ChannelWriters, policies.ChannelWriters, s),
		maintenance: msgprocessor.NewMaintenanceFilter(s, crypto),
	}
	v.read = func(c *fabric.Config) (*channelconfig.Bundle, error) {
		return channelconfig.NewBundle(s.ChannelID(), c, v.crypto)
	}
	return v
}

// Knowing returns the validator of a build that knows other capabilities: knows reports whether it knows a
// capability of a group of the channel config.
func (v *Validator) Knowing(knows func(group, capability string) bool) *Validator {
	other := *v
	other.rules.knows = knows
	return &other
}

// Judge answers a Judge effect.
func (v *Validator) Judge(e machine.Judge) machine.Verdict {
	return verdictOf(guard.Call(func() error { return v.check(e) }))
}

func verdictOf(err error) machine.Verdict {
	switch {
	case err == nil:
		return machine.Verdict{}
	case errors.Is(err, guard.ErrNoVerdict):
		return machine.Verdict{Stop: err.Error()}
	}
	return machine.Verdict{Refusal: err.Error()}
}

func (v *Validator) check(e machine.Judge) error {
	if err := v.rules.inForce(v.support.ConfigtxValidator().ConfigProto()); err != nil {
		return err
	}
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(e.Envelope.Bytes, envelope); err != nil {
		return err
	}
	switch {
	case e.Check == machine.CheckBroadcast && e.Class == machine.Config:
		if err := v.rules.update(v.support.ConfigtxValidator(), envelope); err != nil {
			return err
		}
		_, _, err := v.support.ProcessConfigMsg(envelope)
		return err
	case e.Check == machine.CheckBroadcast:
		_, err := v.support.ProcessNormalMsg(envelope)
		return err
	case e.Check == machine.CheckWriter:
		return v.written(envelope)
	case e.Check == machine.CheckPulled:
		return v.pulled(envelope)
	case e.Class == machine.Config:
		return v.config(envelope)
	}
	return v.normal(envelope)
}

// normal is Fabric's check at Broadcast without the parts that read a clock, and without its maintenance mode: what is
// judged was accepted by an earlier config, since Broadcast accepts nothing in that mode, and is acknowledged.
func (v *Validator) normal(envelope *fabric.Envelope) error {
	if err := v.size.Apply(envelope); err != nil {
		return err
	}
	return v.writers.Apply(envelope)
}

// config refuses whatever a block writer would panic on, what peers would not
// apply, and what no later update could follow. The verdict depends only on the
// channel config in force and on the update.
func (v *Validator) config(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err != nil {
		return err
	}
	if err := v.signed(envelope); err != nil {
		return err
	}
	if err := tx.usable(); err != nil {
		return err
	}
	bundle, err := v.bundle(tx, func(now, next *fabric.Config) error { return v.rules.change(tx.update, now, next) })
	if err != nil {
		return err
	}
	if err := v.support.ValidateNew(bundle); err != nil {
		return err
	}
	return v.maintained(envelope, moveOf(v.support.ConfigtxValidator().ConfigProto(), tx.config))
}

// written refuses whatever the block writer would panic on, and what the common rules refuse.
func (v *Validator) written(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err == nil {
		_, err = v.bundle(tx, v.rules.written)
	}
	return err
}

// pulled refuses a config that does not follow the one in force. If one that does cannot be read by this build, an
// orderer of another release has read it.
func (v *Validator) pulled(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err != nil {
		return err
	}
	if err := v.authorized(tx, v.rules.pulled); err != nil {
		return err
	}
	if _, err := v.readable(tx); err != nil {
		return guard.NoVerdict(fmt.Errorf("this build cannot read the config: %w; replace this orderer with a build for the release of an orderer that has the block", err))
	}
	return nil
}

// bundle returns the config of an envelope as Fabric reads it. The order of the
// checks matters: first whether the config in force authorizes the update, which
// every build knows; only then what the update asks for, so that nobody without
// that authority can stop the channel by asking for what is unknown; then Fabric's
// own reading, which fails on what is unknown or differs by line.
func (v *Validator) bundle(tx configTx, rules func(now, next *fabric.Config) error) (*channelconfig.Bundle, error) {
	if err := v.authorized(tx, rules); err != nil {
		return nil, err
	}
	return v.readable(tx)
}

func (v *Validator) authorized(tx configTx, rules func(now, next *fabric.Config) error) error {
	switch {
	case tx.config == nil || tx.update == nil:
		return errors.New("config envelope without config or update")
	case tx.channel != v.support.ChannelID():
		return fmt.Errorf("config envelope for channel %q", tx.channel)
	}
	inForce := v.support.ConfigtxValidator()
	if err := inForce.Validate(tx.envelope); err != nil {
		return err
	}
	return rules(inForce.ConfigProto(), tx.config)
}

func (v *Validator) readable(tx configTx) (*channelconfig.Bundle, error) {
	bundle, err := v.read(tx.config)
	if err != nil {
		return nil, err
	}
	if _, ok := bundle.OrdererConfig(); !ok {
		return nil, errors.New("config without an orderer group")
	}
	return bundle, nil
}
