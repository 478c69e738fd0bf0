//go:build !linux

package fabricnet

import "errors"

// errDisk is returned where ledgers cannot have disks of their own.
var errDisk = errors.New("ledgers have disks of their own on Linux only")

func (n *Network) mountLedgers() error {
	if n.options.LedgerDisk == 0 {
		return nil
	}
	return errDisk
}

func unmountLedgers(string) error { return nil }

// FillLedger works on Linux only.
func (n *Network) FillLedger(string, uint64) error { return errDisk }

// FreeLedger works on Linux only.
func (n *Network) FreeLedger(string) error { return errDisk }
