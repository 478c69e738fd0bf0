package session

import (
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// Windows are compared until they cover enough offsets: that of a block of one record
// may be the same in another log, if that record was written again. Fewer offsets are enough
// if their records carry enoughBytes into blocks, in at least fewest windows.
const (
	enough      = 64
	enoughBytes = 16 << 20
	fewest      = 4
)

// windows returns what is known of the log, in its order: the windows of the last blocks,
// as many as are needed, and that of the records since.
func (d *Driver) windows() (known []machine.Window) {
	w, since := d.start.Metadata.Window(), machine.Window{}
	if d.machine != nil {
		w, since = d.machine.Windows()
	}
	if since.Known() {
		known = append(known, since)
	}
	next, carried := d.NextOffset(), 0
	for n := d.nextBlock() - 1; w.Known(); {
		known = append(known, w)
		_, size := d.ordered(n)
		carried += size
		if n--; n < 1 || next-w.FirstOffset >= enough || carried >= enoughBytes && len(known) >= fewest {
			break
		}
		w, _ = d.ordered(n)
	}
	slices.Reverse(known)
	return known
}

// ordered returns the window of a block, in the ledger or still to be written, and the size
// of its envelopes. The window is not known if the block carries none.
func (d *Driver) ordered(number machine.BlockNumber) (w machine.Window, size int) {
	for _, effect := range d.effects {
		one := []machine.Effect{effect}
		switch f := effect.(type) {
		case machine.WriteBlock:
			if f.Number == number {
				_, size = written(one)
				return f.Metadata.Window(), size
			}
		case machine.WriteConfigBlock:
			if f.Number == number {
				_, size = written(one)
				return f.Metadata.Window(), size
			}
		}
	}
	block := d.host.Block(number)
	if block == nil {
		return w, 0
	}
	m, err := Position(uint64(number)+1, block.Metadata)
	if err != nil {
		return w, sizeOf(*block)
	}
	return m.Window(), sizeOf(*block)
}

func (d *Driver) nextBlock() machine.BlockNumber {
	if d.machine == nil {
		return d.start.Next
	}
	return d.machine.State().Next
}

// lastBlockStart returns the first offset at which the last block can have a record.
func (d *Driver) lastBlockStart() log.Offset {
	if d.start.Next < 2 {
		return 0
	}
	before := d.host.Block(d.start.Next - 2)
	if before == nil {
		return 0
	}
	m, err := record.DecodeMetadata(before.Metadata)
	if err != nil || before.Number == 0 {
		return 0
	}
	return log.Offset(m.LastOffsetPersisted) + 1
}
