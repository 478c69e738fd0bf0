package consenter

import (
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func TestRoomOnTheLedgersDisk(t *testing.T) {
	dir := t.TempDir()
	written := func() bool { return true }
	checktest.Must(t, newDisk(dir, 1).room(1, written))
	if err := newDisk(dir, 0).room(math.MaxInt, written); err != nil {
		t.Fatalf("no reserve, but free space is checked: %v", err)
	}
	if err := newDisk("", math.MaxInt64).room(0, nil); err != nil {
		t.Fatalf("no folder, but free space is checked: %v", err)
	}

	err := newDisk(dir, 1<<60).room(7, written)
	checktest.Fails(t, err, "waiting for free space on the ledger disk, "+dir)
	checktest.Fails(t, err, "1152921504606846983 are needed for Consensus.Kafka.DiskReserve and the next blocks of all channels")

	gone := filepath.Join(dir, "gone")
	checktest.Fails(t, newDisk(gone, 1).room(0, nil), "waiting for the ledger disk, "+gone+": no such file or directory")
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
	if got := through.Load(); got != 5 {
		t.Fatalf("blocks that were granted space: got %v, want 5", got)
	}
	if err := d.room(1, written.Load); err == nil {
		t.Fatal("got no error")
	}
	if err := d.room(0, nil); err != nil {
		t.Fatalf("a channel that writes nothing uses the reserve: %v", err)
	}

	used.Store(5 * block)
	if err := d.room(0, nil); err != nil {
		t.Fatalf("the reserve is free: %v", err)
	}
	written.Store(true)
	if err := d.room(1, written.Load); err == nil {
		t.Fatal("got no error")
	}
	if len(d.granted) != 0 {
		t.Fatalf("got %v, want nothing", d.granted)
	}
	used.Add(1)
	if err := d.room(0, nil); err == nil {
		t.Fatal("the reserve is not free: got no error")
	}
}
