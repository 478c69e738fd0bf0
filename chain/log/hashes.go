package log

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// BlockHash identifies a block by its number and hash: two orderers that have different
// hashes for one number have different blocks.
type BlockHash struct {
	Number uint64
	Hash   string // the first 16 bytes of the hash of its header, in lower-case hex
}

// hashBytes keeps what an orderer publishes below 1 KB for any likely number of blocks;
// Kafka accepts 4096 bytes (offset.metadata.max.bytes).
const hashBytes = 16

// maxHashes bounds how many hashes are parsed; [Checkpoints] returns fewer.
const maxHashes = 40

// NewBlockHash returns the BlockHash of a block whose header has the given hash.
func NewBlockHash(number uint64, header []byte) BlockHash {
	return BlockHash{number, hex.EncodeToString(header[:min(len(header), hashBytes)])}
}

// Checkpoints returns the numbers of the blocks whose hashes an orderer publishes, newest
// first: its last block, the one before it, block 0, and the two newest blocks whose
// numbers are multiples of 16, of 256, and of each further power of 16.
//
// So any two orderers publish a block that both have. If their last blocks are d apart,
// that block is less than 16*d older than the older of the two: with s the least power
// of 16 that is at least d, both publish the newest multiple of s that both have. Each
// header contains the hash of the previous block, so a fork affects every later block.
// It is therefore visible in what is published once it is older than that block, and at
// once to an orderer that is not behind and has all of these blocks in its ledger.
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

// parseHashes returns nil for a text that no orderer whose last block is last would write:
// anyone who may commit for the group can have written it.
func parseHashes(text string, last uint64) (all []BlockHash) {
	for item := range strings.SplitSeq(text, ",") {
		number, hash, _ := strings.Cut(item, ":")
		n, err := strconv.ParseUint(number, 10, 64)
		raw, hexErr := hex.DecodeString(hash)
		b := NewBlockHash(n, raw)
		switch {
		case err != nil, hexErr != nil, len(raw) != hashBytes, b.Hash != hash, len(all) == maxHashes,
			len(all) == 0 && n != last, len(all) > 0 && n >= all[len(all)-1].Number:
			return nil
		}
		all = append(all, b)
	}
	return all
}
