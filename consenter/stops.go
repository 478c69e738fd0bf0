package consenter

import (
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// stops returns the causes for which a channel stops on this orderer until an operator acts.
func stops() []row {
	return []row{
		halt(machine.HaltNoDescription, "the topic was written by in-tree orderers, or by another client",
			"if in-tree orderers order through the topic, list the channel in Consensus.Kafka.Topic.Compatible of this orderer and restart it; "+
				"otherwise use another topic, or delete this one if it is not needed"),
		halt(machine.HaltOtherChannel, "the topic belongs to another channel, or to a channel of the same name in another network",
			"give each network its own topics, or delete this topic if it is not needed"),
		halt(machine.HaltUnknownFormat, "the description of the topic, or the last block, is from a newer release", otherBuild+", or delete the topic if it is not needed"),
		halt(machine.HaltNotAllowed, "the topic's description asks for the rules of in-tree orderers: the orderer that created it lists the channel in Topic.Compatible, "+
			"or another client wrote the description",
			"list the channel in Consensus.Kafka.Topic.Compatible of this orderer, as on the others, and restart it; or delete the topic if it is not needed"),
		halt(machine.HaltImpossibleCut, "a topic of in-tree orderers has a time-to-cut for a block that cannot be next: it is forged, or its sender has a longer chain. In-tree orderers stop at it, again at every start",
			"compare the blocks of all orderers (`osnkafka verify`); if they agree and no in-tree orderer is left, list the record in Consensus.Kafka.Topic.PassCuts of every orderer"),
		halt(machine.HaltUnusableConfig, "a topic of in-tree orderers has a config record that cannot become a block: it was written without the orderers' checks. In-tree orderers crash on it, again at every start",
			onlyOrderers+", and continue the channel from a copy of the topic that ends at the last good record, or as a new channel"),
		halt(machine.HaltNewChannel, "an in-tree orderer created a channel through the system channel, which our orderers do not do. The system channel stops here; the other channels continue",
			"remove the system channel from this orderer (`osnkafka remove-system-channel`), and join the new channel with its genesis block (`osnadmin channel join`), listed in Consensus.Kafka.Topic.Compatible", "machine.Machine.unusable"),
		halt(machine.HaltNoVerdict, "this build does not support what a record contains, such as a capability, or Fabric's code panics on it; a build on another release may support it",
			"start a build on a Fabric release that supports it, on the same ledger (chain/verdict/README.md); if Fabric's code panics, report the record", "guard.Call"),
		stop(status.CauseTopicDeleted, "the topic was deleted; it is not recreated, since an empty topic would hide what was lost",
			"bring it back from a mirror that kept the offsets, set Consensus.Kafka.Topic.Moved to its id (see `osnkafka repin`), then restart the orderer"),
		stop(status.CauseOtherTopic, "the topic was deleted and recreated, or the brokers belong to another cluster", bringBack),
		stop(status.CauseNotMovedHere, "Consensus.Kafka.Topic.Moved names a topic other than the one that the brokers have",
			"correct Consensus.Kafka.Topic.Moved or the channel's brokers, then restart the orderer"),
		stop(status.CauseOtherCluster, "the brokers belong to a mirror or to another network", rightBrokers+", or "+bringBack),
		stop(status.CauseShortTopic, "records that blocks were made from are gone: the topic was recreated or truncated, or the brokers belong to another cluster",
			"restore the records and restart the orderer"),
		stop(status.CauseOtherRecords, "records were lost and others were written at their offsets: an unclean leader election, or a topic that was refilled",
			"compare the orderers' blocks (`osnkafka verify`), restore the lost records, or remove the channel and join it again from an orderer whose blocks are right"),
		stop(status.CausePartitions, "a channel's topic must have one partition; this one has more, and nothing was ordered through it",
			"delete the topic, or recreate it with one partition"),
		stop(status.CauseOtherFirstBlock, "two orderers started the channel at the same time with brokers of different clusters. What this one acknowledged is only in the topic of its cluster",
			rightBrokers+", then restart the orderer; if it has written a block 1 of its own (its height is 2), remove the channel from it and join it again"),
		stop(status.CauseLostBlock, "the topic no longer has the records of a block, and for 30 s, or ten times BatchTimeout if that is more, every orderer has reported that it does not have the block",
			"restore the records from a mirror that kept the offsets, or start an orderer, or restore a ledger backup, that has the block, and set the topic's retention to unlimited; "+
				"then restart this orderer, which does not ask again before that"),
		stop(status.CauseWrongBlock, "a block from another orderer does not follow this ledger's last block",
			"compare the orderers' blocks (`osnkafka verify`), remove the channel from the orderer whose blocks are wrong, and join it again"),
		stop(status.CauseFork, "the commit of another orderer's consumer group has a different hash for a block: one of the ledgers is wrong, or the commit is forged. "+
			"Stops the channel only with ForkAlarm: stop",
			"fetch the block from both (`peer channel fetch`); if they differ, find which one agrees with the topic, remove the channel from the other orderer and join it again; "+
				"if they do not, revoke the right to commit for the group from every other principal and delete the group's offset for the topic; then restart this orderer"),
		stop(status.CauseMigrated, "a config block has given the channel to another consenter, such as Fabric's Raft", "restart the orderer; the new consenter then orders the channel"),
		stop(status.CauseLedger, "the ledger's first or last block was altered, has another consensus type, or is from an in-tree orderer before Fabric 1.4.1", joinAgain),
		stop(status.CauseSharedType, "the channel is of type etcdraft and ordered through Kafka, and this orderer has `SharedType: false`",
			"set Consensus.Kafka.SharedType of this orderer to true and restart it, or remove the channel from it (`osnadmin channel remove`)"),
		stop(status.CauseNoBroker, "the broker list in the ledger has no entry of the form host:port; earlier releases accepted such lists",
			"set Consensus.Kafka.Brokers of every orderer to host:port of the brokers and restart it, then correct /Channel/Orderer/KafkaBrokers by a config update"),
		stop(status.CauseUnreadable, "the brokers will not create the topic, or it holds a batch that this orderer cannot read",
			"do what the text asks for, then restart the orderer", "client.Topic.Classify"),
		stop(status.CauseInternal, "an internal error of this build, which may be one for another Fabric release, or something else wrote to the ledger; the ledger is as it was", "report it with the orderer's log, then restart the orderer", "session.Driver.perform"),
	}
}

// waits returns the causes for which a channel does not order for now.
func waits() []row {
	return []row{
		wait(status.CauseTrimmed, "retention or an administrator removed records that this orderer had not read: it pulls the blocks from other orderers, then continues to read (status `onboarding`)",
			"if no running orderer has the block, start one that has, and set the topic's retention to unlimited"),
		wait(status.CauseSilentOrderers, "this orderer has only the genesis block, and the topic is missing or empty. Before it starts the channel it asks every orderer in the channel config for its height",
			"start the other orderers, or make them reachable; or, if the channel is new, list it in Consensus.Kafka.Topic.Begin of this orderer and restart it"),
		wait(status.CauseBegunElsewhere, "another orderer has blocks, but the topic is missing or empty here: it was deleted, or this orderer's brokers belong to another cluster. "+
			"After 30 s, or ten times BatchTimeout if that is more, the channel stops",
			rightBrokers+", or bring the topic back from a mirror that kept the offsets; then restart the orderer"),
		wait(status.CauseDisk, "free space is less than DiskReserve plus the blocks that all channels are about to write. Without the reserve, Fabric ends the whole process at the first block that it cannot write",
			"free up space on the ledger disk; the channel then continues by itself"),
		wait(status.CausePreflight, "Preflight is enforce, and a setting of the topic is not safe",
			"run the commands that the text names; the channel then starts by itself; or set Consensus.Kafka.Preflight of this orderer to warn and restart it"),
		wait(status.CauseCannotSign, "two config updates raced, and this orderer's key is unavailable (in an HSM, for example); nothing is lost, and the other orderers continue",
			"make the key available (General.LocalMSPDir, General.BCCSP), and restart the orderer if the key is read at start"),
	}
}
