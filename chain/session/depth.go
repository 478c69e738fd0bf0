package session

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// deepest is how many messages may be inside each other. A config has about twenty,
// and two more for each level of its deepest signature policy.
const deepest = 1000

// ErrDeep is what CheckDepth wraps.
var ErrDeep = errors.New("too many messages inside each other")

// CheckDepth refuses a message with more than 1000 messages inside each other. To be
// called before Fabric decodes a config, or anything else with a message that may
// hold one of its own kind: the generated code of Fabric up to 2.5 has no limit, and
// 2 MB overflow the stack, from which no process recovers. What looks like a message
// counts as one, also where Fabric sees bytes.
func CheckDepth(message []byte) error { return checkDepth(message, deepest) }

func checkDepth(message []byte, levels int) error {
	if levels == 0 {
		return fmt.Errorf("%w: more than %d", ErrDeep, deepest)
	}
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil // a decoder stops here, too
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
