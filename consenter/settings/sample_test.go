package settings

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v2"
)

func TestSampleIsTheDefaults(t *testing.T) {
	c, err := Parse(sampleConsensus(t), "/etc/fabric")
	require.NoError(t, err)
	require.Empty(t, c.TLS.RootCAs)
	c.TLS.RootCAs, c.SASL.TokenCommand = nil, nil // given as empty lists
	require.Equal(t, Default(), c)
}

// The environment overrides only keys that are in the file, so a key that is
// missing from the sample could not be overridden.
func TestSampleHasEveryKey(t *testing.T) {
	fields := fieldNames("", reflect.TypeFor[Config]())
	require.ElementsMatch(t, fields, leaves("", sampleConsensus(t)["Kafka"]), "keys of the sample")

	c := Config{}
	var names []string
	for _, k := range c.keys("") {
		names = append(names, k.name)
	}
	require.Equal(t, fields, names, "keys that are parsed, in the order of the struct")
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

func fieldNames(prefix string, s reflect.Type) []string {
	var names []string
	for f := range s.Fields() {
		if f.Type.Kind() == reflect.Struct {
			names = append(names, fieldNames(prefix+f.Name+".", f.Type)...)
			continue
		}
		names = append(names, prefix+f.Name)
	}
	return names
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
