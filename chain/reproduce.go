package chain

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// reproduced remembers which updates were appended anew at one config sequence.
// Every orderer appends a copy of a lagging update; when those lag in turn,
// only the first is to be answered with a copy, or copies would multiply.
type reproduced struct {
	seq     uint64
	updates map[[sha256.Size]byte]struct{}
}

// has says whether the update was appended at this sequence.
func (r *reproduced) has(update [sha256.Size]byte, seq uint64) bool {
	_, ok := r.updates[update]
	return ok && r.seq == seq
}

func (r *reproduced) add(update [sha256.Size]byte, seq uint64) {
	if r.seq != seq || r.updates == nil {
		r.seq, r.updates = seq, map[[sha256.Size]byte]struct{}{}
	}
	r.updates[update] = struct{}{}
}

// reproduce computes a lagging config envelope anew at the config in force and
// appends it, before the next record is taken: its client was told that it is
// ordered. What no longer applies is dropped; all orderers come to drop it, at
// the latest when they judge the copy.
func (l *loop) reproduce(ctx context.Context, e machine.Reproduce) error {
	envelope := &fabric.Envelope{}
	update, flaw := updateOf(e.Envelope.Bytes, envelope)
	if flaw != nil {
		l.events.Skipped(e.Offset, machine.ReasonRefused, flaw.Error())
		return nil
	}
	if l.reproduced.has(update, l.chain.support.Sequence()) {
		l.events.Skipped(e.Offset, machine.ReasonRefused, "a copy of this update is in the topic already")
		return nil
	}
	anew, seq, err := l.chain.support.ProcessConfigMsg(envelope)
	if err != nil {
		l.events.Skipped(e.Offset, machine.ReasonRefused, err.Error())
		return nil
	}
	value, err := regular(anew, seq, record.Regular_CONFIG)
	if err != nil {
		return stop(err)
	}
	return l.insist(ctx, e, value, func() { l.reproduced.add(update, seq) })
}

// updateOf decodes a config envelope and returns the digest of the update in it.
func updateOf(b []byte, envelope *fabric.Envelope) (digest [sha256.Size]byte, err error) {
	if err := fabric.Unmarshal(b, envelope); err != nil {
		return digest, err
	}
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return digest, err
	}
	if config.LastUpdate == nil {
		return digest, errors.New("config envelope without an update")
	}
	update, err := fabric.Marshal(config.LastUpdate)
	return sha256.Sum256(update), err
}

// insist appends until the record is in the log. An attempt whose outcome is
// unknown is repeated: a second copy no longer applies and is dropped.
func (l *loop) insist(ctx context.Context, e machine.Reproduce, value []byte, done func()) error {
	for {
		err := l.append(ctx, value)
		switch {
		case err == nil:
			l.recovered()
			l.events.Reproduced(e.Offset)
			done()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case log.ClassOf(err) == log.Rejected:
			l.events.Skipped(e.Offset, machine.ReasonSize, err.Error())
			return nil
		case stops(err):
			return err
		}
		l.pause(ctx, err)
	}
}
