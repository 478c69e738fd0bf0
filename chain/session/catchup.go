package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// ErrNoBlock is wrapped by Peers.Pull when every orderer of the channel has answered and none has the block.
var ErrNoBlock = errors.New("no other orderer has the block")

// ErrCannotAsk is an ErrNoBlock that waiting does not resolve: this orderer cannot ask the others.
var ErrCannotAsk = fmt.Errorf("%w: other orderers cannot be asked", ErrNoBlock)

// trimmed ends a session whose topic no longer has the next record.
type trimmed struct {
	start log.Offset // first record that the topic has
	next  machine.Offset
}

func (t trimmed) Error() string {
	return fmt.Sprintf("the topic starts at offset %d, but this orderer continues at %d: the records between were deleted", t.start, t.next)
}

// missingBlock is the error of an attempt to catch up whose next block no orderer has given.
type missingBlock struct{ error }

func (m missingBlock) Unwrap() error { return m.error }

// CatchUp pulls blocks from other orderers of the channel until the topic has the record after the last
// of them, where the next session continues. Its error is passed to After.
func (d *Driver) CatchUp(ctx context.Context) error {
	if err := d.restart(); err != nil {
		return stop(err)
	}
	for d.NextOffset() < machine.Offset(d.trimmed.start) {
		d.host.Moved(status.Pulling, d.awaited(d.notGiven)) // while the block is requested again, clients learn why it was not given before
		b, err := d.host.Pull(ctx, d.start.Next)
		d.notGiven = err
		switch {
		case errors.Is(err, ErrNoBlock):
			return d.unrecoverable(err)
		case err != nil:
			d.noBlock = false
			return missingBlock{d.awaited(err)}
		}
		d.noBlock = false
		if err := d.host.Room(sizeOf(b)); err != nil {
			return missingBlock{d.awaited(err)}
		}
		if err := d.writePulled(b); err != nil {
			return stop(err)
		}
	}
	return nil
}

func sizeOf(b Block) (bytes int) {
	for _, envelope := range b.Envelopes {
		bytes += len(envelope)
	}
	return bytes
}

// awaited returns an error that names the block that the channel waits for, and why it does; cause may be nil.
func (d *Driver) awaited(cause error) error {
	text := "waiting for block %d from another orderer, since %w"
	if cause == nil {
		return because(status.CauseTrimmed, fmt.Errorf(text, d.start.Next, d.trimmed))
	}
	// If the disk is full, the operator has to deal with that, not with the topic.
	return because(cmp.Or(status.CauseOf(cause), status.CauseTrimmed), fmt.Errorf(text+": %w", d.start.Next, d.trimmed, cause))
}

// unrecoverable returns the error for a block that no orderer has. It is final only once
// all orderers have reported so for a while: one may be about to cut the block, or to
// restart.
func (d *Driver) unrecoverable(err error) error {
	now, timeout := d.host.Uptime(), d.host.Config().MissingTimeout
	if !d.noBlock {
		d.noBlock, d.noBlockSince = true, now
	}
	if now-d.noBlockSince < timeout && !errors.Is(err, ErrCannotAsk) {
		return missingBlock{d.awaited(fmt.Errorf("%w; the channel stops if that lasts for %s", err, timeout))}
	}
	return stop(because(status.CauseLostBlock, fmt.Errorf("topic %q: %w, and %w (block %d)", d.start.Channel, d.trimmed, err, d.start.Next)))
}

// writePulled writes a block of another orderer, which the host has verified, and continues
// after it.
func (d *Driver) writePulled(b Block) error {
	position, err := d.positionOf(b)
	if err != nil {
		return err
	}
	write := d.host.Write
	if b.Config {
		write = d.host.WriteConfig
		config := machine.Judge{Envelope: record.EnvelopeOf(b.Envelopes[0]), Class: machine.Config, Check: machine.CheckPulled}
		switch v := d.host.Judge(config); {
		case v.Stop != "":
			return because(status.Cause(machine.HaltNoVerdict), fmt.Errorf("block %d, pulled from another orderer, cannot be written by this one: %s", b.Number, v.Stop))
		case v.Refusal != "":
			return because(status.CauseWrongBlock, fmt.Errorf("block %d, pulled from another orderer, holds a config that does not follow the one in force: %s", b.Number, v.Refusal))
		}
	}
	if err := write(b); err != nil {
		return err
	}
	if err := d.migrated(b.Number); err != nil {
		return err
	}
	if b.Config {
		d.events.Configured(d.host.Config().ConsensusType)
	}
	d.wrote(b)
	d.events.Pulled(b.Number, position.Offset)
	return d.restart()
}

// positionOf returns the position of a pulled block, which must be after that of the block before it. The config block that
// ends the channel here has none; the host refuses any other without one.
func (d *Driver) positionOf(b Block) (machine.Metadata, error) {
	if b.Config && len(b.Metadata) == 0 {
		return machine.Metadata{Offset: -1}, nil
	}
	position, err := Position(uint64(b.Number)+1, b.Metadata)
	if err != nil {
		return position, because(status.CauseWrongBlock, fmt.Errorf("pulled from another orderer: %w", err))
	}
	if before := d.start.Metadata.Offset; position.Offset <= before {
		return position, because(status.CauseWrongBlock, fmt.Errorf("block %d, pulled from another orderer, names offset %d, and the block before it %d: "+
			"it was not ordered through this topic", b.Number, position.Offset, before))
	}
	return position, nil
}

// restart forgets what is not in the ledger, as after a restart of the process.
func (d *Driver) restart() error {
	d.Close()
	d.host.Disarm()
	d.reading, d.start.LastBlock = newReading(), machine.BlockInfo{}
	if d.written == nil {
		return nil
	}
	position, err := Position(uint64(d.written.Number)+1, d.written.Metadata)
	if err != nil {
		return err
	}
	c := d.host.Config()
	d.start.Next, d.start.Metadata = d.written.Number+1, position
	d.start.Seq, d.start.Limits, d.start.Resubmission = c.Seq, c.Limits, c.Resubmission
	return nil
}
