package sim

import (
	"context"
	"errors"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// inTree is an orderer of Fabric v2.5 around the compatible rules: what its process does with their
// effects, including its known defects. Our orderers are compared with it.
//
//   - a restart knows only the three old fields of the last block's metadata
//   - a copy that cannot be appended is dropped, though its client has an acknowledgement
//   - a time-to-cut that cannot be appended is not retried
//   - a time-to-cut for an unexpected block ends the loop; clients are still acknowledged
type inTree struct {
	o       *Orderer
	machine *machine.Machine
	reader  log.Reader
	dead    bool
}

func newInTree(o *Orderer) *inTree {
	start, err := o.ledger.start()
	if err != nil {
		panic(violation{"in-tree", err.Error()})
	}
	start.AllowUndescribed = true
	if o.ledger.height() > 1 {
		m := o.ledger.last().position()
		start.Metadata = machine.Metadata{RuleSet: machine.Compatible, Offset: machine.Offset(m.LastOffsetPersisted), Marks: machine.Marks{
			Processed: machine.Offset(m.LastOriginalOffsetProcessed), Resubmitted: machine.Offset(m.LastResubmittedConfigOffset)}}
	}
	return &inTree{o: o, machine: machine.New(start)}
}

// step processes one record; it returns false if there is none or the loop has ended.
func (t *inTree) step() bool {
	if t.dead || t.o.cutOff {
		return false
	}
	if t.reader == nil {
		r, err := (&wire{Log: t.o.w.open(t.o), o: t.o}).Read(context.Background(), log.Offset(t.machine.NextOffset()))
		if err != nil {
			return false
		}
		t.reader = r
	}
	r, err := t.reader.Next(context.Background())
	if err != nil {
		if !errors.Is(err, errIdle) {
			t.reader = nil
		}
		return false
	}
	for in := record.InputOf(machine.Offset(r.Offset), r.Value); in != nil; {
		effects := t.machine.Step(in)
		in = nil
		for _, e := range effects {
			in = t.perform(e)
		}
	}
	return true
}

func (t *inTree) perform(effect machine.Effect) machine.Input {
	switch f := effect.(type) {
	case machine.WriteBlock:
		t.write(f.Number, f.Metadata, f.Envelopes...)
	case machine.WriteConfigBlock:
		t.write(f.Number, f.Metadata, f.Envelope)
		c := t.o.Config()
		return machine.Configured{Seq: c.Seq, Limits: c.Limits, Resubmission: true}
	case machine.Judge:
		return t.o.Judge(f)
	case machine.Resubmit:
		return t.resubmit(f)
	case machine.ArmTimer:
		t.o.Arm(f.Block)
	case machine.CancelTimer:
		t.o.Disarm()
	case machine.Halt:
		t.dead = true
	}
	return nil
}

func (t *inTree) write(number machine.BlockNumber, m machine.Metadata, envelopes ...machine.Envelope) {
	old := machine.Metadata{Offset: m.Offset, Marks: machine.Marks{Processed: m.Marks.Processed, Shown: m.Marks.Shown}}
	b := session.Block{Number: number, Metadata: must(session.EncodeMetadata(old))}
	for _, e := range envelopes {
		b.Envelopes = append(b.Envelopes, e.Bytes)
	}
	if c, ok := t.o.w.read(b.Envelopes[0]); ok && c.update != nil && len(envelopes) == 1 {
		b.Config = true
		must(0, t.o.WriteConfig(b))
		return
	}
	must(0, t.o.Write(b))
}

func (t *inTree) resubmit(f machine.Resubmit) machine.Input {
	envelope, seq, err := t.o.Process(f.Class, f.Envelope.Bytes)
	if err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	m := record.NewRegular(envelope, uint64(seq), record.Regular_Class(f.Class))
	m.GetRegular().OriginalOffset = int64(f.Offset)
	if err := t.o.append(must(record.Encode(m)), beforeResubmit, afterResubmit); err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}
