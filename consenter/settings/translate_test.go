package settings

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"
)

// translated parses the translation of a section Kafka, and returns the keys of the notes; those with something left
// to do begin with "!".
func translated(t *testing.T, orderer string) (Config, []string) {
	t.Helper()
	section, notes, err := Translate([]byte(orderer))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Consensus any `yaml:"Consensus"`
	}
	if err := yaml.Unmarshal(section, &file); err != nil {
		t.Fatalf("%v\n%s", err, section)
	}
	c, err := Parse(file.Consensus, "/etc/fabric")
	if err != nil {
		t.Errorf("the orderer refuses the section: %v\n%s", err, section)
	}
	var keys []string
	for _, n := range notes {
		if n.Text == "" {
			t.Errorf("%s: the note has no text", n.Key)
		}
		key := strings.TrimPrefix(n.Key, "Kafka.")
		if n.Manual {
			key = "!" + key
		}
		keys = append(keys, key)
	}
	return c, keys
}

func TestTranslate(t *testing.T) {
	for name, test := range map[string]struct {
		old   string
		want  func(*Config) // of the defaults
		notes []string
	}{
		"as Fabric ships it": {old: `
Kafka:
  Retry: {ShortInterval: 5s, ShortTotal: 10m, LongInterval: 5m, LongTotal: 12h, NetworkTimeouts: {DialTimeout: 10s, ReadTimeout: 10s, WriteTimeout: 10s},
    Metadata: {RetryBackoff: 250ms, RetryMax: 3}, Producer: {RetryBackoff: 100ms, RetryMax: 3}, Consumer: {RetryBackoff: 2s}}
  Topic: {ReplicationFactor: 3}
  Verbose: false
  TLS: {Enabled: false, PrivateKey: , Certificate: , RootCAs: }
  SASLPlain: {Enabled: false, User: , Password: }
  Version:
`, want: func(*Config) {}},
		"values of the operator's": {old: `
Kafka:
  Retry: {ShortInterval: 1s, ShortTotal: 1h, LongInterval: 30s, NetworkTimeouts: {DialTimeout: 3s, WriteTimeout: 4s}, Producer: {RetryMax: 7}}
  Topic: {ReplicationFactor: 5}
  Verbose: true
  Version: 0.10.2.0
`, want: func(c *Config) {
			c.Retry = Retry{Min: time.Second, Max: 30 * time.Second}
			c.Timeouts.Dial, c.Timeouts.Write = 3*time.Second, 4*time.Second
			c.Topic.ReplicationFactor = 5
		}, notes: []string{"Retry.ShortTotal", "Retry.Producer.RetryMax", "Verbose", "Version"}},
		"secured": {old: `
kafka:
  tls:
    enabled: true
    PrivateKey: {File: /tls/key.pem}
    Certificate: {File: /tls/cert.pem}
    RootCAs: {File: [/tls/a.pem, /tls/b.pem]}
`, want: func(c *Config) {
			c.TLS = TLS{Enabled: true, PrivateKey: "/tls/key.pem", Certificate: "/tls/cert.pem", RootCAs: []string{"/tls/a.pem", "/tls/b.pem"}}
		}},
		"files that need manual work": {old: `
Kafka:
  TLS: {Enabled: true, Certificate: {File: cert.pem}, PrivateKey: {File: key.pem}, RootCAs: ["-----BEGIN CERTIFICATE-----\nMII"]}
`, want: func(c *Config) {
			c.TLS = TLS{Enabled: true, Certificate: "/etc/fabric/cert.pem", PrivateKey: "/etc/fabric/key.pem"}
		}, notes: []string{"!TLS.Certificate", "!TLS.PrivateKey", "!TLS.RootCAs"}},
		"one root": {old: "Kafka: {TLS: {Enabled: true, RootCAs: {File: /tls/ca.pem}}}\n", want: func(c *Config) {
			c.TLS = TLS{Enabled: true, RootCAs: []string{"/tls/ca.pem"}}
		}},
		"switched off": {old: "Kafka: {TLS: {Enabled: false, RootCAs: {File: /ca.pem}}, SASLPlain: {User: u, Password: p}}\n",
			want: func(*Config) {}, notes: []string{"TLS.RootCAs", "SASLPlain.User", "SASLPlain.Password"}},
		"unknown": {old: "Kafka: {Brokers: [a:9092], TLS: {Enable: true}, Topic: 7}\n",
			want: func(*Config) {}, notes: []string{"Brokers", "TLS.Enable", "Topic"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, notes := translated(t, test.old)
			if !slices.Equal(notes, test.notes) {
				t.Errorf("notes %q, want %q", notes, test.notes)
			}
			want := Default()
			test.want(&want)
			sameConfig(t, c, want)
		})
	}
}

func sameConfig(t *testing.T, c, other Config) {
	t.Helper()
	if got, want := asText(c), asText(other); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func asText(c Config) string {
	out, err := yaml.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// A password is in no output.
func TestTranslateKeepsSecrets(t *testing.T) {
	const secret = "swordfish"
	section, notes, err := Translate([]byte("Kafka: {SASLPlain: {Enabled: true, User: u, Password: " + secret + "}, TLS: {Enabled: true, PrivateKey: '-----BEGIN " + secret + "'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(section), secret) {
		t.Errorf("the section has the secret:\n%s", section)
	}
	for _, want := range []string{"Mechanism: PLAIN", "User: u"} {
		if !strings.Contains(string(section), want) {
			t.Errorf("the section has no %q:\n%s", want, section)
		}
	}
	if len(notes) != 2 || !notes[0].Manual || !notes[1].Manual {
		t.Errorf("notes %v, want two of something left to do", notes)
	}
	for _, n := range notes {
		if strings.Contains(n.Text, secret) {
			t.Errorf("the note on %s has the secret: %s", n.Key, n.Text)
		}
	}
}

func TestTranslateWithoutSection(t *testing.T) {
	for _, file := range []string{"", "General: {}\n", "- a\n", "Consensus: {Kafka: {}}\n"} {
		if _, _, err := Translate([]byte(file)); !errors.Is(err, ErrNoInTreeSection) {
			t.Errorf("%q: %v", file, err)
		}
	}
	if _, _, err := Translate([]byte("a: [\n")); err == nil {
		t.Error("no YAML was accepted")
	}
}

// The comments of both files stay, and nothing else of the orderer.yaml changes.
func TestInsert(t *testing.T) {
	section, _, err := Translate([]byte("Kafka: {Topic: {ReplicationFactor: 5}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, consensus := range map[string]string{
		"none": "", "empty": "Consensus:\n", "another": "Consensus: {WALDir: /wal}\n", "an old one": "Consensus: {WALDir: /wal, kafka: {ClientID: x}}\n",
	} {
		out, err := Insert(section, []byte("# keep this\nGeneral: {ListenPort: 7050}\nKafka: {Version: 1}\n"+consensus))
		if err != nil {
			t.Fatal(name, err)
		}
		var file map[string]any
		if err := yaml.Unmarshal(out, &file); err != nil {
			t.Fatal(name, err)
		}
		c, err := Parse(file["Consensus"], "")
		if err != nil || c.Topic.ReplicationFactor != 5 || c.ClientID != Default().ClientID {
			t.Errorf("%s: %v, %+v", name, err, c.Topic)
		}
		wal := strings.Contains(string(out), "WALDir: /wal")
		if file["Kafka"] != nil || file["General"] == nil || wal != strings.Contains(consensus, "WALDir") {
			t.Errorf("%s: got\n%s", name, out)
		}
		for _, comment := range []string{"# keep this", "# Copies of the topic, each on another broker."} {
			if !strings.Contains(string(out), comment) {
				t.Errorf("%s: the comment %q is missing:\n%s", name, comment, out)
			}
		}
	}
	for _, file := range []string{"", "a: b\n", "General: {}\nConsensus: 7\n", "General: {}\nConsensus: [a]\n"} {
		if _, err := Insert(section, []byte(file)); err == nil {
			t.Errorf("%q was accepted", file)
		}
	}
}

// Every key of the in-tree consenter has a counterpart or a reason.
func TestInTreeKeysHaveReasons(t *testing.T) {
	for name, r := range inTreeKeys {
		if (r.key == "") == (r.why == "") {
			t.Errorf("%s: key %q, reason %q: want one of them", name, r.key, r.why)
		}
	}
}
