package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Process checks an envelope as Broadcast does.
func (v *Validator) Process(class machine.Class, envelope []byte) (again []byte, seq machine.ConfigSeq, err error) {
	err = guard.Call(func() (err error) {
		again, seq, err = v.process(class, envelope)
		return err
	})
	return again, seq, err
}

func (v *Validator) process(class machine.Class, envelope []byte) ([]byte, machine.ConfigSeq, error) {
	if err := v.rules.inForce(v.support.ConfigtxValidator().ConfigProto()); err != nil {
		return nil, 0, err
	}
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, 0, err
	}
	if class == machine.Normal {
		seq, err := v.support.ProcessNormalMsg(decoded)
		return envelope, machine.ConfigSeq(seq), err
	}
	if err := v.rules.update(v.support.ConfigtxValidator(), decoded); err != nil {
		return nil, 0, err
	}
	again, seq, err := v.support.ProcessConfigMsg(decoded)
	if err != nil {
		return nil, 0, err
	}
	value, err := fabric.Marshal(again)
	return value, machine.ConfigSeq(seq), err
}

// Reproduce computes a config envelope again, signed by this orderer.
func (v *Validator) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	seq := machine.ConfigSeq(v.support.Sequence())
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, seq, err
	}
	var again *fabric.Envelope
	err := guard.Call(func() (err error) {
		again, err = v.reproduce(decoded)
		return err
	})
	if err != nil {
		return nil, seq, err
	}
	value, err := fabric.Marshal(again)
	return value, seq, err
}

// reproduce is Fabric's ProcessConfigMsg without the parts that read a clock: the update was acknowledged, and that
// is not undone because the certificate of an orderer or client has expired since. Nobody who reads a config block
// checks whether a certificate has expired.
//
// What fails before the envelope is signed fails on every orderer. An orderer that is not allowed to
// write to the channel drops the update; all judge the copy that another orderer makes of it.
func (v *Validator) reproduce(envelope *fabric.Envelope) (*fabric.Envelope, error) {
	if err := v.rules.inForce(v.support.ConfigtxValidator().ConfigProto()); err != nil {
		return nil, err
	}
	tx, err := processable(envelope)
	if err != nil {
		return nil, err
	}
	update := tx.envelope.LastUpdate
	if err := v.writes(update); err != nil {
		return nil, err
	}
	inForce := v.support.ConfigtxValidator()
	next, err := inForce.ProposeConfigUpdate(update)
	if err != nil {
		return nil, err
	}
	if err := v.rules.change(tx.update, inForce.ConfigProto(), next.GetConfig()); err != nil {
		return nil, err
	}
	if moveOf(inForce.ConfigProto(), next.GetConfig()) == form.Leaves {
		return nil, errors.New("another config update was ordered before the one by which the channel leaves for Raft, and Raft may not accept the consenters under the new config: submit the update again")
	}
	again, err := protoutil.CreateSignedEnvelope(fabric.HeaderTypeConfig, v.support.ChannelID(), v.support, next, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; waiting for its key (General.LocalMSPDir, General.BCCSP)", session.ErrUnable, err)
	}
	if err := v.writes(again); err != nil {
		return nil, fmt.Errorf("signed by this orderer: %w", err)
	}
	return again, v.maintained(again, moveOf(inForce.ConfigProto(), next.GetConfig()))
}

// writes checks an envelope's size and its signer.
func (v *Validator) writes(envelope *fabric.Envelope) error {
	if err := v.size.Apply(envelope); err != nil {
		return err
	}
	return v.signature.Apply(envelope)
}
