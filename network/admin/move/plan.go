package move

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// place is who orders a channel, as operators call it.
type place string

const (
	kafka  place = "type kafka"
	shared place = "type etcdraft through Kafka"
	raft   place = "Raft"
)

// way is a move from one place to another, or back to normal mode without it.
type way struct {
	from, to place
	abort    bool
}

// step is one config update of a move.
type step string

const (
	toMaintenance step = "maintenance mode"
	toChange      step = "change of the consenter"
	toNormal      step = "normal mode"
	done          step = "done"
)

// next returns what is to be done to a channel with a consensus in force.
func (w way) next(now form.Consensus) (step, error) {
	maintained := now.State == fabric.StateMaintenance
	switch at := placeOf(now); {
	case at == w.from && w.abort && maintained:
		return toNormal, nil
	case at == w.from && w.abort:
		return done, nil
	case w.abort:
		return done, fmt.Errorf("it is ordered by %s: there is nothing to abort", at)
	case at == w.from && !maintained:
		return toMaintenance, nil
	case at == w.from:
		return toChange, nil
	case at == w.to && maintained:
		return toNormal, nil
	case at == w.to:
		return done, nil
	default:
		return done, fmt.Errorf("its consensus type is %q, with %d brokers, so it is ordered by %s: this command moves a channel of %s to %s",
			now.Type, len(now.Brokers), at, w.from, w.to)
	}
}

// placeOf returns who orders a channel; the consensus type in quotes if it is another consenter.
func placeOf(c form.Consensus) place {
	switch is := c.Form(); {
	case is == form.Kafka:
		return kafka
	case is == form.Shared:
		return shared
	case c.Type == form.SharedType && form.CheckRaft(c.Metadata) == nil:
		return raft
	}
	return place(fmt.Sprintf("%q", c.Type))
}
