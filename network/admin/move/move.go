// Package move has the commands of osnkafka that change how a channel is ordered: change-type, from consensus type kafka to
// type etcdraft that is ordered through Kafka too, and leave, from there to Fabric's Raft.
//
// A move is three config updates: into maintenance mode, the change, and out of maintenance mode. What is to be done next
// is read from the channel's config each time, so that a command that was interrupted is simply run again.
package move

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/spf13/pflag"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
)

// move has the flags and the state of a command.
type move struct {
	command.Flags
	transition transition
	signers    []string // MSPID:DIR
	dryRun     bool
	save       string
	wait       time.Duration
	settle     time.Duration // before the change
	without    []string      // addresses of orderers that are not asked

	prepare func(ctx context.Context, t *command.Target, s agreed) (change, error)

	change     change
	identities []*client.Identity // that sign
	report     moved

	settled bool // what was accepted before maintenance mode is in the topic
	say     func(format string, args ...any)
}

// change edits a config of the channel, so that it is ordered as the command asks.
type change func(*cb.Config) error

// addFlags adds the flags that both commands have.
func (m *move) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&m.signers, "sign", nil, "MSPID:DIR, the MSP folder of a further administrator whose signature the channel's policy asks for; may be repeated")
	fs.BoolVar(&m.dryRun, "dry-run", false, "check everything and print the update, but submit nothing")
	fs.StringVar(&m.save, "save", "", "write the next update to this file instead of submitting it, for administrators who sign it elsewhere (peer channel signconfigtx, peer channel update)")
	fs.DurationVar(&m.wait, "wait", 30*time.Minute, "how long to wait for orderers that have to read a block, or to be restarted")
	fs.BoolVar(&m.transition.abort, "abort", false, "end maintenance mode without the change")
	fs.StringArrayVar(&m.without, "without", nil, "HOST:PORT in the channel's config, of an orderer that no longer exists or is named by another address; may be repeated")
}

func (m *move) run(ctx context.Context, t *command.Target, p command.Printer) error {
	if err := m.ready(t, p); err != nil {
		return err
	}
	for {
		s, err := m.agreed(ctx, t)
		if err != nil {
			return err
		}
		next, err := m.transition.next(s.consensus)
		if err != nil {
			return fmt.Errorf("channel %s: %w", t.Channel, err)
		}
		if next == done {
			return m.finish(ctx, t, p)
		}
		if m.change == nil && !m.transition.abort && next != toNormal {
			if m.change, err = m.prepare(ctx, t, s); err != nil {
				return err
			}
		}
		if m.dryRun && m.transition.abort {
			m.say("Nothing was submitted. The next step would be: %s", next)
			return nil
		}
		if m.dryRun {
			return m.show(s, p)
		}
		if m.save != "" {
			return m.saveUpdate(t.Channel, s, next)
		}
		if err := m.do(ctx, t, s, next); err != nil {
			return m.rollBack(ctx, t, s, next, err)
		}
	}
}

// ready checks the flags, and loads the identities that sign.
func (m *move) ready(t *command.Target, p command.Printer) error {
	if err := command.Positive("wait", m.wait); err != nil {
		return err
	}
	if m.settle < 0 {
		return command.Usagef("--settle %s: want 0 or more", m.settle)
	}
	if m.dryRun && m.save != "" {
		return command.Usagef("--dry-run writes no file: leave --save out, or --dry-run")
	}
	m.identities = []*client.Identity{t.Reader.Identity()}
	for _, text := range m.signers {
		who, err := signer(text)
		if err != nil {
			return command.Usagef("--sign %s: %w", text, err)
		}
		m.identities = append(m.identities, who)
	}
	m.report = moved{Channel: t.Channel, From: m.transition.from, To: m.transition.to, Orderers: t.Orderers}
	m.say = func(format string, args ...any) {
		if !p.JSON {
			fmt.Fprintf(p.Out, format+"\n", args...)
		}
	}
	return nil
}

// do submits the update of a step and waits until every orderer has its block.
func (m *move) do(ctx context.Context, t *command.Target, s agreed, next step) error {
	began := time.Now()
	if next == m.transition.by && !m.settled && m.settle > 0 {
		m.say("%s: waiting %s for what orderers had accepted before", next, m.settle)
		if err := m.sleep(ctx, t, m.settle); err != nil {
			return err
		}
		m.settled = true
	}
	update, err := m.update(t.Channel, s, next)
	if err != nil {
		return err
	}
	m.say("%s: submitting", next)
	if err := m.submit(ctx, t, s, next, update); err != nil {
		return err
	}
	number, err := m.awaitBlock(ctx, t, s, next)
	if err != nil {
		return err
	}
	m.report.Steps = append(m.report.Steps, taken{next, number, time.Since(began).Round(time.Millisecond).Seconds()})
	m.say("%s: in block %d on %d orderers, after %s", next, number, len(t.Orderers), time.Since(began).Round(100*time.Millisecond))
	return nil
}

// rollBack ends maintenance mode, in which clients are refused, after the change was refused.
func (m *move) rollBack(ctx context.Context, t *command.Target, s agreed, refused step, err error) error {
	var no *client.Refusal
	if refused != m.transition.by || !errors.As(err, &no) {
		return err
	}
	m.say("%s: refused; ending maintenance mode", refused)
	if back := m.do(ctx, t, s, toNormal); back != nil {
		return fmt.Errorf("%w\nThe channel is still in maintenance mode, in which clients are refused: run the command with --abort (%w)", err, back)
	}
	return fmt.Errorf("%w\nThe channel is in normal mode again", err)
}

// finish compares the blocks of all orderers.
func (m *move) finish(ctx context.Context, t *command.Target, p command.Printer) error {
	if m.transition.abort {
		m.report.To = m.transition.from
	}
	blocks, err := t.Reader.Verify(ctx, t.Channel, t.Orderers)
	if err != nil {
		return fmt.Errorf("the channel is ordered by %s, but its blocks could not be compared: %w", m.report.To, err)
	}
	m.report.Blocks = blocks
	return p.Show(m.report)
}

// strict returns an error unless every orderer reads the channel by the strict rules.
func strict(ctx context.Context, t *command.Target) error {
	for _, name := range t.Orderers {
		set, err := t.Reader.RuleSet(ctx, name, t.Channel)
		if err != nil {
			return err
		}
		if set != machine.Strict {
			return fmt.Errorf("%s reads channel %s by the rules of in-tree orderers: replace those, run `osnkafka upgrade-rules %s`, and let one block be cut", name, t.Channel, t.Channel)
		}
	}
	return nil
}

// moved is the result of a move.
type moved struct {
	Channel  string   `json:"channel"`
	From     ordering `json:"from"`
	To       ordering `json:"to"`
	Steps    []taken  `json:"steps"` // of this run
	Orderers []string `json:"orderers"`
	Blocks   uint64   `json:"blocks"` // of each orderer; they are equal
}

// taken is a completed step.
type taken struct {
	Step    step    `json:"step"`
	Block   uint64  `json:"block"`
	Seconds float64 `json:"seconds"`
}

// Value returns what is printed as JSON.
func (m moved) Value() any {
	if m.Steps == nil {
		m.Steps = []taken{}
	}
	return m
}

// Table prints where the channel is.
func (m moved) Table(out io.Writer) error {
	_, err := fmt.Fprintf(out, "channel %s is ordered by %s; %d blocks are equal on %d orderers\n", m.Channel, m.To, m.Blocks, len(m.Orderers))
	return err
}

// Err returns nil: what went wrong is an error.
func (moved) Err() error { return nil }
