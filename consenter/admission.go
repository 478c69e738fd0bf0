package consenter

import "sync"

// admission decides whether a channel may have a config block with a fault. While the
// orderer starts, the registrar asks for the membership of every channel that has a
// ledger, or a join block on disk, and ends the process over an error: what was accepted
// once is then accepted again. Afterwards it asks for channels that are joined. It is safe
// for concurrent use.
type admission struct {
	mu       sync.Mutex
	started  bool            // the registrar has started
	existing map[string]bool // channels that existed when it started, and would be refused now
}

// start ends the time in which every channel is accepted: the registrar has started the
// channels that existed.
func (a *admission) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.started = true
}

// admits reports whether a channel is accepted although its config block has a fault. It
// is asked again for a follower that has pulled blocks up to its join block.
func (a *admission) admits(channel string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.started {
		return a.existing[channel]
	}
	if a.existing == nil {
		a.existing = map[string]bool{}
	}
	a.existing[channel] = channel != "" // which is that of an unreadable block
	return true
}

// forget removes a channel whose chain was halted: the channel may have been removed.
func (a *admission) forget(channel string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.existing, channel)
}
