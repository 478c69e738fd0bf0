package bench

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// All threads of this process are pinned, and run where they did before once that is over.
func TestPinSelf(t *testing.T) {
	var before, during, after unix.CPUSet
	checktest.Must(t, unix.SchedGetaffinity(0, &before))
	first := 0
	for !before.IsSet(first) {
		first++
	}
	restore, err := pinSelf(Cores{first})
	checktest.Must(t, err)
	checktest.Must(t, unix.SchedGetaffinity(0, &during))
	checktest.Must(t, restore())
	checktest.Must(t, unix.SchedGetaffinity(0, &after))
	if during.Count() != 1 || !during.IsSet(first) {
		t.Errorf("pinned to %d cores, want core %d alone", during.Count(), first)
	}
	if after != before {
		t.Errorf("the thread runs on %d cores afterwards, want %d", after.Count(), before.Count())
	}
	if selfCPU() <= 0 {
		t.Error("this process has used no processor time")
	}
}
