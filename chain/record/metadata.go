package record

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// DecodeMetadata decodes the consenter metadata of a block; in-tree orderers wrote
// only the first three fields. An empty value gives all zeros, as in the old format.
func DecodeMetadata(value []byte) (*Metadata, error) {
	m := &Metadata{}
	if err := proto.Unmarshal(value, m); err != nil {
		return nil, fmt.Errorf("decode block metadata: %w", err)
	}
	return m, nil
}

// EncodeMetadata encodes the consenter metadata of a block.
func EncodeMetadata(m *Metadata) ([]byte, error) {
	return encode("block metadata", m)
}
