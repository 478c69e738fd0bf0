package guard

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// deepest is how deep messages may be nested. A config has about twenty levels,
// and two more for each level of its deepest signature policy.
const deepest = 1000

// ErrDeep is what CheckDepth wraps.
var ErrDeep = errors.New("messages are nested too deeply")

// CheckDepth refuses a message nested more than 1000 levels deep. Call it before Fabric
// decodes a config, or any other message type that can contain itself: the generated code of
// Fabric up to 2.5 has no limit, and 2 MB overflow the stack, from which no process recovers.
// Bytes that look like a message count as one.
func CheckDepth(message []byte) error { return checkDepth(message, deepest) }

func checkDepth(message []byte, levels int) error {
	if levels == 0 {
		return fmt.Errorf("%w: more than %d", ErrDeep, deepest)
	}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil // a decoder also stops here
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return nil
		}
		if kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(message[n:])
			if err := checkDepth(inner, levels-1); err != nil {
				return err
			}
		}
		message = message[n+size:]
	}
	return nil
}
