package record

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// DescriptionVersion is the only format version of a Description so far.
const DescriptionVersion = 1

// ErrEmpty is returned for a Connect without a description, which is what in-tree orderers write.
var ErrEmpty = errors.New("empty payload")

// DecodeDescription decodes the payload of a Connect. It returns [ErrEmpty] if there is none.
func DecodeDescription(payload []byte) (*Description, error) {
	if len(payload) == 0 {
		return nil, ErrEmpty
	}
	d := &Description{}
	if err := proto.Unmarshal(payload, d); err != nil {
		return nil, fmt.Errorf("decode description: %w", err)
	}
	return d, nil
}

// EncodeDescription returns the payload of a Connect.
func EncodeDescription(d *Description) ([]byte, error) {
	return encode("description", d)
}
