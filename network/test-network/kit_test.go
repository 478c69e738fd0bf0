// Package testnetwork_test runs the scripts of this folder on a container engine, tools and a test-network that are
// scripts of a few lines. What a real engine does is tested in integration/containers.
package testnetwork_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// engine answers as docker does, from files in the folder FAKE, and writes down each call.
const engine = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case "$1 $2" in
"compose -f") echo "composed in $PWD" ;;
"inspect --format") cat "$FAKE/state/$4" ;;
"logs --tail") echo "last words of $4"; yes "  a stack trace" | head -n 100 ;;
"run --rm") echo " Version: v2.5.16" ;;
"ps -aq") cat "$FAKE/containers" ;;
"network ls") cat "$FAKE/networks" ;;
"network inspect") echo ", which is in use by mine" ;;
esac
`

// original stands in for network.sh of test-network: it does what the variable ORIGINAL has.
const original = `#!/usr/bin/env bash
ROOTDIR=$(cd "$(dirname "$0")" && pwd)
export PATH=$ROOTDIR/../bin:$PATH
eval "$ORIGINAL"
`

// kit is the folder under test with what it runs on. The path of its fabric-samples has a blank.
type kit struct {
	t             *testing.T
	samples, fake string
	wait          string // KAFKA_WAIT
}

func newKit(t *testing.T) *kit {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	k := &kit{t, filepath.Join(t.TempDir(), "fabric samples"), t.TempDir(), "1"}
	k.script(filepath.Join(k.fake, "docker"), engine)
	k.script(k.path("network.sh"), original)
	for _, tool := range []string{"peer", "configtxgen", "configtxlator", "osnadmin", "fabric-ca-client", "jq", "openssl"} {
		k.script(filepath.Join(k.samples, "bin", tool), "#!/bin/sh\n")
	}
	for _, file := range []string{"compose-test-net.yaml", "compose-ca.yaml", "compose-org3.yaml"} {
		k.file(k.path("compose", file), "services:\n")
	}
	k.file(k.path("organizations", "fabric-ca", "org1", "fabric-ca-server-config.yaml"), "")
	k.file(filepath.Join(k.fake, "containers"), "")
	k.file(filepath.Join(k.fake, "networks"), "")
	for _, name := range []string{"ca_org1", "ca_org2", "ca_orderer", "orderer.example.com", "orderer2.example.com", "orderer3.example.com",
		"kafka1.example.com", "kafka2.example.com", "kafka3.example.com", "peer0.org1.example.com", "peer0.org2.example.com", "peer0.org3.example.com"} {
		k.state(name, "running")
	}
	return k
}

func (k *kit) path(parts ...string) string {
	return filepath.Join(append([]string{k.samples, "test-network"}, parts...)...)
}

func (k *kit) file(name, text string) {
	k.t.Helper()
	checktest.Must(k.t, os.MkdirAll(filepath.Dir(name), 0o755))
	checktest.Must(k.t, os.WriteFile(name, []byte(text), 0o644))
}

func (k *kit) script(name, text string) {
	k.t.Helper()
	k.file(name, text)
	checktest.Must(k.t, os.Chmod(name, 0o755))
}

// state sets the state of a container.
func (k *kit) state(container, state string) {
	k.t.Helper()
	k.file(filepath.Join(k.fake, "state", container), state+"\n")
}

// run runs the kit's network.sh, whose original does what is given, and returns what both print.
func (k *kit) run(does string, args ...string) (string, error) {
	c := exec.CommandContext(k.t.Context(), "./network.sh", args...)
	c.Env = append(os.Environ(), "FABRIC_SAMPLES="+k.samples, "FAKE="+k.fake, "ORIGINAL="+does, "KAFKA_WAIT="+k.wait,
		"PATH="+k.fake+":"+filepath.Join(k.samples, "bin")+":"+os.Getenv("PATH"), "TMPDIR="+k.t.TempDir())
	out, err := c.CombinedOutput()
	return string(out), err
}

// fails checks that a run fails, with these texts, and that the original does not continue.
func (k *kit) fails(want []string, does string, args ...string) {
	k.t.Helper()
	out, err := k.run(does+"; echo continued", args...)
	if err == nil || strings.Contains(out, "continued") {
		k.t.Errorf("it does not fail: %v\n%s", err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			k.t.Errorf("%q is missing in\n%s", text, out)
		}
	}
}

func (k *kit) calls() string {
	k.t.Helper()
	text, err := os.ReadFile(filepath.Join(k.fake, "calls"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.t.Fatal(err)
	}
	return string(text)
}

const startAuthorities = "$CONTAINER_CLI_COMPOSE -f compose/compose-ca.yaml up -d 2>&1"

// Test-network waits without limit for the first certificate authority, and for the others not at all.
func TestCertificateAuthorities(t *testing.T) {
	t.Parallel()
	t.Run("serve", func(t *testing.T) {
		k := newKit(t)
		if out, err := k.run(startAuthorities, "up", "-ca"); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("one ends", func(t *testing.T) {
		k := newKit(t)
		k.state("ca_org2", "exited")
		k.fails([]string{"container ca_org2 is exited", "last words of ca_org2"}, startAuthorities, "up", "-ca")
	})
	t.Run("do not serve", func(t *testing.T) {
		k := newKit(t)
		k.script(filepath.Join(k.samples, "bin", "openssl"), "#!/bin/sh\nexit 1\n")
		k.fails([]string{"waiting for ca_org1 ca_org2 ca_orderer", "after 1 s these do not serve: ca_org1 ca_org2 ca_orderer", "last words of ca_orderer"}, startAuthorities, "up", "-ca")
	})
}

func TestToolsThatAreMissing(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"fabric-ca-client", "osnadmin", "configtxgen", "configtxlator"} {
		k := newKit(t)
		checktest.Must(t, os.Remove(filepath.Join(k.samples, "bin", tool)))
		k.fails([]string{"there is no " + tool + " in", "install-fabric.sh"}, "true", "up", "-ca")
	}
}

// A peer that ends at once is named like an orderer.
func TestPeerThatEnds(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.state("peer0.org3.example.com", "exited")
	k.fails([]string{"container peer0.org3.example.com is exited", "last words of peer0.org3"}, "$CONTAINER_CLI_COMPOSE -f compose/compose-org3.yaml up -d", "up")
}

// Containers must not mount folders through the link that network.sh removes at its end.
func TestComposeRunsInTheFolderItself(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	out, err := k.run("$CONTAINER_CLI_COMPOSE -f compose/compose-org3.yaml -f compose/none.yaml up -d", "up")
	checktest.Must(t, err)
	folder, err := filepath.EvalSymlinks(k.path())
	checktest.Must(t, err)
	for _, want := range []string{"composed in " + folder + "\n", "left out, since they do not exist", "compose/none.yaml"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	k.fails([]string{"compose/none.yaml", "Restore fabric-samples"}, "$CONTAINER_CLI_COMPOSE -f compose/none.yaml up -d", "up")
	if calls := k.calls(); strings.Contains(calls, "none.yaml") {
		t.Errorf("compose gets a file that does not exist:\n%s", calls)
	}
}

// A container that is paused accepts connections and does not answer.
func TestOrdererThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	join := "osnadmin channel join --channelID mine -o localhost:7053"
	k := newKit(t)
	k.script(filepath.Join(k.samples, "bin", "osnadmin"), "#!/bin/sh\nexec sleep 60\n")
	k.fails([]string{"the orderer at localhost:7053 does not join mine: no answer"}, join, "createChannel")
	k.wait = "soon"
	k.fails([]string{"KAFKA_WAIT is soon, which is not a number"}, join, "createChannel")
	k.wait = "1"
	k.state("orderer2.example.com", "paused")
	k.fails([]string{"container orderer2.example.com is paused", "last words of orderer2"}, join, "createChannel")
}

func TestDown(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	made := []string{k.path("organizations", "fabric-ca", "org1", "msp", "key"), k.path("organizations", "fabric-ca", "org1", "fabric-ca-server.db-journal"),
		k.path("organizations", "peerOrganizations", "org1"), k.path("addOrg3", "log.txt")}
	for _, name := range made {
		k.file(name, "")
	}
	k.file(filepath.Join(k.fake, "containers"), "4711\n")
	if out, err := k.run("true", "down", "-h"); err != nil || strings.Contains(k.calls(), " rm ") {
		t.Errorf("help: %v\n%s\n%s", err, out, k.calls())
	}
	k.fails([]string{"down leaves the container 4711"}, "exit 0", "down")
	k.file(filepath.Join(k.fake, "containers"), "")
	k.file(filepath.Join(k.fake, "networks"), "fabric_test\n")
	k.fails([]string{"down leaves the network fabric_test, which is in use by mine"}, "exit 0", "down")
	k.file(filepath.Join(k.fake, "networks"), "")
	if out, err := k.run("true", "down"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range made {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if _, err := os.Stat(k.path("organizations", "fabric-ca", "org1", "fabric-ca-server-config.yaml")); err != nil {
		t.Error(err)
	}
}

// The scripts of test-network split the path of chaincode at blanks.
func TestChaincodeInAPathWithBlanks(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.file(k.path("my code", "Dockerfile"), "FROM scratch\n")
	for _, path := range []string{k.path("my code"), "my code"} {
		out, err := k.run(`set -- $*; cat "$5/Dockerfile"; echo "then $6"`, "deployCCAAS", "-ccn", "basic", "-ccp", path, "-verbose")
		if err != nil || !strings.Contains(out, "FROM scratch") || !strings.Contains(out, "then -verbose") {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}
