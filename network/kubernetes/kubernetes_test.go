// Package kubernetes_test checks what the files of this folder name: settings, volumes, sections. `make containers` also
// validates the manifest against the schemas of Kubernetes.
package kubernetes_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/consenter/settings"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	checktest.Must(t, err)
	return text
}

// variables returns the names of the variables for all keys of a section.
func variables(prefix string, section yaml.MapSlice) []string {
	var all []string
	for _, item := range section {
		name := prefix + "_" + strings.ToUpper(item.Key.(string))
		if inner, ok := item.Value.(yaml.MapSlice); ok {
			all = append(all, variables(name, inner)...)
		} else {
			all = append(all, name)
		}
	}
	return all
}

// An orderer does not start with a variable for TLS or SASL that it does not know, and only logs others.
func TestVariablesAreKeys(t *testing.T) {
	var known struct{ Consensus yaml.MapSlice }
	checktest.Must(t, yaml.Unmarshal(bytes.Replace(read(t, "../../consenter/settings/kafka.yaml"), []byte("\nConsensus:"), []byte("\nconsensus:"), 1), &known))
	keys := variables("ORDERER_CONSENSUS", known.Consensus)
	if !slices.Contains(keys, "ORDERER_CONSENSUS_KAFKA_TLS_ROOTCAS") {
		t.Fatalf("the keys of kafka.yaml are read as %q", keys)
	}
	for _, file := range []string{"orderer.yaml", "hlf-ordnode.yaml", "../test-network/compose-orderers.yaml", "../test-network/compose-access.yaml"} {
		found := regexp.MustCompile(`ORDERER_CONSENSUS_[A-Z_]+`).FindAllString(string(read(t, file)), -1)
		if len(found) == 0 {
			t.Errorf("%s has no variable of Consensus.Kafka", file)
		}
		for _, name := range found {
			if !slices.Contains(keys, name) {
				t.Errorf("%s has %s, which is no key of kafka.yaml", file, name)
			}
		}
	}
}

// The operator writes configoverride into orderer.yaml: the orderer accepts it, and uses it.
func TestConfigOverrideIsAccepted(t *testing.T) {
	var resource struct {
		Spec struct {
			Configoverride struct{ Consensus any }
		}
	}
	checktest.Must(t, yaml.Unmarshal(read(t, "fabric-operator.yaml"), &resource))
	config, err := settings.Parse(resource.Spec.Configoverride.Consensus, t.TempDir())
	checktest.Must(t, err)
	if len(config.Brokers) != 3 {
		t.Errorf("the orderer would use the brokers %q", config.Brokers)
	}
}

// pod is the part of a StatefulSet that says what is mounted where.
type pod struct {
	Kind string
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Env          []struct{ Name, Value string }
					VolumeMounts []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

// Each mount has a volume, and each file that a variable names is below a mount.
func TestFilesAreMounted(t *testing.T) {
	decoder := yaml.NewDecoder(bytes.NewReader(read(t, "orderer.yaml")))
	for {
		var p pod
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			t.Fatal("orderer.yaml has no StatefulSet")
		}
		checktest.Must(t, err)
		if p.Kind != "StatefulSet" {
			continue
		}
		var volumes, mounts []string
		for _, v := range p.Spec.Template.Spec.Volumes {
			volumes = append(volumes, v.Name)
		}
		for _, v := range p.Spec.VolumeClaimTemplates {
			volumes = append(volumes, v.Metadata.Name)
		}
		for _, m := range p.Spec.Template.Spec.Containers[0].VolumeMounts {
			if mounts = append(mounts, m.MountPath); !slices.Contains(volumes, m.Name) {
				t.Errorf("there is no volume %s", m.Name)
			}
		}
		for _, e := range p.Spec.Template.Spec.Containers[0].Env {
			file := strings.Trim(e.Value, "[]")
			if strings.HasPrefix(file, "/") && !slices.Contains(mounts, path.Dir(file)) && !slices.Contains(mounts, file) {
				t.Errorf("%s names %s, which is below none of the mounts %q", e.Name, file, mounts)
			}
		}
		return
	}
}
