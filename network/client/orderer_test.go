package client_test

import (
	"context"
	"errors"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

func dial(t *testing.T, o *orderertest.Orderer) *client.Orderer {
	c, err := client.Dial(o.Address, client.TLS{CA: o.CA})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestSubmitAnswers(t *testing.T) {
	fates := []orderertest.Fate{
		orderertest.Ordered(),
		{Status: cb.Status_SERVICE_UNAVAILABLE},
		{Copies: 1}, // taken, but the stream breaks
	}
	o := orderertest.Start(t, "mychannel", orderertest.NewLedger(), func(n int) orderertest.Fate { return fates[n] })
	c, who := dial(t, o), orderertest.Identity(t)
	submit := func() error {
		e, err := who.Message("mychannel", 0)
		require.NoError(t, err)
		return c.Submit(t.Context(), e)
	}
	require.NoError(t, submit())

	var refusal *client.Refusal
	require.ErrorAs(t, submit(), &refusal)
	require.Equal(t, cb.Status_SERVICE_UNAVAILABLE, refusal.Status)
	require.Contains(t, refusal.Error(), "as the test wants")

	err := submit()
	require.Error(t, err)
	require.False(t, errors.As(err, &refusal), "the outcome is unknown: %v", err)
}

func TestDeliverGivesTheRange(t *testing.T) {
	ledger := orderertest.NewLedger([]byte("genesis"))
	for range 5 {
		ledger.Append([]byte("envelope"))
	}
	c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
	var got []uint64
	err := c.Deliver(t.Context(), who, "mychannel", client.Range{From: 2, To: 4}, func(b *cb.Block) error {
		got = append(got, b.Header.Number)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []uint64{2, 3, 4}, got)

	newest, err := c.Newest(t.Context(), who, "mychannel")
	require.NoError(t, err)
	require.EqualValues(t, 5, newest.Header.Number)
	third, err := c.Block(t.Context(), who, "mychannel", 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, third.Header.Number)
}

func TestDeliverFollows(t *testing.T) {
	ledger := orderertest.NewLedger([]byte("genesis"))
	c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
	enough := errors.New("enough")
	err := c.Deliver(t.Context(), who, "mychannel", client.Range{To: client.Forever}, func(b *cb.Block) error {
		if b.Header.Number == 3 {
			return enough
		}
		ledger.Append([]byte("envelope"))
		return nil
	})
	require.ErrorIs(t, err, enough)

	ctx, cancel := context.WithCancel(t.Context())
	err = c.Deliver(ctx, who, "mychannel", client.Range{To: client.Forever}, func(b *cb.Block) error {
		if b.Header.Number == 3 {
			cancel() // the next block never comes
		}
		return nil
	})
	require.Error(t, err)
}

func TestDeliverSaysWhyThereIsNothing(t *testing.T) {
	c, who := dial(t, orderertest.Start(t, "mychannel", orderertest.NewLedger(), nil)), orderertest.Identity(t)
	_, err := c.Newest(t.Context(), who, "another")
	require.ErrorContains(t, err, "channel another")
	require.ErrorIs(t, err, client.ErrNoChannel)
}
