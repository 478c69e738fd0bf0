package sim

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Ledger is what survives a crash: blocks, and the config in force after each.
// The first is the genesis block.
type Ledger struct {
	blocks []stored
}

type stored struct {
	session.Block
	after settings
	at    int64 // simulated time when it was written
	end   int   // of the log when it was written; only of the block with which the channel left, which names no offset
}

func newLedger() *Ledger {
	return &Ledger{blocks: []stored{{after: firstSettings()}}}
}

// upTo returns a copy of the ledger with its first blocks.
func (l *Ledger) upTo(height int) *Ledger {
	return &Ledger{blocks: append([]stored(nil), l.blocks[:height]...)}
}

func (l *Ledger) height() int { return len(l.blocks) }

func (l *Ledger) last() stored { return l.blocks[len(l.blocks)-1] }

// next returns the offset at which reading continues after the last block.
func (l *Ledger) next() int64 {
	if l.height() == 1 {
		return 0
	}
	if l.config().left() {
		return int64(l.last().end)
	}
	return l.last().position().LastOffsetPersisted + 1
}

// config returns the config in force.
func (l *Ledger) config() settings { return l.last().after }

// position decodes the metadata of a block.
func (s stored) position() *record.Metadata { return must(record.DecodeMetadata(s.Metadata)) }

// write appends a block of normal envelopes.
func (l *Ledger) write(b session.Block, now int64) error {
	if int(b.Number) != l.height() {
		return fmt.Errorf("block %d after height %d", b.Number, l.height())
	}
	l.blocks = append(l.blocks, stored{Block: b, after: l.config(), at: now})
	return nil
}

// start returns what a driver needs to know of the ledger.
func (l *Ledger) start() (machine.Start, error) {
	position, err := session.Position(uint64(l.height()), l.last().Metadata)
	c := l.config()
	return machine.Start{
		Channel:      channelID,
		GenesisHash:  []byte("genesis"),
		Next:         machine.BlockNumber(l.height()),
		Metadata:     position,
		Seq:          machine.ConfigSeq(c.seq),
		Limits:       c.batch(),
		Resubmission: true,
	}, err
}
