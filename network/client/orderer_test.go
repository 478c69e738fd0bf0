package client_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
)

func dial(t *testing.T, o *orderertest.Orderer) *client.Orderer {
	c, err := client.Dial(o.Address, client.TLS{CA: o.CA})
	checktest.Must(t, err)
	t.Cleanup(func() { checktest.Must(t, c.Close()) })
	return c
}

func TestSubmitAnswers(t *testing.T) {
	fates := []orderertest.Fate{
		orderertest.Ordered(),
		{Status: cb.Status_SERVICE_UNAVAILABLE},
		{Copies: 1}, // ordered, but the stream breaks
	}
	o := orderertest.Start(t, "mychannel", orderertest.NewLedger(), func(n int) orderertest.Fate { return fates[n] })
	c, who := dial(t, o), orderertest.Identity(t)
	submit := func() error {
		e, err := who.Message("mychannel", 0)
		checktest.Must(t, err)
		return c.Submit(t.Context(), e)
	}
	checktest.Must(t, submit())

	var refusal *client.Refusal
	if err := submit(); !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a %T", err, &refusal)
	}
	if !reflect.DeepEqual(refusal.Status, cb.Status_SERVICE_UNAVAILABLE) {
		t.Fatalf("refusal.Status is %v, want %v", refusal.Status, cb.Status_SERVICE_UNAVAILABLE)
	}
	if got := refusal.Error(); !strings.Contains(got, "as the test wants") {
		t.Fatalf("%q is not in %q", "as the test wants", got)
	}

	err := submit()
	if err == nil {
		t.Fatal("there is no error")
	}
	if errors.As(err, &refusal) {
		t.Fatalf("%v is a refusal, but the outcome is unknown", err)
	}
}

func TestDeliverReturnsTheRange(t *testing.T) {
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
	checktest.Must(t, err)
	if want := []uint64{2, 3, 4}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}

	newest, err := c.Newest(t.Context(), who, "mychannel")
	checktest.Must(t, err)
	if newest.Header.Number != 5 {
		t.Fatalf("newest.Header.Number is %v, want 5", newest.Header.Number)
	}
	third, err := c.Block(t.Context(), who, "mychannel", 3)
	checktest.Must(t, err)
	if third.Header.Number != 3 {
		t.Fatalf("third.Header.Number is %v, want 3", third.Header.Number)
	}
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
	if !errors.Is(err, enough) {
		t.Fatalf("got %v, want %v", err, enough)
	}

	ctx, cancel := context.WithCancel(t.Context())
	err = c.Deliver(ctx, who, "mychannel", client.Range{To: client.Forever}, func(b *cb.Block) error {
		if b.Header.Number == 3 {
			cancel() // the next block never comes
		}
		return nil
	})
	if err == nil {
		t.Fatal("there is no error")
	}
}

func TestDeliverReportsAMissingChannel(t *testing.T) {
	c, who := dial(t, orderertest.Start(t, "mychannel", orderertest.NewLedger(), nil)), orderertest.Identity(t)
	_, err := c.Newest(t.Context(), who, "another")
	checktest.Fails(t, err, "channel another")
	if !errors.Is(err, client.ErrNoChannel) {
		t.Fatalf("got %v, want %v", err, client.ErrNoChannel)
	}
}
