package fabrictest

import (
	"errors"
	"sync"

	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric/common/ledger/blockledger"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// ledger is a ledger in memory, since a file ledger waits for the disk at each block. It
// is its own factory.
type ledger struct {
	mu     sync.Mutex
	blocks []*fabric.Block
}

var (
	_ blockledger.Factory    = (*ledger)(nil)
	_ blockledger.ReadWriter = (*ledger)(nil)
)

func (l *ledger) GetOrCreate(string) (blockledger.ReadWriter, error) { return l, nil }

func (l *ledger) Remove(string) error { return errors.New("the ledger of a test cannot be removed") }

func (l *ledger) ChannelIDs() []string { return []string{ChannelID} }

func (l *ledger) Close() {}

func (l *ledger) Height() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.blocks))
}

// Append computes the id of each transaction, as the file ledger does for its index.
func (l *ledger) Append(b *fabric.Block) error {
	for _, tx := range b.Data.Data {
		_, _ = protoutil.GetOrComputeTxIDFromEnvelope(tx) // the file ledger accepts transactions without an id
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks = append(l.blocks, b)
	return nil
}

func (l *ledger) RetrieveBlockByNumber(number uint64) (*fabric.Block, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number >= uint64(len(l.blocks)) {
		return nil, errors.New("no such block")
	}
	return l.blocks[number], nil
}

// Iterator returns an iterator over the block at start only.
func (l *ledger) Iterator(start *ab.SeekPosition) (blockledger.Iterator, uint64) {
	number := start.GetSpecified().GetNumber()
	if start.GetNewest() != nil {
		number = l.Height() - 1
	}
	b, err := l.RetrieveBlockByNumber(number)
	if err != nil {
		return &blockledger.NotFoundErrorIterator{}, 0
	}
	return found{b}, number
}

type found struct{ block *fabric.Block }

func (f found) Next() (*fabric.Block, cb.Status) { return f.block, cb.Status_SUCCESS }

func (found) Close() {}
