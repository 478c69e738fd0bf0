// Package sim runs channels in simulated worlds: the real machine and the real
// sessions (package session), on a log in memory, ledgers, clocks and clients that
// are simulated, all in one goroutine. A seed determines its run bit
// for bit. After the faults everything heals, and checkers that read only ledgers,
// log and the clients' history look for violated invariants.
//
//	seed --plan--> actions --play--> world --check--> violations
//
// A run that violates an invariant is shrunk to the fewest actions that do, and
// printed as a transcript; testdata keeps those of bugs that were found.
package sim

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// World is the state of a run.
type World struct {
	profile   Profile
	builds    []int // levels of the orderers; the newest level for those beyond its end
	now       int64 // milliseconds
	broker    *memlog.Broker
	client    *memlog.Log
	elsewhere *memlog.Broker // another cluster
	epoch     int            // of the topic: counts elections and losses
	orderers  []*Orderer
	late      [][]byte // appends that have not reached the log yet
	calls     []*call
	clock     int               // counts the clients' events
	injected  map[string]int    // how often foreign writers wrote an envelope
	updates   int               // config updates made so far
	loss      *loss             // the records that were lost; nil for none
	unread    unread            // those that were lost before any orderer had read them
	own       map[string]writer // records that orderers wrote on their own
	truth     [][]byte          // values that were trimmed
	contents  map[string]known
	decoded   []decoded      // by offset
	happened  map[string]int // how often, for tests
}

// loss describes what a destructive action did.
type loss struct {
	verb    Verb
	at      log.Offset              // records from here on were replaced, or (trim) those below are gone
	values  [][]byte                // the log before
	heights map[*Orderer]int        // of the ledgers
	covers  []int64                 // offsets after the last blocks of the ledgers
	next    map[*Orderer]int64      // offsets that the orderers would have read next; -1 before the first
	taken   map[*Orderer]log.Offset // offsets after the last records that their processes had been given
}

// violation is a broken invariant.
type violation struct {
	invariant string
	text      string
}

func newWorld(p Profile, plan Plan) *World {
	w := &World{profile: p, builds: plan.Builds, broker: memlog.NewBroker(), injected: map[string]int{}, contents: map[string]known{}, happened: map[string]int{},
		own: map[string]writer{}, unread: unread{texts: map[string]bool{}, updates: map[int][]writer{}}}
	w.elsewhere = memlog.NewCluster("elsewhere")
	w.client = w.broker.Open(channelID, log.Settings{MaxMessageBytes: 1 << 20})
	if p.Compatible {
		w.broker.Write(channelID, must(record.Encode(record.NewConnect(nil)))) // as in-tree orderers do first
	}
	for i := range plan.Orderers {
		w.add(newLedger(), plan.Speeds[i%len(plan.Speeds)])
	}
	return w
}

func (w *World) add(l *Ledger, speed int64) {
	o := &Orderer{w: w, id: len(w.orderers), speed: speed, knows: newest, ledger: l, crash: map[Point]int{}}
	if o.id < len(w.builds) {
		o.knows = max(w.builds[o.id], l.config().level) // an older build would not start on that ledger
	}
	w.orderers = append(w.orderers, o)
	o.boot()
}

// open returns the topic at the brokers that an orderer has.
func (w *World) open(o *Orderer) *memlog.Log {
	if o.misled {
		return w.elsewhere.Open(channelID, log.Settings{MaxMessageBytes: 1 << 20})
	}
	return w.client
}

// at returns the offset at this many thousandths of the log.
func (w *World) at(thousandths int) int { return w.end() * thousandths / 1000 }

// end returns the end of the log.
func (w *World) end() int { return w.broker.Len(channelID) }

// read decodes an envelope, once for each.
func (w *World) read(b []byte) (content, bool) {
	if known, ok := w.contents[string(b)]; ok {
		return known.content, known.ok
	}
	c, ok := open(b)
	w.contents[string(b)] = known{c, ok}
	return c, ok
}

// decode is [record.InputOf], cached: it is a function of offset and value.
func (w *World) decode(r log.Record) machine.Input {
	at := int(r.Offset)
	if at < len(w.decoded) && w.decoded[at].input != nil && bytes.Equal(w.decoded[at].value, r.Value) {
		return w.decoded[at].input
	}
	for at >= len(w.decoded) {
		w.decoded = append(w.decoded, decoded{})
	}
	w.decoded[at] = decoded{r.Value, record.InputOf(machine.Offset(r.Offset), r.Value)}
	return w.decoded[at].input
}

type decoded struct {
	value []byte
	input machine.Input
}

type known struct {
	content
	ok bool
}

// values returns the values of the log, including those that were trimmed.
func (w *World) values() [][]byte {
	all := w.broker.Values(channelID)
	copy(all, w.truth)
	return all
}

// play performs one action.
func (w *World) play(a Action) {
	o := w.orderers[a.Orderer%len(w.orderers)]
	w.happened[string(a.Verb)]++
	switch a.Verb {
	case Submit, Update, Enable, Advance, Conflict, Append:
		w.playClient(o, a)
	case Deliver:
		o.advance(a.A)
	case Tick:
		w.now += int64(a.A)
	case Fire:
		o.fire()
	case Crash:
		o.stop()
	case CrashAt:
		o.crash[points[a.A%len(points)]] = a.B
	case Boot:
		o.boot()
	case Audit:
		o.audit()
	case Join:
		w.join(o, a.A)
	case Mislead:
		w.mislead(o, a.A)
	case Deaf:
		o.deaf = true
	case Unable:
		o.unable = !o.unable
	case Break:
		o.breaks = 1 + a.A
	case Fault:
		o.faults = append(o.faults, []outcome{before, after, late, gone}[a.A%4])
	case CutOff, Rejoin:
		o.cutOff = a.Verb == CutOff
	case Arrive:
		w.arrive()
	case DiskFull:
		o.diskFull = true
	case DiskLow:
		o.diskLow = !o.diskLow
	case Elect:
		if w.end() > 0 {
			w.epoch++
			w.broker.Elect(channelID)
		}
	case Repeat, Stray, Forge:
		w.playForeign(o, a)
	case Forget:
		w.forget(a)
	case Trim, CutTail, Recreate:
		w.lose(a)
	default:
		panic(violation{"plan", fmt.Sprintf("no action %q", a.Verb)})
	}
}

// join adds an orderer with a copy of another's first blocks.
func (w *World) join(from *Orderer, thousandths int) {
	if len(w.orderers) >= w.profile.Orderers+2 || w.loss != nil {
		return
	}
	height := max(1, from.ledger.height()*thousandths/1000)
	w.add(from.ledger.upTo(height), from.speed)
}

// mislead restarts an orderer with the brokers of another cluster, once another orderer
// has a block: before, it could not notice.
func (w *World) mislead(o *Orderer, newest int) {
	if newest == 1 {
		o = w.orderers[len(w.orderers)-1]
	}
	begun := slices.ContainsFunc(w.orderers, func(other *Orderer) bool { return other != o && other.ledger.height() > 1 })
	if !begun || o.old != nil {
		return
	}
	o.stop()
	o.misled = true
	o.boot()
}

// arrive writes the oldest late append to the log.
func (w *World) arrive() {
	if len(w.late) > 0 {
		w.broker.Write(channelID, w.late[0])
		w.late = w.late[1:]
	}
}

// audit checks the topic as the shell does every CheckInterval: the brokers are asked, and the next audit applies what
// they answered, however much was read in between.
func (o *Orderer) audit() {
	o.run(func() {
		switch {
		case !o.live() || o.ready.Phase != reading:
		case o.check == nil:
			o.check = o.driver.Check()
			o.check.Ask(context.Background())
		default:
			answered := o.check
			o.check = nil
			o.follow(o.driver.Apply(answered))
		}
	})
}

// auditNow checks the topic as it is now.
func (o *Orderer) auditNow() {
	o.check = nil
	o.audit()
	o.audit()
}
