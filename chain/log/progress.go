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
	At     time.Time // when it said so, by its clock, to the second
}

const progressFormat = "block=%d at=%s"

// Text is what Kafka keeps beside the offset.
func (p Progress) Text() string {
	return fmt.Sprintf(progressFormat, p.Block, p.At.UTC().Format(time.RFC3339))
}

// ParseProgress reads an offset that a group has committed and the text beside it.
func ParseProgress(member string, next Offset, text string) (Progress, error) {
	p := Progress{Member: member, Next: next}
	var at string
	if _, err := fmt.Sscanf(text, progressFormat, &p.Block, &at); err != nil {
		return p, fmt.Errorf("group %s has committed offset %d with the text %q, which no orderer writes", member, next, text)
	}
	t, err := time.Parse(time.RFC3339, at)
	p.At = t
	return p, err
}
