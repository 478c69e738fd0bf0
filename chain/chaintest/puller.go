package chaintest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Puller gives the blocks of other orderers' ledgers.
type Puller struct {
	From   []*Ledger
	Silent int                 // how many questions nobody answers first
	Alter  func(*fabric.Block) // what happens to each block on its way; may be nil
	Asked  int                 // questions so far
	Late   <-chan struct{}     // nobody has a block before it is closed; may be nil
}

// Block is a copy of a block of the first ledger that has it.
func (p *Puller) Block(_ context.Context, number uint64) (*fabric.Block, error) {
	p.Asked++
	if p.Asked <= p.Silent {
		return nil, errors.New("nobody answers")
	}
	for _, l := range p.having() {
		if stored := l.Block(number); stored != nil {
			b := &fabric.Block{}
			if err := fabric.Unmarshal(protoutil.MarshalOrPanic(stored), b); err != nil {
				return nil, err
			}
			if p.Alter != nil {
				p.Alter(b)
			}
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: none of %d has it", session.ErrNoBlock, len(p.From))
}

// having are the ledgers that have blocks by now.
func (p *Puller) having() []*Ledger {
	if p.Late == nil {
		return p.From
	}
	select {
	case <-p.Late:
		return p.From
	default:
		return nil
	}
}

// Others says how many blocks each ledger has; none of it while nobody answers.
func (p *Puller) Others(context.Context) (all []session.Answer) {
	p.Asked++
	for i, l := range p.From {
		a := session.Answer{From: fmt.Sprint("orderer", i)}
		if p.Asked <= p.Silent {
			a.Err = errors.New("nobody answers")
		} else {
			a.Height = machine.BlockNumber(l.Height())
		}
		all = append(all, a)
	}
	return all
}

// Close does nothing.
func (p *Puller) Close() {}
