package pull

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// silent returns an address that accepts connections and never answers.
func silent(t *testing.T) (address string, connected <-chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	checktest.Must(t, err)
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

// The registrar halts a chain under its lock. If the chain waited for other orderers, all
// channels would wait as well.
func TestAnEndedContextEndsTheRequests(t *testing.T) {
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
		if got, want := err, context.Canceled; !errors.Is(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatal("the request continues")
	}
}

// An orderer that was asked for a block and does not answer is given up. On a busy machine
// that may happen at the request before, which it would have answered.
func TestASilentOrdererIsGivenUp(t *testing.T) {
	ours := newAuthority(t)
	d := ours.deliverer()
	d.blocks = ours.threeBlocks(d)
	d.stall = 1
	_, p := ours.catchUpWithin(d.blocks[0], 200*time.Millisecond)
	_, err := p.Block(t.Context(), 1)
	if !errors.Is(err, errSlow) {
		t.Fatalf("got %v, want it to report that the orderer is slow", err)
	}
	checktest.Fails(t, err, d.address)
}

// An orderer that never answers counts as slow: the error names the reason for each orderer.
func TestAnOrdererThatNeverAnswersIsSlow(t *testing.T) {
	ours := newAuthority(t)
	address, _ := silent(t)
	_, p := ours.catchUpWithin(ours.genesis(address), 50*time.Millisecond)
	_, err := p.Block(t.Context(), 1)
	if got, want := err, errSlow; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	checktest.Fails(t, err, address)
}

// Every config block of the process changes the roots that Fabric's dialer trusts, and any
// channel may start to pull at the same time.
func TestPullersDoNotRaceWithConfigBlocks(t *testing.T) {
	ours := newAuthority(t)
	d := ours.deliverer()
	d.blocks = ours.threeBlocks(d)
	dialer, l := ours.dialer(time.Minute), ours.stale(d.blocks[0])
	f := NewFactory(Cluster{Dialer: dialer}, crypto(t))
	var changing sync.WaitGroup
	changing.Go(func() {
		for range 1000 {
			dialer.UpdateRootCAs([][]byte{ours.CertBytes()})
		}
	})
	for range 20 {
		p, err := f.New(l)
		checktest.Must(t, err)
		_, err = p.Block(t.Context(), 1)
		checktest.Must(t, err)
		p.Close()
	}
	changing.Wait()
}
