package settings

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

func TestSampleIsTheDefaults(t *testing.T) {
	c, err := Parse(sampleConsensus(t), "/etc/fabric")
	checktest.Must(t, err)
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Fatalf("no default depends on the folder: got %v, want %v", c, want)
	}
}

// kafka.yaml has every key with its default, and nothing else. The environment overrides
// only keys that are in the file.
func TestSampleHasEveryKey(t *testing.T) {
	var c Config
	d := newDecoder(&c, "")
	var names []string
	for _, k := range d.keys {
		names = append(names, k.name)
	}
	if got := leaves("", sampleConsensus(t)["Kafka"]); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(names))) {
		t.Fatalf("the sample has %q, want %q", got, names)
	}
	d.consensus(sampleConsensus(t))
	for _, name := range names {
		if !d.given[name] {
			t.Fatalf("%s has no default", name)
		}
	}
}

// The defaults of packages chain and kafka are those of kafka.yaml.
func TestDefaultsAreThoseOfChainAndLog(t *testing.T) {
	c := Default()
	if c.ClientID != kafka.DefaultClientID {
		t.Fatalf("c.ClientID is %v, want %v", c.ClientID, kafka.DefaultClientID)
	}
	if want := (Timeouts{Dial: kafka.DefaultDialTimeout, Read: kafka.DefaultReadTimeout, Write: kafka.DefaultWriteTimeout,
		Append: chain.DefaultAppendTimeout, Ready: chain.DefaultReadyTimeout}); !reflect.DeepEqual(c.Timeouts, want) {
		t.Fatalf("c.Timeouts is %v, want %v", c.Timeouts, want)
	}
	if want := (Retry{Min: chain.DefaultRetryMin, Max: chain.DefaultRetryMax}); !reflect.DeepEqual(c.Retry, want) {
		t.Fatalf("c.Retry is %v, want %v", c.Retry, want)
	}
	if want := (Producer{Linger: kafka.DefaultLinger, Inflight: chain.DefaultInflight}); !reflect.DeepEqual(c.Producer, want) {
		t.Fatalf("c.Producer is %v, want %v", c.Producer, want)
	}
	if want := (Consumer{FetchBytes: kafka.DefaultFetchBytes, MaxDecompressedBytes: kafka.DefaultMaxDecompressedBytes}); !reflect.DeepEqual(c.Consumer, want) {
		t.Fatalf("c.Consumer is %v, want %v", c.Consumer, want)
	}
	if c.DeliverGrace != chain.DefaultDeliverGrace {
		t.Fatalf("c.DeliverGrace is %v, want %v", c.DeliverGrace, chain.DefaultDeliverGrace)
	}
	if c.CheckInterval != chain.DefaultCheckInterval {
		t.Fatalf("c.CheckInterval is %v, want %v", c.CheckInterval, chain.DefaultCheckInterval)
	}
	if c.CutJitter != chain.DefaultCutJitter {
		t.Fatalf("c.CutJitter is %v, want %v", c.CutJitter, chain.DefaultCutJitter)
	}
	if c.Preflight != string(chain.PreflightWarn) {
		t.Fatalf("c.Preflight is %v, want %v", c.Preflight, string(chain.PreflightWarn))
	}
	if c.ForkAlarm != string(chain.ForkWarn) {
		t.Fatalf("c.ForkAlarm is %v, want %v", c.ForkAlarm, string(chain.ForkWarn))
	}
}

// Tags cannot name constants.
func TestTagsHaveTheNamesOfOthers(t *testing.T) {
	for name, want := range map[string][]string{
		"Preflight":      {string(chain.PreflightWarn), string(chain.PreflightEnforce), string(chain.PreflightOff)},
		"ForkAlarm":      {string(chain.ForkWarn), string(chain.ForkStop), string(chain.ForkOff)},
		"Health":         {HealthBrokers, Off},
		"SASL.Mechanism": {"", conn.Plain, conn.ScramSHA256, conn.ScramSHA512, conn.OAuthBearer},
	} {
		if got, want := keyNamed(t, name).rule.want, oneOf(want).want; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if got, want := keyNamed(t, "SASL.User").needs.values, []string{conn.Plain, conn.ScramSHA256, conn.ScramSHA512}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := keyNamed(t, "SASL.TokenFile").needs.values, []string{conn.OAuthBearer}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestTagsThatStateNothingPanic(t *testing.T) {
	for _, tag := range []reflect.StructTag{`needs:"-"`, `is:"color"`, `is:"duration" min:"1s"`, `is:"number" min:"a" max:"2"`} {
		panics(t, func() { ruleOf(tag, "") })
	}
	panics(t, func() { conditionOf("") })
}

func keyNamed(t *testing.T, name string) key {
	var c Config
	keys := keysOf(&c, "")
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		t.Fatalf("%v: got %v, want at least 0", name, i)
	}
	return keys[i]
}

func TestSampleExplainsEveryKey(t *testing.T) {
	explained := false // by a comment in this paragraph, or of the section
	for line := range strings.SplitSeq(Sample, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			explained = true
		case line == "", strings.HasSuffix(line, ":"):
			explained = explained && line != ""
		case !explained:
			t.Errorf("no comment above %q", line)
		}
	}
}

func sampleConsensus(t *testing.T) map[any]any {
	all := map[any]any{}
	checktest.Must(t, yaml.Unmarshal([]byte(Sample), &all))
	if len(all) != 1 {
		t.Fatalf("got %v, want 1 of them", all)
	}
	consensus, ok := all["Consensus"].(map[any]any)
	if !ok {
		t.Fatal("the sample has no section Consensus")
	}
	return consensus
}

func leaves(prefix string, section any) []string {
	var names []string
	for name, value := range section.(map[any]any) {
		if _, isSection := value.(map[any]any); isSection {
			names = append(names, leaves(prefix+name.(string)+".", value)...)
			continue
		}
		names = append(names, prefix+name.(string))
	}
	return names
}

// panics fails the test unless f panics.
func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
