package chain

import (
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/orderer/consensus"
)

// Support is what a chain uses of Fabric's registrar: the contract of every
// consenter and, beyond it, the channel's resources, by which a lagging record
// is judged. The registrar's *multichannel.ChainSupport has all of it; the
// consenter asserts that once.
type Support interface {
	consensus.ConsenterSupport

	PolicyManager() policies.Manager
	OrdererConfig() (channelconfig.Orderer, bool)
	ConfigtxValidator() configtx.Validator
	MSPManager() msp.MSPManager
	ValidateNew(next channelconfig.Resources) error
}
