package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// resubmission is a copy of a stale record that must be in the log before the next record is handled: its client got
// SUCCESS.
type resubmission struct {
	at     machine.Offset
	value  []byte        // nil if it is yet to be computed from source
	source []byte        // config envelope that the strict rules reproduce
	update digest        // of the update in source
	seq    uint64        // at which it was computed
	answer machine.Input // for the machine, once the copy is in the log; nil if it does not ask
}

type digest = [sha256.Size]byte

// resubmit appends the pending copy. An attempt whose outcome is unknown is repeated, since
// a second copy is skipped.
func (d *Driver) resubmit(ctx context.Context) error {
	o := d.resubmission
	if o.value == nil {
		if err := d.compute(o); err != nil || d.resubmission == nil {
			return err
		}
	}
	err := d.host.Append(ctx, o.value)
	if err != nil && log.ClassOf(err) != log.Rejected {
		return err
	}
	d.resubmission = nil
	if err != nil {
		return d.rejected(ctx, o, err)
	}
	d.events.Resubmitted(o.at)
	d.unread.Appended(o.at, o.value)
	if o.update != (digest{}) {
		d.resubmitted.add(o.update, o.seq)
	}
	return d.step(ctx, o.answer)
}

// rejected skips a record whose copy the topic does not accept. If the machine asked for the copy, it reports the
// skip itself.
func (d *Driver) rejected(ctx context.Context, o *resubmission, err error) error {
	if o.answer != nil {
		return d.step(ctx, machine.Verdict{Refusal: err.Error()})
	}
	reason := machine.ReasonRefused
	if errors.Is(err, log.ErrTooLarge) {
		reason = machine.ReasonSize
	}
	d.events.Skipped(o.at, reason, err.Error())
	return nil
}

// resubmitted remembers which updates were resubmitted at one config sequence.
// Every orderer appends a copy of a stale update. When these copies are stale in turn, only
// the first leads to another copy, or copies would multiply.
type resubmitted struct {
	seq     uint64
	updates map[digest]struct{}
}

// has reports whether the update was resubmitted at this sequence.
func (r *resubmitted) has(update digest, seq uint64) bool {
	_, ok := r.updates[update]
	return ok && r.seq == seq
}

func (r *resubmitted) add(update digest, seq uint64) {
	if r.seq != seq || r.updates == nil {
		r.seq, r.updates = seq, map[digest]struct{}{}
	}
	r.updates[update] = struct{}{}
}

// resubmitConfig computes a stale config envelope again at the config in force and appends it. What no longer applies
// is dropped; all orderers drop it, at the latest when they judge the copy. So is what this orderer fails at: if
// another orderer does not, all judge its copy.
func (d *Driver) resubmitConfig(ctx context.Context, f machine.ResubmitConfig) error {
	update, flaw := updateOf(f.Envelope.Bytes)
	if flaw != nil {
		d.events.Skipped(f.Offset, machine.ReasonRefused, flaw.Error())
		return nil
	}
	if d.resubmitted.has(update, uint64(d.host.Config().Seq)) {
		d.events.Skipped(f.Offset, machine.ReasonCopy, "a copy of this update is in the topic already")
		return nil
	}
	d.resubmission = &resubmission{at: f.Offset, source: f.Envelope.Bytes, update: update}
	return d.resubmit(ctx)
}

// compute computes the copy of a config envelope. An orderer that cannot sign it handles no
// further record: the client got SUCCESS, and a restart, which may be what the
// orderer needs, reads the record again only if no later block was written.
func (d *Driver) compute(o *resubmission) error {
	again, seq, err := d.host.Reproduce(o.source)
	switch {
	case errors.Is(err, ErrUnknown):
		return d.halted(machine.Halt{Offset: o.at, Cause: machine.HaltNoVerdict,
			Detail: fmt.Sprintf("the record at offset %d cannot be judged by this orderer: %s", o.at, err)})
	case errors.Is(err, ErrUnable):
		return because(status.CauseCannotSign, fmt.Errorf("the config update at offset %d must be signed again: %w", o.at, err))
	case err != nil:
		d.resubmission = nil
		d.events.Skipped(o.at, machine.ReasonRefused, err.Error())
		return nil
	}
	o.seq = uint64(seq)
	if o.value, err = regular(again, o.seq, record.Regular_CONFIG, 0); err != nil {
		return stop(err)
	}
	return nil
}

// resubmitCopy appends a copy of a stale envelope by the compatible rules.
func (d *Driver) resubmitCopy(ctx context.Context, f machine.Resubmit) (machine.Input, error) {
	again, seq, err := d.host.Process(f.Class, f.Envelope.Bytes)
	switch {
	case errors.Is(err, guard.ErrNoVerdict):
		return machine.Verdict{Stop: err.Error()}, nil
	case err != nil:
		return machine.Verdict{Refusal: err.Error()}, nil
	}
	value, err := regular(again, uint64(seq), record.Regular_Class(f.Class), f.Offset)
	if err != nil {
		return nil, stop(err)
	}
	d.resubmission = &resubmission{at: f.Offset, value: value, answer: machine.Verdict{}}
	return nil, d.resubmit(ctx)
}

// updateOf returns the digest of the update in a config envelope.
func updateOf(b []byte) (d digest, err error) {
	if err := guard.CheckDepth(b); err != nil {
		return d, err
	}
	envelope, config := &fabric.Envelope{}, &fabric.ConfigEnvelope{}
	if err := fabric.Unmarshal(b, envelope); err != nil {
		return d, err
	}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return d, err
	}
	if config.LastUpdate == nil {
		return d, errors.New("config envelope without an update")
	}
	update, err := fabric.Marshal(config.LastUpdate)
	return sha256.Sum256(update), err
}

// An unclean leader election loses records that were acknowledged and that nobody has
// read. Whatever the channel waits to read is therefore appended again when a session
// reaches the end that the log had when last checked, without having read it. A leader that
// lacks a record has another leader epoch, which ends the session; the next check does
// so at the latest.
//
//   - the description, as long as the topic has none
//   - the time-to-cut of what is pending: its timer is armed again
//   - the copies of stale envelopes, whose clients got SUCCESS
//
// A process that ends forgets its copies; the other orderers append theirs.

// resubmitUnread appends what the log should have by now but does not.
func (d *Driver) resubmitUnread(ctx context.Context) error {
	if d.machine.RuleSet() == machine.Undescribed {
		return d.describe(ctx)
	}
	if block := d.machine.Timer(); block != 0 {
		d.host.Arm(block)
	}
	for {
		c, ok := d.unread.Lost()
		if !ok {
			return nil
		}
		if err := d.host.Append(ctx, c.Value); err != nil && log.ClassOf(err) != log.Rejected {
			return err
		} else if err == nil {
			d.events.Resubmitted(c.Of)
			d.unread.Appended(c.Of, c.Value)
		}
		d.unread.Forget()
	}
}

// regular returns a record that carries a serialized envelope; original is the offset
// of the record that it copies, 0 for none.
func regular(envelope []byte, seq uint64, class record.Regular_Class, original machine.Offset) ([]byte, error) {
	m := record.NewRegular(envelope, seq, class)
	m.GetRegular().OriginalOffset = int64(original)
	return encode(m)
}
