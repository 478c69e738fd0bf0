package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// host is the orderer as its driver sees it.
func (o *Orderer) host() session.Host {
	return session.Host{Ledger: o, Topic: o, Validator: o, Peers: o, Clock: o, Status: o}
}

// Config returns the config in force.
func (o *Orderer) Config() session.Config {
	c := o.ledger.config()
	return session.Config{Seq: machine.ConfigSeq(c.seq), Limits: c.batch(), Resubmission: true, ConsensusType: c.consensusType(), ThroughKafka: !c.left(), MissingTimeout: missingTimeout * time.Millisecond}
}

// Uptime returns the time by the orderer's own clock.
func (o *Orderer) Uptime() time.Duration { return time.Duration(o.now()) * time.Millisecond }

// Open opens the topic with the broker list in force.
func (o *Orderer) Open() (log.Log, error) {
	o.linked = o.ledger.config().brokers
	return &wire{Log: o.w.open(o), o: o}, nil
}

// Current reports whether the broker list is still the same.
func (o *Orderer) Current() (bool, error) { return o.linked == o.ledger.config().brokers, nil }

// Append appends a record of the orderer itself.
func (o *Orderer) Append(_ context.Context, value []byte) error {
	return o.append(value, beforeResubmit, afterResubmit)
}

// errDisk is returned by a ledger that cannot store a block, and errReserve while its
// disk is below the reserve.
var (
	errDisk    = errors.New("no space left on device")
	errReserve = errors.New("the disk is nearly full")
)

// Room returns an error if the ledger's disk is below the reserve.
func (o *Orderer) Room(int) error {
	if o.diskLow {
		return errReserve
	}
	return nil
}

// Write writes a block of normal envelopes.
func (o *Orderer) Write(b session.Block) error {
	o.reach(beforeBlock)
	if o.diskFull {
		return errDisk
	}
	err := o.ledger.write(b, o.w.now)
	o.reach(afterBlock)
	return err
}

// WriteConfig writes a config block.
func (o *Orderer) WriteConfig(b session.Block) error {
	o.reach(beforeConfig)
	if o.diskFull {
		return errDisk
	}
	err := o.writeConfig(b)
	o.reach(afterConfig)
	return err
}

// writeConfig appends a config block to the ledger. A config that does not apply would
// crash a real orderer.
func (o *Orderer) writeConfig(b session.Block) error {
	c, ok := o.w.read(b.Envelopes[0])
	next, err := o.ledger.config().becomes(c)
	if !ok || err != nil {
		panic(violation{"I9", fmt.Sprintf("WriteConfigBlock %d was given an envelope that does not validate: %v", b.Number, err)})
	}
	if text := o.lacks(next); text != "" {
		panic(violation{"I9", fmt.Sprintf("WriteConfigBlock %d was given a config that crashes the process: %s", b.Number, text)})
	}
	if next.left() {
		b.Metadata = nil
		o.w.happened["left"]++
	}
	if err := o.ledger.write(b, o.w.now); err != nil {
		return err
	}
	last := &o.ledger.blocks[o.ledger.height()-1]
	last.after, last.end = next, o.w.end()
	return nil
}

// Pull returns a block from an orderer that has it and is running.
func (o *Orderer) Pull(_ context.Context, n machine.BlockNumber) (session.Block, error) {
	if o.cutOff {
		return session.Block{}, errFault
	}
	away := 0
	for _, other := range o.w.orderers {
		switch {
		case other == o:
		case !other.up:
			away++
		case int(n) < other.ledger.height():
			o.w.happened["pull"]++
			return other.ledger.blocks[n].Block, nil
		}
	}
	if away > 0 {
		return session.Block{}, fmt.Errorf("%d orderers do not answer", away)
	}
	return session.Block{}, session.ErrNoBlock
}

// Heights returns the height of every other orderer that is running.
func (o *Orderer) Heights(context.Context) (all []session.Answer, err error) {
	for _, other := range o.w.orderers {
		switch {
		case other.ledger == o.ledger:
		case !other.up:
			all = append(all, session.Answer{From: other.String(), Err: errFault})
		default:
			all = append(all, session.Answer{From: other.String(), Height: machine.BlockNumber(other.ledger.height())})
		}
	}
	return all, nil
}

// First returns block 1 from an orderer that has it and is running; nil for none.
func (o *Orderer) First(context.Context) (*session.Block, error) {
	for _, other := range o.w.orderers {
		if other.ledger != o.ledger && other.up && other.ledger.height() > 1 {
			return &other.ledger.blocks[1].Block, nil
		}
	}
	return nil, nil
}

// Block returns a block of the ledger.
func (o *Orderer) Block(n machine.BlockNumber) *session.Block {
	if int(n) >= o.ledger.height() {
		return nil
	}
	return &o.ledger.blocks[n].Block
}

// Judge returns a verdict by the config in force, and by the clock only where the
// compatible rules do.
func (o *Orderer) Judge(e machine.Judge) machine.Verdict {
	c, ok := o.w.read(e.Envelope.Bytes)
	if !ok {
		return machine.Verdict{Refusal: "it does not decode"}
	}
	if text := o.unknown(e.Class, c); text != "" {
		o.w.happened["unknown"]++
		return machine.Verdict{Stop: text}
	}
	var err error
	switch {
	case e.Check == machine.CheckBroadcast:
		_, _, err = o.Process(e.Class, e.Envelope.Bytes)
	case e.Class == machine.Config:
		_, err = o.ledger.config().becomes(c)
	default:
		err = o.ledger.config().allows(c)
	}
	if err != nil {
		return machine.Verdict{Refusal: err.Error()}
	}
	return machine.Verdict{}
}

// unknown returns what the build does not support of a config that is valid by all
// that it does; empty for nothing.
func (o *Orderer) unknown(class machine.Class, c content) string {
	if class != machine.Config {
		return ""
	}
	next, err := o.ledger.config().becomes(c)
	if err != nil {
		return ""
	}
	return o.lacks(next)
}

// Process checks an envelope as Broadcast does, by the orderer's clock too.
func (o *Orderer) Process(class machine.Class, b []byte) ([]byte, machine.ConfigSeq, error) {
	s := o.ledger.config()
	seq := machine.ConfigSeq(s.seq)
	c, ok := o.w.read(b)
	switch {
	case !ok || c.channel != channelID:
		return nil, seq, errors.New("not an envelope of this channel")
	case class == machine.Config && c.update == nil:
		return nil, seq, errors.New("no config update in it")
	case class == machine.Config && o.unable:
		o.w.happened["unable"]++
		return nil, seq, errSigner
	case class == machine.Config:
		next, err := s.apply(c.update)
		if text := o.lacks(next); err == nil && text != "" {
			err = errors.New(text)
		}
		return must(fabric.Marshal(configured(c.update, s.seq, o.id))), seq, err
	case s.maintained():
		return nil, seq, errors.New("maintenance mode")
	case o.now() > c.expires:
		return nil, seq, fmt.Errorf("the certificate of client %d has expired", c.client)
	}
	return b, seq, s.allows(c)
}

// Reproduce computes a config again as Broadcast does; an orderer that cannot sign
// returns [session.ErrUnable].
func (o *Orderer) Reproduce(b []byte) ([]byte, machine.ConfigSeq, error) {
	if c, ok := o.w.read(b); ok && c.update != nil && c.update.key == keyStage && c.update.version == stageLeaving {
		return nil, machine.ConfigSeq(o.ledger.config().seq), errors.New("another config came before the update by which the channel leaves")
	}
	again, seq, err := o.Process(machine.Config, b)
	if errors.Is(err, errSigner) {
		err = fmt.Errorf("%w: %w", session.ErrUnable, err)
	}
	return again, seq, err
}

// errSigner is returned by an orderer that cannot sign.
var errSigner = errors.New("the signing key of this orderer is not available")

// Arm starts the batch timer by the orderer's own clock.
func (o *Orderer) Arm(n machine.BlockNumber) {
	if o.timer != nil && o.timer.Block == n {
		return
	}
	o.timer = &timer{session.Poster{Block: n, Events: session.Events{}.WithDefaults()}, o.now() + batchTimeout}
}

// Disarm stops the batch timer.
func (o *Orderer) Disarm() { o.timer = nil }

// Moved records the phase of the session.
func (o *Orderer) Moved(to status.Phase, cause error) { o.ready.To(to, cause) }

// RulesKnown records that the topic is described: ingress opens.
func (o *Orderer) RulesKnown() { o.ready.RulesKnown = true }

// CaughtUp records that the orderer has caught up.
func (o *Orderer) CaughtUp() { o.ready.CaughtUp = true }

// batchTimeout is the channel's BatchTimeout, and missingTimeout how long every orderer must
// report a block missing before the channel stops, in milliseconds.
const (
	batchTimeout   = 1000
	missingTimeout = 2 * batchTimeout
)

// Survey returns nil: a simulated topic has no settings.
func (o *Orderer) Survey(context.Context, log.Log) error { return nil }
