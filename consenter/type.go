package consenter

import "github.com/fabric-kafka/orderer/chain"

// Type is the consensus type of the channels that this consenter serves.
const Type = chain.ConsensusType
