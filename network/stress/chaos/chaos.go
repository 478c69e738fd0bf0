// Package chaos sends envelopes through the orderers of a network while it injects
// faults into brokers and orderers: kills, restarts, stalls and cut connections, in an
// order that a seed decides. It records the run as a history (see package history).
package chaos

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
	"github.com/fabric-kafka/orderer/network/stress/history"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// Config configures a run.
type Config struct {
	Network  *fabricnet.Network // used by this run alone
	Channel  string
	Load     load.Config   // identity, targets, rate; Until, Enough and History are set by Run
	Duration time.Duration // minimal; extended until each fault was injected once
	Rounds   int           // maximal number of faults; 0: unlimited
	Seed     uint64
	Faults   []Fault
	Rest     time.Duration // minimal pause between two faults, the maximum is twice as long; default 2 s
	History  *history.Writer
	Progress io.Writer
}

// Run sends envelopes and injects faults until Duration is over and each fault was
// injected once, repairs everything, waits until the orderers have the same height, and
// writes their blocks into the history. An error means that the run could not be
// completed; [history.Check] reports whether promises were kept.
func Run(ctx context.Context, c Config) error {
	if len(c.Faults) == 0 {
		return errors.New("chaos: no fault is selected")
	}
	c.Rest = cmp.Or(c.Rest, 2*time.Second)
	enough := make(chan struct{})
	c.Load.Enough = enough
	r := &run{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6368616f73))}
	if err := r.begin(ctx); err != nil {
		return err
	}
	loadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- r.send(loadCtx) }()
	err := errors.Join(r.inject(ctx), r.settle(ctx))
	close(enough)
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	return errors.Join(r.record(ctx), r.panics())
}

type run struct {
	Config
	rng  *rand.Rand
	deck []Fault // faults to inject before any of them is repeated
	done int
	logs *fabricnet.Logs // of all processes
}

// begin records the start of the run: the orderers, the height of the channel and the
// selected faults. Nothing is sent yet, so that all blocks from this height on belong to
// the run.
func (r *run) begin(ctx context.Context) (err error) {
	if r.logs, err = r.Network.Logs(); err != nil {
		return err
	}
	reader, err := fabricnet.NewReader(r.Network.Dir(), r.Network.Descriptor())
	if err != nil {
		return err
	}
	height, err := quiet(ctx, reader, r.Channel, r.orderers())
	if err != nil {
		return err
	}
	e := history.Event{What: history.Began, Orderers: r.orderers(), Height: height, Faults: namesOf(r.Faults)}
	if r.Rounds < len(r.Faults) {
		e.Rounds = r.Rounds
	}
	r.History.Add(e)
	return nil
}

func namesOf(faults []Fault) (names []string) {
	for _, f := range faults {
		names = append(names, f.Name)
	}
	return names
}

func (r *run) send(ctx context.Context) error {
	l := r.Load
	l.Channel, l.History, l.Persist = r.Channel, r.History, true
	l.Until = time.Now().Add(forever) // r.Load.Enough ends it
	l.Timeout = cmp.Or(l.Timeout, 3*time.Second)
	l.Settle = 2 * time.Minute
	result, err := load.Run(ctx, l)
	fmt.Fprint(r.Progress, result)
	return err
}

// forever is longer than any run.
const forever = 1000 * time.Hour

// over reports whether the run is complete: the requested number of faults was injected,
// or each was injected once and the time is over.
func (r *run) over(end, now time.Time) bool {
	return r.Rounds > 0 && r.done >= r.Rounds || r.done >= len(r.Faults) && !now.Before(end)
}

// inject injects one fault after the other, with a pause in between.
func (r *run) inject(ctx context.Context) error {
	for end := time.Now().Add(r.Duration); !r.over(end, time.Now()); {
		if err := errors.Join(r.pause(ctx, r.Rest, 2*r.Rest), r.restartDead(ctx)); err != nil {
			return err
		}
		f := r.draw()
		began := time.Now()
		if err := f.do(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		r.done++
		r.History.Add(history.Event{What: history.Done, Text: f.Name})
		fmt.Fprintf(r.Progress, "%3d %-16s took %.1fs\n", r.done, f.Name, time.Since(began).Seconds())
	}
	return nil
}

// afterwards is how long clients continue to send after the last fault was repaired.
const afterwards = 10 * time.Second

// settle waits for the consequences of the last fault, and until envelopes are
// acknowledged again. If they are not, the checker reports it.
func (r *run) settle(ctx context.Context) error {
	before := r.History.Acknowledged()
	err := r.pause(ctx, afterwards, afterwards)
	for range 6 {
		if err == nil && r.History.Acknowledged() == before {
			err = r.pause(ctx, afterwards, afterwards)
		}
	}
	err = errors.Join(err, r.restartDead(ctx))
	r.History.Add(history.Event{What: history.Ended})
	return err
}

// panics records the processes that have panicked since the last call, also while they
// were being stopped.
func (r *run) panics() error {
	found, err := r.logs.Panics()
	for _, text := range found {
		r.History.Add(history.Event{What: history.Panicked, Text: text})
		fmt.Fprintf(r.Progress, "    %s\n", text)
	}
	return err
}

// restartDead checks that every process is running. All faults are repaired, so a missing one has
// ended by itself; it is started again, since its blocks are needed.
func (r *run) restartDead(ctx context.Context) error {
	if err := r.panics(); err != nil {
		return err
	}
	for _, name := range slices.Concat(r.Network.BrokerNames(), r.orderers()) {
		if r.Network.Alive(name) {
			continue
		}
		r.History.Add(history.Event{What: history.Died, Text: name})
		fmt.Fprintf(r.Progress, "    %s ended by itself\n", name)
		if err := r.Network.Start(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// draw returns the next fault of a shuffled deck, so that a short run includes each of them.
func (r *run) draw() Fault {
	if len(r.deck) == 0 {
		r.deck = slices.Clone(r.Faults)
		r.rng.Shuffle(len(r.deck), func(i, j int) { r.deck[i], r.deck[j] = r.deck[j], r.deck[i] })
	}
	f := r.deck[0]
	r.deck = r.deck[1:]
	return f
}

// note records a fault in the history and prints it.
func (r *run) note(format string, args ...any) {
	r.noteEvent(history.Event{Text: fmt.Sprintf(format, args...)})
}

// noteEvent records a fault with its details.
func (r *run) noteEvent(e history.Event) {
	e.What = history.Fault
	r.History.Add(e)
	fmt.Fprintln(r.Progress, "   ", e.Text)
}

// pause waits for a random time between least and most.
func (r *run) pause(ctx context.Context, least, most time.Duration) error {
	d := least
	if most > least {
		d += time.Duration(r.rng.Int64N(int64(most - least)))
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (r *run) orderers() (names []string) {
	for _, o := range r.Network.Descriptor().Orderers {
		names = append(names, o.Name)
	}
	return names
}

func (r *run) orderer() string {
	names := r.orderers()
	return names[r.rng.IntN(len(names))]
}

func (r *run) broker() string {
	names := r.Network.BrokerNames()
	return names[r.rng.IntN(len(names))]
}

// record waits until all orderers have the same height, and writes their blocks into the history.
func (r *run) record(ctx context.Context) error {
	reader, err := fabricnet.NewReader(r.Network.Dir(), r.Network.Descriptor())
	if err != nil {
		return err
	}
	orderers := r.orderers()
	if _, err := awaitEqualHeights(ctx, reader, r.Channel, orderers); err != nil {
		fmt.Fprintln(r.Progress, err) // the checker reports what is missing
	}
	for _, orderer := range orderers {
		err := reader.Blocks(ctx, orderer, r.Channel, func(b *cb.Block) error {
			s, err := client.Summarize(b)
			if err != nil {
				return err
			}
			e := history.Event{What: history.Block, Orderer: orderer, Number: s.Number, Header: s.HeaderHash, Previous: hex.EncodeToString(b.Header.PreviousHash), Config: s.Number == s.LastConfig}
			for _, envelope := range b.Data.Data {
				id := client.Digest(envelope)
				e.IDs = append(e.IDs, hex.EncodeToString(id[:]))
			}
			r.History.Add(e)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the blocks of %s: %w", orderer, err)
		}
	}
	return r.History.Err()
}

// heightTimeout is how long orderers may take to reach the same height.
const heightTimeout = time.Minute

// quietTime is how long no block may be written before a run: longer than pending envelopes
// wait for their block.
const quietTime = 5 * time.Second

// quiet waits until the orderers have the same height and keep it.
func quiet(ctx context.Context, reader *inspect.Reader, channel string, orderers []string) (height uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, heightTimeout)
	defer cancel()
	for {
		if height, err = awaitEqualHeights(ctx, reader, channel, orderers); err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("another client is sending: the channel has %d blocks and is growing", height)
		case <-time.After(quietTime):
		}
		if now, err := awaitEqualHeights(ctx, reader, channel, orderers); err != nil || now == height {
			return now, err
		}
	}
}

// awaitEqualHeights waits until the orderers have the same height, and returns it.
func awaitEqualHeights(ctx context.Context, reader *inspect.Reader, channel string, orderers []string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, heightTimeout)
	defer cancel()
	for {
		heights := map[uint64]bool{}
		for _, o := range orderers {
			h, err := reader.Height(ctx, o, channel)
			if err != nil {
				h = 0
			}
			heights[h] = true
		}
		if len(heights) == 1 && !heights[0] {
			return slices.Collect(maps.Keys(heights))[0], nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the orderers have no common height after %v: %v", heightTimeout, heights)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
