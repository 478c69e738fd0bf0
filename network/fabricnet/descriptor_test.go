package fabricnet

import (
	"slices"
	"testing"
)

func TestRunning(t *testing.T) {
	d := Descriptor{Orderers: []Orderer{{Name: "a"}, {Name: "b", PID: 1}, {Name: "c", PID: 2}}}
	if got := d.Running(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("%v run, want b and c: a has no pid", got)
	}
}
