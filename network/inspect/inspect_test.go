package inspect

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// reader reads orderers a, b, ... that serve these ledgers.
func reader(t *testing.T, ledgers ...*orderertest.Ledger) *Reader {
	cert, key := orderertest.IdentityFiles(t)
	d := fabricnet.Descriptor{Admin: fabricnet.Admin{MSPID: "OrdererMSP", Cert: cert, Key: key}}
	for i, l := range ledgers {
		o := orderertest.Start(t, "mychannel", l, nil)
		d.Orderers = append(d.Orderers, fabricnet.Orderer{Name: string(rune('a' + i)), Address: o.Address, TLSCA: o.CA, PID: i})
	}
	r, err := NewReader("/", d)
	require.NoError(t, err)
	return r
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
	require.NoError(t, r.Blocks(t.Context(), "a", "mychannel", func(b *cb.Block) error {
		got = append(got, b.Header.Number)
		return nil
	}))
	require.Equal(t, []uint64{0, 1, 2}, got)
	require.ErrorContains(t, r.Blocks(t.Context(), "nobody", "mychannel", nil), `no orderer "nobody"`)
}

func TestRunning(t *testing.T) {
	require.Equal(t, []string{"b", "c"}, Running(reader(t, chained(), chained(), chained()).net), "a has no pid")
}
