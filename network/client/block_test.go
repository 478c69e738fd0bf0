package client_test

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
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
	checktest.Must(t, err)
	if len(got) != 2 {
		t.Fatalf("got %v, want 2 of them", got)
	}
	if got[0].Offset != nil {
		t.Fatalf("the genesis block comes from no topic: got %v, want nil", got[0].Offset)
	}
	if got := *got[1].Offset; got != 10 {
		t.Fatalf("got %v, want 10", got)
	}
	if got[1].Transactions != 2 {
		t.Fatalf("got[1].Transactions is %v, want 2", got[1].Transactions)
	}
	if len(got[1].HeaderHash) != 64 {
		t.Fatalf("got %v, want 64 of them", got[1].HeaderHash)
	}
}

func TestSummarizeRejectsDataThatDoesNotMatchTheHeader(t *testing.T) {
	ledger := orderertest.NewLedger([]byte("genesis"))
	ledger.Change(0, func(b *cb.Block) { b.Data.Data[0] = []byte("tampered") })
	c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
	b, err := c.Newest(t.Context(), who, "mychannel")
	checktest.Must(t, err)
	_, err = client.Summarize(b)
	checktest.Fails(t, err, "data hash")
}

// An orderer that somebody else runs can answer anything.
func TestForeignBlocks(t *testing.T) {
	slot := func(m *cb.Metadata) []byte { return protoutil.MarshalOrPanic(m) }
	header := protoutil.MarshalOrPanic(&cb.SignatureHeader{Creator: []byte("o"), Nonce: []byte("n")})
	value := protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{}, ConsenterMetadata: slot(&cb.Metadata{Value: []byte{0x08, 5}})})
	for name, signatures := range map[string][]byte{
		"no number of a config": slot(&cb.Metadata{Value: protoutil.MarshalOrPanic(&cb.OrdererBlockMetadata{ConsenterMetadata: slot(&cb.Metadata{Value: []byte{0x08, 5}})})}),
		"what is signed moved":  slot(&cb.Metadata{Signatures: []*cb.MetadataSignature{{SignatureHeader: append(value, header...)}}}),
		"not even bytes":        {0xff},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := orderertest.NewLedger([]byte("genesis"))
			ledger.Append([]byte("one"))
			ledger.Change(1, func(b *cb.Block) {
				b.Metadata.Metadata[cb.BlockMetadataIndex_SIGNATURES] = signatures
				b.Metadata.Metadata[cb.BlockMetadataIndex_ORDERER] = slot(&cb.Metadata{Value: []byte{0x08, 99}})
			})
			c, who := dial(t, orderertest.Start(t, "mychannel", ledger, nil)), orderertest.Identity(t)
			b, err := c.Newest(t.Context(), who, "mychannel")
			checktest.Must(t, err)
			s, err := client.Summarize(b)
			if err == nil && *s.Offset == 99 {
				t.Fatalf("it names offset 99, which no signature covers: %+v", s)
			}
			_, err = c.Config(t.Context(), who, "mychannel")
			if err == nil {
				t.Fatal("there is no error")
			}
		})
	}
}
