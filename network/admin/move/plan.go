package move

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// ordering is who orders a channel, as operators call it.
type ordering string

const (
	kafka  ordering = "Kafka (type kafka)"
	shared ordering = "Kafka (type etcdraft)"
	raft   ordering = "Raft"
)

// transition is a move from one ordering to another, or back to normal mode without it.
type transition struct {
	from, to ordering
	by       step // the one that makes the change
	abort    bool
}

// step is one config update of a move.
type step string

const (
	toMaintenance step = "maintenance mode"
	toType        step = "change of the type"
	toRaft        step = "hand-over to Raft"
	toNormal      step = "normal mode"
	done          step = "done"
)

// next returns what is to be done to a channel with a consensus in force.
func (t transition) next(now form.Consensus) (step, error) {
	maintained := now.State == fabric.StateMaintenance
	switch at := orderingOf(now); {
	case at == t.from && t.abort && maintained:
		return toNormal, nil
	case at == t.from && t.abort:
		return done, nil
	case t.abort:
		return done, fmt.Errorf("it is ordered by %s: there is nothing to abort", at)
	case at == t.from && !maintained:
		return toMaintenance, nil
	case at == t.from:
		return t.by, nil
	case at == t.to && maintained:
		return toNormal, nil
	case at == t.to:
		return done, nil
	default:
		return done, fmt.Errorf("its consensus type is %q, with %d brokers, so it is ordered by %s: this command moves a channel from %s to %s",
			now.Type, len(now.Brokers), at, t.from, t.to)
	}
}

// orderingOf returns who orders a channel; the consensus type in quotes if it is another consenter.
func orderingOf(c form.Consensus) ordering {
	switch is := c.Form(); {
	case is == form.Kafka:
		return kafka
	case is == form.Shared:
		return shared
	case c.Type == form.SharedType && form.CheckRaft(c.Metadata) == nil:
		return raft
	}
	return ordering(fmt.Sprintf("%q", c.Type))
}
