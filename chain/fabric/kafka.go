package fabric

// ConsensusTypeKafka is the consensus type of the channels that this project orders: it
// is ConsensusType.type in the channel config, and the key of the consenter.
const ConsensusTypeKafka = "kafka"
