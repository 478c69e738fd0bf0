package consenter

import "sync"

// door decides which channels are judged by their config block. The registrar asks
// for the membership of every channel that has a ledger, or a join block on disk,
// while the orderer starts, and ends the process over an error: what was taken once
// is not refused then. Afterwards it asks for whoever joins. It is safe for
// concurrent use.
type door struct {
	mu       sync.Mutex
	open     bool            // the registrar has started
	admitted map[string]bool // channels that were here when it did, and would be refused now
}

// start says that the registrar has all channels that were here.
func (d *door) start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
}

// admits reports whether a channel whose config block has a fault is a channel of
// this orderer all the same. A follower that pulls blocks until it has reached its
// join block asks once more.
func (d *door) admits(channel string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open {
		return d.admitted[channel]
	}
	if d.admitted == nil {
		d.admitted = map[string]bool{}
	}
	d.admitted[channel] = channel != "" // as of what is no block
	return true
}

// forget says that the chain of a channel was halted: it may have been removed.
func (d *door) forget(channel string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.admitted, channel)
}
