package consenter

import (
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoomOnTheLedgersDisk(t *testing.T) {
	dir := t.TempDir()
	written := func() bool { return true }
	require.NoError(t, newDisk(dir, 1).room(1, written))
	require.NoError(t, newDisk(dir, 0).room(math.MaxInt, written), "0: it is not looked at")
	require.NoError(t, newDisk("", math.MaxInt64).room(0, nil), "no folder: it is not looked at")

	err := newDisk(dir, 1<<60).room(7, written)
	require.ErrorContains(t, err, "waiting for free space on the ledger disk, "+dir)
	require.ErrorContains(t, err, "1152921504606846983 are needed, by Consensus.Kafka.DiskReserve and the next blocks of all channels")

	gone := filepath.Join(dir, "gone")
	require.ErrorContains(t, newDisk(gone, 1).room(0, nil), "waiting for the ledger disk, "+gone+": no such file or directory")
}

// Channels that ask at the same time are not granted the same space: bytes that were granted
// count until they are written.
func TestRoomIsGrantedOnce(t *testing.T) {
	const channels, block, reserve, free = 40, 100, 1000, 1000 + 5*100
	d := newDisk("ledgers", reserve)
	var used atomic.Int64
	d.free = func(string) (int64, error) { return free - used.Load(), nil }
	var through atomic.Int64
	var written atomic.Bool
	var asking sync.WaitGroup
	for range channels {
		asking.Go(func() {
			if d.room(block, written.Load) == nil {
				through.Add(1)
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, 5, through.Load(), "blocks were let through")
	require.Error(t, d.room(1, written.Load))
	require.NoError(t, d.room(0, nil), "a channel that writes nothing takes nothing from the reserve")

	used.Store(5 * block)
	require.NoError(t, d.room(0, nil), "the reserve is free")
	written.Store(true)
	require.Error(t, d.room(1, written.Load))
	require.Empty(t, d.granted)
	used.Add(1)
	require.Error(t, d.room(0, nil), "the reserve is not free")
}
