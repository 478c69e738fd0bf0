package containers_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

var (
	samples = flag.String("samples", "", "folder of fabric-samples, with bin and config, whose test-network is to be run as well")
	caTree  = flag.String("ca", "", "source tree of the Fabric CA release that -samples is run with as well")
	tree    = flag.String("tree", "", "source tree of the Fabric release that the peers are built from (default: the module of go.mod)")
)

// TestSamples runs the test-network of fabric-samples itself, on a copy: through the kit, with cryptogen and with
// certificate authorities; and then as it is, with Raft, on our image under the name of Fabric's.
func TestSamples(t *testing.T) {
	if *samples == "" {
		t.Skip("-samples is not set")
	}
	n := newNetwork(t)
	n.samples = filepath.Join(t.TempDir(), "fabric samples")
	checktest.Must(t, os.Mkdir(n.samples, 0o755))
	for _, folder := range []string{"test-network", "bin", "config"} {
		_, err := n.run(nil, "cp", "-r", filepath.Join(*samples, folder), n.samples)
		checktest.Must(t, err)
	}
	// What a network that ran in the original has left, or that still runs, is none of test-network's own files.
	_, err := n.run([]string{"KAFKA_KIT=" + n.kit, "CONTAINER_CLI=docker"}, filepath.Join(n.kit, "sweep"), n.path())
	checktest.Must(t, err)
	before := files(t, n.path())
	for _, way := range []struct {
		name  string
		steps func(*network, *tour)
	}{{"through the kit", throughTheKit}, {"through the kit, with certificate authorities", withAuthorities}, {"as it is, with Raft", asItIs}} {
		t.Run(way.name, func(t *testing.T) {
			n.t = t
			chaincode, err := filepath.Abs(filepath.Join("..", "..", ".build", "images", "chaincode"))
			checktest.Must(t, err)
			way.steps(n, &tour{n: n, chaincode: chaincode})
		})
		n.t = t
		if after := files(t, n.path()); !slices.Equal(before, after) {
			t.Errorf("test-network had %q before, and has %q", before, after)
		}
	}
}

// tour is what a reader of Fabric's documentation does, one command after the other.
type tour struct {
	n         *network
	folder    string // of network.sh
	chaincode string // folder with a Dockerfile
}

// do runs a script, prints how long it took, and fails if it does.
func (v *tour) do(script string, args ...string) string {
	v.n.t.Helper()
	began := time.Now()
	out, err := v.n.run([]string{"FABRIC_SAMPLES=" + v.n.samples}, "sh", append([]string{"-c", `cd "$1" && shift && exec "$@"`, "sh", v.folder, script}, args...)...)
	v.n.t.Logf("%.0fs: %s %s", time.Since(began).Seconds(), script, strings.Join(args, " "))
	checktest.Must(v.n.t, err)
	return out
}

// writes invokes chaincode, and waits until a query shows that.
func (v *tour) writes(value string) {
	v.n.t.Helper()
	v.n.eventually("color is "+value, time.Minute, func() error {
		v.do("./network.sh", "cc", "invoke", "-ccn", "basic", "-ccic", `{"Args":["put","color","`+value+`"]}`)
		time.Sleep(3 * time.Second) // the batch timeout is 2 s, and cc query asks five times at once
		if out := v.do("./network.sh", "cc", "query", "-ccn", "basic", "-ccqc", `{"Args":["get","color"]}`); !strings.Contains(out, value) {
			return errNotYet
		}
		return nil
	})
}

func throughTheKit(n *network, v *tour) { v.throughTheKit() }

// withAuthorities needs the image hyperledger/fabric-ca, and its client among the other tools.
func withAuthorities(n *network, v *tour) {
	if images := n.docker("images", "--quiet", "hyperledger/fabric-ca"); images == "" {
		n.t.Skip("NOT RUN: -ca needs the image hyperledger/fabric-ca; -args -ca=DIR, or make containers FABRIC_CA=DIR, builds it from the source of a release")
	}
	client := filepath.Join(n.samples, "bin", "fabric-ca-client")
	if _, err := os.Stat(client); err != nil {
		_, err := n.run(nil, "cp", filepath.Join("..", "..", ".build", "images", "samples", "ca", "root", "usr", "local", "bin", "fabric-ca-client"), client)
		checktest.Must(n.t, err)
	}
	v.throughTheKit("-ca")
}

// throughTheKit takes the flag that names where certificates come from, if it is not cryptogen.
func (v *tour) throughTheKit(authority ...string) {
	n := v.n
	run := func(script string, args ...string) { v.do(script, append(args, authority...)...) }
	v.folder = n.kit
	run("./network.sh", "up", "createChannel")
	v.do("./network.sh", "deployCCAAS", "-ccn", "basic", "-ccp", v.chaincode)
	v.writes("blue")
	n.docker("kill", orderers[1].container, n.leader("mychannel"))
	v.writes("green")
	n.docker(append([]string{"start", orderers[1].container}, brokers...)...)
	run("./addOrg3.sh", "up")
	n.equal("mychannel")
	v.do("./network.sh", "createChannel", "-c", "second")
	n.equal("second")
	run("./network.sh", "restart")
	v.do("./network.sh", "createChannel")
	n.equal("mychannel")
	v.do("./network.sh", "down")
	mustBeEmpty(n)
}

func asItIs(n *network, v *tour) {
	link := filepath.Join(n.t.TempDir(), "samples") // the scripts of test-network cannot have a blank in their path
	checktest.Must(n.t, os.Symlink(n.samples, link))
	v.folder = filepath.Join(link, "test-network")
	n.docker("tag", "fabric-kafka/orderer:latest", "hyperledger/fabric-orderer:latest")
	v.do("./network.sh", "up", "createChannel")
	v.do("./network.sh", "deployCCAAS", "-ccn", "basic", "-ccp", v.chaincode)
	v.writes("red")
	if left := n.docker("ps", "--quiet", "--filter", "name=kafka"); left != "" {
		n.t.Errorf("a network with Raft has the brokers %s", left)
	}
	checktest.Must(n.t, n.script(nil, "down"))
	mustBeEmpty(n)
}
