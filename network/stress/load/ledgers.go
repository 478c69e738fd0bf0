package load

import (
	"context"
	"errors"
	"sync"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/network/client"
)

// fate is the state of one envelope.
type fate struct {
	sent, answered, ordered time.Time // ordered: first seen in a block of any orderer
	outcome                 outcome
	seen                    []uint8 // copies in the blocks of each followed orderer
}

// unseen returns how many orderers have no copy yet.
func (f *fate) unseen() int {
	n := 0
	for _, copies := range f.seen {
		if copies == 0 {
			n++
		}
	}
	return n
}

type outcome uint8

const (
	pending outcome = iota
	acknowledged
	refused // any answer but SUCCESS; the envelope may be ordered nevertheless
	unknown // the stream broke
)

// ledgers follows the blocks of several orderers.
type ledgers struct {
	config Config
	start  time.Time
	work   sync.WaitGroup

	mu        sync.Mutex
	fates     map[[32]byte]*fate
	blocks    []int // of each followed orderer, since the start
	last      time.Time
	changed   bool     // anything new since settle looked
	counts    Progress // of fates
	unordered int      // for each acknowledged envelope, the orderers that do not have it yet
	errs      []error
	reasons   map[string]int // of refusals
}

func newLedgers(c Config) *ledgers {
	return &ledgers{config: c, fates: map[[32]byte]*fate{}, blocks: make([]int, len(c.Follow)), reasons: map[string]int{}}
}

// begin follows each orderer from its current height, so that every block with an
// envelope of this run is seen.
func (l *ledgers) begin(ctx context.Context) error {
	for i, t := range l.config.Follow {
		o, err := client.Dial(t.Address, client.TLS{CA: t.CA})
		if err != nil {
			return err
		}
		newest, err := o.Newest(ctx, l.config.Who, l.config.Channel)
		if err != nil {
			return errors.Join(err, o.Close())
		}
		next := newest.Header.Number + 1
		l.work.Go(func() { l.follow(ctx, i, o, next) })
	}
	return nil
}

// follow reads blocks for as long as the run lasts, through restarts of the orderer.
func (l *ledgers) follow(ctx context.Context, i int, o *client.Orderer, next uint64) {
	defer o.Close()
	for ctx.Err() == nil {
		_ = o.Deliver(ctx, l.config.Who, l.config.Channel, client.Range{From: next, To: client.Forever, BestEffort: true}, func(b *cb.Block) error {
			l.block(i, b)
			next = b.Header.Number + 1
			return nil
		}) // an error shows as missing envelopes
		sleepUntil(ctx, time.Now().Add(100*time.Millisecond))
	}
}

func (l *ledgers) block(i int, b *cb.Block) {
	now := time.Now()
	ids := make([][32]byte, len(b.Data.Data))
	for n, e := range b.Data.Data {
		ids[n] = client.Digest(e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks[i]++
	for _, id := range ids {
		f := l.fates[id]
		if f == nil {
			continue // from another client
		}
		if f.seen[i]++; f.seen[i] == 1 && f.outcome == acknowledged {
			l.unordered--
		}
		if f.ordered.IsZero() {
			f.ordered = now
		}
		l.last, l.changed = now, true
	}
}

func (l *ledgers) sent(e signed) {
	at := e.due
	if at.IsZero() {
		at = time.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Sent++
	l.fates[e.id] = &fate{sent: at, seen: make([]uint8, len(l.config.Follow))}
}

func (l *ledgers) answered(id [32]byte, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.fates[id]
	f.answered = now
	var no *client.Refusal
	switch {
	case err == nil:
		f.outcome = acknowledged
		l.counts.Acknowledged++
		l.unordered += f.unseen()
	case errors.As(err, &no):
		f.outcome = refused
		l.counts.Refused++
		l.reasons[no.Error()]++
	default:
		f.outcome = unknown
		l.counts.Unknown++
	}
}

func (l *ledgers) fail(err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *ledgers) progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// quiet is how long no envelope of the run may appear before the run counts as over: a
// duplicate, or an envelope of unknown outcome, can appear after the last expected one.
const quiet = 500 * time.Millisecond

// settle waits until every acknowledged envelope is on every orderer, and no more appear.
// Settle counts from the last envelope that was seen.
func (l *ledgers) settle(ctx context.Context) {
	seen := time.Now()
	deadline := seen.Add(l.config.Settle)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		complete, moved := l.complete()
		if moved {
			seen = time.Now()
			deadline = seen.Add(l.config.Settle)
		}
		if complete && time.Since(seen) > quiet {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (l *ledgers) complete() (complete, moved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	moved, l.changed = l.changed, false
	return l.unordered == 0, moved
}

func (l *ledgers) wait() { l.work.Wait() }
