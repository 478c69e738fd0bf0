package chain

import (
	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// Support is what a chain uses of Fabric's registrar: all that verdicts depend on, and how a config comes into force. The
// consenter asserts once that the registrar's *multichannel.ChainSupport has it.
type Support interface {
	verdict.Support

	// Update makes a config the one in force.
	Update(*channelconfig.Bundle)
}

// validator gives verdicts on what is in the topic, and on what is about to be appended.
type validator interface {
	session.Validator

	// CheckNew refuses a config envelope that would be skipped where it is read.
	CheckNew(envelope *fabric.Envelope) error
}
