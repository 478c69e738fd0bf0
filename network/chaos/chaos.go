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
	"math/rand/v2"
	"slices"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/history"
	"github.com/fabric-kafka/orderer/network/inspect"
	"github.com/fabric-kafka/orderer/network/load"
)

// Config says what to do.
type Config struct {
	Network  *fabricnet.Network // nobody else uses it meanwhile
	Channel  string
	Load     load.Config // who sends, to whom, how fast; Until, Enough and History are set here
	Duration time.Duration
	Rounds   int // end after so many faults, if that comes first; 0 for any number
	Seed     uint64
	Faults   []Fault
	Rest     time.Duration // between two faults, up to twice as long; default 2 s
	History  *history.Writer
	Progress io.Writer
}

// Run sends and does harm until the time is over, mends everything, waits until
// the orderers are equal, and writes their blocks into the history. An error says
// that the run could not be made; whether promises were kept is for history.Check.
func Run(ctx context.Context, c Config) error {
	if len(c.Faults) == 0 {
		return errors.New("chaos: no fault to do")
	}
	c.Rest = cmp.Or(c.Rest, 2*time.Second)
	enough := make(chan struct{})
	c.Load.Enough = enough
	r := &run{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6368616f73))}
	loadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.History.Add(history.Event{What: history.Began, Orderers: r.orderers()})
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
	return r.record(ctx)
}

type run struct {
	Config
	rng  *rand.Rand
	deck []Fault // those that are still to be done before any is done again
	done int
}

func (r *run) send(ctx context.Context) error {
	l := r.Load
	l.Channel, l.History, l.Persist, l.Until = r.Channel, r.History, true, time.Now().Add(r.Duration)
	l.Patience = cmp.Or(l.Patience, 3*time.Second)
	l.Settle = 2 * time.Minute
	result, err := load.Run(ctx, l)
	fmt.Fprint(r.Progress, result)
	return err
}

// harm does one fault after the other, with a rest between.
func (r *run) harm(ctx context.Context) error {
	for end := time.Now().Add(r.Duration); time.Now().Before(end) && (r.Rounds == 0 || r.done < r.Rounds); {
		if err := errors.Join(r.pause(ctx, r.Rest, 2*r.Rest), r.roll(ctx)); err != nil {
			return err
		}
		f := r.draw()
		began := time.Now()
		if err := f.do(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		r.done++
		fmt.Fprintf(r.Progress, "%3d %-16s took %.1fs\n", r.done, f.Name, time.Since(began).Seconds())
	}
	return nil
}

// afterwards is how long clients go on sending after the last fault is mended.
const afterwards = 10 * time.Second

// settle lets the last fault have its consequences.
func (r *run) settle(ctx context.Context) error {
	err := errors.Join(r.pause(ctx, afterwards, afterwards), r.roll(ctx))
	r.History.Add(history.Event{What: history.Ended})
	return err
}

// roll calls the roll: every fault is mended, so a process that is not there has
// ended by itself. It is started again, for its blocks.
func (r *run) roll(ctx context.Context) error {
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
	text := fmt.Sprintf(format, args...)
	r.History.Add(history.Event{What: history.Fault, Text: text})
	fmt.Fprintln(r.Progress, "   ", text)
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
	reader, err := inspect.NewReader(r.Network.Dir(), r.Network.Descriptor())
	if err != nil {
		return err
	}
	orderers := r.orderers()
	if err := level(ctx, reader, r.Channel, orderers); err != nil {
		fmt.Fprintln(r.Progress, err) // the checker will say what is missing
	}
	for _, orderer := range orderers {
		err := reader.Blocks(ctx, orderer, r.Channel, func(b *cb.Block) error {
			s, err := client.Summarize(b)
			if err != nil {
				return err
			}
			e := history.Event{What: history.Block, Orderer: orderer, Number: s.Number, Header: s.HeaderHash, Previous: hex.EncodeToString(b.Header.PreviousHash)}
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

func level(ctx context.Context, reader *inspect.Reader, channel string, orderers []string) error {
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
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the orderers have no common height after %v: %v", levelPatience, heights)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
