package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/ingress"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Order appends a normal envelope, validated at config sequence seq. It returns nil once
// all in-sync replicas have it. An error states whether the envelope may be ordered
// nevertheless, and what it waits for.
func (c *Chain) Order(envelope *fabric.Envelope, seq uint64) error {
	return c.answer(c.submit(envelope, seq, machine.Normal))
}

// Configure appends a config envelope; see Order. It refuses what Fabric's checks at
// Broadcast accept but the verdict on the record would not: Fabric's contract has no other
// place for that.
func (c *Chain) Configure(envelope *fabric.Envelope, seq uint64) error {
	if err := c.validator.CheckNew(envelope); err != nil {
		return c.answer(status.Refused{Refusal: status.RefusalConfig, Err: fmt.Errorf("the config is not ordered: %w", err)})
	}
	if err := handover.CheckNew(c.support, envelope, c.opts.Handover); err != nil {
		return c.answer(status.Refused{Refusal: status.RefusalConfig, Err: fmt.Errorf("the config is not ordered: %w", err)})
	}
	if err := c.checkCluster(envelope); err != nil {
		return c.answer(refusedConfig(fmt.Errorf("the config is not ordered: %w", err)))
	}
	return c.answer(c.submit(envelope, seq, machine.Config))
}

// refusedConfig turns an error into the refusal of a config, unless it is a refusal already.
func refusedConfig(err error) error {
	if status.RefusalOf(err) != "" {
		return err
	}
	return status.Refused{Refusal: status.RefusalConfig, Err: err}
}

// answer returns what a client gets: a refusal is counted, and has its remedy added.
func (c *Chain) answer(err error) error {
	if err == nil {
		return nil
	}
	c.opts.Events.Refused(status.RefusalOf(err))
	return c.opts.Explain(err)
}

// WaitReady returns nil when Order would append. It waits for a chain that is
// starting or cut off, but no longer than Options.ReadyTimeout.
func (c *Chain) WaitReady() error {
	if err := c.enter(); err != nil {
		return c.answer(err)
	}
	defer c.calls.Done()
	return c.answer(c.awaitReady())
}

func (c *Chain) awaitReady() error {
	if _, _, err := c.status.ready(); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.life, c.opts.ReadyTimeout)
	defer cancel()
	err := c.status.await(ctx)
	if slow := c.connection.slow(); err != nil && slow != "" {
		return fmt.Errorf("%w; %s", err, slow)
	}
	return err
}

// enter adds a call to those in flight, unless the chain is halted. The caller calls
// c.calls.Done.
func (c *Chain) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return status.ErrHalted
	}
	c.calls.Add(1)
	return nil
}

func (c *Chain) submit(envelope *fabric.Envelope, seq uint64, class machine.Class) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.calls.Done()
	value, flaw := record.OfEnvelope(envelope, seq, class)
	if flaw != "" {
		return status.Refused{Refusal: status.RefusalNoPeer, Err: fmt.Errorf("the envelope is not ordered, since no peer would take a block with it: %s", flaw)}
	}
	err := c.awaitReady()
	if err != nil {
		return err
	}
	began := time.Now()
	if class == machine.Normal {
		err = c.appendBounded(value)
	} else {
		_, err = c.appendSlotted(value)
	}
	c.opts.Events.Appended(time.Since(began), err)
	return err
}

// appendBounded appends a normal envelope, once there is room for it in the backlog. A config is not kept out: it may
// be what a channel that writes no blocks needs.
func (c *Chain) appendBounded(value []byte) error {
	size := c.support.SharedConfig().BatchSize()
	limit := ingress.LimitOf(size.MaxMessageCount, size.PreferredMaxBytes)
	if err := c.backlog.Enter(c.life, c.opts.ReadyTimeout, len(value), limit); err != nil {
		return c.tooMany(fmt.Sprintf("up to %d earlier envelopes to be written to blocks", limit.Records))
	}
	at, err := c.appendSlotted(value)
	c.backlog.Appended(at, len(value))
	return err
}

// appendSlotted appends for a client, once one of the slots is free. It returns the record's offset; negative if that is not known.
func (c *Chain) appendSlotted(value []byte) (log.Offset, error) {
	ctx := c.limit.Context()
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return -1, c.tooMany(fmt.Sprintf("the acknowledgement of %d earlier envelopes", cap(c.slots)))
	}
	defer func() { <-c.slots }()
	at, err := c.connection.appendAt(ctx, value)
	return at, c.explain(status.AppendError(err))
}

func (c *Chain) tooMany(awaited string) error {
	if c.life.Err() != nil {
		return status.ErrHalted
	}
	return status.Refused{Refusal: status.RefusalBusy, Err: fmt.Errorf("%w: waiting for %s; this one is not ordered", status.ErrNotReady, awaited)}
}

// explain returns why a client's envelope was not acknowledged. If the chain has stopped meanwhile, that is the
// reason; the error then states whether the envelope may still be ordered.
func (c *Chain) explain(err error) error {
	if err == nil {
		return nil
	}
	cause := status.ErrHalted
	if c.life.Err() == nil {
		final, now := c.status.final()
		if !final {
			return err
		}
		cause = now
	}
	if log.ClassOf(err) == log.Ambiguous {
		return status.Refused{Refusal: status.RefusalAmbiguous, Err: fmt.Errorf("%w; the envelope may or may not be ordered", cause)}
	}
	return fmt.Errorf("%w; the envelope is not ordered", cause)
}
