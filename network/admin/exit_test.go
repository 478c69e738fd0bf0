package admin_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/plugin"
)

// nowhere is an address at which nobody listens.
const nowhere = "127.0.0.1:1"

// exitCase is a command line, and what it leads to.
type exitCase struct {
	code int
	says string
	args []string
}

// exitFiles is what command lines name, without a cluster.
type exitFiles struct {
	dir, solo, config, msp string
	o                      *orderertest.Orderer
	again                  string // another address of it, which the command cannot know
}

func newExitFiles(t *testing.T) *exitFiles {
	t.Helper()
	x := &exitFiles{dir: t.TempDir(), msp: orderertest.MSPDir(t), o: orderertest.StartGuarded(t, "mine", orderertest.NewLedger([]byte("genesis")))}
	x.solo = x.file(t, "solo.block", string(protoutil.MarshalOrPanic(admintest.SoloBlock())))
	x.config = x.file(t, "config.block", string(protoutil.MarshalOrPanic(admintest.ConfigBlock("mine", []string{nowhere}, "a"))))
	x.again = strings.Replace(x.o.Address, "127.0.0.1", "[::ffff:127.0.0.1]", 1)
	return x
}

func (x *exitFiles) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(x.dir, name)
	checktest.Must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// as adds the flags of a member that reads an orderer.
func (x *exitFiles) as(mspid, address string, args ...string) []string {
	return append(args, "--orderer", address, "--cafile", x.o.CA, "--client-cert", x.o.ClientCert, "--client-key", x.o.ClientKey, "--mspdir", x.msp, "--mspid", mspid)
}

// What can be wrong, and what is fine, without a cluster.
func TestExitCodes(t *testing.T) {
	x := newExitFiles(t)
	for name, test := range map[string]exitCase{
		"nothing":              {admin.ExitFine, "Available Commands", nil},
		"help":                 {admin.ExitFine, "Examples:", []string{"prune", "--help"}},
		"version":              {admin.ExitFine, "osnkafka version " + plugin.Version + ", commit development build, compiled with Fabric ", []string{"--version"}},
		"a block is rewritten": {admin.ExitFine, "of type kafka", []string{"genesis", "--from", x.solo, "--brokers", "a:9092", "--out", filepath.Join(x.dir, "out")}},
		"a block cannot be":    {admin.ExitRefused, "not a block", []string{"genesis", "--from", x.msp + "/keystore/priv_sk", "--brokers", "a:9092", "--out", filepath.Join(x.dir, "none")}},
		"help of a command":    {admin.ExitFine, "Examples:", []string{"help", "prune"}},
		"help of completion":   {admin.ExitFine, "bash", []string{"completion"}},
		"another channel":      {admin.ExitRefused, "or name orderers that have joined it", x.as("Org1MSP", x.o.Address, "verify", "yours", "--orderer", x.again)},
		"may not read":         {admin.ExitRefused, "use an identity that the channel's Readers policy accepts", x.as("Org2MSP", x.o.Address, "verify", "mine", "--orderer", x.again)},
		"orderer is away":      {admin.ExitUnreachable, "check that the orderer runs at this address", x.as("Org1MSP", nowhere, "verify", "mine", "--orderer", x.o.Address)},
		"brokers are away":     {admin.ExitUnreachable, "awaiting a connection to the brokers", []string{"preflight", "mine", "--brokers", nowhere}},
	} {
		t.Run(name, func(t *testing.T) { runs(t, test.code, []string{test.says}, test.args...) })
	}
}

// A command line that cannot be used says which part of it.
func TestUsageErrors(t *testing.T) {
	x := newExitFiles(t)
	for name, test := range map[string]exitCase{
		"no command":            {admin.ExitUsage, "unknown command", []string{"preflights"}},
		"no flag":               {admin.ExitUsage, "unknown flag", []string{"preflight", "mine", "--broker", nowhere}},
		"too many arguments":    {admin.ExitUsage, "accepts at most 1 arg", []string{"preflight", "mine", "yours"}},
		"a required flag":       {admin.ExitUsage, "required flag", []string{"genesis", "--from", x.solo}},
		"no brokers":            {admin.ExitUsage, "no broker is named: add --brokers", []string{"preflight", "mine"}},
		"no channel":            {admin.ExitUsage, "osnkafka progress CHANNEL", []string{"progress", "--brokers", nowhere}},
		"no orderer":            {admin.ExitUsage, "no orderer is named: add --orderer", []string{"repin", "mine", "--brokers", nowhere}},
		"no port":               {admin.ExitUsage, "want HOST:PORT", x.as("Org1MSP", "orderer1", "verify", "mine")},
		"no identity":           {admin.ExitUsage, "add --mspdir and --mspid", []string{"verify", "mine", "--orderer", nowhere}},
		"no MSP folder":         {admin.ExitUsage, "want one certificate in signcerts", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.dir, "--mspid", "x"}},
		"one orderer":           {admin.ExitUsage, "name at least two", x.as("Org1MSP", x.o.Address, "verify", "mine")},
		"one orderer twice":     {admin.ExitUsage, "is given twice", x.as("Org1MSP", x.o.Address, "verify", "mine", "--orderer", x.o.Address)},
		"no such file":          {admin.ExitUsage, "no such file", []string{"preflight", "mine", "--config", filepath.Join(x.dir, "none.yaml")}},
		"a bad file":            {admin.ExitUsage, "Colour is not a key", []string{"preflight", "mine", "--config", x.file(t, "bad.yaml", "Consensus: {Kafka: {Colour: red}}")}},
		"a bad address":         {admin.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a"}},
		"a file without broker": {admin.ExitUsage, "names no brokers", []string{"preflight", "mine", "--config", x.file(t, "empty.yaml", "General: {}")}},
		"no x.config block":     {admin.ExitUsage, "nothing shows which orderers", []string{"prune", "mine", "--brokers", nowhere}},
		"a member as orderer":   {admin.ExitUsage, "with --member MSPID.NAME", []string{"prune", "mine", "--orderer", "Org.a=a:7050"}},
		"a bad member":          {admin.ExitUsage, `member "a": want MSPID.NAME`, []string{"prune", "--config-block", x.config, "--member", "a"}},
		"a bad window":          {admin.ExitUsage, "--window -1s: want more", x.as("Org1MSP", x.o.Address, "upgrade-rules", "mine", "--brokers", nowhere, "--window", "-1s")},
		"a CA without orderer":  {admin.ExitUsage, "--cafile has no effect without --orderer", []string{"topic", "mine", "--brokers", nowhere, "--cafile", x.o.CA}},
		"MSP without orderer":   {admin.ExitUsage, "--mspdir has no effect without --orderer", []string{"preflight", "mine", "--brokers", nowhere, "--mspdir", x.msp}},
		"a host without TLS":    {admin.ExitUsage, "--ordererTLSHostnameOverride has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.msp, "--mspid", "x", "--ordererTLSHostnameOverride", "a"}},
		"a client without TLS":  {admin.ExitUsage, "--client-cert has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.msp, "--mspid", "x", "--client-cert", x.o.ClientCert}},
		"a negative limit":      {admin.ExitUsage, "--limit -1: want", []string{"topic", "mine", "--brokers", nowhere, "--limit", "-1"}},
		"a blank in brokers":    {admin.ExitUsage, `--brokers: " b:9092": want HOST:PORT without blanks`, []string{"preflight", "mine", "--brokers", "a:9092, b:9092"}},
		"no broker in a list":   {admin.ExitUsage, `--brokers: "": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a:9092,,b:9092"}},
		"a blank in genesis":    {admin.ExitUsage, `--brokers: " b:9092"`, []string{"genesis", "--from", x.solo, "--brokers", "a:9092, b:9092", "--out", filepath.Join(x.dir, "none")}},
		"a broker without port": {admin.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"genesis", "--from", x.solo, "--brokers", "a", "--out", filepath.Join(x.dir, "none")}},
		"a blank in orderer":    {admin.ExitUsage, `--orderer a :7050: want HOST:PORT`, x.as("Org1MSP", "a :7050", "verify", "mine")},
		"no time":               {admin.ExitUsage, "--timeout 0s: want more", []string{"preflight", "mine", "--brokers", nowhere, "--timeout", "0s"}},
		"no prefix":             {admin.ExitUsage, "--group-prefix: want", []string{"progress", "mine", "--brokers", nowhere, "--group-prefix", ""}},
		"keep less than none":   {admin.ExitUsage, "--keep -1: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", x.config, "--keep", "-1"}},
		"an age of none":        {admin.ExitUsage, "--max-age 0s: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", x.config, "--max-age", "0s"}},
		"no such shell":         {admin.ExitUsage, `unknown command "bogus"`, []string{"completion", "bogus"}},
		"no such help topic":    {admin.ExitUsage, `unknown command "bogus"`, []string{"help", "bogus"}},
		"no folder for a block": {admin.ExitUsage, "no such file or directory", []string{"genesis", "--from", x.solo, "--brokers", "a:9092", "--out", filepath.Join(x.dir, "none", "out")}},
	} {
		t.Run(name, func(t *testing.T) { runs(t, test.code, []string{test.says}, test.args...) })
	}
}

// Each command has an example that parses, takes --json, and completes.
func TestEveryCommand(t *testing.T) {
	for _, c := range admin.Command().Commands() {
		if c.Flags().Lookup("json") == nil || c.Example == "" {
			t.Errorf("%s: no --json, or no example", c.Name())
		}
		if _, has := admintest.Rights()[c.Name()]; !has {
			t.Errorf("%s: nothing says which rights it needs", c.Name())
		}
		for _, example := range strings.Split(strings.ReplaceAll(c.Example, "\\\n", ""), "\n") {
			words := strings.Fields(example)
			if err := parses(words[1:]); words[0] != "osnkafka" || words[1] != c.Name() || err != nil {
				t.Errorf("the example does not parse: %s: %v", example, err)
			}
		}
		runs(t, admin.ExitFine, []string{"--json"}, cobra.ShellCompRequestCmd, c.Name(), "--js")
	}
	runs(t, admin.ExitFine, []string{"preflight", "upgrade-rules"}, cobra.ShellCompRequestCmd, "")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		runs(t, admin.ExitFine, []string{"osnkafka"}, "completion", shell)
	}
}

// parses returns what is wrong with a command line.
func parses(args []string) error {
	c, rest, err := admin.Command().Find(args)
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	return err
}

// A command that is interrupted, or not answered in time, has found nothing.
func TestNoAnswerInTime(t *testing.T) {
	s := newSecured(t)
	s.Swallow()
	runs(t, admin.ExitUnreachable, []string{"allow more with --timeout"}, "preflight", "mine", "--config", s.config(orderer), "--timeout", "300ms")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := admin.Main(ctx, []string{"preflight", "mine", "--config", s.config(orderer)}, os.Stdout, os.Stderr); code != admin.ExitUnreachable {
		t.Errorf("interrupted: exit code %d", code)
	}
}

// A block that exists is replaced as a whole or not at all, and nothing is left beside it.
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
	runs(t, admin.ExitFine, nil, append(args, out)...)
	if was, err := io.ReadAll(open); err != nil || string(was) != "before" {
		t.Errorf("the file was changed in place: %q, %v", was, err)
	}
	folder := filepath.Join(dir, "out", "folder")
	checktest.Must(t, os.Mkdir(folder, 0o700))
	runs(t, admin.ExitUsage, []string{folder}, append(args, folder)...)
	link := filepath.Join(dir, "link")
	checktest.Must(t, os.Symlink(out, link))
	runs(t, admin.ExitFine, nil, append(args, link)...)
	if to, err := os.Readlink(link); err != nil || to != out {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	runs(t, admin.ExitFine, nil, append(args, os.DevNull)...)
	if at, err := os.Stat(os.DevNull); err != nil || at.Mode().IsRegular() {
		t.Errorf("the device was replaced: %v, %v", at, err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	checktest.Must(t, err)
	if len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}
