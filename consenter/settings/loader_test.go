package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/orderer/common/localconfig"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// loaded returns the section Consensus as the orderer's own loader reads it from an
// orderer.yaml and the environment of the test.
func loaded(t *testing.T, ordererYAML string) any {
	dir := t.TempDir()
	checktest.Must(t, os.WriteFile(filepath.Join(dir, "orderer.yaml"), []byte(ordererYAML), 0o600))
	t.Setenv("FABRIC_CFG_PATH", dir)
	conf, err := localconfig.Load()
	checktest.Must(t, err)
	return conf.Consensus
}

// ordererYAML has the sample next to the keys of etcdraft, with the indentation of Fabric's
// own orderer.yaml, so that the sample can be pasted there.
var ordererYAML = "General:\n  ListenPort: 7050\n" +
	strings.Replace(Sample, "Consensus:\n", "Consensus:\n    WALDir: /wal\n    SnapDir: /snap\n", 1)

func TestOrdererLoadsTheSample(t *testing.T) {
	c, err := Parse(loaded(t, ordererYAML), "/etc/fabric")
	checktest.Must(t, err)
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Fatalf("got %v, want %v", c, want)
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	for variable, value := range map[string]string{
		"CLIENTID":                      "orderer1",
		"BROKERS":                       "a:9092, b:9092",
		"TOPIC_REPLICATIONFACTOR":       "5",
		"TOPIC_MININSYNCREPLICAS":       "3",
		"TIMEOUTS_DIAL":                 "2s",
		"RETRY_MAX":                     "1m",
		"PRODUCER_INFLIGHT":             "17",
		"CONSUMER_FETCHBYTES":           "2 MB",
		"CONSUMER_MAXDECOMPRESSEDBYTES": "33554432",
		"CUTJITTER":                     "0",
		"TLS_ENABLED":                   "true",
		"TLS_ROOTCAS":                   "ca1.pem, /tls/ca2.pem",
		"SASL_MECHANISM":                "PLAIN",
		"SASL_USER":                     "1234",
		"SASL_PASSWORDFILE":             "/run/secrets/password",
		"RETRY_MIN":                     "", // as if it were not set
	} {
		t.Setenv("ORDERER_CONSENSUS_KAFKA_"+variable, value)
	}
	c, err := Parse(loaded(t, ordererYAML), "/etc/fabric")
	checktest.Must(t, err)

	want := Default()
	want.ClientID = "orderer1"
	want.Brokers = []string{"a:9092", "b:9092"}
	want.Topic = Topic{ReplicationFactor: 5, MinInsyncReplicas: 3}
	want.Timeouts.Dial = 2 * time.Second
	want.Retry.Max = time.Minute
	want.Producer.Inflight = 17
	want.Consumer = Consumer{FetchBytes: 2 << 20, MaxDecompressedBytes: 32 << 20}
	want.CutJitter = 0
	want.TLS = TLS{Enabled: true, RootCAs: []string{"/etc/fabric/ca1.pem", "/tls/ca2.pem"}}
	want.SASL = SASL{Mechanism: "PLAIN", User: "1234", PasswordFile: "/run/secrets/password"}
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("got %v, want %v", c, want)
	}
}

func TestListInBracketsFromEnvironment(t *testing.T) {
	t.Setenv("ORDERER_CONSENSUS_KAFKA_TLS_ENABLED", "true")
	t.Setenv("ORDERER_CONSENSUS_KAFKA_TLS_ROOTCAS", "[/a.pem,/b.pem]")
	c, err := Parse(loaded(t, ordererYAML), "")
	checktest.Must(t, err)
	if want := []string{"/a.pem", "/b.pem"}; !reflect.DeepEqual(c.TLS.RootCAs, want) {
		t.Fatalf("c.TLS.RootCAs is %v, want %v", c.TLS.RootCAs, want)
	}
}

func TestBadEnvironmentIsRefused(t *testing.T) {
	t.Setenv("ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL", "2")
	t.Setenv("ORDERER_CONSENSUS_KAFKA_TLS", "true")
	_, err := Parse(loaded(t, ordererYAML), "")
	checktest.Fails(t, err, `Consensus.Kafka.Timeouts.Dial is "2"; want a duration`)
	checktest.Fails(t, err, `Consensus.Kafka.TLS is "true"; want a section`)
}

// That is why the sample has every key.
func TestEnvironmentDoesNotAddKeys(t *testing.T) {
	t.Setenv("ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL", "2s")
	c, err := Parse(loaded(t, "General:\n  ListenPort: 7050\nConsensus:\n  Kafka:\n    ClientID: a\n"), "")
	checktest.Must(t, err)
	if want := Default().Timeouts.Dial; !reflect.DeepEqual(c.Timeouts.Dial, want) {
		t.Fatalf("c.Timeouts.Dial is %v, want %v", c.Timeouts.Dial, want)
	}
	if c.ClientID != "a" {
		t.Fatalf("c.ClientID is %v, want %v", c.ClientID, "a")
	}
}
