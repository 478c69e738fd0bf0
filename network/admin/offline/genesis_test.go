package offline_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// A block that exists is replaced as a whole or not at all, and nothing is left next to it.
func TestGenesisReplacesTheWholeFile(t *testing.T) {
	dir := t.TempDir()
	solo, out := filepath.Join(dir, "solo.block"), filepath.Join(dir, "out", "kafka.block")
	checktest.Must(t, os.WriteFile(solo, protoutil.MarshalOrPanic(admintest.SoloBlock()), 0o600))
	checktest.Must(t, os.Mkdir(filepath.Dir(out), 0o700))
	checktest.Must(t, os.WriteFile(out, []byte("before"), 0o600))
	open, err := os.Open(out)
	checktest.Must(t, err)
	defer open.Close()
	args := []string{"genesis", "--from", solo, "--brokers", "a:9092", "--out"}
	admintest.Runs(t, command.ExitFine, nil, append(args, out)...)
	if was, err := io.ReadAll(open); err != nil || string(was) != "before" {
		t.Errorf("the file was changed in place: %q, %v", was, err)
	}
	folder := filepath.Join(dir, "out", "folder")
	checktest.Must(t, os.Mkdir(folder, 0o700))
	admintest.Runs(t, command.ExitUsage, []string{folder}, append(args, folder)...)
	link := filepath.Join(dir, "link")
	checktest.Must(t, os.Symlink(out, link))
	admintest.Runs(t, command.ExitFine, nil, append(args, link)...)
	if to, err := os.Readlink(link); err != nil || to != out {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	admintest.Runs(t, command.ExitFine, nil, append(args, os.DevNull)...)
	if at, err := os.Stat(os.DevNull); err != nil || at.Mode().IsRegular() {
		t.Errorf("the device was replaced: %v, %v", at, err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	checktest.Must(t, err)
	if len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}
