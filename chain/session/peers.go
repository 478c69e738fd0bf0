package session

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Answer is what another orderer of the channel reports about its ledger.
type Answer struct {
	From   string              // address of the orderer
	Height machine.BlockNumber // of its ledger; 0 if it does not serve the channel
	Err    error               // why it does not answer
}

// A channel starts once. An orderer that has only the genesis block cannot distinguish a
// topic that was never created from one that was deleted, or that is in another cluster. If
// it created the topic in each case, the channel could have two blocks 1. The ledgers of
// the other orderers show which case it is.

// mayCreate returns nil if this orderer may create the channel's topic, or describe an
// empty one: every other orderer has answered, and none has a block beyond the genesis
// block. Each session that is about to create or describe the topic asks again.
func (d *Driver) mayCreate(ctx context.Context) error {
	answers, err := d.host.Heights(ctx)
	var ahead, silent []string
	for _, a := range answers {
		switch {
		case a.Err != nil:
			silent = append(silent, fmt.Sprintf("%s (%v)", a.From, a.Err))
		case a.Height > 1:
			ahead = append(ahead, fmt.Sprintf("%s has %d", a.From, a.Height))
		}
	}
	slices.Sort(ahead)
	slices.Sort(silent)
	switch {
	case len(ahead) > 0:
		return d.begunElsewhere(strings.Join(ahead, ", "))
	case (err != nil || len(silent) > 0) && d.settings.Begin:
		d.aheadSince = nil
		return nil
	case err != nil:
		d.aheadSince = nil
		return waiting{because(status.CauseSilentOrderers, fmt.Errorf("topic %q is missing or empty, and other orderers cannot be asked whether they have ordered through it: %w",
			d.start.Channel, err))}
	case len(silent) > 0:
		d.aheadSince = nil
		return waiting{because(status.CauseSilentOrderers, fmt.Errorf("topic %q is missing or empty, and these orderers have not answered whether they have ordered through it: %s",
			d.start.Channel, strings.Join(silent, ", ")))}
	}
	d.aheadSince = nil
	return nil
}

// begunElsewhere returns the error for a channel whose blocks other orderers have. It is final only
// after a while: one of them may just have created the topic, or these brokers may not know it yet.
func (d *Driver) begunElsewhere(ahead string) error {
	now, timeout := d.host.Uptime(), d.host.Config().MissingTimeout
	if d.aheadSince == nil {
		d.aheadSince = &now
	}
	err := because(status.CauseBegunElsewhere, fmt.Errorf("other orderers have blocks of the channel (%s), but its topic %q is missing or empty here: it was deleted, or these are not the channel's brokers",
		ahead, d.start.Channel))
	if now-*d.aheadSince < timeout {
		return waiting{fmt.Errorf("%w; the channel stops if that lasts for %s", err, timeout)}
	}
	return stop(err)
}

// waiting ends a session that needs answers of other orderers before the channel can start.
type waiting struct{ error }

func (w waiting) Unwrap() error { return w.error }

// verifyFirstBlock makes sure that block 1 is the one that other orderers have. Two orderers
// that start a channel at the same moment, on brokers of two clusters, see no block of each
// other's, and each creates a topic. Whichever writes its block 1 later finds out; if both
// write at the same moment, the one that asks before block 2 does. Orderers that do not
// answer are not waited for: no block is delayed by an orderer that is down.
func (d *Driver) verifyFirstBlock(ctx context.Context) error {
	mine := d.firstBlock()
	if mine == nil {
		return nil
	}
	others, err := d.host.First(ctx)
	if err != nil || others == nil {
		d.first = nil
		return ctx.Err()
	}
	if how := differs(*mine, *others); how != "" {
		return stop(because(status.CauseOtherFirstBlock, fmt.Errorf("block 1 of another orderer differs from the one that this orderer has or would write from topic %q, id %s, of Kafka cluster %s: %s",
			d.start.Channel, d.topicID, d.clusterID, how)))
	}
	d.first = nil
	return nil
}

// firstBlock returns block 1 if it is about to be written or is the last one written, and nil
// otherwise.
func (d *Driver) firstBlock() *Block {
	if d.first != nil {
		return d.first
	}
	for _, effect := range d.effects {
		var b Block
		var err error
		switch f := effect.(type) {
		case machine.WriteBlock:
			b, err = blockOf(f.Number, f.Metadata, f.Envelopes...)
		case machine.WriteConfigBlock:
			b, err = blockOf(f.Number, f.Metadata, f.Envelope)
		}
		switch {
		case err != nil:
		case b.Number == 1:
			return &b
		case b.Number == 2 && d.written == nil: // after a restart
			return d.host.Block(1)
		}
	}
	return nil
}

// differs returns how two blocks differ that should have been made from the same records, possibly by different
// builds; empty if they do not differ.
func differs(mine, other Block) string {
	if len(mine.Envelopes) != len(other.Envelopes) {
		return fmt.Sprintf("it has %d envelopes, this one %d", len(other.Envelopes), len(mine.Envelopes))
	}
	for i, envelope := range mine.Envelopes {
		if again, err := record.Canonical(envelope); err != nil || !bytes.Equal(again, other.Envelopes[i]) {
			return fmt.Sprintf("its envelope %d differs", i)
		}
	}
	a, err := Position(2, mine.Metadata)
	b, otherErr := Position(2, other.Metadata)
	switch {
	case err != nil || otherErr != nil:
		return ""
	case a.Offset != b.Offset:
		return fmt.Sprintf("it ends at offset %d, this one at %d", b.Offset, a.Offset)
	case a.Topic != b.Topic && a.Topic != "" && b.Topic != "": // in-tree orderers name none
		return fmt.Sprintf("it was made from the topic with id %s", b.Topic)
	}
	return ""
}
