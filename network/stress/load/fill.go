package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang/protobuf/proto"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// Records are the values of records with signed envelopes, as an orderer appends them.
type Records struct {
	values [][]byte
}

// Writer is whose records [NewRecords] returns.
type Writer uint32

// Our orderers mark their records; in-tree orderers do not.
const (
	Ours   Writer = record.Writer
	InTree Writer = 0
)

// distinct is the number of different envelopes: their content does not matter to an
// orderer that replays them, and signing a million takes longer than ordering them.
const distinct = 100

// NewRecords returns records of one size, in bytes of an envelope, for a channel whose
// config sequence is seq: with an older one, orderers check each envelope again.
func NewRecords(who *client.Identity, channel string, size int, seq uint64, by Writer) (*Records, error) {
	r := &Records{}
	for range distinct {
		e, err := who.Message(channel, size)
		if err != nil {
			return nil, err
		}
		payload, err := proto.Marshal(e)
		if err != nil {
			return nil, err
		}
		m := record.NewRegular(payload, seq, record.Regular_NORMAL)
		m.Writer = uint32(by)
		value, err := record.Encode(m)
		if err != nil {
			return nil, err
		}
		r.values = append(r.values, value)
	}
	return r, nil
}

// Value returns the value of the i-th record.
func (r *Records) Value(i int) []byte { return r.values[i%len(r.values)] }

// FillTopic appends n records to a topic; see Fill.
func (r *Records) FillTopic(ctx context.Context, brokers []string, topic string, n int) (err error) {
	l, err := inspect.OpenTopic(brokers, topic)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return r.Fill(ctx, l, n)
}

// Fill appends n records from many goroutines, so that they share batches.
func (r *Records) Fill(ctx context.Context, l log.Log, n int) error {
	const writers = 256
	g, ctx := errgroup.WithContext(ctx)
	for w := range writers {
		g.Go(func() error {
			for i := w; i < n; i += writers {
				if err := l.Append(ctx, r.Value(i)); err != nil {
					return fmt.Errorf("append record %d of %d: %w", i, n, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}
