package verdict

import (
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
)

// CheckNew refuses a config envelope that would be skipped where it is read.
func (v *Validator) CheckNew(envelope *fabric.Envelope) error {
	return guard.Call(func() error {
		tx, err := processable(envelope)
		if err != nil {
			return err
		}
		if err := tx.usable(); err != nil {
			return err
		}
		return v.rules.change(tx.update, v.support.ConfigtxValidator().ConfigProto(), tx.config)
	})
}

// CheckFollows judges by the common rules whether the config of an envelope may follow the config in force.
func (v *Validator) CheckFollows(envelope *fabric.Envelope) error {
	tx, err := opened(envelope)
	if err != nil {
		return err
	}
	return v.rules.config(v.support.ConfigtxValidator().ConfigProto(), tx.config)
}

// ConfigOf returns the config of a config envelope.
func ConfigOf(envelope *fabric.Envelope) (*fabric.Config, error) {
	tx, err := opened(envelope)
	return tx.config, err
}
