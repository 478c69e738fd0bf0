package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain/machine"
)

// Answer is what another orderer of the channel says of its ledger.
type Answer struct {
	From   string              // its address
	Height machine.BlockNumber // of its ledger; 0 if it does not serve the channel
	Err    error               // why it says nothing
}

// A channel begins once. An orderer that has the genesis block alone cannot tell a
// topic that was never made from one that was deleted, or that is in another cluster:
// there, too, it finds nothing. Were it to make one, the channel would have two blocks 1.
// The ledgers of the other orderers know.

// mayBegin returns nil if this orderer may make the channel's topic, or describe an empty
// one: every other orderer has answered, and none has a block beyond the genesis block.
// It is asked right before, in each session that would.
func (e *Engine) mayBegin(ctx context.Context) error {
	answers, err := e.host.Others(ctx)
	var ahead, silent []string
	for _, a := range answers {
		switch {
		case a.Err != nil:
			silent = append(silent, fmt.Sprintf("%s (%v)", a.From, a.Err))
		case a.Height > 1:
			ahead = append(ahead, fmt.Sprintf("%s has %d", a.From, a.Height))
		}
	}
	slices.Sort(ahead)
	slices.Sort(silent)
	switch {
	case len(ahead) > 0:
		return e.begun(strings.Join(ahead, ", "))
	case (err != nil || len(silent) > 0) && e.settings.Begin:
		e.aheadSince = nil
		return nil
	case err != nil:
		e.aheadSince = nil
		return waiting{because(CauseSilentOrderers, fmt.Errorf("topic %q is not there or is empty, and whether other orderers have ordered through it cannot be asked: %w",
			e.host.Channel(), err))}
	case len(silent) > 0:
		e.aheadSince = nil
		return waiting{because(CauseSilentOrderers, fmt.Errorf("topic %q is not there or is empty, and these orderers have not answered whether they have ordered through it: %s",
			e.host.Channel(), strings.Join(silent, ", ")))}
	}
	e.aheadSince = nil
	return nil
}

// begun is what becomes of a channel that others have blocks of: final once it was so
// for a while. Before, the topic may have been made by one of them just now, or the
// brokers may not tell of it yet.
func (e *Engine) begun(ahead string) error {
	now, patience := e.host.Uptime(), e.host.Config().Patience
	if e.aheadSince == nil {
		e.aheadSince = &now
	}
	err := because(CauseBegunElsewhere, fmt.Errorf("the channel has begun: of blocks, %s; and here its topic %q is not there or is empty: it was deleted, or these are not the channel's brokers",
		ahead, e.host.Channel()))
	if now-*e.aheadSince < patience {
		return waiting{fmt.Errorf("%w; the channel stops if that lasts for %s", err, patience)}
	}
	return stop(err)
}

// waiting ends a session that needs other orderers before it can begin the channel.
type waiting struct{ error }

func (w waiting) Unwrap() error { return w.error }

// moved reports whether the operator has declared that the topic is another than its
// description says.
func (e *Engine) moved() bool { return e.settings.MovedTo != "" }

// sameCluster holds the brokers' cluster against the one that the description names.
// Brokers, and builds, that know no such id are not compared.
func (e *Engine) sameCluster(described string) error {
	if described == "" || e.clusterID == "" || described == e.clusterID || e.moved() {
		return nil
	}
	return because(CauseOtherCluster, fmt.Errorf("topic %q was made in the Kafka cluster %s by its description, and these brokers are of cluster %s: "+
		"other orderers order this channel there", e.host.Channel(), described, e.clusterID))
}

// errOtherCluster says that brokers of another cluster answer than before.
var errOtherCluster = errors.New("the brokers are of another Kafka cluster than before")

// stays holds the brokers' cluster against the one that was read so far.
func (e *Engine) stays(id string) error {
	if e.clusterID == "" || id == "" || id == e.clusterID || e.moved() || e.Next() == 0 {
		return nil
	}
	return because(CauseOtherCluster, fmt.Errorf("topic %q: %w: their id was %s and is %s, this orderer continues at offset %d",
		e.host.Channel(), errOtherCluster, e.clusterID, id, e.Next()))
}
