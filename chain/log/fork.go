package log

import (
	"fmt"
	"regexp"
	"strconv"
)

// Fork is two orderers that have different blocks of one number, by their own word or
// by what somebody else has committed in their names.
type Fork struct {
	Members [2]string // their consumer groups
	Block   uint64    // the oldest such block that is known
	Hashes  [2]string // of each, as in BlockHash
}

func (f Fork) Error() string {
	return fmt.Sprintf("orderers %s and %s have different blocks %d: the hashes of their headers begin with %s and %s",
		f.Members[0], f.Members[1], f.Block, f.Hashes[0], f.Hashes[1])
}

// Comparison is what came of comparing an orderer's ledger with what others published.
type Comparison struct {
	Published int    // other members whose groups this orderer may see, whatever they published
	Compared  int    // of them, those with blocks that the ledger has, too
	Forks     []Fork // with those that have other blocks
	Alone     bool   // the channel config names no other orderer
}

// ForkOf compares what two members published. Of the blocks that differ it returns the oldest.
func ForkOf(a, b Progress) (fork Fork, forked bool) {
	for _, x := range a.Hashes {
		for _, y := range b.Hashes {
			if x.Number == y.Number && x.Hash != y.Hash {
				fork, forked = Fork{[2]string{a.Member, b.Member}, x.Number, [2]string{x.Hash, y.Hash}}, true
			}
		}
	}
	return fork, forked
}

// Comparable returns the newest block whose hash both members published.
func Comparable(a, b Progress) (block uint64, ok bool) {
	for _, x := range a.Hashes {
		for _, y := range b.Hashes {
			if x.Number == y.Number {
				return x.Number, true
			}
		}
	}
	return 0, false
}

var named = regexp.MustCompile(`^[A-Za-z0-9._-]{1,1000}$`)

// Named reports whether this can be the name of an orderer's group, of rules, or a digest.
// Anybody may commit for another group, or other text, with any character in it.
func Named(member string) bool { return named.MatchString(member) }

// Shown is a member's name as a terminal and a log can bear it: quoted unless it is Named.
func Shown(member string) string {
	if Named(member) {
		return member
	}
	return strconv.QuoteToASCII(member)
}
