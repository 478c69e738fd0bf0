package consenter

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// defaultReserve leaves room for what Fabric writes beside the blocks: indexes,
// and the ledgers of channels of other types.
const defaultReserve = 64 << 20

// disk is where the ledgers are. Fabric ends the orderer's process when a ledger
// cannot be written, with all of its channels, so nothing is written before.
type disk struct {
	dir     string // empty: it is not looked at
	reserve int64  // bytes
}

// room returns nil if the reserve is still free when so many bytes more are written.
func (d disk) room(bytes int) error {
	if d.dir == "" || d.reserve == 0 {
		return nil
	}
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		return fmt.Errorf("awaiting the disk of the ledgers, %s: %w", d.dir, err)
	}
	free, want := int64(s.Bavail)*int64(s.Bsize), d.reserve+int64(bytes)
	if free < want {
		return fmt.Errorf("awaiting room on the disk of the ledgers, %s: %d bytes are free, %d are needed, by Consensus.Kafka.DiskReserve "+
			"and the next block; make room, the channel then goes on by itself", d.dir, free, want)
	}
	return nil
}
