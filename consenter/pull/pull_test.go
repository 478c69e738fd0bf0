package pull

import (
	"fmt"
	"testing"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// An orderer that stalls, from the start or before a block, does not delay blocks that others
// have: the timeout of a response is far longer than this test.
func TestOneOrdererIsSlow(t *testing.T) {
	ours := newAuthority(t)
	for name, slow := range map[string]func(*deliverer){
		"from the beginning": func(d *deliverer) { d.silent = true },
		"before a block":     func(d *deliverer) { d.stall = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			one, other := ours.deliverer(), ours.deliverer()
			first := ours.genesis(one.address, other.address)
			one.blocks = append([]*cb.Block{first}, ours.after(first, 3)...)
			other.blocks = one.blocks
			slow(one)
			for range 4 { // the order of asking is random
				_, p := ours.catchUpWithin(first, time.Hour)
				p.(*puller).slowAfter = 100 * time.Millisecond
				for n := uint64(1); n < 4; n++ {
					b, err := p.Block(t.Context(), n)
					checktest.Must(t, err)
					if got, want := b.Header.Number, n; fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("got %v, want %v", got, want)
					}
				}
				p.Close()
			}
		})
	}
}

// If all orderers are slow, each gets more time once the first that was asked answers first, which
// it does for one of the blocks, however busy the machine is.
func TestAllOrderersAreSlow(t *testing.T) {
	ours := newAuthority(t)
	one, other := ours.deliverer(), ours.deliverer()
	first := ours.genesis(one.address, other.address)
	const most = 10
	one.blocks = append([]*cb.Block{first}, ours.after(first, most)...)
	other.blocks = one.blocks
	// One is slow, and the other slower, so that what one sends comes first however late a busy machine asks for it.
	one.pace, other.pace = 500*time.Millisecond, time.Hour
	_, p := ours.catchUpWithin(first, time.Hour)
	const little = 20 * time.Millisecond
	p.(*puller).slowAfter = little
	for n := uint64(1); n <= most && p.(*puller).slowAfter == little; n++ {
		_, err := p.Block(t.Context(), n)
		checktest.Must(t, err)
	}
	if got, limit := p.(*puller).slowAfter, little; got <= limit {
		t.Fatalf("got %v, want more than %v", got, limit)
	}
}

// A stream that has given all blocks of its orderer is closed before others are asked for the next.
func TestExhaustedStreamsAreClosed(t *testing.T) {
	ours := newAuthority(t)
	one, other := ours.deliverer(), ours.deliverer()
	first := ours.genesis(one.address, other.address)
	all := append([]*cb.Block{first}, ours.after(first, 3)...)
	one.blocks, other.blocks = all[:3], all[:3]
	_, p := ours.catchUpWithin(first, time.Hour)
	for n := uint64(1); n < 3; n++ {
		_, err := p.Block(t.Context(), n)
		checktest.Must(t, err)
	}
	other.blocks = all
	_, err := p.Block(t.Context(), 3)
	checktest.Must(t, err)
	p.Close()
	for open := int32(1); open != 0; time.Sleep(time.Millisecond) { // until the servers have noticed
		if open = one.open.Load() + other.open.Load(); t.Context().Err() != nil {
			t.Fatalf("%d streams are open", open)
		}
	}
}
