package containers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// composed is the network of network/compose, in a copy of that folder.
type composed struct {
	*network
	folder string
}

// in runs a command in the folder.
func (c composed) in(name string, args ...string) string {
	c.t.Helper()
	out, err := c.run([]string{
		"KAFKA_IMAGE=fabric-kafka/broker:latest", "PEER_IMAGE=hyperledger/fabric-peer:latest",
		"KAFKA_HEAP_OPTS=-Xms128m -Xmx256m", "KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1", // to start sooner
	}, "sh", append([]string{"-c", `cd "$1" && shift && exec "$@"`, "sh", c.folder, name}, args...)...)
	checktest.Must(c.t, err)
	return out
}

func (c composed) tool(name string, args ...string) string {
	c.t.Helper()
	return c.in(filepath.Join(c.bin, name), args...)
}

// TestCompose follows network/compose/README.md, without the images of Prometheus and Grafana. Then all containers are
// removed, and created again on their volumes.
func TestCompose(t *testing.T) {
	n := newNetwork(t)
	c := composed{n, filepath.Join(t.TempDir(), "compose")}
	checktest.Must(t, os.CopyFS(c.folder, os.DirFS("../../network/compose")))
	c.tool("cryptogen", "generate", "--config=crypto-config.yaml", "--output=crypto")
	c.tool("configtxgen", "-configPath", ".", "-profile", "Channel", "-channelID", "mychannel", "-outputBlock", "solo.block")
	c.tool("osnkafka", "genesis", "--from", "solo.block", "--brokers", "kafka1.example.com:9092,kafka2.example.com:9092,kafka3.example.com:9092", "--out", "mychannel.block")
	c.in("docker-compose", "-f", "compose.yaml", "-f", "monitoring.yaml", "config", "--quiet")
	t.Cleanup(func() {
		c.in("docker-compose", "down", "--volumes")
		mustBeEmpty(n)
	})
	c.in("docker-compose", "up", "--detach")
	ports := []string{"7053", "8053", "9053"}
	for _, port := range ports {
		n.eventually("joined at "+port, 30*time.Second, func() error {
			if out := c.channel(port, "join", "--config-block", "mychannel.block"); !strings.HasPrefix(out, "Status: 201") && !strings.HasPrefix(out, "Status: 405") {
				return fmt.Errorf("the orderer answers %s", out)
			}
			return nil
		})
	}
	c.awaitActive(ports)
	c.tool("osnkafka", "preflight", "mychannel", "--brokers", strings.Join(brokerAddresses, ","))
	c.in("docker-compose", "down")
	c.in("docker-compose", "up", "--detach")
	c.awaitActive(ports)
}

// channel runs osnadmin channel at a port.
func (c composed) channel(port, command string, args ...string) string {
	c.t.Helper()
	org := filepath.Join("crypto", "ordererOrganizations", "example.com")
	out, err := c.run(nil, "sh", append([]string{
		"-c", `cd "$1" && shift && exec "$@"`, "sh", c.folder, filepath.Join(c.bin, "osnadmin"), "channel", command, "-o", "localhost:" + port, "--channelID", "mychannel",
		"--ca-file", filepath.Join(org, "tlsca", "tlsca.example.com-cert.pem"),
		"--client-cert", filepath.Join(org, "orderers", "orderer1.example.com", "tls", "server.crt"),
		"--client-key", filepath.Join(org, "orderers", "orderer1.example.com", "tls", "server.key"),
	}, args...)...)
	if err != nil {
		return err.Error()
	}
	return out
}

func (c composed) awaitActive(ports []string) {
	c.t.Helper()
	c.eventually("all orderers order the channel", 2*time.Minute, func() error {
		for _, port := range ports {
			if out := c.channel(port, "list"); !strings.Contains(out, `"status": "active"`) {
				return fmt.Errorf("the orderer at %s answers %s", port, out)
			}
		}
		return nil
	})
}
