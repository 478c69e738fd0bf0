package log

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// BlockHash identifies the block of a number: two orderers with different ones have
// different blocks.
type BlockHash struct {
	Number uint64
	Hash   string // the first 16 bytes of its header's hash, in lower-case hex
}

// hashBytes keeps what an orderer publishes below 1 KB for any number of blocks that
// is likely; Kafka takes 4096 bytes (offset.metadata.max.bytes).
const hashBytes = 16

// mostHashes bounds what is read of somebody else's text. Checkpoints returns fewer.
const mostHashes = 40

// NewBlockHash returns the BlockHash of a block whose header has this hash.
func NewBlockHash(number uint64, header []byte) BlockHash {
	return BlockHash{number, hex.EncodeToString(header[:min(len(header), hashBytes)])}
}

// Checkpoints returns the numbers of the blocks whose hashes an orderer publishes, newest
// first: of its last block, of the one before, of block 0, and of the two newest whose
// numbers are multiples of 16, of 256, and of each further power of 16.
//
// So any two orderers publish a block that both have. If their last blocks are d apart,
// it is less than 16*d older than the older one of these: with s the least power of 16
// that is not below d, both publish the newest multiple of s that both have. Headers
// contain the hash of the block before, so a fork is in each block after it: it is seen
// by what is published alone once it is older than that, and at once by an orderer that
// is not behind, which has all of these blocks in its ledger.
func Checkpoints(last uint64) []uint64 {
	numbers := []uint64{0, last}
	for step := uint64(1); step != 0 && last >= step; step *= 16 {
		newest := last - last%step
		numbers = append(numbers, newest, newest-step)
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	return slices.Compact(numbers)
}

func hashesText(all []BlockHash) string {
	items := make([]string, len(all))
	for i, b := range all {
		items[i] = fmt.Sprintf("%d:%s", b.Number, b.Hash)
	}
	return strings.Join(items, ",")
}

// parseHashes returns nil for what no orderer writes whose last block is last: anybody
// who may commit for the group can have written it.
func parseHashes(text string, last uint64) (all []BlockHash) {
	for item := range strings.SplitSeq(text, ",") {
		number, hash, _ := strings.Cut(item, ":")
		n, err := strconv.ParseUint(number, 10, 64)
		raw, hexErr := hex.DecodeString(hash)
		b := NewBlockHash(n, raw)
		switch {
		case err != nil, hexErr != nil, len(raw) != hashBytes, b.Hash != hash, len(all) == mostHashes,
			len(all) == 0 && n != last, len(all) > 0 && n >= all[len(all)-1].Number:
			return nil
		}
		all = append(all, b)
	}
	return all
}
