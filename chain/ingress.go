package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
)

// WaitReady returns nil when the chain takes envelopes. While it is starting or
// cut off from Kafka it waits for the ready timeout, then says what is awaited.
func (c *Chain) WaitReady() error {
	if err, _, final := c.status.ready(); err == nil || final {
		return err
	}
	ctx, cancel := context.WithTimeout(c.life, c.options.ReadyTimeout)
	defer cancel()
	return c.status.await(ctx)
}

// Order puts an envelope that was validated at config sequence seq into the log.
// nil means that all in-sync replicas have it. Any error says what is awaited; one
// that wraps a log.Error of class Ambiguous says that it may be ordered all the same.
func (c *Chain) Order(envelope *fabric.Envelope, seq uint64) error {
	return c.submit(envelope, seq, record.Regular_NORMAL)
}

// Configure is Order for an envelope that carries a new config.
func (c *Chain) Configure(envelope *fabric.Envelope, seq uint64) error {
	if err := checkNewBrokers(envelope); err != nil {
		return err
	}
	return c.submit(envelope, seq, record.Regular_CONFIG)
}

// checkNewBrokers refuses a broker list that no orderer could use. Nothing else
// in Fabric's contract lets a consenter look at it.
func checkNewBrokers(envelope *fabric.Envelope) error {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return fmt.Errorf("read the new config: %w", err)
	}
	_, err := Brokers(config.Config)
	return err
}

func (c *Chain) submit(envelope *fabric.Envelope, seq uint64, class record.Regular_Class) error {
	if err, _, _ := c.status.ready(); err != nil {
		return err
	}
	value, err := regular(envelope, seq, class)
	if err != nil {
		return err
	}
	if !c.enter() {
		return ErrHalted
	}
	defer c.running.Done()
	began := time.Now()
	err = c.appendInTime(value)
	c.events.Appended(time.Since(began), err)
	return err
}

// appendInTime appends within the append timeout, waiting for its turn included.
func (c *Chain) appendInTime(value []byte) error {
	ctx, cancel := context.WithTimeout(c.life, c.options.AppendTimeout)
	defer cancel()
	select {
	case c.inflight <- struct{}{}:
		defer func() { <-c.inflight }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %d envelopes are already waiting for Kafka to acknowledge them", ErrNotReady, c.options.Inflight)
	}
	err := c.log.Append(ctx, value)
	switch {
	case err == nil:
		return nil
	case c.life.Err() != nil:
		return ErrHalted
	case log.ClassOf(err) == log.Ambiguous:
		return fmt.Errorf("the envelope may or may not be ordered: %w", err)
	}
	return fmt.Errorf("the envelope was not ordered: %w", err)
}

func regular(envelope *fabric.Envelope, seq uint64, class record.Regular_Class) ([]byte, error) {
	payload, err := marshal(envelope)
	if err != nil {
		return nil, err
	}
	return record.Encode(record.NewRegular(payload, seq, class))
}
