package inspect

import (
	"reflect"
	"sync/atomic"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

// reader reads orderers a, b, ... that serve these ledgers.
func reader(t *testing.T, ledgers ...*orderertest.Ledger) *Reader {
	var orderers []Orderer
	for i, l := range ledgers {
		o := orderertest.Start(t, "mychannel", l, nil)
		orderers = append(orderers, Orderer{string(rune('a' + i)), o.Address, client.TLS{CA: o.CA}})
	}
	return NewReader(orderertest.Identity(t), orderers)
}

// chain is a ledger with some blocks above its genesis block.
func chained(envelopes ...string) *orderertest.Ledger {
	l := orderertest.NewLedger([]byte("genesis"))
	for _, e := range envelopes {
		l.Append([]byte(e))
	}
	return l
}

func TestBlocks(t *testing.T) {
	r := reader(t, chained("one", "two"))
	var got []uint64
	checktest.Must(t, r.Blocks(t.Context(), "a", "mychannel", func(b *cb.Block) error {
		got = append(got, b.Header.Number)
		return nil
	}))
	if want := []uint64{0, 1, 2}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	checktest.Fails(t, r.Blocks(t.Context(), "nobody", "mychannel", nil), `no orderer "nobody"`)
}

// Blocks are counted when they arrive, by whichever method they are read.
func TestObserve(t *testing.T) {
	r := reader(t, chained("one", "two"), chained("one", "two"))
	var arrived atomic.Int32
	r.Observe(func() { arrived.Add(1) })
	if err := r.Blocks(t.Context(), "a", "mychannel", func(*cb.Block) error { return nil }); err != nil || arrived.Load() != 3 {
		t.Errorf("%d blocks, %v", arrived.Load(), err)
	}
	if _, err := r.Verify(t.Context(), "mychannel", abc[:2]); err != nil || arrived.Load() != 9 {
		t.Errorf("%d blocks, %v", arrived.Load(), err)
	}
}
