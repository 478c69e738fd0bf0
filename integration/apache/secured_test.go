package apache

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/consensus"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/pkitest"
	"github.com/fabric-kafka/orderer/consenter"
	"github.com/fabric-kafka/orderer/network/admin/admintest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// Users, who all have the same password.
const (
	orderer  = "orderer"
	setup    = "setup"   // creates topics
	pruning  = "pruning" // deletes records
	password = "a password of several words"
)

// Listeners of a secured broker.
const (
	byTLS    = "TLS"      // only the broker has a certificate
	byMTLS   = "MTLS"     // the client has one, too
	bySASL   = "SASL"     // every mechanism, in clear text
	byBoth   = "SASLTLS"  // every mechanism over TLS
	byScram  = "SCRAM"    // SCRAM-SHA-512 only
	expired  = "EXPIRED"  // the broker's certificate has expired
	elseHost = "ELSEHOST" // the broker's certificate is for another host
	bySigned = "SIGNED"   // tokens that an issuer signed
	again    = "AGAIN"    // PLAIN and tokens, with reauthentication every four seconds
)

// secured is a broker with these listeners. Its folder of certificates also has
// the files that an orderer needs.
type secured struct {
	*cluster
	ca     *pkitest.Authority
	issuer *issuer
	log    *orderersLog
}

// newSecured returns a broker that is not started.
func newSecured(t *testing.T, v apache.Version) *secured {
	t.Helper()
	s := &secured{newCluster(t, v, 1), pkitest.New(t), newIssuer(t), keepLog(t)}
	for name, protocol := range map[string]string{byTLS: "SSL", byMTLS: "SSL", expired: "SSL", elseHost: "SSL",
		bySASL: "SASL_PLAINTEXT", byBoth: "SASL_SSL", byScram: "SASL_PLAINTEXT", bySigned: "SASL_PLAINTEXT", again: "SASL_PLAINTEXT"} {
		s.Nodes[0].Listeners = append(s.Nodes[0].Listeners, apache.Listener{Name: name, Protocol: protocol, Address: freeAddress(t)})
	}
	s.ca.Issue(s.ca, "unlisted", time.Hour)
	s.ca.ServeRevoked()
	s.ca.Issue(s.ca, "broker", time.Hour)
	s.ca.Issue(s.ca, orderer, time.Hour)
	s.ca.Issue(s.ca, "late", -time.Hour)
	elsewhere := pkitest.Holder("elsewhere", time.Hour)
	elsewhere.IPAddresses, elsewhere.DNSNames = nil, []string{"kafka.example.com"}
	s.ca.IssueFor(s.ca, "elsewhere", elsewhere)
	s.file("keys.json", s.issuer.keys())
	keys := "file://" + s.ca.Path("keys.json")
	s.Java = []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + keys}
	s.Settings = slices.Concat(s.transport(), login(bySASL, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"),
		login(byBoth, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"), login(byScram, "SCRAM-SHA-512"), login(again, "PLAIN", "OAUTHBEARER"), signedTokens(bySigned, keys),
		[]string{"listener.name.again.connections.max.reauth.ms=4000"})
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		s.Users = append(s.Users, apache.User{Mechanism: mechanism, Name: orderer, Password: password})
	}
	return s
}

func (s *secured) address(listener string) string {
	i := slices.IndexFunc(s.Nodes[0].Listeners, func(l apache.Listener) bool { return l.Name == listener })
	return s.Nodes[0].Listeners[i].Address
}

// listenerPrefix returns the prefix of the settings of one listener.
func listenerPrefix(listener string) string {
	return "listener.name." + strings.ToLower(listener) + "."
}

// transport returns the TLS settings.
func (s *secured) transport() []string {
	lines := []string{"ssl.keystore.type=PEM", "ssl.keystore.location=" + s.store("broker"),
		"ssl.truststore.type=PEM", "ssl.truststore.location=" + s.ca.Path("ca.pem"),
		"listener.name.mtls.ssl.client.auth=required",
		`listener.name.mtls.ssl.principal.mapping.rules=RULE:^CN=([^,]+)$/$1/,DEFAULT`}
	for listener, holder := range map[string]string{expired: "late", elseHost: "elsewhere"} {
		prefix := listenerPrefix(listener)
		lines = append(lines, prefix+"ssl.keystore.type=PEM", prefix+"ssl.keystore.location="+s.store(holder))
	}
	return lines
}

// store writes a PEM key store for Kafka and returns its path.
func (s *secured) store(name string) string {
	s.t.Helper()
	file := s.ca.Path(name + ".store")
	if err := os.WriteFile(file, slices.Concat(s.ca.Read(name+".key"), s.ca.Read(name+".pem")), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// plainUsers returns all users and their password as options of PLAIN. Each command of osnkafka
// has its own user.
func plainUsers() (text string) {
	for _, user := range append([]string{orderer, setup, pruning}, slices.Sorted(maps.Keys(admintest.Rights()))...) {
		text += fmt.Sprintf(" user_%s=%q", user, password)
	}
	return text
}

// login returns the settings of a listener with SASL mechanisms.
func login(listener string, mechanisms ...string) []string {
	const security = "org.apache.kafka.common.security."
	modules := map[string]string{
		"PLAIN":         "plain.PlainLoginModule required" + plainUsers(),
		"SCRAM-SHA-256": "scram.ScramLoginModule required",
		"SCRAM-SHA-512": "scram.ScramLoginModule required",
		"OAUTHBEARER":   `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"`,
	}
	prefix := listenerPrefix(listener)
	lines := []string{prefix + "sasl.enabled.mechanisms=" + strings.Join(mechanisms, ",")}
	for _, m := range mechanisms {
		lines = append(lines, prefix+strings.ToLower(m)+".sasl.jaas.config="+security+modules[m]+";")
	}
	return lines
}

// file writes a file to the folder of certificates.
func (s *secured) file(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.ca.Path(name), []byte(content), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// channels numbers the channels of the tests.
var channels atomic.Int32

// chain starts a chain of an orderer with this Kafka section in orderer.yaml; file names
// are relative to the folder of certificates. It is halted at the end of the test.
func (s *secured) chain(t *testing.T, listener, section string) (consensus.Chain, *chaintest.Ledger) {
	t.Helper()
	c, err := s.consenter(t, section)
	if err != nil {
		t.Fatal(err)
	}
	ledger := chaintest.NewLedger(fmt.Sprintf("channel-%d", channels.Add(1)), chaintest.Settings{
		Brokers: []string{s.address(listener)}, Count: 1, Timeout: time.Second})
	made, err := c.HandleChain(ledger, nil)
	if err != nil {
		t.Fatal(err)
	}
	made.Start()
	t.Cleanup(made.Halt)
	return made, ledger
}

func (s *secured) consenter(t *testing.T, section string) (*consenter.Consenter, error) {
	t.Helper()
	return s.consenterOf(t, section+"\nTopic: {ReplicationFactor: 1, Begin: \"*\"}")
}

// consenterOf is consenter for a section that includes Topic.
func (s *secured) consenterOf(t *testing.T, section string) (*consenter.Consenter, error) {
	t.Helper()
	raw := map[string]any{}
	if err := yaml.Unmarshal([]byte(section+"\nRetry: {Min: 20ms, Max: 200ms}\nTimeouts: {Ready: 500ms}\n"), &raw); err != nil {
		t.Fatal(err)
	}
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		t.Fatal(err)
	}
	return consenter.New(consenter.Host{Consensus: map[string]any{"Kafka": raw}, Metrics: &disabled.Provider{}, Crypto: crypto,
		ConfigDir: filepath.Dir(s.ca.Path("x"))})
}
