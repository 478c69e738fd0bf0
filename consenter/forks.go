package consenter

import (
	"fmt"

	"github.com/fabric-kafka/orderer/chain/log"
)

// maxForks bounds the series of a channel's forks: a principal that may commit offsets for
// any group can choose any number of names.
const maxForks = 32

// otherMembers is the label of members beyond maxForks.
const otherMembers = "others"

// forks is the last report on forks. It is guarded by its reporter's mu.
type forks struct {
	reported string          // result of the last comparison
	shown    map[string]bool // values of the label member
}

// show sets a channel's series to 1 for the members in all, and to 0 for others.
func (f *forks) show(m *channelMetrics, all []log.Fork) {
	now := f.raise(m, all)
	for name := range f.shown {
		if !now[name] {
			m.Fork(name).Set(0)
		}
	}
}

// raise sets the series of the members in all to 1, and leaves others unchanged.
func (f *forks) raise(m *channelMetrics, all []log.Fork) (now map[string]bool) {
	if f.shown == nil {
		f.shown = map[string]bool{}
	}
	now = map[string]bool{}
	for _, fork := range all {
		name := fork.Members[1]
		if !f.shown[name] && len(f.shown) >= maxForks {
			name = otherMembers
		}
		f.shown[name], now[name] = true, true
		m.Fork(name).Set(1)
	}
	return now
}

// compared reports the result of a comparison with other orderers, when that changes. If the
// comparison failed for some orderers, their series keep their values.
func (r *reporter) compared(c log.Comparison, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.Compared.Set(float64(c.Compared))
		r.forks.show(r.channelMetrics, c.Forks)
	} else {
		r.forks.raise(r.channelMetrics, c.Forks)
	}
	unseen := err == nil && c.Published == 0 && !c.Alone
	now := fmt.Sprint(err, unseen, c.Forks)
	before := r.forks.reported
	r.forks.reported = now
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
		r.log.Infow("All published blocks of other orderers agree with this orderer's", "compared", c.Compared, "published", c.Published)
	}
}

// forked logs a line for each fork, up to maxForks.
func (r *reporter) forked(all []log.Fork) {
	for _, f := range all[:min(len(all), maxForks)] {
		r.log.Errorw("Another orderer has a different block", "error", f, "block", f.Block, "members", f.Members, "hashes", f.Hashes)
	}
	if more := len(all) - maxForks; more > 0 {
		r.log.Errorw("Further groups have different blocks", "groups", more)
	}
}
