package admin_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/protoutil"
	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/admin"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/admin/command"
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

// The exit code shows what can be wrong, and what is fine, without a cluster.
func TestExitCodes(t *testing.T) {
	x := newExitFiles(t)
	for name, test := range map[string]exitCase{
		"nothing":                 {command.ExitFine, "Available Commands", nil},
		"help":                    {command.ExitFine, "Examples:", []string{"prune", "--help"}},
		"version":                 {command.ExitFine, "osnkafka version " + plugin.Version + ", commit development build, compiled with Fabric ", []string{"--version"}},
		"a block is rewritten":    {command.ExitFine, "of type kafka", []string{"genesis", "--from", x.solo, "--brokers", "a:9092", "--out", filepath.Join(x.dir, "out")}},
		"a block cannot be":       {command.ExitRefused, "not a block", []string{"genesis", "--from", x.msp + "/keystore/priv_sk", "--brokers", "a:9092", "--out", filepath.Join(x.dir, "none")}},
		"help of a command":       {command.ExitFine, "Examples:", []string{"help", "prune"}},
		"help of completion":      {command.ExitFine, "bash", []string{"completion"}},
		"another channel":         {command.ExitRefused, "or name orderers that have joined it", x.as("Org1MSP", x.o.Address, "verify", "yours", "--orderer", x.again)},
		"may not read":            {command.ExitRefused, "use an identity that the channel's Readers policy accepts", x.as("Org2MSP", x.o.Address, "verify", "mine", "--orderer", x.again)},
		"orderer is unavailable":  {command.ExitUnreachable, "check that the orderer runs at this address", x.as("Org1MSP", nowhere, "verify", "mine", "--orderer", x.o.Address)},
		"brokers are unavailable": {command.ExitUnreachable, "waiting for a connection to the brokers", []string{"preflight", "mine", "--brokers", nowhere}},
	} {
		t.Run(name, func(t *testing.T) { admintest.Runs(t, test.code, []string{test.says}, test.args...) })
	}
}

// A command line that cannot be used says which part of it.
func TestUsageErrors(t *testing.T) {
	x := newExitFiles(t)
	for name, test := range map[string]exitCase{
		"no command":            {command.ExitUsage, "unknown command", []string{"preflights"}},
		"no flag":               {command.ExitUsage, "unknown flag", []string{"preflight", "mine", "--broker", nowhere}},
		"too many arguments":    {command.ExitUsage, "accepts at most 1 arg", []string{"preflight", "mine", "yours"}},
		"a required flag":       {command.ExitUsage, "required flag", []string{"genesis", "--from", x.solo}},
		"no brokers":            {command.ExitUsage, "no broker is named: add --brokers", []string{"preflight", "mine"}},
		"no channel":            {command.ExitUsage, "osnkafka progress CHANNEL", []string{"progress", "--brokers", nowhere}},
		"no orderer":            {command.ExitUsage, "no orderer is named: add --orderer", []string{"repin", "mine", "--brokers", nowhere}},
		"no port":               {command.ExitUsage, "want HOST:PORT", x.as("Org1MSP", "orderer1", "verify", "mine")},
		"no identity":           {command.ExitUsage, "add --mspdir and --mspid", []string{"verify", "mine", "--orderer", nowhere}},
		"no MSP folder":         {command.ExitUsage, "want one certificate in signcerts", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.dir, "--mspid", "x"}},
		"one orderer":           {command.ExitUsage, "name at least two", x.as("Org1MSP", x.o.Address, "verify", "mine")},
		"one orderer twice":     {command.ExitUsage, "is given twice", x.as("Org1MSP", x.o.Address, "verify", "mine", "--orderer", x.o.Address)},
		"no such file":          {command.ExitUsage, "no such file", []string{"preflight", "mine", "--config", filepath.Join(x.dir, "none.yaml")}},
		"a bad file":            {command.ExitUsage, "Color is not a key", []string{"preflight", "mine", "--config", x.file(t, "bad.yaml", "Consensus: {Kafka: {Color: red}}")}},
		"a bad address":         {command.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a"}},
		"a file without broker": {command.ExitUsage, "names no brokers", []string{"preflight", "mine", "--config", x.file(t, "empty.yaml", "General: {}")}},
		"no config block":       {command.ExitUsage, "nothing shows which orderers", []string{"prune", "mine", "--brokers", nowhere}},
		"a member as orderer":   {command.ExitUsage, "with --member MSPID.NAME", []string{"prune", "mine", "--orderer", "Org.a=a:7050"}},
		"a bad member":          {command.ExitUsage, `member "a": want MSPID.NAME`, []string{"prune", "--config-block", x.config, "--member", "a"}},
		"a bad window":          {command.ExitUsage, "--window -1s: want more", x.as("Org1MSP", x.o.Address, "upgrade-rules", "mine", "--brokers", nowhere, "--window", "-1s")},
		"a CA without orderer":  {command.ExitUsage, "--cafile has no effect without --orderer", []string{"topic", "mine", "--brokers", nowhere, "--cafile", x.o.CA}},
		"MSP without orderer":   {command.ExitUsage, "--mspdir has no effect without --orderer", []string{"preflight", "mine", "--brokers", nowhere, "--mspdir", x.msp}},
		"a host without TLS":    {command.ExitUsage, "--ordererTLSHostnameOverride has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.msp, "--mspid", "x", "--ordererTLSHostnameOverride", "a"}},
		"a client without TLS":  {command.ExitUsage, "--client-cert has no effect without --cafile", []string{"verify", "mine", "--orderer", nowhere, "--mspdir", x.msp, "--mspid", "x", "--client-cert", x.o.ClientCert}},
		"a negative limit":      {command.ExitUsage, "--limit -1: want", []string{"topic", "mine", "--brokers", nowhere, "--limit", "-1"}},
		"a blank in brokers":    {command.ExitUsage, `--brokers: " b:9092": want HOST:PORT without spaces`, []string{"preflight", "mine", "--brokers", "a:9092, b:9092"}},
		"no broker in a list":   {command.ExitUsage, `--brokers: "": want HOST:PORT`, []string{"preflight", "mine", "--brokers", "a:9092,,b:9092"}},
		"a blank in genesis":    {command.ExitUsage, `--brokers: " b:9092"`, []string{"genesis", "--from", x.solo, "--brokers", "a:9092, b:9092", "--out", filepath.Join(x.dir, "none")}},
		"a broker without port": {command.ExitUsage, `--brokers: "a": want HOST:PORT`, []string{"genesis", "--from", x.solo, "--brokers", "a", "--out", filepath.Join(x.dir, "none")}},
		"a blank in orderer":    {command.ExitUsage, `--orderer a :7050: want HOST:PORT`, x.as("Org1MSP", "a :7050", "verify", "mine")},
		"no time":               {command.ExitUsage, "--timeout 0s: want more", []string{"preflight", "mine", "--brokers", nowhere, "--timeout", "0s"}},
		"no prefix":             {command.ExitUsage, "--group-prefix: want", []string{"progress", "mine", "--brokers", nowhere, "--group-prefix", ""}},
		"keep less than none":   {command.ExitUsage, "--keep -1: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", x.config, "--keep", "-1"}},
		"an age of none":        {command.ExitUsage, "--max-age 0s: want", []string{"prune", "mine", "--brokers", nowhere, "--config-block", x.config, "--max-age", "0s"}},
		"no such shell":         {command.ExitUsage, `unknown command "bogus"`, []string{"completion", "bogus"}},
		"no such help topic":    {command.ExitUsage, `unknown command "bogus"`, []string{"help", "bogus"}},
		"no folder for a block": {command.ExitUsage, "no such file or directory", []string{"genesis", "--from", x.solo, "--brokers", "a:9092", "--out", filepath.Join(x.dir, "none", "out")}},
	} {
		t.Run(name, func(t *testing.T) { admintest.Runs(t, test.code, []string{test.says}, test.args...) })
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
		admintest.Runs(t, command.ExitFine, []string{"--json"}, cobra.ShellCompRequestCmd, c.Name(), "--js")
	}
	admintest.Runs(t, command.ExitFine, []string{"preflight", "upgrade-rules"}, cobra.ShellCompRequestCmd, "")
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		admintest.Runs(t, command.ExitFine, []string{"osnkafka"}, "completion", shell)
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
	admintest.Runs(t, command.ExitUnreachable, []string{"allow more with --timeout"}, "preflight", "mine", "--config", s.config(orderer), "--timeout", "300ms")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := admin.Main(ctx, []string{"preflight", "mine", "--config", s.config(orderer)}, os.Stdout, os.Stderr); code != command.ExitUnreachable {
		t.Errorf("interrupted: exit code %d", code)
	}
}
