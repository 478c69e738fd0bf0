package settings

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"
)

// FuzzConfig parses a section Kafka of any content. Parse never panics; what it accepts is within the limits that
// kafka.yaml states, and each line of its error names a key, and none repeats what could be a private key.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", "Topic: {ReplicationFactor: 5, MinInsyncReplicas: 9}", "Topic: {Compatible: '*', PassCuts: [a=1, a=2], Moved: [a=0123456789abcdefABCDEF]}",
		"Timeouts: {Dial: 1s, Read: -1s}", "TLS: {Enabled: yes, PrivateKey: '-----BEGIN KEY-----', RootCAs: a,b}", "CutJitter: .nan", "CutJitter: 1e400",
		"Producer: {Inflight: 1048577, Linger: 1}", "Consumer: {FetchBytes: 4294967296 GB}", "SASL: {Mechanism: PLAIN, Password: x}", "SASL: {Mechanism: OAUTHBEARER, TokenCommand: /bin/x,y, TokenFile: z}", "SASL: {Mechanism: SCRAM-SHA-512, TokenFile: eyJh.b.c}", "? [a]\n: b", "clientid: A\nClientID: B",
		"TLS: {Enabled: false, RootCAs: [a], ServerName: b}", "TLS: {RootCAs: [a, /etc/fabric/a]}", "SASL: {User: a}", "SASL: {Mechanism: PLAIN, User: a, PasswordFile: b}", "Brokers: 'a:1,a:1'", "Topic: {Compatible: ['*', a]}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, section string) {
		raw := map[string]any{}
		if yaml.Unmarshal([]byte(section), &raw) != nil {
			return
		}
		c, err := Parse(map[string]any{"Kafka": raw}, "/etc/fabric")
		if err == nil {
			checkLimits(t, c)
			checkEffects(t, c)
			return
		}
		for line := range strings.Lines(err.Error()) {
			if !strings.HasPrefix(line, Key) {
				t.Errorf("the fault %q names no key", line)
			}
		}
		if strings.Contains(err.Error(), "-----BEGIN") {
			t.Errorf("the fault shows a key: %v", err)
		}
	})
}

// checkEffects fails if a config asks for TLS or SASL that is off.
func checkEffects(t *testing.T, c Config) {
	asked := len(c.TLS.RootCAs) > 0 || c.TLS.Certificate != "" || c.TLS.PrivateKey != "" || c.TLS.ServerName != ""
	if asked && !c.TLS.Enabled {
		t.Errorf("TLS is off: %+v", c.TLS)
	}
	password, token := c.SASL.User != "" || c.SASL.PasswordFile != "", c.SASL.TokenFile != "" || len(c.SASL.TokenCommand) > 0
	if password != c.SASL.byPassword() || token != c.SASL.byToken() {
		t.Errorf("what is given is not what is used: %+v", c.SASL)
	}
	for _, lists := range [][]string{c.Brokers, c.TLS.RootCAs, c.Topic.Compatible} {
		slices.Sort(lists)
		if len(slices.Compact(lists)) < len(lists) {
			t.Errorf("an item occurs twice: %q", lists)
		}
	}
}

func checkLimits(t *testing.T, c Config) {
	for name, ok := range map[string]bool{
		"Topic.ReplicationFactor": c.Topic.ReplicationFactor >= 1,
		"Topic.MinInsyncReplicas": c.Topic.MinInsyncReplicas >= 0 && c.Topic.MinInsyncReplicas <= int(c.Topic.ReplicationFactor),
		"Timeouts":                min(c.Timeouts.Dial, c.Timeouts.Read, c.Timeouts.Write, c.Timeouts.Append, c.Timeouts.Ready) >= 10*time.Millisecond,
		"Retry":                   c.Retry.Min > 0 && c.Retry.Max >= c.Retry.Min,
		"Producer":                c.Producer.Inflight >= 1 && c.Producer.Inflight <= 1<<20 && c.Producer.Linger > 0,
		"Consumer":                c.Consumer.FetchBytes >= 1 && c.Consumer.MaxDecompressedBytes >= 1,
		"CutJitter":               c.CutJitter >= 0 && c.CutJitter <= 1,
		"CheckInterval":           c.CheckInterval > 0,
		"ClientID":                namePattern.MatchString(c.ClientID),
	} {
		if !ok {
			t.Errorf("%s is out of its limits: %+v", name, c)
		}
	}
	for channel, offsets := range c.Topic.PassCuts {
		for _, at := range offsets {
			if at < 0 || channel == "" {
				t.Errorf("PassCuts holds %q=%d", channel, at)
			}
		}
	}
}
