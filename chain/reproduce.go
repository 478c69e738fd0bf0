package chain

import (
	"crypto/sha256"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// reproduced remembers which updates were appended anew at a config sequence.
// Every orderer does so for every lagging copy that it reads; without this, the
// copies of one update would multiply with each config in between.
type reproduced struct {
	seq  uint64
	done map[[sha256.Size]byte]bool // by digest of the update
}

// first says whether the update was not yet appended at seq.
func (r *reproduced) first(seq uint64, update []byte) bool {
	if r.seq != seq || r.done == nil {
		r.seq, r.done = seq, map[[sha256.Size]byte]bool{}
	}
	digest := sha256.Sum256(update)
	seen := r.done[digest]
	r.done[digest] = true
	return !seen
}

// reproduce computes a config envelope that lags anew, and appends it until it
// is in the log; the next record is not taken before. When its update no longer
// applies, every orderer finds so, and it is dropped.
func (c *Chain) reproduce(e machine.Reproduce) error {
	envelope := &fabric.Envelope{}
	err := fabric.Unmarshal(e.Envelope.Bytes, envelope)
	must(err == nil, "config envelope at offset %d no longer decodes: %v", e.Offset, err)
	update, err := updateOf(envelope)
	if err != nil {
		return c.drop(e, err)
	}
	fresh, seq, err := c.support.ProcessConfigMsg(envelope)
	if err != nil {
		return c.drop(e, err)
	}
	if !c.reproduced.first(seq, update) {
		return nil
	}
	value, err := regular(fresh, seq, record.Regular_CONFIG)
	if err != nil {
		return stop{err}
	}
	if err := c.insist(e, value); err != nil {
		return err
	}
	c.events.Reproduced(e.Offset)
	return nil
}

// updateOf returns the update inside of a config envelope. One without would
// crash Fabric's processor.
func updateOf(envelope *fabric.Envelope) ([]byte, error) {
	config := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, config); err != nil {
		return nil, err
	}
	if config.LastUpdate == nil {
		return nil, fmt.Errorf("config envelope without an update")
	}
	return marshal(config.LastUpdate)
}

// insist appends until it is acknowledged.
func (c *Chain) insist(e machine.Reproduce, value []byte) error {
	pause := backoff{least: c.options.RetryMin, most: c.options.RetryMax}
	for {
		err := c.appendFor(c.life, value)
		switch {
		case err == nil:
			c.online()
			return nil
		case c.life.Err() != nil:
			return err
		case log.ClassOf(err) == log.Rejected:
			return c.drop(e, err)
		case final(err):
			return err
		}
		wait := pause.pause()
		c.status.to(cutOff, err)
		c.events.Unavailable(err, wait)
		if !sleep(c.life, wait) {
			return c.life.Err()
		}
	}
}

func (c *Chain) drop(e machine.Reproduce, why error) error {
	c.events.Skipped(e.Offset, machine.ReasonRefused, why.Error())
	return nil
}
