package consenter

import "sync"

// admission decides whether a channel is accepted although its config block has a fault.
// While the orderer starts, the registrar asks for the membership of every channel that has
// a ledger or a join block on disk, and an error ends the process: so whatever was accepted
// once is accepted again. After that it asks only for channels that are being joined.
// admission is safe for concurrent use.
type admission struct {
	mu       sync.Mutex
	started  bool            // the registrar has started
	existing map[string]bool // channels that existed when it started, and would be refused now
}

// start ends the period in which every channel is accepted: the registrar has started the
// channels that existed.
func (a *admission) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.started = true
}

// admits reports whether a channel is accepted although its config block has a fault. It
// is called again for a follower that has pulled blocks up to its join block.
func (a *admission) admits(channel string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.started {
		return a.existing[channel]
	}
	if a.existing == nil {
		a.existing = map[string]bool{}
	}
	a.existing[channel] = channel != "" // empty: the block is unreadable
	return true
}

// forget removes a channel whose chain was halted: the channel may have been removed.
func (a *admission) forget(channel string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.existing, channel)
}
