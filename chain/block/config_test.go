package block

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Fabric's releases differ on a block whose first envelope alone is a config; and one that was written as a normal
// block is not a config block, whatever its envelope is.
func TestConfigBlocks(t *testing.T) {
	config, normal := protoutil.MarshalOrPanic(chaintest.ConfigEnvelope("mychannel", "k", 0, 1)), protoutil.MarshalOrPanic(chaintest.Envelope("mychannel", "a"))
	for i, c := range []struct {
		want bool
		last uint64
		data [][]byte
	}{
		{true, 3, [][]byte{config}},
		{false, 2, [][]byte{config}},
		{false, 0, [][]byte{config}},
		{false, 3, nil},
		{false, 3, [][]byte{normal}},
		{false, 3, [][]byte{config, normal}},
		{false, 3, [][]byte{config, config}},
		{false, 3, [][]byte{normal, config}},
	} {
		b := protoutil.NewBlock(3, nil)
		b.Data.Data = c.data
		b.Metadata.Metadata[signaturesSlot] = valueOf(&cb.OrdererBlockMetadata{LastConfig: &cb.LastConfig{Index: c.last}})
		if got := isConfigBlock(b); got != c.want {
			t.Errorf("block %d: %v, want %v", i, got, c.want)
		}
		b.Metadata.Metadata[signaturesSlot] = protoutil.MarshalOrPanic(&fabric.Metadata{})
		b.Metadata.Metadata[ordererSlot] = protoutil.MarshalOrPanic(&fabric.Metadata{})
		if got, want := isConfigBlock(b), len(c.data) == 1 && string(c.data[0]) == string(config); got != want {
			t.Errorf("block %d, from before Fabric 1.4.1: %v, want %v", i, got, want)
		}
	}
	genesis := protoutil.NewBlock(0, nil)
	if genesis.Data.Data = [][]byte{config}; !isConfigBlock(genesis) {
		t.Error("block 0 is a config block")
	}
}

func valueOf(m *cb.OrdererBlockMetadata) []byte {
	return protoutil.MarshalOrPanic(&fabric.Metadata{Value: protoutil.MarshalOrPanic(m)})
}
