package chain

import (
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// Support is what a chain uses of Fabric's registrar: all that verdicts depend on. The
// consenter asserts once that the registrar's *multichannel.ChainSupport has it.
type Support = verdict.Support

// validator gives verdicts on what is in the topic, and on what is about to be appended.
type validator interface {
	session.Validator

	// CheckNew refuses a config envelope that would be skipped where it is read.
	CheckNew(envelope *fabric.Envelope) error
}
