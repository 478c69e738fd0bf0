package session

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// agreed makes sure that the channel's first block is that of the orderers that have
// it already. Two orderers that begin a channel at the same moment, with brokers of two
// clusters, find no block at each other, and each makes a topic. The later block 1 is
// where this comes out at last; or, if both were written at the same moment, the block
// that follows: of two orderers that ask after they have written theirs, one finds the
// other's. Who does not answer is not waited for: no block is held up by an orderer that
// is away.
func (e *Engine) agreed(ctx context.Context) error {
	mine := e.firstBlock()
	if mine == nil {
		return nil
	}
	others, err := e.host.First(ctx)
	if err != nil || others == nil {
		e.first = nil
		return ctx.Err()
	}
	if how := differs(*mine, *others); how != "" {
		return stop(because(CauseOtherFirstBlock, fmt.Errorf("another orderer has another block 1 of this channel than this one has or would write from topic %q, id %s, of Kafka cluster %s: %s",
			e.host.Channel(), e.topicID, e.clusterID, how)))
	}
	e.first = nil
	return nil
}

// firstBlock is block 1 if it is to be written next, or was written last; nil if not.
func (e *Engine) firstBlock() *Block {
	if e.first != nil {
		return e.first
	}
	for _, effect := range e.effects {
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
		case b.Number == 2 && e.written == nil: // after a restart
			return e.host.Block(1)
		}
	}
	return nil
}

// differs says in what two blocks differ that are made of the same records, whatever
// builds made them; empty if they do not.
func differs(mine, other Block) string {
	if len(mine.Envelopes) != len(other.Envelopes) {
		return fmt.Sprintf("it has %d envelopes, this one %d", len(other.Envelopes), len(mine.Envelopes))
	}
	for i, envelope := range mine.Envelopes {
		if anew, err := Canonical(envelope); err != nil || !bytes.Equal(anew, other.Envelopes[i]) {
			return fmt.Sprintf("its envelope %d is another", i)
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
		return fmt.Sprintf("it is of the topic with id %s", b.Topic)
	}
	return ""
}
