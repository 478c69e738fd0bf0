package chain

import (
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Reproduce computes a config envelope again, signed by this orderer.
func (h *host) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	seq := machine.ConfigSeq(h.support.Sequence())
	decoded := &fabric.Envelope{}
	if err := fabric.Unmarshal(envelope, decoded); err != nil {
		return nil, seq, err
	}
	var again *fabric.Envelope
	err := session.Guarded(func() (err error) {
		again, err = h.chain.judge.reproduce(decoded)
		return err
	})
	if err != nil {
		return nil, seq, err
	}
	value, err := fabric.Marshal(again)
	return value, seq, err
}

// reproduce is Fabric's ProcessConfigMsg without the parts that read a clock: the
// update was acknowledged, and an orderer or client whose certificate has ended since does
// not undo that. Nobody who reads a config block asks whether a certificate has ended.
//
// What fails before the envelope is signed fails on every orderer. An orderer that is not allowed to
// write to the channel drops the update, whose copy by another one is judged by all.
func (j *judge) reproduce(envelope *fabric.Envelope) (*fabric.Envelope, error) {
	tx, err := processable(envelope)
	if err != nil {
		return nil, err
	}
	update := tx.envelope.LastUpdate
	if err := j.writes(update); err != nil {
		return nil, err
	}
	inForce := j.support.ConfigtxValidator()
	next, err := inForce.ProposeConfigUpdate(update)
	if err != nil {
		return nil, err
	}
	if err := j.agreed.change(tx.update, inForce.ConfigProto(), next.GetConfig()); err != nil {
		return nil, err
	}
	again, err := protoutil.CreateSignedEnvelope(fabric.HeaderTypeConfig, j.support.ChannelID(), j.support, next, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; awaiting its key (General.LocalMSPDir, General.BCCSP)", session.ErrUnable, err)
	}
	if err := j.writes(again); err != nil {
		return nil, fmt.Errorf("signed by this orderer: %w", err)
	}
	return again, j.maintenance.Apply(again)
}

// writes is the check of an envelope's size and of its signer.
func (j *judge) writes(envelope *fabric.Envelope) error {
	if err := j.size.Apply(envelope); err != nil {
		return err
	}
	return j.signature.Apply(envelope)
}
