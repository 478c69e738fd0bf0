package client_test

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

func TestSummarize(t *testing.T) {
	ledger := orderertest.NewLedger([]byte("genesis"))
	ledger.Append([]byte("one"), []byte("two"))
	c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
	var got []client.Summary
	err := c.Deliver(t.Context(), who, "mychannel", client.Range{To: 1}, func(b *cb.Block) error {
		s, err := client.Summarize(b)
		got = append(got, s)
		return err
	})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Nil(t, got[0].Offset, "the genesis block comes from no topic")
	require.EqualValues(t, 10, *got[1].Offset)
	require.Equal(t, 2, got[1].Transactions)
	require.Len(t, got[1].HeaderHash, 64)
}

func TestSummarizeRefusesOtherDataThanTheHeaders(t *testing.T) {
	ledger := orderertest.NewLedger([]byte("genesis"))
	ledger.Change(0, func(b *cb.Block) { b.Data.Data[0] = []byte("tampered") })
	c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
	b, err := c.Newest(t.Context(), who, "mychannel")
	require.NoError(t, err)
	_, err = client.Summarize(b)
	require.ErrorContains(t, err, "data hash")
}
