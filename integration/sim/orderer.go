package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Point is a place at which an orderer can crash.
type Point string

const (
	beforeProduce  Point = "before-produce"
	afterProduce   Point = "after-produce"
	beforeConsume  Point = "before-consume"
	afterConsume   Point = "after-consume"
	beforeBlock    Point = "before-block"
	afterBlock     Point = "after-block"
	beforeConfig   Point = "before-config"
	afterConfig    Point = "after-config"
	beforeResubmit Point = "before-resubmit"
	afterResubmit  Point = "after-resubmit"
	beforeCut      Point = "before-cut"
	afterCut       Point = "after-cut"
)

var points = []Point{beforeProduce, afterProduce, beforeConsume, afterConsume, beforeBlock, afterBlock,
	beforeConfig, afterConfig, beforeResubmit, afterResubmit, beforeCut, afterCut}

// crashed is the panic that ends an orderer's process.
type crashed struct{}

// Orderer is one orderer: a ledger that survives crashes, and a process that
// runs the real sessions on it. It implements the parts of [session.Host].
type Orderer struct {
	w      *World
	id     int
	speed  int64 // of its clock, in percent
	knows  int   // the level that its build supports
	ledger *Ledger

	diskLow  bool // its ledger's disk is below the reserve
	diskFull bool // its ledger takes no block
	up       bool
	cutOff   bool             // from the brokers
	misled   bool             // its brokers belong to another cluster
	faults   []outcome        // of its next appends
	deaf     bool             // gets no answer the next time it asks for the source
	unable   bool             // to sign a config
	breaks   int              // its reader fails at the n-th record from now; 0 for none
	crash    map[Point]int    // crashes when it reaches the point for the n-th time
	slow     []*submission    // checked, not yet appended
	retry    int64            // no new session before this time
	driver   *session.Driver  // of the process; nil when down
	check    *session.Check   // whose answers are not applied yet; nil for none
	old      *inTree          // instead of the driver, in worlds of in-tree orderers
	ready    status.Readiness // of the process
	timer    *timer           // of the process
	linked   int              // broker list that the log was opened with; -1 for none
	mute     bool             // its appends are discarded
	life     int              // how often its process has started
	seen     log.Offset       // after the last record that the process was given
	fault    error            // why it stopped permanently; nil if it did not
}

type timer struct {
	session.Poster
	due int64 // by the orderer's clock
}

// submission is an envelope that Broadcast has checked.
type submission struct {
	value []byte
	call  *call
}

func (o *Orderer) String() string { return fmt.Sprintf("orderer %d", o.id) }

// now returns the time by the orderer's own clock.
func (o *Orderer) now() int64 { return o.w.now * o.speed / 100 }

// reach crashes the orderer if a crash is due at this point.
func (o *Orderer) reach(p Point) {
	n, ok := o.crash[p]
	switch {
	case !ok:
		return
	case n > 1:
		o.crash[p] = n - 1
		return
	}
	delete(o.crash, p)
	o.w.happened["crash "+string(p)]++
	panic(crashed{})
}

// run calls f in the orderer's process; a crash ends the process.
func (o *Orderer) run(f func()) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crashed:
			o.stop()
		case violation:
			panic(r)
		default:
			panic(violation{"I12", fmt.Sprintf("%s panicked: %v", o, r)})
		}
	}()
	f()
}

// boot starts the process.
func (o *Orderer) boot() {
	if o.up {
		return
	}
	o.up, o.ready, o.timer, o.linked, o.fault, o.slow, o.retry, o.check = true, status.Readiness{}, nil, -1, nil, nil, 0, nil
	o.life++
	o.seen = 0
	if p := o.w.profile; p.InTree || p.Mixed && o.id%2 == 1 {
		o.old = newInTree(o)
		o.ready = status.Readiness{Phase: status.Reading, RulesKnown: true}
		return
	}
	if o.ledger.config().left() {
		o.fail(session.ErrMigrated) // another consenter has the channel
		return
	}
	start, err := o.ledger.start()
	if err != nil {
		o.fail(err)
		return
	}
	o.driver = session.New(o.host(), start, session.Settings{AllowUndescribed: o.w.profile.Compatible}, session.Events{})
	o.driver.Decode = o.w.decode
}

// stop ends the process: only the ledger is left. Clients that wait for an answer
// get none.
func (o *Orderer) stop() {
	if o.driver != nil {
		o.driver.Close()
	}
	for _, s := range o.slow {
		s.call.answer = noAnswer
	}
	o.up, o.driver, o.old, o.timer, o.slow = false, nil, nil, nil, nil
}

func (o *Orderer) fail(err error) {
	if o.fault == nil {
		o.fault = err
	}
	o.ready.To(status.Failed, err)
	o.timer = nil
}

// live reports whether the process runs and has not stopped permanently.
func (o *Orderer) live() bool { return o.up && o.fault == nil }

// advance runs up to n steps of the channel's loop; it reports whether it did one.
func (o *Orderer) advance(n int) (did bool) {
	o.run(func() {
		for ; n > 0 && o.live() && o.step(); n-- {
			did = true
		}
	})
	return did
}

// step is one turn of the loop that package chain runs; it returns false if there was
// nothing to do.
func (o *Orderer) step() bool {
	if o.old != nil {
		return o.old.step()
	}
	ctx := context.Background()
	if o.ready.Phase != status.Reading {
		if o.now() < o.retry {
			return false
		}
		return o.follow(o.driver.Connect(ctx))
	}
	outcome, err := o.driver.Advance(ctx, ctx)
	if outcome == session.Reconnect {
		err = o.driver.Connect(ctx)
	}
	return o.follow(err)
}

// follow handles the outcome of a step as the loop does. When a session ends, the next
// one connects at once, so that the phase is that of a chain that connects.
func (o *Orderer) follow(err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, errIdle):
		return false
	}
	switch o.driver.After(err) {
	case session.Stop:
		o.fail(err)
	case session.CatchUp:
		if err := o.driver.CatchUp(context.Background()); err != nil {
			return o.follow(err)
		}
		return o.follow(o.driver.Connect(context.Background()))
	case session.Reconnect:
		return o.follow(o.driver.Connect(context.Background()))
	case session.Retry, session.Await:
		o.retry = o.now() + retryPause
	}
	return o.fault == nil
}

// retryPause is the pause between sessions, in milliseconds.
const retryPause = 100

// fire posts a time-to-cut if one is due; it reports whether it did.
func (o *Orderer) fire() (did bool) {
	if !o.live() || o.timer == nil || o.now() < o.timer.due {
		return false
	}
	o.run(func() {
		t := o.timer
		did = true
		done, _ := t.Try(context.Background(), o.appendCut)
		if done {
			o.timer = nil
			return
		}
		t.due = o.now() + retryPause
		if o.old != nil {
			o.timer = nil
		}
	})
	return did
}

// broadcast does what Fabric's Broadcast does with an envelope, up to the append;
// nil if it refuses. A slow submission is appended by a later action.
func (o *Orderer) broadcast(c *call, envelope *fabric.Envelope, class machine.Class) *submission {
	c.orderer = o.id
	if !o.live() || o.ready.Ready() != nil {
		c.answer = refused
		return nil
	}
	b := must(fabric.Marshal(envelope))
	processed, seq, err := o.Process(class, b)
	if err != nil {
		c.answer = refused
		return nil
	}
	if class == machine.Config {
		envelope = &fabric.Envelope{}
		must(0, fabric.Unmarshal(processed, envelope))
	}
	value, _ := record.OfEnvelope(envelope, uint64(seq), class)
	return &submission{value, c}
}

// order appends an envelope that Broadcast has checked, and records the answer.
func (o *Orderer) order(s *submission) {
	s.call.answer = noAnswer // unless the process survives
	s.call.tried = true
	o.run(func() {
		err := o.ready.Ready()
		if err == nil {
			err = status.AppendError(o.appendClient(s.value))
		}
		s.call.answered(o.w, err)
	})
}

func (o *Orderer) appendClient(value []byte) error {
	return o.append(value, beforeProduce, afterProduce)
}

func (o *Orderer) appendCut(_ context.Context, value []byte) error {
	return o.append(value, beforeCut, afterCut)
}

func (o *Orderer) append(value []byte, pre, post Point) error {
	if o.mute {
		return nil
	}
	o.reach(pre)
	if pre != beforeProduce {
		o.w.own[string(value)] = writer{o, o.life}
	}
	err := (&wire{Log: o.w.open(o), o: o}).send(value)
	o.reach(post)
	return err
}

var _ log.Log = (*wire)(nil)
