package consenter

import (
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Remedies that several rows share.
const (
	onlyOrderers = "allow only the orderers to write to the topic"
	joinAgain    = "remove the channel from this orderer and join it again with a block that you trust"
	bringBack    = "bring the old topic back, or, if the channel was moved with all of its records at their offsets, " +
		"set Consensus.Kafka.Topic.Moved to the id of the new topic (see `osnkafka repin`); then restart the orderer"
	rightBrokers = "correct the brokers of the channel or of this orderer (Consensus.Kafka.Brokers)"
	otherBuild   = "use a build of the orderer that supports it"
)

// skips returns the reasons why a record in the topic was not put in a block.
func skips() []row {
	return []row{
		skip(machine.ReasonSize, "the envelope is larger than the channel's AbsoluteMaxBytes, which a config update has lowered since it was accepted; "+
			"or its resubmitted copy is larger than the topic accepts",
			"raise AbsoluteMaxBytes, or the topic's max.message.bytes, to what clients send, and submit it again"),
		skip(machine.ReasonRefused, "the envelope was accepted under an older config (a stale config sequence) and is not valid under the one in force: "+
			"its writer has lost the right, or a config update conflicts with an earlier one",
			"the client submits it again, for the config in force", "verdict.Validator.check"),
		skip(machine.ReasonUnexpectedCut, "a time-to-cut for a block other than the next one, or with nothing pending: another orderer's time-to-cut came first, or the block was already full", ""),
		skip(machine.ReasonCopy, "a copy of an envelope that was ordered already, or a config update that was already resubmitted to the topic", ""),
		skip(machine.ReasonResubmitted, "the config sequence of the envelope is stale, and it was resubmitted to the topic", ""),
		skip(machine.ReasonConnect, "a record that an in-tree orderer writes when it connects", ""),
		skip(machine.ReasonDescription, "the topic already has a description", ""),
		skip(machine.ReasonIgnoredCut, "a time-to-cut that Consensus.Kafka.Topic.PassCuts lists", "remove it from the list once every orderer has read past it"),
		skip(machine.ReasonGarbage, "the record does not decode, so no orderer wrote it", onlyOrderers),
		skip(machine.ReasonMalformed, "the envelope does not decode, or no peer would accept a block with it, so no orderer accepted it from a client", onlyOrderers),
		skip(machine.ReasonChannel, "the envelope is for another channel", onlyOrderers+", and give each channel a topic of its own"),
		skip(machine.ReasonClass, "the record's class (normal or config) contradicts the header of its envelope", onlyOrderers),
	}
}

// refusals returns the reasons why an envelope was not accepted from a client.
func refusals() []row {
	return []row{
		refuse(status.RefusalSize, "the record is larger than the topic's max.message.bytes, or than this orderer can send. Fabric itself already refuses an envelope "+
			"above the channel's AbsoluteMaxBytes or the gRPC limit (General.MaxRecvMsgSize)",
			"raise max.message.bytes of the topic, and the brokers' limit for replication, above the channel's AbsoluteMaxBytes", "producer.Queue.Append", "producer.Queue.tooLarge"),
		refuse(status.RefusalNotReady, "the channel is starting, or is waiting for the brokers or for other orderers: the rest of the text has the details",
			"the client tries again, or asks another orderer", "status.Readiness.Ready"),
		refuse(status.RefusalFailed, "the channel has stopped on this orderer: the rest of the text has the cause", "look up the cause below", "status.Readiness.Ready"),
		refuse(status.RefusalHalted, "the channel is being removed from this orderer", "the client asks another orderer", "chain.Chain.enter"),
		refuse(status.RefusalBusy, "Consensus.Kafka.Producer.Inflight envelopes are unacknowledged, or enough envelopes to fill four blocks (at least 512, or 16 MiB) are appended or being appended and not in a block yet, and that did not change in time", "check the brokers, `osnkafka preflight`, and whether the ledger's disk keeps up; if there are more clients than this orderer can serve, raise BatchSize.MaxMessageCount, or use more orderers"),
		refuse(status.RefusalNotAppended, "no attempt to append the envelope was accepted; it will not be ordered", "submit it again once what the text names is fixed"),
		refuse(status.RefusalAmbiguous, "an attempt may have appended the envelope: the connection broke before the response, or the replicas did not acknowledge it",
			"look for the transaction in the blocks before you submit it again"),
		refuse(status.RefusalNoPeer, "the envelope has no signature, no header, or a transaction without endorsements or with an impossible name or key; nothing was ordered", "correct the client"),
		refuse(status.RefusalConfig, "orderers would skip the config when they read it, or their build does not support what it contains", "correct the update", "verdict.Validator.CheckNew"),
		refuse(status.RefusalOtherCluster, "the config names brokers that do not have the channel's topic: an update cannot move a channel",
			"to move a channel, stop all of its orderers, copy the topic with its offsets, set Consensus.Kafka.Brokers and Consensus.Kafka.Topic.Moved "+
				"of each orderer (see `osnkafka repin`), start them, and then update the config"),
	}
}
