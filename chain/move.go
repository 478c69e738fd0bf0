package chain

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

// A config block can change who orders the channel. It ends here for a channel that leaves: Fabric's Raft starts behind a
// block without consenter metadata, which it takes for the last block of another consenter. A channel that enters,
// from type kafka to the shared type, continues.

// WriteConfig writes a config block, which brings its config into force.
func (l *ledgerWriter) WriteConfig(b session.Block) error {
	return l.write(b, func(made *fabric.Block) error {
		was, is, err := consensuses(l.support, made)
		if err != nil {
			return err
		}
		switch {
		case ends(is):
			l.support.WriteConfigBlock(made, nil)
		case form.MoveOf(was, is) == form.Enters:
			return l.enter(made, b.Metadata)
		default:
			l.support.WriteConfigBlock(made, b.Metadata)
		}
		return nil
	})
}

// ends reports whether another consenter continues the channel.
func ends(is form.Consensus) bool { return is.Type != "" && is.Form() == form.Foreign }

// lastHere refuses a config block of another orderer that names no position in the topic, unless the channel ends with it.
func lastHere(s Support, pulled *fabric.Block) error {
	_, is, err := consensuses(s, pulled)
	if err == nil && !ends(is) {
		err = status.Fault{Cause: status.CauseWrongBlock, Err: fmt.Errorf("block %d, pulled from another orderer, names no offset, and its config does not give the channel to another consenter", pulled.Header.Number)}
	}
	return err
}

// consensuses returns the consensus in force, and that of the config in a block.
func consensuses(s Support, b *fabric.Block) (was, is form.Consensus, err error) {
	envelope, err := protoutil.ExtractEnvelope(b, 0)
	if err != nil {
		return was, is, err
	}
	return consensusesOf(s, envelope)
}

// consensusesOf returns the consensus in force, and that of the config in an envelope.
func consensusesOf(s Support, envelope *fabric.Envelope) (was, is form.Consensus, err error) {
	next, err := verdict.ConfigOf(envelope)
	if err != nil {
		return was, is, err
	}
	if was, err = form.Read(s.ConfigtxValidator().ConfigProto()); err != nil {
		return was, is, err
	}
	is, err = form.Read(next)
	return was, is, err
}

// enter does what Fabric's block writer does with a config block, except that the block keeps its metadata, which is the
// position in the topic: Fabric drops that of a block that changes the type, since its consenters do not read each other's.
func (l *ledgerWriter) enter(made *fabric.Block, metadata []byte) error {
	envelope, err := protoutil.ExtractEnvelope(made, 0)
	if err != nil {
		return err
	}
	config, err := verdict.ConfigOf(envelope)
	if err != nil {
		return err
	}
	bundle, err := channelconfig.NewBundle(l.support.ChannelID(), config, l.opts.Crypto)
	if err != nil {
		return err
	}
	// The writer commits in a goroutine of its own, which reads the sequence in force.
	awaitHeight(l.support, made.Header.Number)
	l.support.Update(bundle)
	l.support.WriteBlock(made, metadata)
	awaitHeight(l.support, made.Header.Number+1)
	return nil
}

// awaitHeight waits until the block writer, which commits in a goroutine of its own, has committed the blocks that it
// was given, however long the disk takes. A commit that fails panics the process, so there is always an end to wait for.
func awaitHeight(ledger interface{ Height() uint64 }, height uint64) {
	const least, most = time.Millisecond, 50 * time.Millisecond
	for pause := least; ledger.Height() < height; pause = min(2*pause, most) {
		time.Sleep(pause)
	}
}

// checkMove refuses an update that moves the channel to where it could not continue: Fabric's Raft judges the
// consenters by its clock and this build's release, so that it is asked here, and not where the update is read.
func (c *Chain) checkMove(envelope *fabric.Envelope) error {
	was, is, err := consensusesOf(c.support, envelope)
	if err != nil {
		return err
	}
	switch form.MoveOf(was, is) {
	case form.Enters:
		if last := c.support.Block(c.support.Height() - 1); !ours(last) {
			return errors.New("the topic is read by the rules of in-tree orderers, which cannot order a channel of type " + form.SharedType + ": replace them, and run osnkafka upgrade-rules first")
		}
	case form.Leaves:
		if c.opts.CheckRaft == nil {
			return errors.New("this orderer has no consenter of type " + form.SharedType + " of Fabric's own: send the update to one that has")
		}
		if err := c.opts.CheckRaft(envelope); err != nil {
			return fmt.Errorf("Fabric's Raft does not accept the consenters: %w; correct ConsensusType.metadata", err)
		}
	}
	return nil
}

// ours reports whether a block was cut by the strict rules.
func ours(b *fabric.Block) bool {
	metadata, err := block.ConsenterMetadata(b)
	return err == nil && session.Ours(metadata)
}
