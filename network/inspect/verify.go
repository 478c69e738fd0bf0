package inspect

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client"
)

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
	return a.HeaderHash != b.HeaderHash || a.DataHash != b.DataHash || a.LastConfig != b.LastConfig || !sameMetadata(a.Metadata, b.Metadata)
}

// sameMetadata reports whether the metadata of two blocks, in hex, agree about the log.
// Orderers of two releases may remember a different number of records: then the digests
// of these records cannot be compared, and their difference is ignored. An in-tree orderer,
// which shares a topic of the compatible rules with ours, has the first three fields only.
func sameMetadata(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := decodeHex(a)
	y, errY := decodeHex(b)
	if errX != nil || errY != nil {
		return false
	}
	if inTree(x) && compatible(y) || inTree(y) && compatible(x) {
		return x.LastOffsetPersisted == y.LastOffsetPersisted && x.LastOriginalOffsetProcessed == y.LastOriginalOffsetProcessed &&
			x.LastResubmittedConfigOffset == y.LastResubmittedConfigOffset
	}
	if x.TailOffset == y.TailOffset {
		return false
	}
	x.TailOffset, x.TailDigest, y.TailOffset, y.TailDigest = 0, nil, 0, nil
	one, errX := record.EncodeMetadata(x)
	other, errY := record.EncodeMetadata(y)
	return errX == nil && errY == nil && bytes.Equal(one, other)
}

// inTree reports whether an in-tree orderer wrote the metadata: ours always name their rules.
func inTree(m *record.Metadata) bool { return m.RuleSet == record.RuleSet_RULE_SET_UNSPECIFIED }

func compatible(m *record.Metadata) bool { return m.RuleSet == record.RuleSet_RULE_SET_COMPATIBLE }

func decodeHex(text string) (*record.Metadata, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return record.DecodeMetadata(b)
}

// Members returns those of these orderers that have the channel.
func (r *Reader) Members(ctx context.Context, channel string, orderers []string) ([]string, error) {
	var members []string
	for _, name := range orderers {
		_, err := r.Height(ctx, name, channel)
		switch {
		case err == nil:
			members = append(members, name)
		case !errors.Is(err, client.ErrNoChannel):
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return members, nil
}

// Verify compares the blocks of these orderers up to their common height, which
// it returns: headers, data and metadata, not the signatures. A [*Difference] is
// the first one found; any other error means that an orderer could not be read or
// that its blocks are not a chain. It reads each orderer once, block by block in
// parallel, so that memory does not grow with the chain.
func (r *Reader) Verify(ctx context.Context, channel string, orderers []string) (uint64, error) {
	if len(orderers) == 0 {
		return 0, errors.New("no orderer is running")
	}
	common, err := r.commonHeight(ctx, channel, orderers)
	if err != nil {
		return 0, err
	}
	g, ctx := errgroup.WithContext(ctx)
	c := comparison{channel: channel, orderers: orderers}
	for _, name := range orderers {
		feed := make(chan client.Summary)
		c.feeds = append(c.feeds, feed)
		g.Go(func() error { return r.feed(ctx, name, channel, common, feed) })
	}
	g.Go(func() error { return c.run(ctx, common) })
	return common, g.Wait()
}

func (r *Reader) commonHeight(ctx context.Context, channel string, orderers []string) (uint64, error) {
	var common uint64
	for i, name := range orderers {
		height, err := r.Height(ctx, name, channel)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if i == 0 || height < common {
			common = height
		}
	}
	return common, nil
}

// feed sends the summaries of exactly height blocks of an orderer to out.
func (r *Reader) feed(ctx context.Context, orderer, channel string, height uint64, out chan<- client.Summary) error {
	given := uint64(0)
	err := r.upTo(ctx, orderer, channel, height, func(b *cb.Block) error {
		if given++; given > height {
			return fmt.Errorf("the orderer gave more than the %d blocks that it was asked for", height)
		}
		s, err := client.Summarize(b)
		if err != nil {
			return err
		}
		select {
		case out <- s:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err == nil && given < height {
		err = fmt.Errorf("the orderer gave %d of the %d blocks that it has", given, height)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", orderer, err)
	}
	return nil
}

// comparison compares the blocks of several orderers, one number at a time.
type comparison struct {
	channel  string
	orderers []string
	feeds    []<-chan client.Summary // one per orderer
}

func (c *comparison) run(ctx context.Context, height uint64) error {
	previous := ""
	for number := uint64(0); number < height; number++ {
		block, err := c.next(ctx)
		if err != nil {
			return err
		}
		if block.Number != number || number > 0 && block.PreviousHash != previous {
			return fmt.Errorf("channel %s on %s: block %d does not follow the one before it", c.channel, c.orderers[0], block.Number)
		}
		previous = block.HeaderHash
	}
	return nil
}

// next compares the next block of every orderer and returns that of the first.
func (c *comparison) next(ctx context.Context) (client.Summary, error) {
	var first client.Summary
	for i, feed := range c.feeds {
		var s client.Summary
		select {
		case s = <-feed:
		case <-ctx.Done():
			return s, ctx.Err() // the failed feed returns the cause
		}
		if i == 0 {
			first = s
		}
		if differ(first, s) {
			return s, &Difference{c.channel, c.orderers[0], c.orderers[i], first, s}
		}
	}
	return first, nil
}
