package settings

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
)

func TestSampleIsTheDefaults(t *testing.T) {
	c, err := Parse(sampleConsensus(t), "/etc/fabric")
	require.NoError(t, err)
	require.Equal(t, Default(), c, "no default depends on the folder")
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
	require.ElementsMatch(t, names, leaves("", sampleConsensus(t)["Kafka"]))
	d.consensus(sampleConsensus(t))
	for _, name := range names {
		require.True(t, d.given[name], "%s has no default", name)
	}
}

// A chain and a log that are given nothing have the defaults of kafka.yaml.
func TestDefaultsAreThoseOfChainAndLog(t *testing.T) {
	c := Default()
	require.Equal(t, kafka.DefaultClientID, c.ClientID)
	require.Equal(t, Timeouts{Dial: kafka.DefaultDialTimeout, Read: kafka.DefaultReadTimeout, Write: kafka.DefaultWriteTimeout,
		Append: chain.DefaultAppendTimeout, Ready: chain.DefaultReadyTimeout}, c.Timeouts)
	require.Equal(t, Retry{Min: chain.DefaultRetryMin, Max: chain.DefaultRetryMax}, c.Retry)
	require.Equal(t, Producer{Linger: kafka.DefaultLinger, Inflight: chain.DefaultInflight}, c.Producer)
	require.Equal(t, Consumer{FetchBytes: kafka.DefaultFetchBytes, MaxDecompressedBytes: kafka.DefaultMaxDecompressedBytes}, c.Consumer)
	require.Equal(t, chain.DefaultDeliverGrace, c.DeliverGrace)
	require.Equal(t, chain.DefaultCheckInterval, c.CheckInterval)
	require.Equal(t, chain.DefaultCutJitter, c.CutJitter)
	require.Equal(t, string(chain.PreflightWarn), c.Preflight)
	require.Equal(t, string(chain.ForkWarn), c.ForkAlarm)
}

// Tags cannot name constants.
func TestTagsHaveTheNamesOfOthers(t *testing.T) {
	for name, want := range map[string][]string{
		"Preflight":      {string(chain.PreflightWarn), string(chain.PreflightEnforce), string(chain.PreflightOff)},
		"ForkAlarm":      {string(chain.ForkWarn), string(chain.ForkStop), string(chain.ForkOff)},
		"Health":         {HealthBrokers, Off},
		"SASL.Mechanism": {"", conn.Plain, conn.ScramSHA256, conn.ScramSHA512, conn.OAuthBearer},
	} {
		require.Equal(t, oneOf(want).want, keyNamed(t, name).rule.want)
	}
	require.Equal(t, []string{conn.Plain, conn.ScramSHA256, conn.ScramSHA512}, keyNamed(t, "SASL.User").needs.values)
	require.Equal(t, []string{conn.OAuthBearer}, keyNamed(t, "SASL.TokenFile").needs.values)
}

func TestTagsThatStateNothingPanic(t *testing.T) {
	for _, tag := range []reflect.StructTag{`needs:"-"`, `is:"colour"`, `is:"duration" min:"1s"`, `is:"number" min:"a" max:"2"`} {
		require.Panics(t, func() { ruleOf(tag, "") }, tag)
	}
	require.Panics(t, func() { conditionOf("") })
}

func keyNamed(t *testing.T, name string) key {
	var c Config
	keys := keysOf(&c, "")
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	require.GreaterOrEqual(t, i, 0, name)
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
	require.NoError(t, yaml.Unmarshal([]byte(Sample), &all))
	require.Len(t, all, 1)
	consensus, ok := all["Consensus"].(map[any]any)
	require.True(t, ok)
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
