package offline_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/ledger/blockledger"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
)

// systemBlock returns the genesis block of a system channel.
func systemBlock(t *testing.T) *cb.Block {
	t.Helper()
	b := admintest.SoloBlock()
	e, err := protoutil.ExtractEnvelope(b, 0)
	checktest.Must(t, err)
	p, err := protoutil.UnmarshalPayload(e.Payload)
	checktest.Must(t, err)
	config, err := protoutil.UnmarshalConfigEnvelope(p.Data)
	checktest.Must(t, err)
	config.Config.ChannelGroup.Groups[channelconfig.ConsortiumsGroupKey] = protoutil.NewConfigGroup()
	p.Data = protoutil.MarshalOrPanic(config)
	e.Payload = protoutil.MarshalOrPanic(p)
	b.Data.Data[0] = protoutil.MarshalOrPanic(e)
	b.Header.DataHash = protoutil.BlockDataHash(b.Data)
	return b
}

func openLedgers(t *testing.T, dir string) blockledger.Factory {
	t.Helper()
	f, err := fileledger.New(dir, &disabled.Provider{})
	checktest.Must(t, err)
	return f
}

// ledgersOf makes the ledgers of an orderer: two blocks per channel.
func ledgersOf(t *testing.T, channels map[string]*cb.Block) string {
	t.Helper()
	dir := t.TempDir()
	f := openLedgers(t, dir)
	defer f.Close()
	for channel, genesis := range channels {
		l, err := f.GetOrCreate(channel)
		checktest.Must(t, err)
		checktest.Must(t, l.Append(genesis))
		next := protoutil.NewBlock(1, protoutil.BlockHeaderHash(genesis.Header))
		next.Data.Data = [][]byte{[]byte(channel)}
		next.Header.DataHash = protoutil.BlockDataHash(next.Data)
		checktest.Must(t, l.Append(next))
	}
	return dir
}

// heights returns what is left in a folder of ledgers, by channel.
func heights(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	f := openLedgers(t, dir)
	defer f.Close()
	all := map[string]uint64{}
	for _, c := range f.ChannelIDs() {
		l, err := f.GetOrCreate(c)
		checktest.Must(t, err)
		all[c] = l.Height()
	}
	return all
}

func TestRemoveSystemChannel(t *testing.T) {
	dir := ledgersOf(t, map[string]*cb.Block{"testchainid": systemBlock(t), "mychannel": admintest.SoloBlock(), "other": admintest.SoloBlock()})
	files, err := os.ReadFile(filepath.Join(dir, "chains", "testchainid", "blockfile_000000"))
	checktest.Must(t, err)

	code, out, complaint := admintest.Run(t, "remove-system-channel", "--ledger", dir, "--json")
	if code != command.ExitFine {
		t.Fatalf("exit %d: %s", code, complaint)
	}
	var report struct {
		Removed, Copy string
		Channels      []string
	}
	checktest.Must(t, json.Unmarshal([]byte(out), &report))
	if report.Removed != "testchainid" || !slices.Equal(report.Channels, []string{"mychannel", "other"}) {
		t.Errorf("reported %s", out)
	}
	if got := heights(t, dir); len(got) != 2 || got["mychannel"] != 2 || got["other"] != 2 {
		t.Errorf("left %v, want two blocks of each application channel", got)
	}
	kept, err := os.ReadFile(filepath.Join(report.Copy, "blockfile_000000"))
	checktest.Must(t, err)
	if !bytes.Equal(kept, files) {
		t.Error("the copy differs from the block file")
	}

	code, out, _ = admintest.Run(t, "remove-system-channel", "--ledger", dir)
	if code != command.ExitFine || !strings.Contains(out, "there is no system channel") {
		t.Errorf("again: exit %d, %s", code, out)
	}
}

// The copy of block files is enough to bring the channel back.
func TestRemovedSystemChannelCanBeRestored(t *testing.T) {
	dir := ledgersOf(t, map[string]*cb.Block{"testchainid": systemBlock(t), "mychannel": admintest.SoloBlock()})
	keep := filepath.Join(t.TempDir(), "kept")
	if code, _, complaint := admintest.Run(t, "remove-system-channel", "testchainid", "--ledger", dir, "--keep", keep); code != command.ExitFine {
		t.Fatal(complaint)
	}
	checktest.Must(t, os.Rename(filepath.Join(keep, "testchainid"), filepath.Join(dir, "chains", "testchainid")))
	if got := heights(t, dir); got["testchainid"] != 2 || got["mychannel"] != 2 {
		t.Errorf("restored %v", got)
	}
}

// A run that was killed after it had copied the files is completed by the next.
func TestRemoveSystemChannelAfterAnInterruption(t *testing.T) {
	dir := ledgersOf(t, map[string]*cb.Block{"testchainid": systemBlock(t), "mychannel": admintest.SoloBlock()})
	to := filepath.Join(dir, "removed-system-channel", "testchainid")
	checktest.Must(t, os.MkdirAll(to, 0o755))
	checktest.Must(t, os.CopyFS(to, os.DirFS(filepath.Join(dir, "chains", "testchainid"))))
	checktest.Must(t, os.WriteFile(filepath.Join(dir, "pendingops", "remove", "testchainid.remove"), nil, 0o600)) // Fabric's mark
	if code, out, complaint := admintest.Run(t, "remove-system-channel", "--ledger", dir); code != command.ExitFine {
		t.Fatal(out, complaint)
	}
	if got := heights(t, dir); len(got) != 1 || got["mychannel"] != 2 {
		t.Errorf("left %v", got)
	}
}

func TestRemoveSystemChannelRefuses(t *testing.T) {
	both := func() string {
		return ledgersOf(t, map[string]*cb.Block{"testchainid": systemBlock(t), "mychannel": admintest.SoloBlock()})
	}
	running := both()
	defer openLedgers(t, running).Close()
	joining := both()
	checktest.Must(t, os.MkdirAll(filepath.Join(joining, "pendingops", "join"), 0o755))
	checktest.Must(t, os.WriteFile(filepath.Join(joining, "pendingops", "join", "new.join"), []byte("block"), 0o600))
	kept := both()
	checktest.Must(t, os.MkdirAll(filepath.Join(kept, "removed-system-channel", "testchainid"), 0o755))
	checktest.Must(t, os.WriteFile(filepath.Join(kept, "removed-system-channel", "testchainid", "blockfile_000000"), []byte("another"), 0o600))
	damaged := both()
	checktest.Must(t, os.WriteFile(filepath.Join(damaged, "index", "CURRENT"), []byte("no manifest"), 0o600))

	for name, test := range map[string]struct {
		dir  string
		args []string
		code int
		says string
	}{
		"a running orderer":      {running, nil, command.ExitRefused, "stop the orderer first"},
		"an application channel": {both(), []string{"mychannel"}, command.ExitRefused, "is an application channel"},
		"an unknown channel":     {both(), []string{"yours"}, command.ExitRefused, "there is no channel yours"},
		"another folder":         {t.TempDir(), nil, command.ExitUsage, "not FileLedger.Location"},
		"no folder":              {filepath.Join(t.TempDir(), "none"), nil, command.ExitUsage, "not FileLedger.Location"},
		"a join in progress":     {joining, nil, command.ExitRefused, "new.join"},
		"another copy":           {kept, nil, command.ExitRefused, "name another folder with --keep"},
		"a damaged index":        {damaged, nil, command.ExitRefused, "open the ledgers"},
		"two system channels": {ledgersOf(t, map[string]*cb.Block{"one": systemBlock(t), "two": systemBlock(t)}), nil,
			command.ExitRefused, "one and two are system channels"},
	} {
		t.Run(name, func(t *testing.T) {
			before := tree(t, test.dir)
			code, out, complaint := admintest.Run(t, append([]string{"remove-system-channel", "--ledger", test.dir}, test.args...)...)
			if code != test.code || !strings.Contains(complaint, test.says) {
				t.Errorf("exit %d, want %d; %s%s, want %q", code, test.code, out, complaint, test.says)
			}
			if after := tree(t, test.dir); !slices.Equal(before, after) {
				t.Errorf("the block files were %q, are %q", before, after)
			}
		})
	}
}

// tree returns the names of the block files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "chains", "*", "*"))
	checktest.Must(t, err)
	return all
}
