package consenter

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoomOnTheLedgersDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, disk{dir: dir, reserve: 1}.room(1))
	require.NoError(t, disk{dir: dir, reserve: 0}.room(math.MaxInt), "0: it is not looked at")
	require.NoError(t, disk{reserve: math.MaxInt64}.room(0), "no folder: it is not looked at")

	err := disk{dir: dir, reserve: 1 << 60}.room(7)
	require.ErrorContains(t, err, "awaiting room on the disk of the ledgers, "+dir)
	require.ErrorContains(t, err, "1152921504606846983 are needed, by Consensus.Kafka.DiskReserve and the next block")

	gone := filepath.Join(dir, "gone")
	require.ErrorContains(t, disk{dir: gone, reserve: 1}.room(0), "awaiting the disk of the ledgers, "+gone+": no such file or directory")
}
