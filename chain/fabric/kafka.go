package fabric

// ConsensusTypeKafka is the consensus type that is named after Kafka: it is
// ConsensusType.type in the channel config, and the key of the consenter.
const ConsensusTypeKafka = "kafka"
