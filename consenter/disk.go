package consenter

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/fabric-kafka/orderer/chain/status"
)

// disk is the disk of the ledgers. Fabric ends the orderer's process, with all channels,
// when a ledger cannot be written, so a block is written only if there is space for it.
// There must be space for the blocks that all channels are about to write: they count until
// they are on the disk. The reserve leaves space for what else Fabric writes: indexes, and
// the ledgers of channels of other types.
type disk struct {
	dir     string // if empty, there is no check
	reserve int64  // bytes

	free func(dir string) (int64, error) // bytes

	mu      sync.Mutex
	granted []granted
}

// granted is a number of bytes that count as used until done returns true.
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

// room returns nil if writing that many bytes, in addition to those granted to others, would
// leave the reserve free. It then grants them until done returns true. With bytes 0 it
// checks the reserve alone.
func (d *disk) room(bytes int, done func() bool) error {
	if d.dir == "" || d.reserve == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// In this order, so that a block committed in between counts twice rather than not at all.
	others := d.outstanding()
	if bytes == 0 {
		others = 0
	}
	free, err := d.free(d.dir)
	if err != nil {
		return status.Fault{Cause: status.CauseDisk, Err: fmt.Errorf("waiting for the ledger disk, %s: %w", d.dir, err)}
	}
	if want := d.reserve + others + int64(bytes); free < want {
		return status.Fault{Cause: status.CauseDisk, Err: fmt.Errorf("waiting for free space on the ledger disk, %s: %d bytes are free, %d are needed for Consensus.Kafka.DiskReserve "+
			"and the next blocks of all channels", d.dir, free, want)}
	}
	if bytes > 0 {
		d.granted = append(d.granted, granted{int64(bytes), done})
	}
	return nil
}

// outstanding returns the bytes granted that are not on the disk yet. The caller must hold mu.
func (d *disk) outstanding() (bytes int64) {
	d.granted = slices.DeleteFunc(d.granted, func(g granted) bool { return g.done() })
	for _, g := range d.granted {
		bytes += g.bytes
	}
	return bytes
}
