package prune

import (
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Witness is an orderer whose blocks were read to verify what was published.
type Witness struct {
	Address string           // HOST:PORT
	Height  uint64           // number of its blocks, read after the published progress
	Blocks  map[uint64]Block // its blocks with published numbers
}

// Block is a block of a witness.
type Block struct {
	Hash log.BlockHash
	Next log.Offset // the first record that an orderer with this last block still needs
}

// unproved returns why the witnesses do not confirm what the orderer has published. Without
// witnesses nothing is checked.
func (o Options) unproved(p log.Progress, c Channel) (faults []error) {
	if len(o.Witnesses) == 0 {
		return nil
	}
	in := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	name, seen := o.name(p), false
	for _, w := range o.Witnesses {
		if o.runs(p, c, w) && p.Block >= w.Height {
			in("orderer %s has published block %d, and has %d blocks at %s: another client has committed for its group, or it was restored from a backup; "+
				"wait until it publishes again (CheckInterval)", name, p.Block, w.Height, w.Address)
		}
		b, has := w.Blocks[p.Block]
		if !has {
			continue
		}
		seen = true
		if len(p.Hashes) > 0 && p.Hashes[0] != b.Hash {
			in("orderer %s has published the hash %s of block %d, and the orderer at %s has %s: compare their blocks with `osnkafka verify`",
				name, p.Hashes[0].Hash, p.Block, w.Address, b.Hash.Hash)
		}
		if p.Next != b.Next {
			in("orderer %s has published offset %d with block %d, and that block at %s leads to offset %d: another client has committed for its group; "+
				"wait until it publishes again (CheckInterval)", name, p.Next, p.Block, w.Address, b.Next)
		}
	}
	if !seen {
		in("orderer %s has published block %d, which none of the orderers asked has: name more of them, --orderer HOST:PORT", name, p.Block)
	}
	return faults
}

// runs reports whether the witness is the orderer that has published, by the addresses in the
// channel's config.
func (o Options) runs(p log.Progress, c Channel, w Witness) bool {
	i := slices.IndexFunc(o.Orderers, func(known Orderer) bool { return known.Name == o.name(p) })
	if i < 0 {
		return false
	}
	org, ok := c.orgOf(o.Orderers[i].Name)
	return ok && c.serves(o.Orderers[i], org, w.Address)
}
