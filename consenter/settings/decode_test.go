package settings

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// parse returns the config of a section Kafka in yaml.
func parse(t *testing.T, section string) (Config, error) {
	raw := map[string]any{}
	checktest.Must(t, yaml.Unmarshal([]byte(section), &raw))
	return Parse(map[string]any{"Kafka": raw}, "/etc/fabric")
}

func TestWithoutSectionDefaultsHold(t *testing.T) {
	for name, consensus := range map[string]any{
		"nothing":       nil,
		"other type's":  map[string]any{"Type": "etcdraft", "WALDir": "/wal", "SnapDir": "/snap", "Options": map[string]any{"x": 1}},
		"empty section": map[string]any{"Kafka": nil},
		"empty parts":   map[string]any{"Kafka": map[string]any{"TLS": nil, "ClientID": nil}},
	} {
		c, err := Parse(consensus, "")
		if err != nil {
			t.Fatalf("%v: %v", name, err)
		}
		if want := Default(); !reflect.DeepEqual(c, want) {
			t.Fatalf("%v: got %v, want %v", name, c, want)
		}
	}
}

func TestKeysAreAccepted(t *testing.T) {
	c, err := parse(t, `
ClientID: orderer1.example.com
ConsumerGroup: our-orderers
Brokers: [kafka1:9092, "[::1]:9093"]
Topic:
  ReplicationFactor: 5
  MinInsyncReplicas: "3"
  Compatible: [old, older]
  PassCuts: [old=7, older=1, old=9]
  Moved: "new=0123456789abcdefABCDEF"
  Begin: fresh
CheckInterval: 1m
Preflight: enforce
ForkAlarm: stop
Health: brokers
Timeouts: {Dial: 1s, Read: 2s, Write: 3s, Append: 1m30s, Ready: " 5s "}
Retry: {Min: 10ms, Max: 20s}
Producer: {Linger: 500us, Inflight: 100}
Consumer: {FetchBytes: 512 KB, MaxDecompressedBytes: "20000000"}
DiskReserve: 1 GB
DeliverGrace: 1h
CutJitter: "0.5"
TLS:
  Enabled: true
  RootCAs: [ca1.pem, /tls/ca2.pem]
  Certificate: tls/cert.pem
  PrivateKey: /tls/key.pem
  ServerName: kafka.example.com
SASL: {Mechanism: PLAIN, User: "1234", PasswordFile: password}
`)
	checktest.Must(t, err)
	want := Default()
	want.ClientID, want.ConsumerGroup, want.Brokers = "orderer1.example.com", "our-orderers", []string{"kafka1:9092", "[::1]:9093"}
	want.Topic = Topic{ReplicationFactor: 5, MinInsyncReplicas: 3, Compatible: []string{"old", "older"},
		PassCuts: map[string][]machine.Offset{"old": {7, 9}, "older": {1}},
		Moved:    map[string]string{"new": "0123456789abcdefABCDEF"},
		Begin:    []string{"fresh"}}
	want.Timeouts = Timeouts{Dial: time.Second, Read: 2 * time.Second, Write: 3 * time.Second, Append: 90 * time.Second, Ready: 5 * time.Second}
	want.Retry = Retry{Min: 10 * time.Millisecond, Max: 20 * time.Second}
	want.Producer = Producer{Linger: 500 * time.Microsecond, Inflight: 100}
	want.Consumer = Consumer{FetchBytes: 512 << 10, MaxDecompressedBytes: 20_000_000}
	want.DiskReserve, want.DeliverGrace, want.CheckInterval, want.CutJitter = 1<<30, time.Hour, time.Minute, 0.5
	want.Preflight, want.ForkAlarm, want.Health = "enforce", "stop", "brokers"
	want.TLS = TLS{Enabled: true, RootCAs: []string{"/etc/fabric/ca1.pem", "/tls/ca2.pem"},
		Certificate: "/etc/fabric/tls/cert.pem", PrivateKey: "/tls/key.pem", ServerName: "kafka.example.com"}
	want.SASL = SASL{Mechanism: "PLAIN", User: "1234", PasswordFile: "/etc/fabric/password"}
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("got %v, want %v", c, want)
	}
}

func TestTokenKeysAreAccepted(t *testing.T) {
	c, err := parse(t, `SASL: {Mechanism: OAUTHBEARER, TokenFile: token}`)
	checktest.Must(t, err)
	if want := (SASL{Mechanism: "OAUTHBEARER", TokenFile: "/etc/fabric/token"}); !reflect.DeepEqual(c.SASL, want) {
		t.Fatalf("c.SASL is %v, want %v", c.SASL, want)
	}
	c, err = parse(t, `SASL: {Mechanism: OAUTHBEARER, TokenCommand: [/usr/bin/get-token, --audience, kafka]}`)
	checktest.Must(t, err)
	if want := (SASL{Mechanism: "OAUTHBEARER", TokenCommand: []string{"/usr/bin/get-token", "--audience", "kafka"}}); !reflect.DeepEqual(c.SASL, want) {
		t.Fatalf("c.SASL is %v, want %v", c.SASL, want)
	}
	c, err = parse(t, `SASL: {Mechanism: OAUTHBEARER, TokenCommand: "/usr/bin/get-token,kafka"}`)
	checktest.Must(t, err)
	if want := []string{"/usr/bin/get-token", "kafka"}; !reflect.DeepEqual(c.SASL.TokenCommand, want) {
		t.Fatalf("c.SASL.TokenCommand is %v, want %v", c.SASL.TokenCommand, want)
	}
}

func TestKeysAreAcceptedInAnyCase(t *testing.T) {
	c, err := Parse(map[any]any{"kafka": map[any]any{"TIMEOUTS": map[any]any{"dial": "7s"}}}, "")
	checktest.Must(t, err)
	if c.Timeouts.Dial != 7*time.Second {
		t.Fatalf("c.Timeouts.Dial is %v, want 7s", c.Timeouts.Dial)
	}
}

// yaml reads off without quotes as false.
func TestOffNeedsNoQuotes(t *testing.T) {
	for _, section := range []string{"Preflight: off", `Preflight: "off"`} {
		c, err := parse(t, section)
		if err != nil {
			t.Fatalf("%v: %v", section, err)
		}
		if c.Preflight != "off" {
			t.Fatalf("c.Preflight is %v, want %v", c.Preflight, "off")
		}
	}
}

func TestForkAlarmIsOff(t *testing.T) {
	for _, section := range []string{"ForkAlarm: off", `{ForkAlarm: off, ConsumerGroup: ""}`} {
		c, err := parse(t, section)
		checktest.Must(t, err)
		if c.ForkAlarm != "off" {
			t.Fatalf("c.ForkAlarm is %v, want %v", c.ForkAlarm, "off")
		}
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	for _, c := range []struct{ section, fault string }{
		{`ClientID: ""`, `Consensus.Kafka.ClientID is ""; want a name of letters, digits, dots, underscores and hyphens`},
		{`ClientID: a b`, `Consensus.Kafka.ClientID is "a b"; want a name`},
		{`Brokers: kafka`, `Consensus.Kafka.Brokers is "kafka"; want a list of host:port`},
		{`Brokers: [a:9092, b:0]`, `Consensus.Kafka.Brokers is a list; want a list of host:port`},
		{`Brokers: [a:9092, b:0]`, `; broker "b:0": port "0" is not between 1 and 65535`},
		{`Brokers: [" 127.0.0.1:31501", "kafka 1:9092"]`, `; broker " 127.0.0.1:31501": the host has " " in it; broker "kafka 1:9092": the host has " " in it`},
		{`Brokers: {a: 9092}`, `is a section; want a list of host:port`},
		{`Topic: {ReplicationFactor: 0}`, `Consensus.Kafka.Topic.ReplicationFactor is 0; want a whole number from 1 to 32767`},
		{`Topic: {ReplicationFactor: 65539}`, `is 65539; want a whole number`}, // 3, if it wrapped
		{`Topic: {ReplicationFactor: 1.5}`, `is 1.5; want a whole number`},
		{`Topic: {MinInsyncReplicas: -1}`, `is -1; want a whole number from 0`},
		{`Topic: {Compatible: [a=b]}`, `want a list of channels`},
		{`Topic: {PassCuts: [a]}`, `want a list of channel=offset`},
		{`Topic: {PassCuts: [a=-1]}`, `want a list of channel=offset`},
		{`Topic: {Moved: [a=b]}`, `want a list of channel=topic id`},
		{`Topic: {MinInsyncReplicas: ""}`, `is ""; want a whole number`},
		{`Timeouts: {Dial: 5}`, `Consensus.Kafka.Timeouts.Dial is 5; want a duration with its unit`},
		{`Timeouts: {Dial: "5"}`, `is "5"; want a duration with its unit`},
		{`Timeouts: {Read: 0s}`, `is "0s"; want a duration with its unit, such as 500ms or 5s, of at least 10ms`},
		{`Timeouts: {Append: -1s}`, `is "-1s"; want`},
		{`Timeouts: {Ready: soon}`, `is "soon"; want`},
		{`Timeouts: {Ready: [5s]}`, `is a list; want`},
		{`Timeouts: {Ready: {Min: 5s}}`, `is a section; want`},
		{`Producer: {Inflight: 1048577}`, `is 1048577; want a whole number from 1 to 1048576`},
		{`Consumer: {FetchBytes: 2 GB}`, `is "2 GB"; want a number of bytes from 1 to 2147483647`},
		{`Consumer: {FetchBytes: 1 TB}`, `is "1 TB"; want a number of bytes`},
		{`Consumer: {FetchBytes: 0}`, `is 0; want a number of bytes`},
		{`Preflight: true`, `is true; want "warn" or "enforce" or "off"`},
		{`Health: true`, `is true; want "brokers" or "off"`},
		{`CutJitter: 1.1`, `is 1.1; want a number from 0 to 1`},
		{`CutJitter: NaN`, `is "NaN"; want a number`},
		{`TLS: {Enabled: 1}`, `is 1; want true or false`},
		{`TLS: {RootCAs: [""]}`, `is a list; want a list of names of files`},
		{`TLS: {RootCAs: 5}`, `is 5; want a list of names of files`},
		{`TLS: {ServerName: 5}`, `is 5; want a host name or an IP address`},
		{`TLS: on`, `Consensus.Kafka.TLS is true; want a section`},
		{`SASL: {Mechanism: SCRAM}`, `is "SCRAM"; want "" or "PLAIN" or "SCRAM-SHA-256" or "SCRAM-SHA-512" or "OAUTHBEARER"`},
		{`SASL: {TokenCommand: [get-token]}`, `Consensus.Kafka.SASL.TokenCommand is a list; want a list of the absolute path of a program and its arguments`},
		{`SASL: {TokenCommand: [/bin/x, {a: b}]}`, `want a list of the absolute path`},
	} {
		got, err := parse(t, c.section)
		if want := c.fault; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", c.section, err, want)
		}
		if want := Default(); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: got %v, want %v", c.section, got, want)
		}
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	for _, c := range []struct{ section, fault string }{
		{`Topic: {MinInsyncReplicas: 4}`, `Consensus.Kafka.Topic.MinInsyncReplicas is 4; want at most Topic.ReplicationFactor, which is 3`},
		{`Retry: {Min: 6s}`, `Consensus.Kafka.Retry.Max is 5s; want at least Retry.Min, which is 6s`},
		{`TLS: {Enabled: true, Certificate: a}`, `Consensus.Kafka.TLS.PrivateKey is empty; want the key`},
		{`TLS: {Enabled: true, PrivateKey: a}`, `Consensus.Kafka.TLS.Certificate is empty; want the certificate`},
		{`SASL: {Mechanism: PLAIN, PasswordFile: a}`, `Consensus.Kafka.SASL.User is empty; want the user that logs in with PLAIN`},
		{`SASL: {Mechanism: SCRAM-SHA-256, User: a}`, `Consensus.Kafka.SASL.PasswordFile is empty; want a file that holds the password of SASL.User`},
		{`SASL: {Mechanism: OAUTHBEARER}`, `Consensus.Kafka.SASL.TokenFile is empty, and so is SASL.TokenCommand; want one of them, for the token of OAUTHBEARER`},
		{`SASL: {Mechanism: OAUTHBEARER, TokenFile: a, TokenCommand: [/b]}`, `Consensus.Kafka.SASL.TokenFile is given, and so is SASL.TokenCommand; want one of them`},
	} {
		_, err := parse(t, c.section)
		checktest.Fails(t, err, c.fault)
		if got := err.Error(); strings.Contains(got, "\n") {
			t.Fatalf("one fault only: %q is in %q", "\n", got)
		}
	}
}

func TestUnknownKeysAreRefused(t *testing.T) {
	for _, c := range []struct{ section, fault string }{
		{`Timeout: {Dial: 5s}`, "Consensus.Kafka.Timeout is not a key; want one of " + strings.Join(members("", keysOf(&Config{}, "")), ", ")},
		{`tls: {enable: true}`, "Consensus.Kafka.TLS.enable is not a key; want one of Enabled, RootCAs, Certificate, PrivateKey, ServerName"},
		{`Retry: {Min: 1s, ShortInterval: 5s}`, "Consensus.Kafka.Retry.ShortInterval is not a key; want one of Min, Max"},
		{`ClientID.Name: x`, "Consensus.Kafka.ClientID.Name is not a key"},
		{`5: x`, "Consensus.Kafka.5 is not a key"},
	} {
		_, err := parse(t, c.section)
		checktest.Fails(t, err, c.fault)
	}
}

// An error never repeats what can be a secret.
func TestSecretsAreFiles(t *testing.T) {
	const secret = "swordfish"
	for _, section := range []string{
		`SASL: {Password: swordfish}`,
		`sasl: {password: {value: swordfish}}`,
		`SASL: {ClientSecret: swordfish}`,
		"TLS: {PrivateKey: \"-----BEGIN PRIVATE KEY-----swordfish\"}",
		"TLS: {Certificate: c, PrivateKey: \"x\\nswordfish\"}",
		`TLS: {PrivateKey: {PEM: swordfish}}`,
		`SASL: {Token: swordfish}`,
		`SASL: {TokenFile: eyJswordfish.eyJhIjoxfQ.x}`,
		`SASL: {TokenFile: [swordfish]}`,
		`TLS: {RootCAs: ["-----BEGIN CERTIFICATE-----swordfish"]}`,
	} {
		_, err := parse(t, section)
		if want := "file"; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: got the error %v, want one with %q", section, err, want)
		}
		if got := err.Error(); strings.Contains(got, secret) {
			t.Fatalf("%v: %q is in %q", section, secret, got)
		}
	}
	_, err := parse(t, `SASL: {PasswordFile: 271828}`) // a password of digits, at the wrong place
	checktest.Fails(t, err, "is not a file name")
	if got := err.Error(); strings.Contains(got, "271828") {
		t.Fatalf("%q is in %q", "271828", got)
	}
	_, err = parse(t, `SASL: {Password: swordfish}`)
	checktest.Fails(t, err, "Consensus.Kafka.SASL.Password is not a key")
	checktest.Fails(t, err, "Consensus.Kafka.SASL.PasswordFile")
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	_, err := parse(t, `
Color: red
ClientID: "?"
Retry: {Min: x, Max: 1ms}
Timeouts: {Dial: 1, Read: 2}
Topic: {MinInsyncReplicas: 9}
`)
	if err == nil {
		t.Fatal("got no error")
	}
	var keys []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		keys = append(keys, strings.Fields(line)[0])
	}
	// Retry.Max contradicts only a default that the operator did not ask for.
	if want := []string{
		"Consensus.Kafka.ClientID", "Consensus.Kafka.Color", "Consensus.Kafka.Retry.Min",
		"Consensus.Kafka.Timeouts.Dial", "Consensus.Kafka.Timeouts.Read", "Consensus.Kafka.Topic.MinInsyncReplicas",
	}; !reflect.DeepEqual(keys, want) {
		t.Fatalf("got %v, want %v", keys, want)
	}
}

func TestKeyGivenTwiceIsRefused(t *testing.T) {
	_, err := parse(t, "clientid: a\nClientID: b")
	checktest.Fails(t, err, "is given twice")
}

// The orderer passes a key on with the dot that it has in the file.
func TestKeysMayHaveDots(t *testing.T) {
	c, err := parse(t, "TLS.Enabled: true\ntls.servername: kafka\nTLS: {RootCAs: [/a]}\nTimeouts.Dial: 7s")
	checktest.Must(t, err)
	if want := (TLS{Enabled: true, ServerName: "kafka", RootCAs: []string{"/a"}}); !reflect.DeepEqual(c.TLS, want) {
		t.Fatalf("c.TLS is %v, want %v", c.TLS, want)
	}
	if c.Timeouts.Dial != 7*time.Second {
		t.Fatalf("c.Timeouts.Dial is %v, want 7s", c.Timeouts.Dial)
	}
	for section, fault := range map[string]string{
		"TLS.Enabled: true\nTLS: {Enabled: false}": "Consensus.Kafka.TLS.Enabled is given twice, in two spellings; want it once",
		"TLS.Enable: true":                         "Consensus.Kafka.TLS.Enable is not a key; want one of Enabled",
		"Timeouts.Dial: 1":                         "Consensus.Kafka.Timeouts.Dial is 1; want a duration",
		"TLS: {}\ntls: {}":                         "Consensus.Kafka.tls is given twice",
		"TLS.ServerName: a":                        "Consensus.Kafka.TLS.ServerName is given, but TLS.Enabled is false",
		"Timeouts.Dial.Least: 1":                   "Consensus.Kafka.Timeouts.Dial.Least is not a key",
	} {
		_, err := parse(t, section)
		checktest.Fails(t, err, fault)
	}
}

func TestConsensusMustBeASection(t *testing.T) {
	_, err := Parse("kafka", "")
	if got := fmt.Sprint(err); got != `Consensus is "kafka"; want a section` {
		t.Fatalf("got %q, want %q", got, `Consensus is "kafka"; want a section`)
	}
	_, err = Parse(map[string]any{"Kafka": strings.Repeat("x", 200)}, "")
	checktest.Fails(t, err, `Consensus.Kafka is "xxx`)
	if got := len(err.Error()); got >= 150 {
		t.Fatalf("got %v, want less than 150", got)
	}
}
