package fabricnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Each orderer's ledger may have a small in-memory disk of its own, so that it can be
// filled without filling the machine's disk.

func (n *Network) ledgerDir(i int) string { return n.path(n.describeOrderer(i).Dir, "ledger") }

// mountLedgers mounts the disks of all ledgers, which needs root.
func (n *Network) mountLedgers() error {
	if n.options.LedgerDisk == 0 {
		return nil
	}
	for i := range n.options.Orderers {
		dir := n.ledgerDir(i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", n.options.LedgerDisk)); err != nil {
			return fmt.Errorf("mount a disk of %d MB at %s: %w; it needs root", n.options.LedgerDisk, dir, err)
		}
	}
	return nil
}

// unmountLedgers unmounts all disks of ledgers below a network's folder, independent of its state.
func unmountLedgers(dir string) error {
	ledgers, err := filepath.Glob(filepath.Join(dir, "data", "*", "ledger"))
	faults := []error{err}
	for _, ledger := range ledgers {
		if is, err := mounted(ledger); err != nil || !is {
			faults = append(faults, err)
			continue
		}
		if err := unix.Unmount(ledger, 0); err != nil {
			faults = append(faults, fmt.Errorf("unmount %s: %w", ledger, err))
		}
	}
	return errors.Join(faults...)
}

// mounted reports whether a folder is on a different disk than its parent.
func mounted(dir string) (bool, error) {
	var inner, outer unix.Stat_t
	err := errors.Join(unix.Lstat(dir, &inner), unix.Lstat(filepath.Dir(dir), &outer))
	return inner.Dev != outer.Dev, err
}

// FillLedger fills the disk of an orderer's ledger except for leave bytes, until
// [Network.FreeLedger] frees it.
func (n *Network) FillLedger(orderer string, leave uint64) error {
	if n.options.LedgerDisk == 0 {
		return errors.New("the orderers' ledgers have no disks of their own to fill: use go run ./network up --ledger-disk 256")
	}
	dir := n.ledgerDir(numberOf(orderer) - 1)
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return err
	}
	free := s.Bavail * uint64(s.Bsize)
	if free <= leave {
		return fmt.Errorf("%s has only %d bytes free: want more than %d", dir, free, leave)
	}
	f, err := os.Create(ballast(dir))
	if err != nil {
		return err
	}
	return errors.Join(unix.Fallocate(int(f.Fd()), 0, 0, int64(free-leave)), f.Close())
}

// FreeLedger undoes [Network.FillLedger].
func (n *Network) FreeLedger(orderer string) error {
	return os.Remove(ballast(n.ledgerDir(numberOf(orderer) - 1)))
}

func ballast(dir string) string { return filepath.Join(dir, "ballast") }
