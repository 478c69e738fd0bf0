package containers_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/pkitest"
)

// elsewhere is an address that is neither a container's nor in 127.0.0.0/8, like that of a managed broker.
const (
	elsewhere     = "10.254.254.1"
	elsewherePort = "29094"
	password      = "not a secret: for this test"
)

// TestBrokersElsewhere runs the kit without brokers of its own: on a broker that demands TLS and a login, with the files
// and addresses that the kit takes from variables.
func TestBrokersElsewhere(t *testing.T) {
	n := newNetwork(t)
	_, err := n.run(nil, "ip", "address", "replace", elsewhere+"/32", "dev", "lo")
	checktest.Must(t, err)
	authority := pkitest.New(t)
	holder := pkitest.Holder("broker", time.Hour)
	holder.IPAddresses = append(holder.IPAddresses, []byte{10, 254, 254, 1})
	authority.IssueFor(authority, "broker", holder)
	secrets := t.TempDir()
	for name, text := range map[string][]byte{
		"keystore.pem": slices.Concat(authority.Read("broker.key"), authority.Read("broker.pem")),
		"ca.pem":       authority.Read("ca.pem"),
		"password":     []byte(password),
	} {
		checktest.Must(t, os.WriteFile(filepath.Join(secrets, name), text, 0o644))
	}
	checktest.Must(t, os.Chmod(secrets, 0o755))
	startElsewhere(n, secrets)
	environment := []string{
		"KAFKA_BROKERS=" + elsewhere + ":" + elsewherePort, "KAFKA_REPLICATION=1", "KAFKA_TLS_CA=" + filepath.Join(secrets, "ca.pem"),
		"KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USER=orderers", "KAFKA_SASL_PASSWORD_FILE=" + filepath.Join(secrets, "password"),
	}
	checktest.Must(t, n.script(environment, "up", "createChannel"))
	n.equal("mychannel")
	if own := n.docker("ps", "--all", "--quiet", "--filter", "name=kafka"); own != "" {
		t.Errorf("the kit has started brokers: %s", own)
	}
	checktest.Must(t, n.script(environment, "down"))
}

// startElsewhere starts a broker on the network of the daemon itself.
func startElsewhere(n *network, secrets string) {
	const login = `org.apache.kafka.common.security.plain.PlainLoginModule required user_orderers="` + password + `";`
	args := []string{"run", "--detach", "--pull", "never", "--name", "elsewhere", "--network", "host", "--volume", secrets + ":/etc/broker:ro"}
	for _, variable := range []string{
		"CLUSTER_ID=ZmFicmljLWthZmthLW9yZA", "KAFKA_NODE_ID=1", "KAFKA_PROCESS_ROLES=broker,controller",
		"KAFKA_LISTENERS=SASL_SSL://" + elsewhere + ":" + elsewherePort + ",PLAINTEXT://127.0.0.1:29092,CONTROLLER://127.0.0.1:29093",
		"KAFKA_ADVERTISED_LISTENERS=SASL_SSL://" + elsewhere + ":" + elsewherePort + ",PLAINTEXT://127.0.0.1:29092",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"KAFKA_INTER_BROKER_LISTENER_NAME=PLAINTEXT", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER", "KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:29093",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1", "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS=1", "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false",
		"KAFKA_SSL_KEYSTORE_TYPE=PEM", "KAFKA_SSL_KEYSTORE_LOCATION=/etc/broker/keystore.pem",
		"KAFKA_SASL_ENABLED_MECHANISMS=PLAIN", "KAFKA_LISTENER_NAME_SASL__SSL_PLAIN_SASL_JAAS_CONFIG=" + login,
	} {
		args = append(args, "--env", variable)
	}
	n.docker(append(args, "fabric-kafka/broker:latest")...)
	n.t.Cleanup(func() {
		if n.t.Failed() {
			text, _ := n.logs("elsewhere") // the container exists
			n.t.Logf("the broker elsewhere printed\n%s", text[max(0, len(text)-4000):])
		}
		n.docker("rm", "--force", "--volumes", "elsewhere")
		mustBeEmpty(n)
	})
	n.eventually("a broker elsewhere runs", 30*time.Second, func() error {
		if state := n.docker("inspect", "--format", "{{.State.Status}}", "elsewhere"); !strings.HasPrefix(state, "running") {
			return errNotYet
		}
		return nil
	})
}
