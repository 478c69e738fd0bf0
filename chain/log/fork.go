package log

import (
	"fmt"
	"regexp"
	"strconv"
)

// Fork is a pair of orderers with different blocks of the same number, according to what
// they, or someone else in their names, have published.
type Fork struct {
	Members [2]string // their consumer groups
	Block   uint64    // the oldest differing block that is known
	Hashes  [2]string // of each, as in [BlockHash]
}

func (f Fork) Error() string {
	return fmt.Sprintf("orderers %s and %s have different blocks %d: the hashes of their headers begin with %s and %s",
		f.Members[0], f.Members[1], f.Block, f.Hashes[0], f.Hashes[1])
}

// Comparison is the result of comparing an orderer's ledger with what others published.
type Comparison struct {
	Published int    // other members whose groups this orderer may see
	Compared  int    // those of them that published a block that the ledger has too
	Forks     []Fork // with those that have different blocks
	Alone     bool   // the channel config names no other orderer
}

// ForkOf compares what two members published and returns the oldest block that differs.
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

// Named reports whether member can be the name of an orderer's group, of a rule set, or a
// digest. Anyone may commit for another group, or other text, with arbitrary characters.
func Named(member string) bool { return named.MatchString(member) }

// Shown returns a member's name in a form that is safe for terminals and logs: quoted
// unless it is [Named].
func Shown(member string) string {
	if Named(member) {
		return member
	}
	return strconv.QuoteToASCII(member)
}
