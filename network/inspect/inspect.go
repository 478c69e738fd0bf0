// Package inspect reads what a network's orderers and brokers hold: blocks,
// differences between orderers, and the records of a topic beside the blocks
// that they went to.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// Reader reads blocks of one network as one of its members.
type Reader struct {
	dir string
	net fabricnet.Descriptor
	who *client.Identity
}

// NewReader reads as the orderer organisation's admin.
func NewReader(dir string, d fabricnet.Descriptor) (*Reader, error) {
	who, err := client.LoadIdentity(d.Admin.MSPID, filepath.Join(dir, d.Admin.Cert), filepath.Join(dir, d.Admin.Key))
	if err != nil {
		return nil, err
	}
	return &Reader{dir, d, who}, nil
}

// Identity is whom the reader reads as.
func (r *Reader) Identity() *client.Identity { return r.who }

// Dial connects to an orderer of the network; the caller closes it.
func (r *Reader) Dial(name string) (*client.Orderer, error) {
	for _, o := range r.net.Orderers {
		if o.Name == name {
			return client.Dial(o.Address, filepath.Join(r.dir, o.TLSCA))
		}
	}
	return nil, fmt.Errorf("there is no orderer %q", name)
}

// Height is the number of blocks that an orderer has.
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

// Blocks gives every block that an orderer has now to take.
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
	return o.Deliver(ctx, r.who, channel, client.Range{To: height - 1, BestEffort: true}, take)
}

// Difference is the first block at which two orderers disagree.
type Difference struct {
	Channel      string
	First, Other string // orderers
	A, B         client.Summary
}

func (d *Difference) Error() string {
	return fmt.Sprintf("channel %s differs at block %d:\n%s: %s\n%s: %s", d.Channel, d.A.Number, d.First, show(d.A), d.Other, show(d.B))
}

func show(s client.Summary) string {
	return fmt.Sprintf("header %s, data %s, %d transactions, last config %d, metadata %s",
		s.HeaderHash, s.DataHash, s.Transactions, s.LastConfig, s.Metadata)
}

func differ(a, b client.Summary) bool {
	return a.HeaderHash != b.HeaderHash || a.DataHash != b.DataHash || a.Metadata != b.Metadata || a.LastConfig != b.LastConfig
}

// Verify compares the blocks of these orderers up to their common height, which
// it returns. A *Difference is the first one found.
func (r *Reader) Verify(ctx context.Context, channel string, orderers []string) (uint64, error) {
	if len(orderers) == 0 {
		return 0, errors.New("no orderer runs")
	}
	var common uint64
	for i, name := range orderers {
		height, err := r.Height(ctx, name, channel)
		if err != nil {
			return 0, err
		}
		if i == 0 || height < common {
			common = height
		}
	}
	for _, other := range orderers[1:] {
		if err := r.compare(ctx, channel, orderers[0], other, common); err != nil {
			return common, err
		}
	}
	return common, nil
}

// compare reads both orderers at the same pace.
func (r *Reader) compare(ctx context.Context, channel, first, other string, height uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	summaries := make(chan client.Summary)
	ended := make(chan error, 1)
	go func() {
		defer close(summaries)
		ended <- r.upTo(ctx, first, channel, height, func(b *cb.Block) error {
			s, err := client.Summarize(b)
			if err != nil {
				return err
			}
			select {
			case summaries <- s:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err := r.upTo(ctx, other, channel, height, func(block *cb.Block) error {
		b, err := client.Summarize(block)
		if err != nil {
			return err
		}
		a, ok := <-summaries
		if !ok {
			return <-ended
		}
		if differ(a, b) {
			return &Difference{channel, first, other, a, b}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return <-ended
}

// Running are the names of the orderers that run.
func Running(d fabricnet.Descriptor) []string {
	var names []string
	for _, o := range d.Orderers {
		if o.PID != 0 {
			names = append(names, o.Name)
		}
	}
	return names
}
