package consenter

import "github.com/fabric-kafka/orderer/chain/session"

// Type is the consensus type of the channels that this consenter serves.
const Type = session.ConsensusType
