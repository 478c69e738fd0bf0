package consenter

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
)

// mostForks bounds the series of a channel's forks: whoever may commit offsets for any
// group can choose any number of names.
const mostForks = 32

// otherMembers is the label of those beyond that.
const otherMembers = "others"

// forks is what was reported of forks last. It is guarded by its reporter's mu.
type forks struct {
	said  string          // of the last comparison
	shown map[string]bool // values of the label member
}

// show sets a channel's series: those of members that are not in all are 0 from now on.
func (f *forks) show(m *channelMetrics, all []log.Fork) {
	now := f.raise(m, all)
	for name := range f.shown {
		if !now[name] {
			m.forkedFrom(name).Set(0)
		}
	}
}

// raise sets the series of members to 1, and leaves others as they are.
func (f *forks) raise(m *channelMetrics, all []log.Fork) (now map[string]bool) {
	if f.shown == nil {
		f.shown = map[string]bool{}
	}
	now = map[string]bool{}
	for _, fork := range all {
		name := fork.Members[1]
		if !f.shown[name] && len(f.shown) >= mostForks {
			name = otherMembers
		}
		f.shown[name], now[name] = true, true
		m.forkedFrom(name).Set(1)
	}
	return now
}

// compared says what came of a comparison with other orderers when that changes. One that
// failed for some of them leaves what was known of those.
func (r *reporter) compared(c log.Comparison, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.comparedOthers.Set(float64(c.Compared))
		r.forks.show(r.channelMetrics, c.Forks)
	} else {
		r.forks.raise(r.channelMetrics, c.Forks)
	}
	unseen := err == nil && c.Published == 0 && !c.Alone
	now := fmt.Sprint(err, unseen, c.Forks)
	before := r.forks.said
	r.forks.said = now
	switch {
	case now == before:
	case err != nil:
		r.log.Warnw("Cannot compare blocks with all other orderers", "compared", c.Compared, "error", err)
		r.forked(c.Forks)
	case len(c.Forks) > 0:
		r.forked(c.Forks)
	case unseen:
		r.log.Warnw("Sees no other orderer's published blocks to compare its own with: where others publish, this orderer's principal needs the right Describe on their consumer groups (prefix)")
	default:
		r.log.Infow("No other orderer has published other blocks than this one has", "compared", c.Compared, "published", c.Published)
	}
}

// forked writes a line for each fork, up to mostForks.
func (r *reporter) forked(all []log.Fork) {
	for _, f := range all[:min(len(all), mostForks)] {
		r.log.Errorw("Another orderer has other blocks", "error", f, "block", f.Block, "members", f.Members, "hashes", f.Hashes)
	}
	if more := len(all) - mostForks; more > 0 {
		r.log.Errorw("Further groups have other blocks", "groups", more)
	}
}
