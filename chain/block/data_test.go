package block

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// reversed returns an envelope with its signature before its payload, as no encoder of Fabric writes it.
func reversed(payload, signature []byte) []byte {
	return append(protoutil.MarshalOrPanic(&fabric.Envelope{Signature: signature}), protoutil.MarshalOrPanic(&fabric.Envelope{Payload: payload})...)
}

// A block has envelopes as Fabric's block writer encodes them, and their own bytes if that makes no difference.
func TestSetEnvelopes(t *testing.T) {
	e := &fabric.Envelope{Payload: []byte("payload"), Signature: []byte("signature")}
	plain := protoutil.MarshalOrPanic(e)
	b := protoutil.NewBlock(7, nil)
	if err := SetEnvelopes(b, [][]byte{plain, reversed(e.Payload, e.Signature)}); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{plain, plain}
	if got := b.Data.Data; len(got) != 2 || !bytes.Equal(got[0], want[0]) || !bytes.Equal(got[1], want[1]) || &got[0][0] != &plain[0] {
		t.Errorf("got %x, want %x", got, want)
	}
	if !bytes.Equal(b.Header.DataHash, chaintest.DataHash(want)) {
		t.Errorf("hash %x, want that of the envelopes one after the other", b.Header.DataHash)
	}
	if err := SetEnvelopes(b, [][]byte{plain, {0xff}}); err == nil || !strings.Contains(err.Error(), "block 7, envelope 1: ") {
		t.Errorf("%v, want which envelope does not decode", err)
	}
}

// BenchmarkSetEnvelopes measures what the data of a block of 500 envelopes of 2 KB costs.
func BenchmarkSetEnvelopes(b *testing.B) {
	payload, signature := make([]byte, 2000), make([]byte, 71)
	for name, e := range map[string][]byte{
		"as they are":   protoutil.MarshalOrPanic(&fabric.Envelope{Payload: payload, Signature: signature}),
		"encoded again": reversed(payload, signature),
	} {
		b.Run(name, func(b *testing.B) {
			all := make([][]byte, 500)
			for i := range all {
				all[i] = e
			}
			block := protoutil.NewBlock(1, nil)
			b.SetBytes(int64(len(all) * len(e)))
			b.ReportAllocs()
			for b.Loop() {
				if err := SetEnvelopes(block, all); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
