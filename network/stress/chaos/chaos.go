// Package chaos sends through the orderers of a network while brokers and
// orderers are killed, stopped, stalled and cut off, by a schedule that a seed
// decides, and writes down what happened (see package history).
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

// Config says what to do.
type Config struct {
	Network  *fabricnet.Network // nobody else uses it meanwhile
	Channel  string
	Load     load.Config   // who sends, to whom, how fast; Until, Enough and History are set here
	Duration time.Duration // at least, until each fault was done once
	Rounds   int           // end after so many faults, if that comes first; 0 for any number
	Seed     uint64
	Faults   []Fault
	Rest     time.Duration // between two faults, up to twice as long; default 2 s
	History  *history.Writer
	Progress io.Writer
}

// Run sends and does harm until the time is over and each fault was done once,
// mends everything, waits until the orderers are equal, and writes their blocks
// into the history. An error says that the run could not be made; whether promises
// were kept is for history.Check.
func Run(ctx context.Context, c Config) error {
	if len(c.Faults) == 0 {
		return errors.New("chaos: no fault to do")
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
	err := errors.Join(r.harm(ctx), r.settle(ctx))
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
	deck []Fault // those that are still to be done before any is done again
	done int
	logs *fabricnet.Logs // of all processes
}

// begin writes down what the run begins with: who takes part, how many blocks
// there are, and what is asked for. Nobody sends yet, so that what comes to the
// blocks from here on is the run's.
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
	l.Patience = cmp.Or(l.Patience, 3*time.Second)
	l.Settle = 2 * time.Minute
	result, err := load.Run(ctx, l)
	fmt.Fprint(r.Progress, result)
	return err
}

// forever is longer than any run.
const forever = 1000 * time.Hour

// over reports whether enough was done by now: as many faults as were asked for,
// or each once and the time is over.
func (r *run) over(end, now time.Time) bool {
	return r.Rounds > 0 && r.done >= r.Rounds || r.done >= len(r.Faults) && !now.Before(end)
}

// harm does one fault after the other, with a rest between.
func (r *run) harm(ctx context.Context) error {
	for end := time.Now().Add(r.Duration); !r.over(end, time.Now()); {
		if err := errors.Join(r.pause(ctx, r.Rest, 2*r.Rest), r.roll(ctx)); err != nil {
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

// afterwards is how long clients go on sending after the last fault is mended.
const afterwards = 10 * time.Second

// settle lets the last fault have its consequences, and waits until clients are
// acknowledged again. If they are not, the checker says so.
func (r *run) settle(ctx context.Context) error {
	before := r.History.Acknowledged()
	err := r.pause(ctx, afterwards, afterwards)
	for range 6 {
		if err == nil && r.History.Acknowledged() == before {
			err = r.pause(ctx, afterwards, afterwards)
		}
	}
	err = errors.Join(err, r.roll(ctx))
	r.History.Add(history.Event{What: history.Ended})
	return err
}

// panics writes down who has panicked since the last look, be it that he was to end.
func (r *run) panics() error {
	found, err := r.logs.Panics()
	for _, text := range found {
		r.History.Add(history.Event{What: history.Panicked, Text: text})
		fmt.Fprintf(r.Progress, "    %s\n", text)
	}
	return err
}

// roll calls the roll: every fault is mended, so a process that is not there has
// ended by itself. It is started again, for its blocks.
func (r *run) roll(ctx context.Context) error {
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

// draw takes the next fault of a shuffled deck, so that a short run has each as well.
func (r *run) draw() Fault {
	if len(r.deck) == 0 {
		r.deck = slices.Clone(r.Faults)
		r.rng.Shuffle(len(r.deck), func(i, j int) { r.deck[i], r.deck[j] = r.deck[j], r.deck[i] })
	}
	f := r.deck[0]
	r.deck = r.deck[1:]
	return f
}

// note says in the history and to who watches what is done.
func (r *run) note(format string, args ...any) {
	r.tell(history.Event{Text: fmt.Sprintf(format, args...)})
}

// tell is note with all that is known of a fault.
func (r *run) tell(e history.Event) {
	e.What = history.Fault
	r.History.Add(e)
	fmt.Fprintln(r.Progress, "   ", e.Text)
}

// pause waits for a time between two.
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

// record waits until all orderers have the same height, and writes their blocks down.
func (r *run) record(ctx context.Context) error {
	reader, err := fabricnet.NewReader(r.Network.Dir(), r.Network.Descriptor())
	if err != nil {
		return err
	}
	orderers := r.orderers()
	if _, err := level(ctx, reader, r.Channel, orderers); err != nil {
		fmt.Fprintln(r.Progress, err) // the checker will say what is missing
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

// levelPatience is how long orderers may take to come to one height.
const levelPatience = time.Minute

// calm is how long nothing may be written before a run: longer than what is pending
// waits for its block.
const calm = 5 * time.Second

// quiet waits until the orderers have one height and keep it.
func quiet(ctx context.Context, reader *inspect.Reader, channel string, orderers []string) (height uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, levelPatience)
	defer cancel()
	for {
		if height, err = level(ctx, reader, channel, orderers); err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("somebody else sends: the channel has %d blocks and grows", height)
		case <-time.After(calm):
		}
		if now, err := level(ctx, reader, channel, orderers); err != nil || now == height {
			return now, err
		}
	}
}

// level waits until the orderers have one height.
func level(ctx context.Context, reader *inspect.Reader, channel string, orderers []string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, levelPatience)
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
			return 0, fmt.Errorf("the orderers have no common height after %v: %v", levelPatience, heights)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
