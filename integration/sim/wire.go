package sim

import (
	"context"
	"errors"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/ahead"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
)

// errIdle is returned by a reader when the log has nothing new: the simulation decides
// when to read again.
var errIdle = errors.New("nothing to read")

// errFault is the error of an injected fault.
var errFault = errors.New("injected fault")

// outcome is the outcome of an append.
type outcome string

const (
	fine   outcome = "ok"
	before outcome = "before" // fails, not in the log
	after  outcome = "after"  // fails, in the log
	late   outcome = "late"   // fails, reaches the log later
	gone   outcome = "gone"   // is acknowledged, and lost before any orderer reads it
)

// wire is an orderer's connection to the topic: memlog, with the faults of the plan.
type wire struct {
	*memlog.Log
	o *Orderer
}

func (w *wire) down() error {
	if w.o.cutOff {
		return &log.Error{Class: log.Retryable, Op: "call", Topic: channelID, Err: errFault}
	}
	return nil
}

func (w *wire) Create(ctx context.Context) error {
	if err := w.down(); err != nil {
		return err
	}
	return w.Log.Create(ctx)
}

func (w *wire) Identity(ctx context.Context) (log.Identity, error) {
	if err := w.down(); err != nil {
		return log.Identity{}, err
	}
	return w.Log.Identity(ctx)
}

func (w *wire) Bounds(ctx context.Context) (log.Bounds, error) {
	if err := w.down(); err != nil {
		return log.Bounds{}, err
	}
	return w.Log.Bounds(ctx)
}

func (w *wire) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	if err := w.down(); err != nil {
		return nil, err
	}
	r, err := w.Log.Read(ctx, from)
	if err != nil {
		return nil, err
	}
	t := &tap{Reader: r, w: w, next: from, epoch: w.o.epoch()}
	return &early{Reader: ahead.New(t, func(r log.Record) any { return w.o.w.decode(r) }), tap: t}, nil
}

// early takes records before they are handled, as the reader of a real channel does in a goroutine of its own: how
// many depends on the record.
type early struct {
	*ahead.Reader
	tap *tap
}

func (e *early) Next(ctx context.Context) (log.Record, error) {
	o := e.tap.w.o
	for range (int(e.Taken())*5 + o.id*3 + o.life) % earlyLimit {
		if e.tap.atEnd(ctx) {
			break
		}
		e.Take(ctx)
	}
	return e.Reader.Next(ctx)
}

// earlyLimit bounds how many records are taken at a time: fewer than this.
const earlyLimit = 4

// send appends, with the fault that is due for the orderer's next append.
func (w *wire) send(value []byte) error {
	if err := w.down(); err != nil {
		return err
	}
	o := w.o
	how := fine
	if len(o.faults) > 0 {
		how, o.faults = o.faults[0], o.faults[1:]
	}
	o.w.happened["append "+string(how)]++
	switch how {
	case before:
		return &log.Error{Class: log.Retryable, Op: "append", Topic: channelID, Err: errFault}
	case late:
		if o.misled {
			return &log.Error{Class: log.Ambiguous, Op: "append", Topic: channelID, Err: errFault} // it never arrives
		}
		o.w.late = append(o.w.late, slices.Clone(value))
		return &log.Error{Class: log.Ambiguous, Op: "append", Topic: channelID, Err: errFault}
	}
	if err := w.Log.Append(context.Background(), value); err != nil {
		return err
	}
	if how == gone && !o.misled {
		o.w.loseFrom(o.w.end() - 1)
	}
	if how == after {
		return &log.Error{Class: log.Ambiguous, Op: "append", Topic: channelID, Err: errFault}
	}
	return nil
}

// tap is a reader that never waits. It continues without an error in a topic that was
// recreated, as a Kafka client may.
type tap struct {
	log.Reader
	w     *wire
	next  log.Offset
	epoch int // of the topic when the reader was opened
}

func (t *tap) Next(ctx context.Context) (log.Record, error) {
	t.w.o.reach(beforeConsume)
	if err := t.w.down(); err != nil {
		return log.Record{}, err
	}
	if t.atEnd(ctx) {
		return log.Record{}, errIdle
	}
	if t.w.o.breaksOff() {
		return log.Record{}, &log.Error{Class: log.Retryable, Op: "read", Topic: channelID, Err: errFault}
	}
	r, err := t.Reader.Next(ctx)
	if err == nil {
		t.next = r.Offset + 1
		t.w.o.seen = max(t.w.o.seen, t.next)
		t.w.o.reach(afterConsume)
	}
	return r, err
}

// Lapsed returns an error while the connection is broken.
func (t *tap) Lapsed() error {
	if err := t.w.down(); err != nil {
		return err
	}
	return t.Reader.Lapsed()
}

// atEnd reports whether there is nothing to take.
func (t *tap) atEnd(ctx context.Context) bool {
	b, err := t.w.Log.Bounds(ctx)
	return err == nil && t.next == b.End && t.epoch == t.w.o.epoch()
}

// epoch returns the epoch of the topic at the orderer's brokers; in another cluster there
// are no elections.
func (o *Orderer) epoch() int {
	if o.misled {
		return 0
	}
	return o.w.epoch
}

// breaksOff counts records; it reports whether the reader fails at this one.
func (o *Orderer) breaksOff() bool {
	if o.breaks == 0 {
		return false
	}
	o.breaks--
	if o.breaks > 0 {
		return false
	}
	o.w.happened["broken read"]++
	return true
}

func (t *tap) Source(ctx context.Context) (string, error) {
	if err := t.w.down(); err != nil {
		return "", err
	}
	if o := t.w.o; o.deaf {
		o.deaf = false
		o.w.happened["no source"]++
		return "", &log.Error{Class: log.Retryable, Op: "read", Topic: channelID, Err: errFault}
	}
	return t.Reader.Source(ctx)
}
