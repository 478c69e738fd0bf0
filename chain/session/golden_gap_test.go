package session_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/session/golden"
)

// gapped is a log with a hole after each record, as transaction markers leave them.
type gapped struct{ log.Log }

type gappedReader struct{ log.Reader }

func (g gapped) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := g.Log.Read(ctx, (from+1)/2)
	return gappedReader{r}, err
}

func (g gapped) Bounds(ctx context.Context) (log.Bounds, error) {
	b, err := g.Log.Bounds(ctx)
	return log.Bounds{Start: 2 * b.Start, End: 2 * b.End}, err
}

func (g gappedReader) Next(ctx context.Context) (log.Record, error) {
	r, err := g.Reader.Next(ctx)
	r.Offset *= 2
	return r, err
}

// TestGapBeforeTheCut: a block that was cut for a record with a hole before it can be
// restarted from.
func TestGapBeforeTheCut(t *testing.T) {
	eachVector(t, func(t *testing.T, v *golden.Vector) {
		m := newMemory()
		first, err := session.DescriptionRecord(newReplay(t, v, nil, m).start(), machine.Strict, log.Identity{})
		if err != nil {
			t.Fatal(err)
		}
		r := newReplay(t, v, append([][]byte{first}, v.Records...), m)
		r.channel.log = gapped{r.channel.log}
		r.boot()
		bounds, err := r.log.Bounds(context.Background())
		r.must(err)
		height, restarts := 1, 0
		for log.Offset(r.driver.NextOffset()) < bounds.End-1 {
			r.advance()
			if len(r.blocks) > height {
				height = len(r.blocks)
				restarts++
				r.boot()
			}
		}
		if restarts < 40 {
			t.Errorf("%d restarts", restarts)
		}
	})
}

// TestGapBeforeTheCutCompatible: in-tree orderers name the offset before a record that a block was cut for whether a
// record is there or not. Our orderer, restarted at each block, misses none of what follows.
func TestGapBeforeTheCutCompatible(t *testing.T) {
	eachVector(t, func(t *testing.T, v *golden.Vector) {
		m := newMemory()
		steady := newReplay(t, v, v.Records, m)
		steady.channel.log = gapped{steady.channel.log}
		steady.boot()
		steady.toTheEnd(func() {})
		again := newReplay(t, v, v.Records, m)
		again.channel.log = gapped{again.channel.log}
		again.boot()
		height := 1
		again.toTheEnd(func() {
			if len(again.blocks) > height {
				height = len(again.blocks)
				again.boot()
			}
		})
		if len(again.blocks) != len(steady.blocks) || height < 50 {
			t.Fatalf("%d blocks after restarts, %d without", len(again.blocks), len(steady.blocks))
		}
		for n, b := range steady.blocks {
			if !bytes.Equal(b.Header.DataHash, again.blocks[n].Header.DataHash) {
				t.Fatalf("block %d after restarts has other envelopes", n)
			}
		}
	})
}

// toTheEnd reads all records of a gapped topic.
func (r *replay) toTheEnd(each func()) {
	r.t.Helper()
	bounds, err := r.log.Bounds(context.Background())
	r.must(err)
	for log.Offset(r.driver.NextOffset()) < bounds.End-1 {
		r.advance()
		each()
	}
}
