package load

import (
	"context"
	"sync/atomic"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"
	"golang.org/x/sync/errgroup"

	"github.com/fabric-kafka/orderer/network/client"
)

// presigned bounds the bytes of the envelopes that are signed before the clock starts
// and held in memory; signers is the number of goroutines that sign them.
const (
	presigned = 256 << 20
	signers   = 2
)

// signed is an envelope with its id.
type signed struct {
	envelope *cb.Envelope
	id       [32]byte
	due      time.Time // with Config.Due: when it was to be sent
}

// ahead returns how many envelopes are signed before the clock starts. A run that ends
// by time needs only a small buffer.
func (c Config) ahead() int {
	if c.Tx == 0 {
		return 500
	}
	return min(c.Tx, max(1, presigned/c.Size))
}

// sign fills s.signed ahead of the streams, and continues in the background once the
// buffer is full.
func (s *sender) sign(ctx context.Context) {
	s.signed = make(chan signed, s.config.ahead())
	ended := make(chan struct{})
	var made atomic.Int64
	var workers errgroup.Group
	for range signers {
		workers.Go(func() error { return s.signSome(ctx, &made) })
	}
	s.work.Go(func() {
		s.ledgers.fail(workers.Wait())
		close(s.signed)
		close(ended)
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(s.signed) < cap(s.signed) {
		select {
		case <-tick.C:
		case <-ended:
			return
		}
	}
}

// signSome is one signer; made counts the envelopes of all signers.
func (s *sender) signSome(ctx context.Context, made *atomic.Int64) error {
	for n := made.Add(1); s.config.wants(n); n = made.Add(1) {
		e, err := s.config.Who.Message(s.config.Channel, s.config.Size)
		if err != nil {
			return err
		}
		select {
		case s.signed <- signed{envelope: e, id: client.Digest(protoutil.MarshalOrPanic(e))}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// wants reports whether the n-th envelope, from 1, is still needed.
func (c Config) wants(n int64) bool {
	if c.Tx == 0 {
		return time.Now().Before(c.Until)
	}
	return n <= int64(c.Tx)
}
