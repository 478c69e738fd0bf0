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

	Rules     string // rule set that its last block was cut by; empty if it was not published
	ConfigSeq uint64 // of the config in force at the orderer, if Rules is there
	Config    string // digest of that config, without blanks
}

const (
	progressFormat = "block=%d at=%s"
	rulesFormat    = progressFormat + " rules=%s config=%d:%s"
)

// Text is what Kafka keeps beside the offset.
func (p Progress) Text() string {
	at := p.At.UTC().Format(time.RFC3339)
	if p.Rules == "" {
		return fmt.Sprintf(progressFormat, p.Block, at)
	}
	return fmt.Sprintf(rulesFormat, p.Block, at, p.Rules, p.ConfigSeq, p.Config)
}

// ParseProgress reads an offset that a group has committed and the text beside it.
// At is zero if no orderer wrote that: somebody reset the group's offset.
func ParseProgress(member string, next Offset, text string) Progress {
	p := Progress{Member: member, Next: next}
	var at string
	if _, err := fmt.Sscanf(text, rulesFormat, &p.Block, &at, &p.Rules, &p.ConfigSeq, &p.Config); err != nil {
		p.Rules, p.ConfigSeq, p.Config = "", 0, ""
		if _, err := fmt.Sscanf(text, progressFormat, &p.Block, &at); err != nil {
			return p
		}
	}
	p.At, _ = time.Parse(time.RFC3339, at) // zero after an error
	return p
}
