package consenter

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// silent is an address that takes connections and says nothing.
func silent(t *testing.T) (address string, connected <-chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	taken := make(chan struct{})
	go func() {
		var once sync.Once
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			once.Do(func() { close(taken) })
		}
	}()
	return listener.Addr().String(), taken
}

// The registrar halts a chain under its lock: whatever other orderers do, or do not,
// every other channel would wait as well.
func TestAnEndedContextEndsTheQuestions(t *testing.T) {
	ours := newAuthority(t)
	address, connected := silent(t)
	first := ours.genesis(address)
	_, p := ours.catchUpWithin(first, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.Block(ctx, 1)
		ended <- err
	}()
	<-connected
	cancel()
	select {
	case err := <-ended:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("the question goes on")
	}
}

// An orderer that was asked for a block and is silent from then on is given up.
func TestASilentOrdererIsGivenUp(t *testing.T) {
	ours := newAuthority(t)
	d := ours.deliverer()
	d.blocks = ours.threeBlocks(d)
	d.stall = 1
	_, p := ours.catchUpWithin(d.blocks[0], 200*time.Millisecond)
	_, err := p.Block(t.Context(), 1)
	require.True(t, errors.Is(err, errSlow), "%v", err)
	require.ErrorContains(t, err, d.address)
}

// Every config block of the process changes the roots that Fabric's dialer trusts,
// while any channel may begin to pull.
func TestPullersDoNotRaceWithConfigBlocks(t *testing.T) {
	ours := newAuthority(t)
	d := ours.deliverer()
	d.blocks = ours.threeBlocks(d)
	c, l := ours.consenter(time.Minute), ours.stale(d.blocks[0])
	var changing sync.WaitGroup
	changing.Go(func() {
		for range 1000 {
			c.cluster.Dialer.UpdateRootCAs([][]byte{ours.CertBytes()})
		}
	})
	for range 20 {
		p, err := c.newPuller(l)
		require.NoError(t, err)
		_, err = p.Block(t.Context(), 1)
		require.NoError(t, err)
		p.Close()
	}
	changing.Wait()
}
