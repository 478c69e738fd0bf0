package consenter

import (
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// stops are why a channel has stopped on this orderer until an operator acts.
func stops() []row {
	return []row{
		halt(machine.HaltNoDescription, "the topic was written by in-tree orderers, or by a stranger",
			"list the channel in Consensus.Kafka.Topic.Compatible of this orderer and restart it if in-tree orderers order through the topic, "+
				"else use another topic, or delete this one if nobody needs it"),
		halt(machine.HaltOtherChannel, "the topic is that of another channel, or of another network's channel of the same name",
			"give each network topics of its own, or delete this topic if nobody needs it"),
		halt(machine.HaltUnknownFormat, "the description of the topic, or the last block, is of a newer release", otherBuild+", or delete the topic if nobody needs it"),
		halt(machine.HaltNotAllowed, "the topic's description asks for the rules of in-tree orderers: the orderer that created it lists the channel in Topic.Compatible, "+
			"or a stranger wrote the description",
			"list the channel in Consensus.Kafka.Topic.Compatible of this orderer, as the others do, and restart it, else delete the topic if nobody needs it"),
		halt(machine.HaltImpossibleCut, "a topic of in-tree orderers has a time-to-cut for a block that cannot be next: it is forged, or its sender has a longer chain. In-tree orderers stop at it, at each start again",
			"compare the blocks of all orderers (`osnkafka verify`), and if they agree and no in-tree orderer is left, list the record in Consensus.Kafka.Topic.PassCuts of every orderer"),
		halt(machine.HaltUnusableConfig, "a topic of in-tree orderers has a config record that cannot become a block: somebody wrote it past the orderers' checks. In-tree orderers die of it, at each start again",
			onlyOrderers+", and continue the channel from a copy of the topic that ends at the last good record, or as a new channel"),
		halt(machine.HaltNoVerdict, "this build does not know what a record asks for, such as a capability, or Fabric's code panics at it; a build of another release may be able to judge it",
			"start a build on the Fabric release that knows it on the same ledger (chain/VERDICTS.md), or report the record if Fabric's code panics", "session.Guarded"),
		stop(session.CauseTopicDeleted, "the topic was deleted; it is not created again, since an empty one would hide what was lost",
			"bring it back from a mirror that kept the offsets and name its id in Consensus.Kafka.Topic.Moved (see `osnkafka repin`), then restart the orderer"),
		stop(session.CauseOtherTopic, "the topic was deleted and created again, or the brokers are of another cluster", bringBack),
		stop(session.CauseNotMovedHere, "Consensus.Kafka.Topic.Moved names another topic than the brokers have",
			"correct Consensus.Kafka.Topic.Moved or the channel's brokers, then restart the orderer"),
		stop(session.CauseOtherCluster, "the brokers are a mirror's, or of another network", rightBrokers+", or "+bringBack),
		stop(session.CauseShortTopic, "records that blocks were made of are gone: the topic was created again or cut short, or the brokers are of another cluster",
			"bring the records back and restart the orderer"),
		stop(session.CauseOtherRecords, "records were lost and others written instead of them: an unclean leader election, or a topic that was filled again",
			"compare the orderers' blocks (`osnkafka verify`), bring the lost records back, or remove the channel and join it again from an orderer that is right"),
		stop(session.CausePartitions, "the topic of a channel has one partition; this one has more, and nothing was ordered through it",
			"delete the topic, or create it again with one partition"),
		stop(session.CauseOtherFirstBlock, "two orderers began the channel at the same moment, with brokers of two clusters. What this one acknowledged is in its cluster's topic only",
			rightBrokers+", then restart the orderer; if it has written a block 1 of its own (its height is 2), remove the channel from it and join it again"),
		stop(session.CauseLostBlock, "the topic does not have the records of a block any more, and for 30 s, or ten times BatchTimeout if that is more, every orderer has answered that it has no such block",
			"bring back the records from a mirror that kept the offsets, or an orderer or a backup of its ledger that has the block, and set the topic's retention to unlimited; "+
				"then restart the orderer, which does not ask again before"),
		stop(session.CauseWrongBlock, "a block that another orderer gave does not continue this ledger",
			"compare the orderers' blocks (`osnkafka verify`), and remove the channel from the one that is wrong and join it again"),
		stop(session.CauseFork, "what was committed for another orderer's consumer group says that it has another block: one of the ledgers is wrong, or somebody else committed it. "+
			"Stops the channel where ForkAlarm is stop",
			"fetch the block from both (`peer channel fetch`); if they differ, find which one agrees with the topic, remove the channel from the other and join it again; "+
				"if not, take the right to commit for the group from whoever has it and delete the group's offset for the topic; then restart this orderer"),
		stop(session.CauseMigrated, "a config block has given the channel another consensus type", "restart the orderer"),
		stop(session.CauseLedger, "the ledger's first or last block was altered, is of another consensus type or of an in-tree orderer before Fabric 1.4.1, or something else has written to the ledger", joinAgain),
		stop(session.CauseNoBroker, "the broker list in the ledger has no entry of the form host:port; earlier releases took such lists",
			"set Consensus.Kafka.Brokers of every orderer to host:port of the brokers and restart it, then correct /Channel/Orderer/KafkaBrokers by a config update"),
		stop(session.CauseUnreadable, "the brokers will not create the topic, or it holds a batch that this orderer cannot read",
			"do what the text awaits, then restart the orderer", "kafka.Log.classify"),
		stop(session.CauseInternal, "this build met what should not be", "report it with the orderer's log, then restart the orderer", "session.Driver.perform"),
	}
}

// waits are what keeps a channel from ordering until it passes.
func waits() []row {
	return []row{
		wait(session.CauseTrimmed, "retention or an administrator removed records that this orderer had not read: it takes the blocks from other orderers, then reads on (status `onboarding`)",
			"start an orderer that has the block if none does, and set the topic's retention to unlimited"),
		wait(session.CauseSilentOrderers, "this orderer has the genesis block alone and finds no topic, or an empty one. Before it begins the channel it asks every orderer that the channel config names for its height",
			"start the others, or make them reachable; or, if the channel is new, name it in Consensus.Kafka.Topic.Begin of this orderer and restart it"),
		wait(session.CauseBegunElsewhere, "another orderer has blocks, and here the topic is missing or empty: it was deleted, or this orderer's brokers are another cluster's. "+
			"After 30 s, or ten times BatchTimeout if that is more, the channel stops",
			rightBrokers+", or bring the topic back from a mirror that kept the offsets; then restart the orderer"),
		wait(session.CauseDisk, "less is free than DiskReserve and the blocks that the channels are about to write need together. Without the reserve Fabric ends the whole process at the first block that it cannot write",
			"make room on the ledger disk; the channel then continues by itself"),
		wait(session.CausePreflight, "Preflight is enforce, and a setting of the topic is not safe",
			"run the commands that the text names; the channel then starts by itself; or set Consensus.Kafka.Preflight of this orderer to warn and restart it"),
		wait(session.CauseCannotSign, "two config updates raced, and this orderer's key is away (an HSM, say); nothing is lost, and the other orderers continue",
			"bring the key back (General.LocalMSPDir, General.BCCSP), and restart the orderer if the key is read at the start"),
	}
}
