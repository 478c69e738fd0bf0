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

// presigned bounds the bytes of the envelopes that wait to be sent: memory, and
// the head start that the clock does not see. signers share the work.
const (
	presigned = 256 << 20
	signers   = 2
)

// signed is an envelope and what it is known by.
type signed struct {
	envelope *cb.Envelope
	id       [32]byte
}

// ahead is how many envelopes are made before the clock starts. A run that ends
// by the clock gets only as many as keep the signers out of its way.
func (c Config) ahead() int {
	if c.Tx == 0 {
		return 500
	}
	return min(c.Tx, max(1, presigned/c.Size))
}

// sign fills s.signed ahead of the streams, in the background once the first
// ones are made.
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

// signSome is one signer; made counts the envelopes of all.
func (s *sender) signSome(ctx context.Context, made *atomic.Int64) error {
	for n := made.Add(1); s.config.wants(n); n = made.Add(1) {
		e, err := s.config.Who.Message(s.config.Channel, s.config.Size)
		if err != nil {
			return err
		}
		select {
		case s.signed <- signed{e, client.Digest(protoutil.MarshalOrPanic(e))}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// wants says whether the n-th envelope, from 1, is to be made now.
func (c Config) wants(n int64) bool {
	if c.Tx == 0 {
		return time.Now().Before(c.Until)
	}
	return n <= int64(c.Tx)
}
