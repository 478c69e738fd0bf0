package log

import (
	"fmt"
	"time"
)

// Progress is how far an orderer has what it read on its disk.
type Progress struct {
	Member string    // consumer group of the orderer
	Next   Offset    // the first record that it still needs
	Block  uint64    // its last block
	At     time.Time // when it said so, by its clock, to the second; zero: it did not, somebody else has
}

const progressFormat = "block=%d at=%s"

// Text is what Kafka keeps beside the offset.
func (p Progress) Text() string {
	return fmt.Sprintf(progressFormat, p.Block, p.At.UTC().Format(time.RFC3339))
}

// ParseProgress reads an offset that a group has committed and the text beside it.
// At is zero if no orderer wrote that: somebody reset the group's offset.
func ParseProgress(member string, next Offset, text string) Progress {
	p := Progress{Member: member, Next: next}
	var at string
	if _, err := fmt.Sscanf(text, progressFormat, &p.Block, &at); err == nil {
		p.At, _ = time.Parse(time.RFC3339, at) // zero after an error
	}
	return p
}
