package chain

import (
	"fmt"

	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// known refuses a message with a field that its type does not have. Fabric keeps such
// a field, and it takes part when configs are compared: by number in one protobuf
// library, byte by byte in the one of Fabric up to 2.2, so that orderers and peers may
// come to different answers.
func known(m protoadapt.MessageV1) error { return knownIn(protoadapt.MessageV2Of(m).ProtoReflect()) }

func knownIn(m protoreflect.Message) error {
	if n := len(m.GetUnknown()); n > 0 {
		return fmt.Errorf("%s with %d bytes of unknown fields", m.Descriptor().Name(), n)
	}
	return nil
}

// knownBelow is known for a message and for those that are inside it.
func knownBelow(m protoadapt.MessageV1) error {
	return knownAll(protoadapt.MessageV2Of(m).ProtoReflect())
}

func knownAll(m protoreflect.Message) error {
	err := knownIn(m)
	if err != nil {
		return err
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				err = knownAll(v.Message())
				return err == nil
			})
		case !f.IsMap() && !f.IsList() && f.Message() != nil:
			err = knownAll(v.Message())
		}
		return err == nil
	})
	return err
}
