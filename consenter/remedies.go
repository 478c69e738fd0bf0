package consenter

import (
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// The remedies that several lines share.
const (
	onlyOrderers = "let nobody but the orderers write to the topic"
	joinAgain    = "remove the channel from this orderer and join it again, with a block that you trust"
	bringBack    = "bring the old topic back, or, if the channel was moved with all of its records at their offsets, " +
		"name the id of the new topic in Consensus.Kafka.Topic.Moved (see `osnkafka repin`); then restart the orderer"
	rightBrokers = "correct the brokers of the channel or of this orderer (Consensus.Kafka.Brokers)"
	otherBuild   = "use a build of the orderer that reads it"
)

// skips are the records that are in the topic and in no block.
func skips() []row {
	return []row{
		skip(machine.ReasonSize, "the envelope is larger than the channel's AbsoluteMaxBytes, which a config update has lowered since it was accepted; "+
			"or its copy is larger than the topic takes",
			"raise AbsoluteMaxBytes, or the topic's max.message.bytes, to what clients send, and submit it again"),
		skip(machine.ReasonRefused, "the envelope was accepted at an older config (a stale config sequence), and does not hold at the one in force: "+
			"its writer has lost the right, or a config update conflicts with the one before it",
			"the client submits it again, by the config in force", "verdict.Validator.check"),
		skip(machine.ReasonUnexpectedCut, "a time-to-cut for another block than the next one, or with nothing pending: the one of another orderer came first, or the block was full before", ""),
		skip(machine.ReasonCopy, "a copy of an envelope that is ordered already, or a config update of which a copy is in the topic already", ""),
		skip(machine.ReasonResubmitted, "the config sequence of the envelope is stale, and a copy of it is in the topic", ""),
		skip(machine.ReasonConnect, "a record by which an in-tree orderer says that it is there", ""),
		skip(machine.ReasonDescription, "the topic has its description already", ""),
		skip(machine.ReasonIgnoredCut, "a time-to-cut that Consensus.Kafka.Topic.PassCuts lists", "take it out of the list once every orderer has read past it"),
		skip(machine.ReasonGarbage, "the record does not decode: no orderer wrote it", onlyOrderers),
		skip(machine.ReasonMalformed, "the envelope does not decode, or no peer would take a block with it: no orderer accepted it", onlyOrderers),
		skip(machine.ReasonChannel, "the envelope is another channel's", onlyOrderers+", and give each channel a topic of its own"),
		skip(machine.ReasonClass, "the record says normal or config, and the header of its envelope the other", onlyOrderers),
	}
}

// refusals are the envelopes that clients have to submit again, or not at all.
func refusals() []row {
	return []row{
		refuse(session.RefusalSize, "the record is larger than the topic's max.message.bytes, or than this orderer sends. Fabric itself refuses before that an envelope "+
			"above the channel's AbsoluteMaxBytes, and one above the gRPC limit (General.MaxRecvMsgSize)",
			"raise max.message.bytes of the topic, and of its brokers' replicas, above the channel's AbsoluteMaxBytes", "kafka.Log.Append", "kafka.Log.tooLarge"),
		refuse(session.RefusalNotReady, "the channel is starting, or waits for the brokers or for other orderers: the rest of the text says for what",
			"the client tries again, or asks another orderer", "session.Readiness.Ready"),
		refuse(session.RefusalFailed, "the channel has stopped on this orderer: the rest of the text has the cause", "look the cause up below", "session.Readiness.Ready"),
		refuse(session.RefusalHalted, "the channel is being removed from this orderer", "the client asks another orderer", "chain.Chain.enter"),
		refuse(session.RefusalBusy, "Consensus.Kafka.Producer.Inflight envelopes await their acknowledgement, and none came in time", "look at the brokers: `osnkafka preflight`"),
		refuse(session.RefusalNotAppended, "no attempt to append the envelope was accepted; it will not be ordered", "submit it again once what the text names is there"),
		refuse(session.RefusalAmbiguous, "an attempt may have appended the envelope: the connection broke before the answer, or the replicas did not acknowledge it",
			"look for the transaction in the blocks before you submit it again"),
		refuse(session.RefusalNoPeer, "the envelope has no signature, no header, or a transaction that nobody endorsed; nothing was ordered", "correct the client"),
		refuse(session.RefusalConfig, "orderers would skip the config when they read it, or their build does not know what it asks for", "correct the update", "verdict.Validator.CheckNew"),
		refuse(session.RefusalOtherCluster, "the config names brokers that do not have the channel's topic: an update cannot move a channel",
			"move a channel while all of its orderers are stopped: copy the topic with its offsets, set Consensus.Kafka.Brokers and Consensus.Kafka.Topic.Moved "+
				"of each orderer (see `osnkafka repin`), start them, and then update the config"),
	}
}
