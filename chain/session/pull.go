package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// ErrNoBlock is what Host.Pull wraps when a block cannot be had: every orderer of
// the channel has answered and none has it.
var ErrNoBlock = errors.New("the block cannot be had from another orderer")

// ErrNoWay is an ErrNoBlock that no patience mends: this orderer cannot ask.
var ErrNoWay = fmt.Errorf("%w: there is no way to ask", ErrNoBlock)

// errPulled ends a catch-up: the topic has the record after the last block.
var errPulled = errors.New("the ledger has come to what the topic has")

// trimmed ends a session whose topic does not have the next record any more.
type trimmed struct {
	start log.Offset // first record that the topic has
	next  machine.Offset
}

func (t trimmed) Error() string {
	return fmt.Sprintf("the topic starts at offset %d, but this orderer continues at %d: the records between were deleted", t.start, t.next)
}

// awaitingBlock ends an attempt to catch up.
type awaitingBlock struct{ error }

func (a awaitingBlock) Unwrap() error { return a.error }

// CatchUp takes blocks from other orderers of the channel until the topic has the
// record after the last of them. To be called when After says Pull; its error is
// for After again.
func (e *Engine) CatchUp(ctx context.Context) error {
	if err := e.restart(); err != nil {
		return stop(err)
	}
	for e.Next() < machine.Offset(e.trimmed.start) {
		e.host.Moved(Pulling, e.awaited(nil))
		b, err := e.host.Pull(ctx, e.start.Next)
		switch {
		case errors.Is(err, ErrNoBlock):
			return e.unrecoverable(err)
		case err != nil:
			e.bare = false
			return awaitingBlock{e.awaited(err)}
		}
		e.bare = false
		if err := e.host.Room(sizeOf(b)); err != nil {
			return awaitingBlock{e.awaited(err)}
		}
		if err := e.take(b); err != nil {
			return stop(err)
		}
	}
	return errPulled
}

func sizeOf(b Block) (bytes int) {
	for _, envelope := range b.Envelopes {
		bytes += len(envelope)
	}
	return bytes
}

// awaited says which block is awaited, and why; cause may be nil.
func (e *Engine) awaited(cause error) error {
	text := "awaiting block %d from another orderer, since %w"
	if cause == nil {
		return because(CauseTrimmed, fmt.Errorf(text, e.start.Next, e.trimmed))
	}
	return because(CauseTrimmed, fmt.Errorf(text+": %w", e.start.Next, e.trimmed, cause))
}

// unrecoverable is what becomes of a block that nobody has: final once all answers
// of a while were so. Before, another orderer may be about to cut it from what it
// has read, or be back in a moment.
func (e *Engine) unrecoverable(err error) error {
	now, patience := e.host.Uptime(), e.host.Config().Patience
	if !e.bare {
		e.bare, e.bareSince = true, now
	}
	if now-e.bareSince < patience && !errors.Is(err, ErrNoWay) {
		return awaitingBlock{e.awaited(fmt.Errorf("%w; the channel stops if that lasts for %s", err, patience))}
	}
	return stop(because(CauseLostBlock, fmt.Errorf("topic %q: %w, and %w (block %d)", e.host.Channel(), e.trimmed, err, e.start.Next)))
}

// take writes a block of another orderer, which the host has verified, and goes on
// behind it.
func (e *Engine) take(b Block) error {
	position, err := Position(uint64(b.Number)+1, b.Metadata)
	if err != nil {
		return because(CauseWrongBlock, fmt.Errorf("pulled from another orderer: %w", err))
	}
	if before := e.start.Metadata.Offset; position.Offset <= before {
		return because(CauseWrongBlock, fmt.Errorf("block %d, pulled from another orderer, names offset %d, and the block before it %d: "+
			"it was not ordered through this topic", b.Number, position.Offset, before))
	}
	write := e.host.Write
	if b.Config {
		write = e.host.WriteConfig
		config := machine.Judge{Envelope: record.EnvelopeOf(b.Envelopes[0]), Class: machine.Config, Check: machine.CheckPulled}
		switch v := e.host.Judge(config); {
		case v.Stop != "":
			return because(Cause(machine.HaltNoVerdict), fmt.Errorf("block %d, pulled from another orderer, cannot be written by this one: %s", b.Number, v.Stop))
		case v.Refusal != "":
			return because(CauseWrongBlock, fmt.Errorf("block %d, pulled from another orderer, holds a config that does not follow the one in force: %s", b.Number, v.Refusal))
		}
	}
	if err := write(b); err != nil {
		return err
	}
	if err := e.migrated(b.Number); err != nil {
		return err
	}
	e.wrote(b)
	e.events.Pulled(b.Number, position.Offset)
	return e.restart()
}

// wrote remembers where the ledger ends, and its first block until that was compared.
func (e *Engine) wrote(b Block) {
	e.written = &Block{Number: b.Number, Metadata: b.Metadata}
	if b.Number == 1 {
		e.first = &b
	}
}

// restart forgets what is not in the ledger, as a new process would.
func (e *Engine) restart() error {
	e.Close()
	e.host.Disarm()
	e.machine, e.effects, e.owed, e.reproduced = nil, nil, nil, reproduced{}
	e.configured, e.goal, e.start.Tip, e.proof, e.newest, e.first = false, -1, machine.Tip{}, nil, nil, nil
	if e.written == nil {
		return nil
	}
	position, err := Position(uint64(e.written.Number)+1, e.written.Metadata)
	if err != nil {
		return err
	}
	c := e.host.Config()
	e.start.Next, e.start.Metadata = e.written.Number+1, position
	e.start.Seq, e.start.Limits, e.start.Resubmission = c.Seq, c.Limits, c.Resubmission
	return nil
}
