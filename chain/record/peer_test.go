package record

import (
	"regexp"
	"strings"
	"testing"
)

// The names are what these expressions match.
var (
	chaincodeNames  = regexp.MustCompile(`^[a-zA-Z0-9-][a-zA-Z0-9_-]*$`)
	collectionNames = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
)

func sameNames(t *testing.T, name string) {
	t.Helper()
	if got, want := isCollection([]byte(name)), collectionNames.MatchString(name); got != want {
		t.Errorf("%q can name a collection: %v, want %v", name, got, want)
	}
	want := len(name) <= maxName && (name == lifecycle || chaincodeNames.MatchString(name))
	if got := isChaincode([]byte(name)); got != want {
		t.Errorf("%q can name a chaincode: %v, want %v", name, got, want)
	}
}

func TestNames(t *testing.T) {
	for a := range 256 {
		sameNames(t, string([]byte{byte(a)}))
		for b := range 256 {
			sameNames(t, string([]byte{byte(a), byte(b)}))
		}
	}
	for _, name := range []string{"", lifecycle, lifecycle + "_", "a_b-C9", "\u00e9", "name\n", strings.Repeat("a", maxName), strings.Repeat("a", maxName+1)} {
		sameNames(t, name)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("my_cc-1")
	f.Fuzz(sameNames)
}
