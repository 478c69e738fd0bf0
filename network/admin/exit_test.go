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

	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/client/orderertest"
	"github.com/fabric-kafka/orderer/plugin"
)

// nowhere is an address at which nobody listens.
const nowhere = "127.0.0.1:1"

// TestExitCodes: what can be wrong, without a cluster.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	solo := file("solo.block", string(protoutil.MarshalOrPanic(admintest.SoloBlock())))
	config := file("config.block", string(protoutil.MarshalOrPanic(admintest.ConfigBlock("mine", []string{nowhere}, "a"))))
	o := orderertest.StartGuarded(t, "mine", orderertest.NewLedger([]byte("genesis")))
	again := strings.Replace(o.Address, "127.0.0.1", "[::ffff:127.0.0.1]", 1) // the same one, which the command cannot know
	msp := orderertest.MSPDir(t)
	as := func(mspid, address string, args ...string) []string {
		return append(args, "--orderer", address, "--cafile", o.CA, "--client-cert", o.ClientCert, "--client-key", o.ClientKey, "--mspdir", msp, "--mspid", mspid)
	}
	for name, test := range map[string]struct {
		code int
		says string
		args []string
	}{
		"nothing":               {admin.ExitFine, "Available Commands", nil},
		"help":                  {admin.ExitFine, "Examples:", []string{"prune", "--help"}},
		"version":               {admin.ExitFine, "osnkafka version " + plugin.Version + ", commit development build, compiled with Fabric ", []string{"--version"}},
		"a block is rewritten":  {admin.ExitFine, "of type kafka", []string{"genesis", "--from", solo, "--brokers", "a:9092", "--out", filepath.Join(dir, "out")}},
		"a block cannot be":     {admin.ExitRefused, "not a block", []string{"genesis", "--from", msp + "/keystore/priv_sk", "--brokers", "a:9092", "--out", filepath.Join(dir, "none")}},
		"no command":            {admin.ExitUsage, "unknown command", []string{"preflights"}},
		"no flag":               {admin.ExitUsage, "unknown flag", []string{"preflight", "mine", "--broker", nowhere}},
		"too many arguments":    {admin.ExitUsage, "accepts at most 1 arg", []string{"preflight", "mine", "yours"}},
		"a required flag":       {admin.ExitUsage, "required flag", []string{"genesis", "--from", solo}},
		"no brokers":            {admin.ExitUsage, "no broker is named: add --brokers", []string{"preflight", "mine"}},
		"no channel":            {admin.ExitUsage, "osnkafka progress CHANNEL", []string{"progress", "--brokers", nowhere}},
		"no orderer":            {admin.ExitUsage, "no orderer is named: add --orderer", []string{"repin", "mine", "--brokers", nowhere}},
		"no port":               {admin.ExitUsage, "want HOST:PORT", as("Org1MSP", "orderer1", "verify", "mine")},
		"no identity":           {admin.ExitUsage, "add --mspdir and --mspid", []string{"verify", "mine", "--orderer", nowhere}},
		"no MSP folder":         {admin.ExitUsage, "want one certificate in signcerts", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", dir, "--mspid", "x"}},
		"one orderer":           {admin.ExitUsage, "name at least two", as("Org1MSP", o.Address, "verify", "mine")},
		"one orderer twice":     {admin.ExitUsage, "is given twice", as("Org1MSP", o.Address, "verify", "mine", "--orderer", o.Address)},
		"no such file":          {admin.ExitUsage, "no such file", []string{"preflight", "mine", "--config", filepath.Join(dir, "none.yaml")}},
		"a bad file":            {admin.ExitUsage, "Colour is not a key", []string{"preflight", "mine", "--config", file("bad.yaml", "Consensus: {Kafka: {Colour: red}}")}},
		"a bad address":         {admin.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a"}},
		"a file without broker": {admin.ExitUsage, "names no brokers", []string{"preflight", "mine", "--config", file("empty.yaml", "General: {}")}},
		"no config block":       {admin.ExitUsage, "nothing shows which orderers", []string{"prune", "mine", "--brokers", nowhere}},
		"a member as orderer":   {admin.ExitUsage, "with --member MSPID.NAME", []string{"prune", "mine", "--orderer", "Org.a=a:7050"}},
		"a bad member":          {admin.ExitUsage, `member "a": want MSPID.NAME`, []string{"prune", "--config-block", config, "--member", "a"}},
		"a bad window":          {admin.ExitUsage, "--window -1s: want more", as("Org1MSP", o.Address, "upgrade-rules", "mine", "--brokers", nowhere, "--window", "-1s")},
		"a CA without orderer":  {admin.ExitUsage, "--cafile has no effect without --orderer", []string{"topic", "mine", "--brokers", nowhere, "--cafile", o.CA}},
		"MSP without orderer":   {admin.ExitUsage, "--mspdir has no effect without --orderer", []string{"preflight", "mine", "--brokers", nowhere, "--mspdir", msp}},
		"a host without TLS":    {admin.ExitUsage, "--ordererTLSHostnameOverride has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", msp, "--mspid", "x", "--ordererTLSHostnameOverride", "a"}},
		"a client without TLS":  {admin.ExitUsage, "--client-cert has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", msp, "--mspid", "x", "--client-cert", o.ClientCert}},
		"a negative limit":      {admin.ExitUsage, "--limit -1: want", []string{"topic", "mine", "--brokers", nowhere, "--limit", "-1"}},
		"a blank in brokers":    {admin.ExitUsage, `--brokers: " b:9092": want HOST:PORT without blanks`, []string{"preflight", "mine", "--brokers", "a:9092, b:9092"}},
		"no broker in a list":   {admin.ExitUsage, `--brokers: "": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a:9092,,b:9092"}},
		"a blank in genesis":    {admin.ExitUsage, `--brokers: " b:9092"`, []string{"genesis", "--from", solo, "--brokers", "a:9092, b:9092", "--out", filepath.Join(dir, "none")}},
		"a broker without port": {admin.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"genesis", "--from", solo, "--brokers", "a", "--out", filepath.Join(dir, "none")}},
		"a blank in orderer":    {admin.ExitUsage, `--orderer a :7050: want HOST:PORT`, as("Org1MSP", "a :7050", "verify", "mine")},
		"no time":               {admin.ExitUsage, "--timeout 0s: want more", []string{"preflight", "mine", "--brokers", nowhere, "--timeout", "0s"}},
		"no prefix":             {admin.ExitUsage, "--group-prefix: want", []string{"progress", "mine", "--brokers", nowhere, "--group-prefix", ""}},
		"keep less than none":   {admin.ExitUsage, "--keep -1: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", config, "--keep", "-1"}},
		"an age of none":        {admin.ExitUsage, "--max-age 0s: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", config, "--max-age", "0s"}},
		"no such shell":         {admin.ExitUsage, `unknown command "bogus"`, []string{"completion", "bogus"}},
		"no such help topic":    {admin.ExitUsage, `unknown command "bogus"`, []string{"help", "bogus"}},
		"help of a command":     {admin.ExitFine, "Examples:", []string{"help", "prune"}},
		"help of completion":    {admin.ExitFine, "bash", []string{"completion"}},
		"no folder for a block": {admin.ExitUsage, "no such file or directory", []string{"genesis", "--from", solo, "--brokers", "a:9092", "--out", filepath.Join(dir, "none", "out")}},
		"another channel":       {admin.ExitRefused, "or name orderers that have joined it", as("Org1MSP", o.Address, "verify", "yours", "--orderer", again)},
		"may not read":          {admin.ExitRefused, "use an identity that the channel's Readers policy accepts", as("Org2MSP", o.Address, "verify", "mine", "--orderer", again)},
		"orderer is away":       {admin.ExitUnreachable, "check that the orderer runs at this address", as("Org1MSP", nowhere, "verify", "mine", "--orderer", o.Address)},
		"brokers are away":      {admin.ExitUnreachable, "awaiting a connection to the brokers", []string{"preflight", "mine", "--brokers", nowhere}},
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
	must(t, os.WriteFile(solo, protoutil.MarshalOrPanic(admintest.SoloBlock()), 0o600))
	must(t, os.Mkdir(filepath.Dir(out), 0o700))
	must(t, os.WriteFile(out, []byte("before"), 0o600))
	open, err := os.Open(out)
	must(t, err)
	defer open.Close()
	args := []string{"genesis", "--from", solo, "--brokers", "a:9092", "--out"}
	runs(t, admin.ExitFine, nil, append(args, out)...)
	if was, err := io.ReadAll(open); err != nil || string(was) != "before" {
		t.Errorf("the file was changed in place: %q, %v", was, err)
	}
	folder := filepath.Join(dir, "out", "folder")
	must(t, os.Mkdir(folder, 0o700))
	runs(t, admin.ExitUsage, []string{folder}, append(args, folder)...)
	link := filepath.Join(dir, "link")
	must(t, os.Symlink(out, link))
	runs(t, admin.ExitFine, nil, append(args, link)...)
	if to, err := os.Readlink(link); err != nil || to != out {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	runs(t, admin.ExitFine, nil, append(args, os.DevNull)...)
	if at, err := os.Stat(os.DevNull); err != nil || at.Mode().IsRegular() {
		t.Errorf("the device was replaced: %v, %v", at, err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	must(t, err)
	if len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}
