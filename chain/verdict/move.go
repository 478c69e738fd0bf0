package verdict

import (
	"fmt"

	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/brokers"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// Which changes of the consensus type Fabric allows differs by release line. So a channel that moves from one form to
// another is judged by the rules here, and not by Fabric's.

// moveOf returns the move from the config in force to the next, without checking whether it is allowed; Stays if one of
// them cannot be read.
func moveOf(now, next *fabric.Config) form.Move {
	was, is, err := form.ReadBoth(now, next)
	if err != nil {
		return form.Stays
	}
	return form.MoveOf(was, is)
}

// checkMove returns how an update changes who orders the channel, and an error if it may not.
func checkMove(now, next *fabric.Config) (form.Move, error) {
	was, is, err := form.ReadBoth(now, next)
	if err != nil {
		return form.Stays, err
	}
	return form.MoveOf(was, is), checkConsensus(was, is)
}

// checkConsensus refuses another type, a state other than normal and maintenance, metadata of type kafka, and
// consenters of the shared type. In maintenance mode it lets a channel of type kafka become one of the shared type, and
// one of the shared type become a channel of Raft.
func checkConsensus(was, is form.Consensus) error {
	switch move := form.MoveOf(was, is); {
	case move == form.Stays:
		return checkStays(was, is)
	case was.State != fabric.StateMaintenance || is.State != fabric.StateMaintenance:
		return fmt.Errorf("the channel %s only in maintenance mode: set ConsensusType.state to STATE_MAINTENANCE in a separate update first, and to STATE_NORMAL in another one afterwards", moves[move])
	case move == form.Leaves:
		if err := form.CheckRaft(is.Metadata); err != nil {
			return fmt.Errorf("the channel %s, and Raft would not start: %w; correct ConsensusType.metadata", moves[move], err)
		}
	}
	return nil
}

// moves has the words of errors for each move.
var moves = map[form.Move]string{form.Enters: "changes to type " + form.SharedType, form.Leaves: "leaves for Raft"}

func checkStays(was, is form.Consensus) error {
	const sharedType = "a channel of type " + form.SharedType + " that is ordered through Kafka"
	switch {
	case is.Type != was.Type:
		return fmt.Errorf("the consensus type cannot be changed from %.64q to %.64q: leave ConsensusType.type as it is", was.Type, is.Type)
	case is.Type == form.SharedType && !form.WithoutConsenters(is.Metadata):
		return fmt.Errorf("%s has the options of Raft and no consenters; leave ConsensusType.metadata as it is, or remove %s in the same update if the channel is to leave for Raft", sharedType, brokers.Key)
	case is.Type != form.SharedType && len(is.Metadata) > 0 && string(is.Metadata) != string(was.Metadata):
		return fmt.Errorf("consensus type %s takes no metadata; leave ConsensusType.metadata empty", is.Type)
	case is.State != was.State && is.State != fabric.StateNormal && is.State != fabric.StateMaintenance:
		return fmt.Errorf("consensus state %d is neither STATE_NORMAL nor STATE_MAINTENANCE", is.State)
	case was.Form() == form.Shared && is.Form() != form.Shared:
		return fmt.Errorf("%s needs brokers, and the update leaves none: name at least one host:port in %s", sharedType, brokers.Key)
	}
	return nil
}

// maintained applies Fabric's maintenance filter, which does not know every move. It is not applied to a channel that
// enters: checkMove has checked all that it would, except the capability.
func (v *Validator) maintained(envelope *fabric.Envelope, move form.Move) error {
	if move != form.Enters {
		return v.maintenance.Apply(envelope)
	}
	if orderer, ok := v.support.OrdererConfig(); !ok || !orderer.Capabilities().ConsensusTypeMigration() {
		return fmt.Errorf("the channel %s only with an orderer capability of V1_4_2 or later: update /Channel/Orderer/Capabilities first", moves[move])
	}
	return nil
}

// CheckConsensus refuses a consensus type, metadata or state that cannot follow those in force.
//
// Fabric does not pass the brokers here: what is valid with some list of them is accepted, and checked again later.
func CheckConsensus(now, next channelconfig.Orderer) error {
	some := []string{"some"}
	was := consensusOf(now, some)
	err := checkConsensus(was, consensusOf(next, some))
	if checkConsensus(was, consensusOf(next, nil)) == nil {
		return nil
	}
	return err
}

// consensusOf returns the consensus of a config as Fabric has read it.
func consensusOf(o channelconfig.Orderer, brokers []string) form.Consensus {
	return form.Consensus{Type: o.ConsensusType(), Metadata: o.ConsensusMetadata(), State: o.ConsensusState(), Brokers: brokers}
}
