// Package handover changes how a channel is ordered, at the config block that asks for it. The channel ends with that block
// if it leaves for Fabric's Raft, and goes from type kafka to the shared type if it enters; see package form.
package handover

import (
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// Support is Fabric's side of a channel: all that verdicts depend on, and how a config comes into force.
type Support interface {
	verdict.Support

	// Update makes a config the one in force.
	Update(*channelconfig.Bundle)
}

// WriteConfig writes a config block with a position in the topic, and brings its config into force. Fabric's Raft
// starts after a block without a position, which it takes for the last block of another consenter: the last one here
// has none.
func WriteConfig(s Support, crypto fabric.CryptoProvider, b *fabric.Block, position []byte) error {
	config, was, is, err := read(s, b)
	if err != nil {
		return err
	}
	switch {
	case ends(is):
		s.WriteConfigBlock(b, nil)
	case form.MoveOf(was, is) == form.Enters:
		return enter(s, crypto, b, config, position)
	default:
		s.WriteConfigBlock(b, position)
	}
	return nil
}

// ends reports whether another consenter continues the channel.
func ends(is form.Consensus) bool { return is.Type != "" && is.Form() == form.Foreign }

// read returns the config in a config block, the consensus in force, and that of the config.
func read(s Support, b *fabric.Block) (config *fabric.Config, was, is form.Consensus, err error) {
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	if err != nil {
		return nil, was, is, err
	}
	if config, err = verdict.ConfigOf(envelope); err != nil {
		return nil, was, is, err
	}
	was, is, err = form.ReadBoth(s.ConfigtxValidator().ConfigProto(), config)
	return config, was, is, err
}

// enter does what Fabric's block writer does with a config block, except that the block keeps its position: Fabric
// drops that of a block that changes the type, since its consenters do not read each other's.
func enter(s Support, crypto fabric.CryptoProvider, b *fabric.Block, config *fabric.Config, position []byte) error {
	bundle, err := channelconfig.NewBundle(s.ChannelID(), config, crypto)
	if err != nil {
		return err
	}
	// The writer commits in a goroutine of its own, which reads the sequence in force.
	AwaitHeight(s, b.Header.Number)
	s.Update(bundle)
	s.WriteBlock(b, position)
	AwaitHeight(s, b.Header.Number+1)
	return nil
}

// AwaitHeight waits until the block writer, which commits in a goroutine of its own, has committed the blocks that it
// was given, however long the disk takes. A commit that fails panics the process, so the wait always ends.
func AwaitHeight(ledger interface{ Height() uint64 }, height uint64) {
	const least, most = time.Millisecond, 50 * time.Millisecond
	for pause := least; ledger.Height() < height; pause = min(2*pause, most) {
		time.Sleep(pause)
	}
}

// CheckPulled refuses a config block of another orderer that has no position, unless the channel ends here with it.
func CheckPulled(s Support, b *fabric.Block) error {
	_, _, is, err := read(s, b)
	if err == nil && !ends(is) {
		err = status.Fault{Cause: status.CauseWrongBlock, Err: fmt.Errorf("block %d, pulled from another orderer, names no offset, and its config does not give the channel to another consenter", b.Header.Number)}
	}
	return err
}

// Local is what an orderer's own settings and build have to do with a move.
type Local struct {
	Raft          func(*fabric.Envelope) error // refuses a config envelope whose consenters Fabric's Raft does not accept; nil if there is no Raft
	ExcludeShared bool                         // the settings exclude channels of form [form.Shared]
}

// Check returns the error that stops a channel of the shared type if the settings exclude it.
func (l Local) Check(config *fabric.Config) error {
	if !l.ExcludeShared || form.Of(config) != form.Shared {
		return nil
	}
	return status.Fault{Cause: status.CauseSharedType, Err: fmt.Errorf("the channel is of type %s and ordered through Kafka, which this orderer's settings exclude", form.SharedType)}
}

// CheckNew refuses a config envelope at Broadcast that moves the channel to where it could not continue. Fabric's Raft
// judges consenters by its clock and this build's release: it is asked here, and not where the update is read.
func CheckNew(s Support, envelope *fabric.Envelope, local Local) error {
	config, err := verdict.ConfigOf(envelope)
	if err != nil {
		return err
	}
	was, is, err := form.ReadBoth(s.ConfigtxValidator().ConfigProto(), config)
	if err != nil {
		return err
	}
	switch form.MoveOf(was, is) {
	case form.Enters:
		if local.ExcludeShared {
			return errors.New("this orderer's settings exclude channels of type " + form.SharedType + " that are ordered through Kafka: set Consensus.Kafka.SharedType to true and restart the orderer")
		}
		if last := s.Block(s.Height() - 1); !cutStrictly(last) {
			return errors.New("the topic is read by the rules of in-tree orderers, which cannot order a channel of type " + form.SharedType + " through Kafka: replace them, and run osnkafka upgrade-rules first")
		}
	case form.Leaves:
		if local.Raft == nil {
			return errors.New("this orderer has no consenter of type " + form.SharedType + " from Fabric: send the update to an orderer that has one")
		}
		if err := local.Raft(envelope); err != nil {
			return fmt.Errorf("the consenters are not accepted by Fabric's Raft: %w; correct ConsensusType.metadata", err)
		}
	}
	return nil
}

// cutStrictly reports whether a block was cut by the strict rules.
func cutStrictly(b *fabric.Block) bool {
	position, err := block.ConsenterMetadata(b)
	return err == nil && session.Strict(position)
}

// CheckLast returns an error if a channel of the shared type cannot be continued after the last block of its ledger: unless
// that is the genesis block, it must be one of ours, cut by the strict rules. Raft's metadata, and empty metadata, decode as
// ours, as if the topic were to be read from its second record.
func CheckLast(config *fabric.Config, height uint64, metadata []byte) error {
	if height == 1 || form.Of(config) != form.Shared || session.Strict(metadata) {
		return nil
	}
	return status.Fault{Cause: status.CauseLedger, Err: fmt.Errorf("the ledger's last block, %d, was not ordered through Kafka, which the channel's config requires", height-1)}
}
