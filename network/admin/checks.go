package admin

import (
	"errors"
	"net"
	"os"
	"path/filepath"
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

// effective returns an error for a flag that has no effect: it is a mistake, or another one
// was forgotten.
func effective(given *pflag.FlagSet) error {
	for _, p := range pairs {
		if given.Changed(p.flag) && !given.Changed(p.needs) {
			return usagef("--%s has no effect without --%s: add that, or leave it out", p.flag, p.needs)
		}
	}
	return nil
}

// above returns an error unless the value of a duration flag is more than none.
func above(flag string, d time.Duration) error {
	if d <= 0 {
		return usagef("--%s %s: want more than none", flag, d)
	}
	return nil
}

// notNegative returns an error if the value of a flag is negative.
func notNegative(flag string, n int64) error {
	if n < 0 {
		return usagef("--%s %d: want 0 or more", flag, n)
	}
	return nil
}

// address returns an error unless a text is HOST:PORT.
func address(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || port == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return errors.New("want HOST:PORT without blanks")
	}
	return nil
}

// brokerAddresses returns an error for the first of --brokers that is none.
func brokerAddresses(all []string) error {
	for _, b := range all {
		if err := address(b); err != nil {
			return usagef("--brokers: %q: %w", b, err)
		}
	}
	return nil
}

// replaceFile writes a file that is either the old or the whole new one. What is no regular
// file, such as a device or a pipe, is written to.
func replaceFile(file string, text []byte) error {
	if at, err := os.Stat(file); err == nil && !at.Mode().IsRegular() {
		return os.WriteFile(file, text, 0o644)
	}
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to // the link stays
	}
	partial := file + ".partial"
	err := os.WriteFile(partial, text, 0o644)
	if err == nil {
		err = os.Rename(partial, file)
	}
	if err != nil {
		_ = os.Remove(partial) // it may not exist
	}
	return err
}
