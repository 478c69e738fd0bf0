// Package inspect reads the blocks of orderers and the records of topics, compares
// the blocks of several orderers, and matches records with the blocks that they are in.
package inspect

import (
	"context"
	"fmt"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/network/client"
)

// Orderer is an orderer that can be read.
type Orderer struct {
	Name    string // argument of Reader's methods, and in errors
	Address string // HOST:PORT of Broadcast and Deliver
	TLS     client.TLS
}

// Reader reads the blocks of orderers as one member of their channels.
type Reader struct {
	who      *client.Identity
	orderers []Orderer
	arrived  func() // called for each block of a range; may be nil
}

// NewReader returns a reader of these orderers.
func NewReader(who *client.Identity, orderers []Orderer) *Reader {
	return &Reader{who: who, orderers: orderers}
}

// Observe has f called for each block of a range that arrives, by several goroutines. It is
// called before the reader is used.
func (r *Reader) Observe(f func()) { r.arrived = f }

// Identity returns the identity that the reader signs its requests with.
func (r *Reader) Identity() *client.Identity { return r.who }

// Dial connects to an orderer; the caller closes it.
func (r *Reader) Dial(name string) (*client.Orderer, error) {
	for _, o := range r.orderers {
		if o.Name == name {
			return client.Dial(o.Address, o.TLS)
		}
	}
	return nil, fmt.Errorf("there is no orderer %q", name)
}

// Address returns the address of an orderer; empty if there is none of that name.
func (r *Reader) Address(name string) string {
	for _, o := range r.orderers {
		if o.Name == name {
			return o.Address
		}
	}
	return ""
}

// Height returns the number of blocks that an orderer has.
func (r *Reader) Height(ctx context.Context, orderer, channel string) (uint64, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	b, err := o.Newest(ctx, r.who, channel)
	if err != nil {
		return 0, err
	}
	return b.Header.Number + 1, nil
}

// Block returns a block of an orderer.
func (r *Reader) Block(ctx context.Context, orderer, channel string, number uint64) (*cb.Block, error) {
	o, err := r.Dial(orderer)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return o.Block(ctx, r.who, channel, number)
}

// Blocks calls take for every block that an orderer currently has.
func (r *Reader) Blocks(ctx context.Context, orderer, channel string, take func(*cb.Block) error) error {
	height, err := r.Height(ctx, orderer, channel)
	if err != nil {
		return err
	}
	return r.upTo(ctx, orderer, channel, height, take)
}

func (r *Reader) upTo(ctx context.Context, orderer, channel string, height uint64, take func(*cb.Block) error) error {
	o, err := r.Dial(orderer)
	if err != nil {
		return err
	}
	defer o.Close()
	return o.Deliver(ctx, r.who, channel, client.Range{To: height - 1, BestEffort: true}, func(b *cb.Block) error {
		if r.arrived != nil {
			r.arrived()
		}
		return take(b)
	})
}
