package block

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/record"
)

// SetEnvelopes puts envelopes into a block that has none, and their hash into its header, as Fabric's block writer
// does: decoded and encoded again. An envelope which that would not change becomes part of the block without a copy.
func SetEnvelopes(b *fabric.Block, envelopes [][]byte) error {
	data := make([][]byte, len(envelopes))
	for i, e := range envelopes {
		var err error
		if data[i], err = record.Canonical(e); err != nil {
			return fmt.Errorf("block %d, envelope %d: %w", b.Header.Number, i, err)
		}
	}
	b.Data.Data, b.Header.DataHash = data, DataHash(data)
	return nil
}
