package containers_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// TestNetwork is the life of one network, stage by stage; each stage needs those before it.
func TestNetwork(t *testing.T) {
	n := newNetwork(t)
	before := files(t, n.path())
	for _, stage := range []struct {
		name string
		run  func(*network)
	}{
		{"names a container that does not run", brokenBroker},
		{"goes down from the middle of coming up", interrupted},
		{"comes up and runs chaincode", up},
		{"serves its metrics and health", serving},
		{"runs as any user", anyUser},
		{"continues without an orderer", withoutAnOrderer},
		{"continues without a broker", withoutABroker},
		{"continues after an outage of all brokers", outage},
		{"has a second channel", secondChannel},
		{"goes down and leaves nothing", down},
	} {
		began := time.Now()
		ok := t.Run(stage.name, func(t *testing.T) {
			n.t = t
			stage.run(n)
		})
		n.t = t
		t.Logf("%.1fs: %s", time.Since(began).Seconds(), stage.name)
		if !ok {
			t.Fatalf("the stages after %q need it", stage.name)
		}
	}
	if after := files(t, n.path()); !slices.Equal(before, after) {
		t.Errorf("test-network had %q before, and has %q", before, after)
	}
}

// files returns the names and sizes of what is in a folder.
func files(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	checktest.Must(t, filepath.WalkDir(folder, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		all = append(all, fmt.Sprintf("%s %d", file, info.Size()))
		return err
	}))
	return all
}

// A container that ends at once is named, and what it printed is shown. The next stage finds the remains.
func brokenBroker(n *network) {
	err := n.script([]string{"KAFKA_IMAGE=fabric-kafka/peer:latest"}, "up", "createChannel")
	if err == nil {
		n.t.Fatal("a network without brokers came up")
	}
	for _, want := range []string{"container kafka1.example.com is exited", "last lines of kafka1.example.com"} {
		if !strings.Contains(err.Error(), want) {
			n.t.Errorf("the error does not contain %q:\n%v", want, err)
		}
	}
	checktest.Must(n.t, n.script(nil, "down"))
	mustBeEmpty(n)
}

// interrupted kills up, with all that it has started, when something exists: what it has made by then is removed.
func interrupted(n *network) {
	count := func() int { return len(strings.Fields(n.docker("ps", "--all", "--quiet"))) }
	for what, exists := range map[string]func() bool{
		"a container":     func() bool { return count() > 0 },
		"every container": func() bool { return count() == len(orderers)+len(brokers)+len(peerPorts) },
	} {
		c := exec.Command(filepath.Join(n.kit, "network.sh"), "up", "createChannel")
		c.Env = append(os.Environ(), "FABRIC_SAMPLES="+n.samples)
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		checktest.Must(n.t, c.Start())
		n.eventually(what+" exists", time.Minute, func() error {
			if !exists() {
				return errNotYet
			}
			return nil
		})
		checktest.Must(n.t, syscall.Kill(-c.Process.Pid, syscall.SIGKILL))
		if err := c.Wait(); err == nil {
			n.t.Errorf("up ended before it was killed, when %s existed", what)
		}
		checktest.Must(n.t, n.script(nil, "down"))
		mustBeEmpty(n)
	}
}

func up(n *network) {
	checktest.Must(n.t, n.script(nil, "up", "createChannel"))
	n.deploy()
	checktest.Must(n.t, n.put(orderers[0], "color", "blue"))
	n.mustHave("color", "blue")
	n.preflight("ok", "3 of 3")
	n.equal("mychannel")
}

// preflight checks what the preflight reports of the replicas in sync.
func (n *network) preflight(result, value string) {
	n.t.Helper()
	out, err := n.run(nil, filepath.Join(n.bin, "osnkafka"), "preflight", "mychannel", "--brokers", strings.Join(brokerAddresses, ","))
	checktest.Must(n.t, err)
	if !regexp.MustCompile(`(?m)^` + result + ` +in-sync replicas +` + value + ` `).MatchString(out) {
		n.t.Errorf("the in-sync replicas are not %q, %s, in\n%s", value, result, out)
	}
}

// serving checks what probes and Prometheus read, and the image's labels.
func serving(n *network) {
	for _, o := range orderers {
		if code := get(n.t, "http://"+o.operations+"/healthz"); code != http.StatusOK {
			n.t.Errorf("%s answers /healthz with %d", o.container, code)
		}
		if code := get(n.t, "http://"+o.operations+"/metrics"); code != http.StatusOK {
			n.t.Errorf("%s answers /metrics with %d", o.container, code)
		}
	}
	for _, image := range []string{"orderer", "broker", "peer", "chaincode"} {
		for _, label := range []string{"title", "version", "revision", "licenses"} {
			if got := n.docker("image", "inspect", "--format", fmt.Sprintf(`{{index .Config.Labels "org.opencontainers.image.%s"}}`, label), "fabric-kafka/"+image); got == "" {
				n.t.Errorf("the image of the %s has no label %s", image, label)
			}
		}
	}
	if got := n.docker("image", "inspect", "--format", "{{.Config.Volumes}}", "fabric-kafka/orderer"); got != "map[]" {
		n.t.Errorf("the orderer's image declares the volumes %s", got)
	}
}

// An orderer runs as any user with a read-only root, as network/kubernetes/orderer.yaml has it, and a variable for a setting
// of ours is read: a bad value ends it.
func anyUser(n *network) {
	material := filepath.Join(n.t.TempDir(), "material")
	checktest.Must(n.t, os.CopyFS(material, os.DirFS(n.org("orderers", "orderer3.example.com"))))
	_, err := n.run(nil, "chmod", "-R", "a+rX", filepath.Dir(filepath.Dir(material)))
	checktest.Must(n.t, err)
	start := func(name string, more ...string) {
		n.docker(slices.Concat([]string{
			"run", "--detach", "--pull", "never", "--name", name, "--user", "7051:7051", "--read-only", "--network", "fabric_test",
			"--volume", material + ":/etc/orderer:ro", "--volume", dataFolder, "--label", "service=hyperledger-fabric",
			"--env", "ORDERER_GENERAL_LOCALMSPID=OrdererMSP", "--env", "ORDERER_GENERAL_LOCALMSPDIR=/etc/orderer/msp", "--env", "ORDERER_GENERAL_BOOTSTRAPMETHOD=none",
			"--env", "ORDERER_GENERAL_TLS_ENABLED=true", "--env", "ORDERER_GENERAL_TLS_CERTIFICATE=/etc/orderer/tls/server.crt",
			"--env", "ORDERER_GENERAL_TLS_PRIVATEKEY=/etc/orderer/tls/server.key", "--env", "ORDERER_GENERAL_TLS_ROOTCAS=[/etc/orderer/tls/ca.crt]",
			"--env", "ORDERER_ADMIN_LISTENADDRESS=0.0.0.0:7053", "--env", "ORDERER_OPERATIONS_LISTENADDRESS=0.0.0.0:9443", "--publish", "127.0.0.1:9448:9443",
		}, more, []string{"fabric-kafka/orderer"})...)
		n.t.Cleanup(func() { n.docker("rm", "--force", "--volumes", name) })
	}
	start("any-user")
	n.eventually("an orderer with another user serves", 30*time.Second, func() error {
		answer, err := (&http.Client{Timeout: time.Second}).Get("http://localhost:9448/healthz")
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
	n.docker("stop", "any-user")
	start("bad-value", "--env", "ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL=soon")
	if code := n.docker("wait", "bad-value"); code == "0" {
		n.t.Error("an orderer with a bad setting ended without an error")
	}
	if text, err := n.logs("bad-value"); err != nil || !strings.Contains(text, "Timeouts.Dial") {
		n.t.Errorf("it does not name the bad setting: %v\n%s", err, text)
	}
}

// dataFolder holds the ledgers in the orderer's image.
const dataFolder = "/var/hyperledger/production/orderer"

func get(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	checktest.Must(t, err)
	checktest.Must(t, answer.Body.Close())
	return answer.StatusCode
}

func withoutAnOrderer(n *network) {
	n.docker("kill", orderers[0].container)
	n.eventually("ordered by another orderer", 30*time.Second, func() error { return n.put(orderers[1], "color", "red") })
	n.mustHave("color", "red")
	n.docker("start", orderers[0].container)
	n.equal("mychannel")
	checktest.Must(n.t, n.put(orderers[0], "color", "pink"))
}

// withoutABroker kills the broker that leads the topic.
func withoutABroker(n *network) {
	leader := n.leader("mychannel")
	n.docker("kill", leader)
	n.eventually("ordered without "+leader, time.Minute, func() error { return n.put(orderers[2], "color", "green") })
	n.mustHave("color", "green")
	n.preflight("warning", "2 of 3, without broker "+strings.TrimPrefix(strings.TrimSuffix(leader, ".example.com"), "kafka"))
	n.docker("start", leader)
	n.equal("mychannel")
}

func outage(n *network) {
	n.docker(append([]string{"kill"}, brokers...)...)
	if err := n.put(orderers[1], "color", "none"); err == nil {
		n.t.Error("an invoke succeeded without brokers")
	}
	if code := get(n.t, "http://"+orderers[1].operations+"/healthz"); code != http.StatusOK {
		n.t.Errorf("without brokers, /healthz is answered with %d: a liveness probe would restart the orderer", code)
	}
	n.docker(append([]string{"start"}, brokers...)...)
	n.eventually("ordered after the outage", time.Minute, func() error { return n.put(orderers[1], "color", "gold") })
	n.mustHave("color", "gold")
	n.equal("mychannel")
}

func secondChannel(n *network) {
	checktest.Must(n.t, n.script(nil, "createChannel", "-c", "second"))
	n.equal("second")
	n.equal("mychannel")
}

// down runs with containers of chaincode, which keep the network in use, and one broker that is gone.
func down(n *network) {
	n.docker("kill", brokers[0])
	checktest.Must(n.t, n.script(nil, "down"))
	mustBeEmpty(n)
	checktest.Must(n.t, n.script(nil, "down"))
}

// mustBeEmpty checks that the engine has no container, no volume and no network but its own.
func mustBeEmpty(n *network) {
	n.t.Helper()
	for what, args := range map[string][]string{
		"containers": {"ps", "--all", "--format", "{{.Names}}"},
		"volumes":    {"volume", "ls", "--format", "{{.Name}}"},
		"networks":   {"network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"},
	} {
		if left := n.docker(args...); left != "" {
			n.t.Errorf("%s are left: %s", what, left)
		}
	}
}
