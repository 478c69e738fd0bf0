package command

import (
	"errors"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"
)

// pair is two flags, of which one has no effect without the other.
type pair struct{ flag, needs string }

// pairs are in the order in which they are checked.
var pairs = []pair{
	{"cafile", "orderer"}, {"client-cert", "orderer"}, {"client-key", "orderer"}, {"ordererTLSHostnameOverride", "orderer"},
	{"mspdir", "orderer"}, {"mspid", "orderer"},
	{"client-cert", "cafile"}, {"client-key", "cafile"}, {"ordererTLSHostnameOverride", "cafile"},
}

// checkPairs returns an error for a flag that has no effect: it is a mistake, or another one
// was forgotten.
func checkPairs(given *pflag.FlagSet) error {
	for _, p := range pairs {
		if given.Changed(p.flag) && !given.Changed(p.needs) {
			return Usagef("--%s has no effect without --%s: add that, or leave it out", p.flag, p.needs)
		}
	}
	return nil
}

// Positive returns an error unless the value of a duration flag is more than 0.
func Positive(flag string, d time.Duration) error {
	if d <= 0 {
		return Usagef("--%s %s: want more than 0", flag, d)
	}
	return nil
}

// NotNegative returns an error if the value of a flag is negative.
func NotNegative(flag string, n int64) error {
	if n < 0 {
		return Usagef("--%s %d: want 0 or more", flag, n)
	}
	return nil
}

// address returns an error unless a text is HOST:PORT.
func address(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || port == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return errors.New("want HOST:PORT without spaces")
	}
	return nil
}

// CheckBrokers returns an error for the first of --brokers that is not HOST:PORT.
func CheckBrokers(all []string) error {
	for _, b := range all {
		if err := address(b); err != nil {
			return Usagef("--brokers: %q: %w", b, err)
		}
	}
	return nil
}
