package client

import (
	"bytes"
	"errors"
	"fmt"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Summary is what two copies of a block are compared by: everything but the signatures.
type Summary struct {
	Number       uint64 `json:"number"`
	HeaderHash   string `json:"headerHash"`
	PreviousHash string `json:"previousHash"`
	DataHash     string `json:"dataHash"`
	Transactions int    `json:"transactions"`
	Offset       *int64 `json:"offset"` // in the metadata; null for the genesis block
	Metadata     string `json:"-"`      // the whole consenter metadata, in hex
	LastConfig   uint64 `json:"lastConfig"`
}

// Summarize returns the summary of a block. A data hash that does not match the data is
// an error, so that equal header hashes mean equal blocks.
func Summarize(b *cb.Block) (Summary, error) {
	if b.GetHeader() == nil || b.GetData() == nil || len(b.Data.Data) == 0 {
		return Summary{}, errors.New("a block without header, data or envelopes")
	}
	s := Summary{
		Number:       b.Header.Number,
		HeaderHash:   fmt.Sprintf("%x", protoutil.BlockHeaderHash(b.Header)),
		PreviousHash: fmt.Sprintf("%x", b.Header.PreviousHash),
		DataHash:     fmt.Sprintf("%x", b.Header.DataHash),
		Transactions: len(b.Data.Data),
	}
	if !bytes.Equal(b.Header.DataHash, protoutil.BlockDataHash(b.Data)) {
		return s, fmt.Errorf("block %d: its data hash is not that of its data", s.Number)
	}
	if s.Number == 0 {
		return s, nil
	}
	metadata, err := block.ConsenterMetadata(b)
	if err != nil {
		return s, fmt.Errorf("block %d: %w", s.Number, err)
	}
	s.Metadata = fmt.Sprintf("%x", metadata)
	if s.LastConfig, err = lastConfig(b); err != nil {
		return s, fmt.Errorf("block %d: %w", s.Number, err)
	}
	if len(metadata) > 0 {
		m, err := record.DecodeMetadata(metadata)
		if err != nil {
			return s, fmt.Errorf("block %d: %w", s.Number, err)
		}
		s.Offset = &m.LastOffsetPersisted
	}
	return s, nil
}

// lastConfig returns the number of the newest config block by a block's metadata. Before
// Fabric 1.4.1 it is not covered by a signature.
func lastConfig(b *cb.Block) (uint64, error) {
	number, ok, err := block.LastConfig(b)
	if err != nil || ok {
		return number, err
	}
	return protoutil.GetLastConfigIndexFromBlock(b)
}
