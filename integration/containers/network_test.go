package containers_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// orderer is one of the network's orderers, with its ports on the host.
type orderer struct {
	container                 string
	client, admin, operations string
}

var orderers = []orderer{
	{"orderer.example.com", "localhost:7050", "localhost:7053", "localhost:9443"},
	{"orderer2.example.com", "localhost:7052", "localhost:7055", "localhost:9446"},
	{"orderer3.example.com", "localhost:7056", "localhost:7057", "localhost:9447"},
}

var (
	brokers         = []string{"kafka1.example.com", "kafka2.example.com", "kafka3.example.com"}
	brokerAddresses = []string{"localhost:19092", "localhost:19093", "localhost:19094"}
	peerPorts       = []string{"7051", "9051"}
)

// network is a stand-in for fabric-samples, and what runs on it. Its path has a blank.
type network struct {
	t       *testing.T
	samples string
	kit     string
	bin     string
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	root, err := filepath.Abs("../..")
	checktest.Must(t, err)
	n := &network{t: t, samples: filepath.Join(t.TempDir(), "fabric samples"), kit: filepath.Join(root, "network", "test-network"), bin: filepath.Join(root, ".build", "bin")}
	checktest.Must(t, os.CopyFS(filepath.Join(n.samples, "test-network"), os.DirFS(filepath.Join("testdata", "test-network"))))
	checktest.Must(t, os.Chmod(filepath.Join(n.samples, "test-network", "network.sh"), 0o755))
	checktest.Must(t, os.Symlink(n.bin, filepath.Join(n.samples, "bin")))
	core, err := os.ReadFile(filepath.Join(n.bin, "sampleconfig", "core.yaml"))
	checktest.Must(t, err)
	// Chaincode runs as a service: the peers need no engine.
	core = bytes.Replace(core, []byte("endpoint: unix:///var/run/docker.sock"), []byte(`endpoint: ""`), 1)
	for _, folder := range []string{"config", "test-network/compose/docker/peercfg"} {
		checktest.Must(t, os.MkdirAll(filepath.Join(n.samples, folder), 0o755))
		checktest.Must(t, os.WriteFile(filepath.Join(n.samples, folder, "core.yaml"), core, 0o644))
	}
	return n
}

// path returns a path below test-network.
func (n *network) path(parts ...string) string {
	return filepath.Join(append([]string{n.samples, "test-network"}, parts...)...)
}

// org returns a path below the orderer organization's folder.
func (n *network) org(parts ...string) string {
	return n.path(append([]string{"organizations", "ordererOrganizations", "example.com"}, parts...)...)
}

// limit is the timeout of one command.
const limit = 4 * time.Minute

// errNotYet is the error of a check that will succeed later.
var errNotYet = errors.New("not yet")

// run runs a command with variables.
func (n *network) run(environment []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.t.Context()), limit) // in a cleanup, too
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), environment...)
	return output(c)
}

// script runs the kit's network.sh.
func (n *network) script(environment []string, args ...string) error {
	_, err := n.run(append(environment, "FABRIC_SAMPLES="+n.samples), filepath.Join(n.kit, "network.sh"), args...)
	return err
}

func (n *network) docker(args ...string) string {
	n.t.Helper()
	out, err := n.run(nil, "docker", args...)
	checktest.Must(n.t, err)
	return strings.TrimSpace(out)
}

// logs returns what a container printed.
func (n *network) logs(container string) (string, error) {
	return n.run(nil, "sh", "-c", `docker logs "$1" 2>&1`, "sh", container)
}

// peer runs the command peer as the administrator of an organization, 1 or 2.
func (n *network) peer(org int, args ...string) (string, error) {
	name := fmt.Sprintf("org%d.example.com", org)
	of := func(parts ...string) string {
		return n.path(append([]string{"organizations", "peerOrganizations", name}, parts...)...)
	}
	return n.run([]string{
		"FABRIC_CFG_PATH=" + filepath.Join(n.samples, "config"), "CORE_PEER_TLS_ENABLED=true", fmt.Sprintf("CORE_PEER_LOCALMSPID=Org%dMSP", org),
		"CORE_PEER_ADDRESS=localhost:" + peerPorts[org-1], "CORE_PEER_TLS_ROOTCERT_FILE=" + of("tlsca", "tlsca."+name+"-cert.pem"),
		"CORE_PEER_MSPCONFIGPATH=" + of("users", "Admin@"+name, "msp"),
	}, filepath.Join(n.bin, "peer"), args...)
}

// through returns the flags that name an orderer and both peers.
func (n *network) through(o orderer) []string {
	flags := []string{"-o", o.client, "--tls", "--cafile", n.org("tlsca", "tlsca.example.com-cert.pem")}
	for i, port := range peerPorts {
		name := fmt.Sprintf("org%d.example.com", i+1)
		flags = append(flags, "--peerAddresses", "localhost:"+port,
			"--tlsRootCertFiles", n.path("organizations", "peerOrganizations", name, "tlsca", "tlsca."+name+"-cert.pem"))
	}
	return flags
}

// put stores a value through an orderer, and returns when both peers have committed it.
func (n *network) put(o orderer, key, value string) error {
	call, err := json.Marshal(map[string][]string{"Args": {"put", key, value}})
	if err != nil {
		return err
	}
	_, err = n.peer(1, append([]string{"chaincode", "invoke", "-C", "mychannel", "-n", "basic", "-c", string(call), "--waitForEvent", "--waitForEventTimeout", "20s"}, n.through(o)...)...)
	return err
}

// mustHave checks the value that each peer has.
func (n *network) mustHave(key, value string) {
	n.t.Helper()
	for org := range peerPorts {
		got, err := n.peer(org+1, "chaincode", "query", "-C", "mychannel", "-n", "basic", "-c", fmt.Sprintf(`{"Args":["get",%q]}`, key))
		checktest.Must(n.t, err)
		if got = strings.TrimSpace(got); got != value {
			n.t.Errorf("the peer of organization %d has %s=%q, want %q", org+1, key, got, value)
		}
	}
}

// eventually repeats a check until it succeeds, for at most a time.
func (n *network) eventually(what string, within time.Duration, check func() error) {
	n.t.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			n.t.Logf("%s after %.1fs", what, time.Since(began).Seconds())
			return
		}
		if time.Since(began) > within {
			n.t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// leader returns the container of the broker that leads a channel's topic.
func (n *network) leader(channel string) string {
	n.t.Helper()
	client, err := sarama.NewClient(brokerAddresses, sarama.NewConfig())
	checktest.Must(n.t, err)
	defer client.Close()
	broker, err := client.Leader(channel, 0)
	checktest.Must(n.t, err)
	return brokers[broker.ID()-1]
}

// height asks an orderer for its status and height of a channel.
func (n *network) height(o orderer, channel string) (status string, height int, err error) {
	tls := n.org("orderers", "orderer.example.com", "tls")
	out, err := n.run(nil, filepath.Join(n.bin, "osnadmin"), "channel", "list", "--channelID", channel, "-o", o.admin,
		"--ca-file", filepath.Join(tls, "ca.crt"), "--client-cert", filepath.Join(tls, "server.crt"), "--client-key", filepath.Join(tls, "server.key"))
	if err != nil {
		return "", 0, err
	}
	_, text, _ := strings.Cut(out, "\n") // the first line has the HTTP status
	var answer struct {
		Status string
		Height int
	}
	err = json.Unmarshal([]byte(text), &answer)
	return answer.Status, answer.Height, err
}

// equal waits until all orderers order a channel and have the same height, and both peers as well, and compares the
// orderers' blocks.
func (n *network) equal(channel string) {
	n.t.Helper()
	n.eventually("equal heights on "+channel, time.Minute, func() error {
		var all []int
		for _, o := range orderers {
			status, height, err := n.height(o, channel)
			if err != nil || status != "active" {
				return errors.Join(err, fmt.Errorf("%s is %s on %s", o.container, status, channel))
			}
			all = append(all, height)
		}
		for org := range peerPorts {
			out, err := n.peer(org+1, "channel", "getinfo", "-c", channel)
			if err != nil {
				return err
			}
			var info struct{ Height int }
			_, text, _ := strings.Cut(out, "Blockchain info: ")
			if err := json.Unmarshal([]byte(text), &info); err != nil {
				return fmt.Errorf("%w in %q", err, out)
			}
			all = append(all, info.Height)
		}
		if slices.Min(all) != slices.Max(all) {
			return fmt.Errorf("orderers and peers have the heights %v", all)
		}
		return nil
	})
	args := []string{"verify", channel, "--cafile", n.org("tlsca", "tlsca.example.com-cert.pem"), "--mspdir", n.org("users", "Admin@example.com", "msp"), "--mspid", "OrdererMSP"}
	for _, o := range orderers {
		args = append(args, "--orderer", o.client)
	}
	_, err := n.run(nil, filepath.Join(n.bin, "osnkafka"), args...)
	checktest.Must(n.t, err)
}

// deploy installs the sample chaincode, starts a container of it for each peer, and commits it.
func (n *network) deploy() {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), "basic.tar.gz")
	checktest.Must(n.t, os.WriteFile(file, chaincodePackage(n.t), 0o644))
	id, err := n.peer(1, "lifecycle", "chaincode", "calculatepackageid", file)
	checktest.Must(n.t, err)
	id = strings.TrimSpace(id)
	definition := []string{"--channelID", "mychannel", "--name", "basic", "--version", "1", "--sequence", "1"}
	for org := 1; org <= len(peerPorts); org++ {
		n.docker("run", "--detach", "--rm", "--pull", "never", "--name", fmt.Sprintf("peer0org%d_basic_ccaas", org), "--network", "fabric_test",
			"--env", "CHAINCODE_SERVER_ADDRESS=0.0.0.0:9999", "--env", "CHAINCODE_ID="+id, "fabric-kafka/chaincode:latest")
		_, err := n.peer(org, "lifecycle", "chaincode", "install", file)
		checktest.Must(n.t, err)
		flags := n.through(orderers[0])[:5]
		_, err = n.peer(org, slices.Concat([]string{"lifecycle", "chaincode", "approveformyorg", "--package-id", id}, definition, flags)...)
		checktest.Must(n.t, err)
	}
	n.eventually("chaincode committed", 30*time.Second, func() error { // each peer must have both approvals
		_, err := n.peer(1, slices.Concat([]string{"lifecycle", "chaincode", "commit"}, definition, n.through(orderers[0]))...)
		return err
	})
}

// chaincodePackage returns a package with the address of the chaincode service, as test-network makes it.
func chaincodePackage(t *testing.T) []byte {
	t.Helper()
	code := archive(t, "connection.json", []byte(`{"address": "{{.peername}}_basic_ccaas:9999", "dial_timeout": "10s", "tls_required": false}`))
	return archive(t, "metadata.json", []byte(`{"type": "ccaas", "label": "basic_1"}`), "code.tar.gz", code)
}

// archive packs files, given as alternating names and contents.
func archive(t *testing.T, files ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	pack := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		text := files[i+1].([]byte)
		checktest.Must(t, pack.WriteHeader(&tar.Header{Name: files[i].(string), Mode: 0o644, Size: int64(len(text))}))
		_, err := pack.Write(text)
		checktest.Must(t, err)
	}
	checktest.Must(t, errors.Join(pack.Close(), zip.Close()))
	return out.Bytes()
}
