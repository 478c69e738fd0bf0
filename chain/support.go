package chain

import (
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Support is what a chain uses of Fabric's registrar. The consenter asserts once that the registrar's
// *multichannel.ChainSupport has it.
type Support = handover.Support

// validator gives verdicts on what is in the topic, and on what is about to be appended.
type validator interface {
	session.Validator

	// CheckNew refuses a config envelope that would be skipped where it is read.
	CheckNew(envelope *fabric.Envelope) error
}
