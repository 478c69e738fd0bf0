package apache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// TestLeastPrivilegeOfOsnkafka runs each command of osnkafka over TLS as a user with only the rights
// in the table of SECURITY.md, and then without each one of them.
func TestLeastPrivilegeOfOsnkafka(t *testing.T) { onEachVersion(t, osnkafka) }

func osnkafka(t *testing.T, v apache.Version) {
	s := newSecured(t, v)
	s.Settings = append(s.Settings, denyByDefault...)
	s.start()
	s.file("password", password)
	s.grantAll(orderer, orderer)
	s.grant(orderer, createTopic)
	const strict, old = prefix + "strict", prefix + "old"
	brokers := []string{s.address(byBoth)}
	c, err := s.consenterOf(t, serverTLS+byPassword("PLAIN", "password")+"ConsumerGroup: \"\"\n"+
		"Topic: {ReplicationFactor: 1, Begin: \"*\", Compatible: ["+old+"]}")
	if err != nil {
		t.Fatal(err)
	}
	channel := admintest.NewChannel(t, c, strict, brokers, 12)
	published := s.topic(t, orderer, strict)
	for _, name := range []string{"Org.orderer1", "Org.orderer2"} {
		works(t, "publish", func() error { return published.Publish(t.Context(), channel.Progress(t, name)) })
	}
	admintest.LeastPrivilege(t, admintest.Cluster{
		Grant:  s.grant,
		Revoke: s.revoke,
		User:   func(command string) string { return command },
		Config: s.ordererYAML,
	}, channel, admintest.NewChannel(t, c, old, brokers, 2))
}

// The table in SECURITY.md lists the tested rights.
func TestRightsOfOsnkafka(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for command := range admintest.Rights() {
		if line := "\n" + admintest.Row(command) + "\n"; !strings.Contains(string(text), line) {
			t.Errorf("SECURITY.md lacks the line %s", line)
		}
	}
}

// ordererYAML writes an orderer.yaml with which a user reaches the brokers over TLS.
func (s *secured) ordererYAML(user string) string {
	s.t.Helper()
	s.file(user+".yaml", "Consensus:\n  Kafka:\n    Brokers: ["+s.address(byBoth)+"]\n    TLS: {Enabled: true, RootCAs: [ca.pem]}\n"+
		"    SASL: {Mechanism: PLAIN, User: "+user+", PasswordFile: password}\n")
	return s.ca.Path(user + ".yaml")
}
