package orderertest

import (
	"sync"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
)

// Ledger holds the blocks of one channel. It is safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	blocks []*cb.Block
	grown  chan struct{}  // closed and replaced with each block
	copies map[uint64]int // how often a block is delivered, if not once
}

// NewLedger starts with a genesis block that holds these envelopes.
func NewLedger(genesis ...[]byte) *Ledger {
	l := &Ledger{grown: make(chan struct{})}
	l.Append(genesis...)
	return l
}

// LedgerOf returns a ledger that holds these blocks.
func LedgerOf(blocks ...*cb.Block) *Ledger {
	return &Ledger{grown: make(chan struct{}), blocks: blocks}
}

// Append writes a block; its offset is ten times its number.
func (l *Ledger) Append(envelopes ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := uint64(len(l.blocks))
	var previous []byte
	if number > 0 {
		previous = protoutil.BlockHeaderHash(l.blocks[number-1].Header)
	}
	b := protoutil.NewBlock(number, previous)
	b.Data.Data = envelopes
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	if number > 0 {
		b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = metadata(int64(number)*10, 0)
	}
	l.blocks = append(l.blocks, b)
	close(l.grown)
	l.grown = make(chan struct{})
}

// Change lets a test alter a block in place, before anybody reads it.
func (l *Ledger) Change(number uint64, change func(*cb.Block)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.blocks[number])
}

// Repeat has a block delivered this many times instead of once.
func (l *Ledger) Repeat(number uint64, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.copies = map[uint64]int{number: times}
}

func (l *Ledger) times(number uint64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.copies[number]; ok {
		return n
	}
	return 1
}

func (l *Ledger) height() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.blocks))
}

// wait returns a block once there is one; nil when done comes first.
func (l *Ledger) wait(done <-chan struct{}, number uint64) *cb.Block {
	for {
		l.mu.Lock()
		if number < uint64(len(l.blocks)) {
			b := l.blocks[number]
			l.mu.Unlock()
			return b
		}
		grown := l.grown
		l.mu.Unlock()
		select {
		case <-grown:
		case <-done:
			return nil
		}
	}
}
