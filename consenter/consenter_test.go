package consenter

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/common/crypto/tlsgen"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/hyperledger/fabric/orderer/consensus"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),  // one for each process, never stops
		goleak.IgnoreTopFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain")) // of a ledger's index, for up to 30 s after it is closed
}

func TestNewNamesAllFaults(t *testing.T) {
	section := map[string]any{
		"ClientID": "?",
		"Color":    "red",
		"TLS":      map[string]any{"Enabled": true, "RootCAs": "ca.pem"},
		"SASL":     map[string]any{"Mechanism": "PLAIN", "User": "a", "PasswordFile": "password"},
	}
	dir := t.TempDir()
	_, err := New(Host{Consensus: map[string]any{"Kafka": section}, Metrics: &disabled.Provider{}, Crypto: crypto(t), ConfigDir: dir})
	checktest.Fails(t, err, "orderer.yaml, or an environment variable ORDERER_CONSENSUS_KAFKA_..., is wrong:")
	for _, fault := range []string{"ClientID is", "Color is not a key", "TLS.RootCAs: open " + dir + "/ca.pem", "SASL.PasswordFile: open " + dir + "/password"} {
		checktest.Fails(t, err, "\n  Consensus.Kafka."+fault)
	}
}

func TestNewNeedsTheHost(t *testing.T) {
	_, err := New(Host{Metrics: &disabled.Provider{}})
	checktest.Fails(t, err, "was not built for this plugin")
	_, err = New(Host{Crypto: crypto(t)})
	checktest.Fails(t, err, "was not built for this plugin")
}

func TestOtherRegistrarIsRefused(t *testing.T) {
	type onlySupport struct{ consensus.ConsenterSupport } // no more than the contract
	_, err := plainConsenter(t).HandleChain(onlySupport{}, nil)
	checktest.Fails(t, err, "consenter.onlySupport lacks channel resources that a kafka chain needs: the plugin was built for another Fabric version")
}

// Faults that only the file or only the environment shows are reported with the rest.
func TestNewNamesWhatTheSectionDoesNotShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orderer.yaml")
	checktest.Must(t, os.WriteFile(file, []byte("Consensus: {Kafka: {Health: off, Health: off}}\n"), 0o600))
	_, err := New(Host{Metrics: &disabled.Provider{}, Crypto: crypto(t), ConfigFile: file, Environment: []string{
		"A=b", "ORDERER_CONSENSUS_KAFKA_TLS_ENABLED=true", "ORDERER_CONSENSUS_KAFKA_COLOR=red"}})
	checktest.Fails(t, err, "\n  Consensus.Kafka.Health is given 2 times in "+file)
	checktest.Fails(t, err, "\n  ORDERER_CONSENSUS_KAFKA_TLS_ENABLED has no effect: ")
	if got, part := err.Error(), "COLOR"; strings.Contains(got, part) {
		t.Fatalf("it does not concern security: %q has %q", got, part)
	}
	_, err = New(Host{Metrics: newMeter(t), Crypto: crypto(t), Environment: []string{"ORDERER_CONSENSUS_KAFKA_COLOR=red"}})
	checktest.Must(t, err)
}

// HandleChain must not wait for Kafka, and no fault of a ledger may end the process.
func TestHandleChainNeverWaits(t *testing.T) {
	s := newSupport(t, channelSpec{kind: "kafka", brokers: []string{"127.0.0.1:1"}}.config())
	c, err := plainConsenter(t).HandleChain(s, nil)
	checktest.Must(t, err)
	c.Halt()

	broken, err := plainConsenter(t).HandleChain(s, &fabric.Metadata{Value: []byte("garbage")})
	checktest.Must(t, err)
	_, status := broken.(consensus.StatusReporter).StatusReport()
	if got, want := status, types.StatusFailed; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	broken.Halt()
}

func TestSettingsReachTheChain(t *testing.T) {
	c := newConsenter(t, map[string]any{
		"Brokers":      "mine:9092",
		"Retry":        map[string]any{"Min": "1s", "Max": "2s"},
		"Timeouts":     map[string]any{"Append": "3s", "Ready": "4s"},
		"DeliverGrace": "5s", "Preflight": "off", "ForkAlarm": "stop", "CutJitter": 0.5,
		"Producer": map[string]any{"Inflight": 6},
	}, &disabled.Provider{})
	o := c.options(channel)
	if o.OpenLog == nil {
		t.Fatalf("got none")
	}
	if o.Crypto == nil {
		t.Fatalf("got none")
	}
	if o.NewPuller == nil {
		t.Fatalf("got none")
	}
	checktest.Must(t, o.Room(1, func() bool { return true }))
	if o.Explain == nil {
		t.Fatalf("got none")
	}
	o.OpenLog, o.Crypto, o.NewPuller, o.Room, o.Explain, o.Events = nil, nil, nil, nil, nil, session.Events{}
	if got, want := o, (chain.Options{
		Brokers:  []string{"mine:9092"},
		RetryMin: time.Second, RetryMax: 2 * time.Second, AppendTimeout: 3 * time.Second, ReadyTimeout: 4 * time.Second,
		DeliverGrace: 5 * time.Second, CheckInterval: spread(chain.DefaultCheckInterval, channel), Preflight: chain.PreflightOff, ForkAlarm: chain.ForkStop, CutJitter: 0.5, Inflight: 6,
	}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}

	none := newConsenter(t, map[string]any{"CutJitter": 0}, &disabled.Provider{})
	if got := none.options(channel).CutJitter; got >= 0 {
		t.Fatalf("none, and not the default: got %v, want less than 0", got)
	}
}

// The checks of channels are spread, so that those of many channels do not coincide, and no channel is checked less often
// than every CheckInterval, even if its connection is as old as it may be.
func TestChecksAreSpread(t *testing.T) {
	const interval, channels = time.Minute, 1000
	first, last := interval, time.Duration(0)
	for n := range channels {
		d := spread(interval, fmt.Sprintf("channel-%03d", n))
		first, last = min(first, d), max(last, d)
	}
	if first < interval*7/10 || last+interval/poolShare > interval {
		t.Errorf("a channel is checked every %s to %s", first, last)
	}
	if last-first < interval*19/100 {
		t.Errorf("%s to %s is a small part of what they may be spread over", first, last)
	}
	if again := spread(interval, "channel-000"); again != spread(interval, "channel-000") {
		t.Error("the interval of a channel changes")
	}
}

func TestSettingsReachTheLog(t *testing.T) {
	c := newConsenter(t, map[string]any{
		"ClientID": "me",
		"Topic":    map[string]any{"ReplicationFactor": 5, "MinInsyncReplicas": 4},
		"Timeouts": map[string]any{"Dial": "1s", "Read": "2s", "Write": "3s"},
		"Retry":    map[string]any{"Min": "4s"},
		"Producer": map[string]any{"Linger": "5ms"},
		"Consumer": map[string]any{"FetchBytes": 6, "MaxDecompressedBytes": 7},
	}, &disabled.Provider{})
	l := c.logConfig([]string{"kafka:9092"}, 1000)
	if got, want := l.Brokers, ([]string{"kafka:9092"}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := l.ClientID, "me"; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := ([]time.Duration{l.DialTimeout, l.ReadTimeout, l.WriteTimeout, l.RetryBackoff, l.Linger}), ([]time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Millisecond}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := ([]int32{l.FetchBytes, l.MaxDecompressedBytes}), ([]int32{6, 7}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := l.Settings, (log.Settings{ReplicationFactor: 5, MinInsyncReplicas: 4, MaxMessageBytes: 1000 + valueOverhead}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// A channel may allow envelopes that are too large for any request to Kafka.
func TestLogOpensForEveryLimit(t *testing.T) {
	c := plainConsenter(t)
	for _, limit := range []uint32{1, 10 << 20, 96 << 20, math.MaxUint32} {
		l, err := c.openLog([]string{"kafka:9092"}, channel, limit)
		checktest.Must(t, err)
		checktest.Must(t, l.Close())
	}
}

// From orderer.yaml to a topic, over TLS with client certificates and a password, which is
// changed meanwhile.
func TestChainReachesSecuredBroker(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			dir := t.TempDir()
			put := func(name, content string) {
				checktest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
			}
			put("password", "another\n")
			broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(newTLS(t, put)), kfake.EnableSASL(), kfake.Superuser(mechanism, "orderer1", "secret"))
			checktest.Must(t, err)
			defer broker.Close()
			section := map[string]any{
				"Topic": map[string]any{"ReplicationFactor": 1},
				// each connection derives a key, on a busy machine for long
				"Timeouts": map[string]any{"Dial": "1m", "Read": "1m", "Append": "1m", "Ready": "1m"},
				"TLS":      map[string]any{"Enabled": true, "RootCAs": "ca.pem", "Certificate": "cert.pem", "PrivateKey": "key.pem"},
				"SASL":     map[string]any{"Mechanism": mechanism, "User": "orderer1", "PasswordFile": "password"},
			}
			c, err := New(Host{Consensus: map[string]any{"Kafka": section}, Metrics: newMeter(t), Crypto: crypto(t), ConfigDir: dir})
			checktest.Must(t, err)
			put("password", "secret\n")
			one, err := c.HandleChain(newSupport(t, channelSpec{kind: "kafka", brokers: broker.ListenAddrs()}.config()), nil)
			checktest.Must(t, err)
			one.Start()
			ready := one.WaitReady()
			one.Halt()
			checktest.Must(t, ready)

			topic, err := c.openLog(broker.ListenAddrs(), channel, 1<<20)
			checktest.Must(t, err)
			bounds, err := topic.Bounds(t.Context())
			checktest.Must(t, err)
			if got, want := bounds, (log.Bounds{Start: 0, End: 1}); !reflect.DeepEqual(got, want) {
				t.Fatalf("the topic has its description: got %v, want %v", got, want)
			}
			checktest.Must(t, topic.Close())
		})
	}
}

// newTLS writes the files of an authority, and of a certificate that it has signed for
// loopback. It returns a config that requires such a certificate of clients.
func newTLS(t *testing.T, put func(name, content string)) *tls.Config {
	authority, err := tlsgen.NewCA()
	checktest.Must(t, err)
	pair, err := authority.NewServerCertKeyPair("127.0.0.1")
	checktest.Must(t, err)
	put("ca.pem", string(authority.CertBytes()))
	put("cert.pem", string(pair.Cert))
	put("key.pem", string(pair.Key))
	own, err := tls.X509KeyPair(pair.Cert, pair.Key)
	checktest.Must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority.CertBytes()) {
		t.Fatal("the authority has no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

// The metric follows the files of the client certificate: at start, and when a topic is surveyed.
func TestExpiryOfTheClientCertificateIsMeasured(t *testing.T) {
	const name = "consensus_kafka_client_certificate_expiry_seconds"
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put := func(name, content string) {
			checktest.Must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		}
		expiry := func() float64 {
			pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
			checktest.Must(t, err)
			return float64(pair.Leaf.NotAfter.Unix())
		}
		newTLS(t, put)
		first := expiry()
		m := newMeter(t)
		c, err := New(Host{Consensus: map[string]any{"Kafka": map[string]any{"TLS": map[string]any{"Enabled": true, "Certificate": "cert.pem", "PrivateKey": "key.pem"}}},
			Metrics: m, Crypto: crypto(t), ConfigDir: dir})
		checktest.Must(t, err)
		if got, want := m.values[name+"{}"], first; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}

		time.Sleep(time.Hour)
		newTLS(t, put)
		if got, other := expiry(), first; reflect.DeepEqual(got, other) {
			t.Fatalf("got %v, want another", got)
		}
		c.events(channel).Surveyed(nil, nil)
		if got, want := m.values[name+"{}"], expiry(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})

	m := newMeter(t)
	newConsenter(t, nil, m).events(channel).Surveyed(nil, nil)
	if _, is := m.declared[name]; !is {
		t.Errorf("there is no metric %s", name)
	}
	if got, is := m.values[name+"{}"]; is {
		t.Errorf("there is no certificate, and %s is %v", name, got)
	}
}
