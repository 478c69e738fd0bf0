// Package compose_test checks that the files of this folder agree with each other and with what they refer to. That
// the network runs is checked by integration/containers.
package compose_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/network/apache"
)

// file is a compose file.
type file struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Volumes     []string
		Ports       []string
	}
	Volumes map[string]any
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	checktest.Must(t, err)
	checktest.Must(t, yaml.Unmarshal(text, into))
}

// all are the compose files here and of the kit for fabric-samples.
var all = []string{
	"compose.yaml", "monitoring.yaml", "../test-network/compose-orderers.yaml", "../test-network/compose-brokers.yaml", "../test-network/compose-access.yaml",
}

// Ephemeral ports begin at 32768: a published port from there on is taken by a client now and then, and its container does
// not start.
func TestPublishedPortsAreNotEphemeral(t *testing.T) {
	for _, name := range all {
		var f file
		read(t, name, &f)
		for service, s := range f.Services {
			for _, p := range s.Ports {
				parts := strings.Split(p, ":")
				if port, err := strconv.Atoi(parts[len(parts)-2]); err != nil || port >= 32768 {
					t.Errorf("%s publishes %s of %s: %v", name, p, service, err)
				}
			}
		}
	}
}

// Brokers run the version that everything else is tested with.
func TestBrokersAreOfThePinnedVersion(t *testing.T) {
	version, err := apache.Find("")
	checktest.Must(t, err)
	for _, name := range all {
		var f file
		read(t, name, &f)
		for service, s := range f.Services {
			if want := "${KAFKA_IMAGE:-apache/kafka:" + version.Number + "}"; strings.HasPrefix(service, "kafka") && s.Image != want {
				t.Errorf("%s: %s has the image %s, want %s", name, service, s.Image, want)
			}
		}
	}
	text, err := os.ReadFile("../test-network/env.sh")
	checktest.Must(t, err)
	if !strings.Contains(string(text), "KAFKA_IMAGE=apache/kafka:"+version.Number+"\n") {
		t.Errorf("env.sh does not name version %s", version.Number)
	}
}

// What is mounted exists: files of the repository, and volumes that are declared.
func TestMountsExist(t *testing.T) {
	for _, name := range []string{"compose.yaml", "monitoring.yaml"} {
		var f file
		read(t, name, &f)
		for service, s := range f.Services {
			for _, v := range s.Volumes {
				source, _, _ := strings.Cut(v, ":")
				switch _, declared := f.Volumes[source]; {
				case declared, strings.HasPrefix(source, "./crypto/"):
				default:
					if _, err := os.Stat(source); err != nil {
						t.Errorf("%s: %s mounts %s: %v", name, service, source, err)
					}
				}
			}
		}
	}
}

// Prometheus scrapes every orderer and peer, and has the alert rules.
func TestPrometheusScrapesAll(t *testing.T) {
	var f file
	read(t, "compose.yaml", &f)
	var want []string
	for service := range f.Services {
		if !strings.HasPrefix(service, "kafka") {
			want = append(want, service+":9443")
		}
	}
	var config struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	read(t, "prometheus.yaml", &config)
	var got []string
	for _, s := range config.ScrapeConfigs {
		for _, c := range s.StaticConfigs {
			got = append(got, c.Targets...)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("Prometheus scrapes %q, want %q", got, want)
	}
	if !slices.Equal(config.RuleFiles, []string{"alerts.yaml"}) {
		t.Errorf("Prometheus reads the rules %q", config.RuleFiles)
	}
	var m file
	read(t, "monitoring.yaml", &m)
	if v := m.Services["prometheus"].Volumes; !slices.Contains(v, "../monitoring/alerts.yaml:/etc/prometheus/alerts.yaml:ro") {
		t.Errorf("Prometheus mounts %q", v)
	}
	var board struct {
		Providers []struct{ Options struct{ Path string } }
	}
	read(t, "grafana/dashboards.yaml", &board)
	if want := "../monitoring/dashboard.json:" + filepath.Join(board.Providers[0].Options.Path, "dashboard.json") + ":ro"; !slices.Contains(m.Services["grafana"].Volumes, want) {
		t.Errorf("Grafana does not mount %s", want)
	}
}
