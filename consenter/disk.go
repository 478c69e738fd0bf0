package consenter

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fabric-kafka/orderer/chain/session"
)

// disk is where the ledgers are. Fabric ends the orderer's process when a ledger
// cannot be written, with all of its channels, so nothing is written before. What
// several channels are about to write must have room together: it is kept in an account
// until it is on the disk. The reserve leaves room for what Fabric writes beside the
// blocks: indexes, and the ledgers of channels of other types.
type disk struct {
	dir     string // empty: it is not looked at
	reserve int64  // bytes

	free func(dir string) (int64, error) // bytes

	mu      sync.Mutex
	granted []granted
}

// granted are bytes that count as used until done.
type granted struct {
	bytes int64
	done  func() bool
}

func newDisk(dir string, reserve int64) *disk {
	return &disk{dir: dir, reserve: reserve, free: freeOn}
}

func freeOn(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// room returns nil if the reserve is still free when so many bytes more are written,
// beside those that were granted to others. It grants them until done. Who is to write
// nothing asks for the reserve alone.
func (d *disk) room(bytes int, done func() bool) error {
	if d.dir == "" || d.reserve == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// In this order: what is committed between is then counted twice rather than not at all.
	others := d.outstanding()
	if bytes == 0 {
		others = 0
	}
	free, err := d.free(d.dir)
	if err != nil {
		return session.Fault{Cause: session.CauseDisk, Err: fmt.Errorf("waiting for the ledger disk, %s: %w", d.dir, err)}
	}
	if want := d.reserve + others + int64(bytes); free < want {
		return session.Fault{Cause: session.CauseDisk, Err: fmt.Errorf("waiting for free space on the ledger disk, %s: %d bytes are free, %d are needed, by Consensus.Kafka.DiskReserve "+
			"and the next blocks of all channels", d.dir, free, want)}
	}
	if bytes > 0 {
		d.granted = append(d.granted, granted{int64(bytes), done})
	}
	return nil
}

// outstanding is what was granted and is not on the disk yet. Called with mu held.
func (d *disk) outstanding() (bytes int64) {
	d.granted = slices.DeleteFunc(d.granted, func(g granted) bool { return g.done() })
	for _, g := range d.granted {
		bytes += g.bytes
	}
	return bytes
}
