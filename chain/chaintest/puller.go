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

// Puller pulls blocks from the ledgers of other orderers.
type Puller struct {
	From   []*Ledger
	Silent int                 // how many calls get no answer at first
	Alter  func(*fabric.Block) // changes each block before it is returned; may be nil
	Asked  int                 // calls so far
	Late   <-chan struct{}     // no ledger has a block before it is closed; may be nil
}

// Block returns a copy of a block from the first ledger that has it.
func (p *Puller) Block(_ context.Context, number uint64) (*fabric.Block, error) {
	p.Asked++
	if p.Asked <= p.Silent {
		return nil, errors.New("no orderer answers")
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

// having returns the ledgers that have blocks by now.
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

// Others returns the height of each ledger, or an error for each while none answers.
func (p *Puller) Others(context.Context) (all []session.Answer) {
	p.Asked++
	for i, l := range p.From {
		a := session.Answer{From: fmt.Sprint("orderer", i)}
		if p.Asked <= p.Silent {
			a.Err = errors.New("no orderer answers")
		} else {
			a.Height = machine.BlockNumber(l.Height())
		}
		all = append(all, a)
	}
	return all
}

// Close does nothing.
func (p *Puller) Close() {}
