package bench

import (
	"slices"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func TestParseCores(t *testing.T) {
	for text, want := range map[string]Cores{"0": {0}, "3,1": {1, 3}, "0,2-4": {0, 2, 3, 4}, "1-2, 2": {1, 2}} {
		got, err := ParseCores(text)
		checktest.Must(t, err)
		if !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if got, want := (Cores{0, 2}).String(), "0,2"; got != want {
		t.Errorf("the cores are written %q, want %q", got, want)
	}
	for _, text := range []string{"", "x", "-1", "2-1", "1-", "0,,1", "0-99999"} {
		_, err := ParseCores(text)
		checktest.Fails(t, err, "write it like 0 or 0,2-3")
	}
}
