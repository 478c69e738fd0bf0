package log

import (
	"fmt"
	"strings"
	"time"
)

// Progress is how much of the log an orderer has on its disk.
type Progress struct {
	Member string    // consumer group of the orderer
	Next   Offset    // the first record that it still needs
	Block  uint64    // its last block
	At     time.Time // when it was published, by the orderer's clock, to the second; zero: not by the orderer

	Rules     string // rule set that its last block was cut by; empty if not published
	ConfigSeq uint64 // of the config in force at the orderer, if Rules is set
	Config    string // digest of that config, without spaces

	Hashes []BlockHash // of Block and of older blocks, newest first; published only with Rules, may be empty
}

const (
	progressFormat = "block=%d at=%s"
	rulesFormat    = progressFormat + " rules=%s config=%d:%s"
	hashesBegin    = " hashes=" // after rulesFormat; readers that know only that format ignore it
)

// Text returns the metadata that Kafka stores with the offset.
func (p Progress) Text() string {
	at := p.At.UTC().Format(time.RFC3339)
	if p.Rules == "" {
		return fmt.Sprintf(progressFormat, p.Block, at)
	}
	text := fmt.Sprintf(rulesFormat, p.Block, at, p.Rules, p.ConfigSeq, p.Config)
	if len(p.Hashes) > 0 {
		text += hashesBegin + hashesText(p.Hashes)
	}
	return text
}

// ParseProgress parses an offset that a group has committed and the metadata stored with
// it. At is zero if no orderer wrote the metadata, as when someone reset the group's offset.
func ParseProgress(member string, next Offset, text string) Progress {
	p := Progress{Member: member, Next: next}
	var at string
	if _, err := fmt.Sscanf(text, rulesFormat, &p.Block, &at, &p.Rules, &p.ConfigSeq, &p.Config); err != nil || !Named(p.Rules) || !Named(p.Config) {
		p.Rules, p.ConfigSeq, p.Config = "", 0, ""
		if _, err := fmt.Sscanf(text, progressFormat, &p.Block, &at); err != nil {
			return p
		}
	}
	p.At, _ = time.Parse(time.RFC3339, at) // zero after an error
	if _, hashes, found := strings.Cut(text, hashesBegin); found && p.Rules != "" && !p.At.IsZero() {
		hashes, _, _ = strings.Cut(hashes, " ")
		p.Hashes = parseHashes(hashes, p.Block)
	}
	return p
}
