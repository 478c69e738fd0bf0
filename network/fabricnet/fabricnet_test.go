package fabricnet

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func TestOptionsFaultsAreNamedTogether(t *testing.T) {
	o := Options{Channels: []string{"Bad", "ok", "ok"}, Orderers: 10, BasePort: 80, BatchTimeout: time.Nanosecond}.withDefaults()
	err := o.validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{`"Bad"`, `"ok" is named twice`, "10 orderers", "base port 80", "batch timeout 1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
	if err := (Options{}).withDefaults().validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

// With AnyWriters, a client's signature is checked against each organization in turn, as in Fabric's samples.
func TestWritersOfAChannel(t *testing.T) {
	for _, c := range []struct {
		o          Options
		orgs       int
		kind, rule string
	}{
		{Options{Peers: -1}, 1, "Signature", "OR('OrdererMSP.member', 'Org1MSP.member')"},
		{Options{}, 2, "Signature", "OR('OrdererMSP.member', 'Org1MSP.member', 'Org2MSP.member')"},
		{Options{AnyWriters: true}, 2, "ImplicitMeta", "ANY Writers"},
		{Options{Peers: -1, Orgs: 12, AnyWriters: true}, 12, "ImplicitMeta", "ANY Writers"},
	} {
		o := c.o.withDefaults()
		checktest.Must(t, o.validate())
		n := &Network{options: o}
		var text bytes.Buffer
		checktest.Must(t, configtx.Execute(&text, n.channelData("solo")))
		var file struct {
			Profiles map[string]struct {
				Policies map[string]struct {
					Type string `yaml:"Type"`
					Rule string `yaml:"Rule"`
				} `yaml:"Policies"`
				Application struct {
					Organizations []any `yaml:"Organizations"`
				} `yaml:"Application"`
			} `yaml:"Profiles"`
		}
		checktest.Must(t, yaml.Unmarshal(text.Bytes(), &file))
		channel := file.Profiles["Channel"]
		writers := channel.Policies["Writers"]
		if writers.Type != c.kind || writers.Rule != c.rule || len(channel.Application.Organizations) != c.orgs {
			t.Errorf("%d organizations, Writers is %+v, want %d, %s %s", len(channel.Application.Organizations), writers, c.orgs, c.kind, c.rule)
		}
	}
	checktest.Fails(t, Options{Orgs: 3}.withDefaults().validate(), "3 organizations with peers: want 1 or 2, or no peers")
}

// No two endpoints of the largest network share a port.
func TestPortsAreDistinct(t *testing.T) {
	n := &Network{options: Options{Orderers: 9, Peers: 8}.withDefaults()}
	seen := map[string]string{}
	claim := func(address, by string) {
		if other := seen[address]; other != "" {
			t.Errorf("%s: %s and %s", address, other, by)
		}
		seen[address] = by
	}
	for _, o := range n.Descriptor().Orderers {
		claim(o.Address, o.Name)
		claim(o.Admin, o.Name)
		claim(o.Operations, o.Name)
	}
	for i, p := range n.Descriptor().Peers {
		claim(p.Address, p.Name)
		claim(n.options.address(peerPort+10*i+1), p.Name)
		claim(n.options.address(peerPort+10*i+2), p.Name)
	}
	claim(n.options.address(chaincodePort), chaincodeName)
	proxied := Options{Orderers: 9, Apache: "4", BrokerCount: 5, Proxied: true}.withDefaults()
	for _, name := range append(proxied.brokerNames(), proxyName) {
		for _, p := range proxied.ports(name) {
			claim(proxied.address(p), name)
		}
	}
	claim(n.options.brokers()[0], brokerName)
}

// The ports that are waited for after a process has ended are all ports that it listens on.
func TestPortsOfEachProcess(t *testing.T) {
	o := Options{Orderers: 2, Peers: 2, Apache: "4", BrokerCount: 3, Proxied: true}.withDefaults()
	n := &Network{options: o}
	has := func(name string, addresses ...string) {
		for _, a := range addresses {
			if !slices.ContainsFunc(o.ports(name), func(p int) bool { return o.address(p) == a }) {
				t.Errorf("the ports of %s are %v, without %s", name, o.ports(name), a)
			}
		}
	}
	for _, d := range n.Descriptor().Orderers {
		has(d.Name, d.Address, d.Admin, d.Operations)
	}
	for _, d := range n.Descriptor().Peers {
		has(d.Name, d.Address)
	}
	for i, name := range o.brokerNames() {
		has(name, o.apacheNode(i).Address, o.apacheNode(i).Controller)
		for _, l := range o.listeners(i) {
			has(name, l.Address)
		}
	}
	for _, l := range o.links() {
		has(proxyName, l.Listen)
	}
	has(proxyName, o.proxy())
	has(chaincodeName, o.address(chaincodePort))
	embedded := Options{}.withDefaults()
	if got := embedded.ports(brokerName); len(got) != 1 || embedded.address(got[0]) != embedded.brokers()[0] {
		t.Errorf("the ports of the embedded broker are %v", got)
	}
}

// Each orderer has a link of its own to each broker, and no other.
func TestLinks(t *testing.T) {
	o := Options{Orderers: 3, Apache: "4", Proxied: true}.withDefaults()
	if got := len(o.links()); got != 9 {
		t.Fatalf("%d links of three orderers to three brokers", got)
	}
	by := map[string]string{}
	for _, orderer := range []string{"orderer1", "orderer2", "orderer3"} {
		for i, address := range o.linked(orderer) {
			listener := o.listeners(i)[numberOf(orderer)-1]
			if listener.Name != strings.ToUpper(orderer) || listener.AdvertisedAddress() != address || listener.Address == address {
				t.Errorf("%s is to use %s of broker %d, whose listener is %+v", orderer, address, i+1, listener)
			}
			if by[address] != "" {
				t.Errorf("%s is used by %s and %s", address, by[address], orderer)
			}
			by[address] = orderer
		}
	}
	if len(by) != 9 {
		t.Errorf("%d addresses, want 9", len(by))
	}
	if err := (Options{Proxied: true}).withDefaults().validate(); err == nil || !strings.Contains(err.Error(), "--brokers apache") {
		t.Errorf("a proxy before the embedded broker: %v", err)
	}
}

// The saved state is read back, without processes that are gone.
func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	n := &Network{options: Options{Peers: -1, Channels: []string{"a"}, Raft: []string{"b"}}.withDefaults(), dir: dir,
		processes: map[string]process{"orderer1": {PID: 1 << 30, Start: "1"}}}
	if err := n.save(); err != nil {
		t.Fatal(err)
	}
	back, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := back.Descriptor()
	if len(d.Peers) != 0 || len(d.Orderers) != 3 || d.Orderers[0].PID != 0 || len(d.Channels) != 2 {
		t.Errorf("got %+v", d)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestVacateRefusesForeignFolders(t *testing.T) {
	dir := t.TempDir()
	if err := vacant(dir); err != nil {
		t.Errorf("an empty folder is refused: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := claim(dir); err == nil {
		t.Errorf("would write into a folder that is somebody's: %+v", n)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v in the folder", entries, err)
	}
}

// The section that we add to orderer.yaml is next to etcdraft's keys.
func TestKafkaSection(t *testing.T) {
	all := tree{}
	if err := yaml.Unmarshal([]byte("Consensus: {WALDir: /wal}\n"), &all); err != nil {
		t.Fatal(err)
	}
	if err := addKafkaSection(all); err != nil {
		t.Fatal(err)
	}
	section := all["Consensus"].(tree)
	if section["WALDir"] != "/wal" || section["Kafka"].(tree)["Topic"] == nil {
		t.Errorf("got %v", section)
	}
	if err := addKafkaSection(tree{}); err == nil {
		t.Error("a file without the section Consensus was taken")
	}
}

// The three scripts of the external builder accept our package, and only ours.
func TestBuilderScripts(t *testing.T) {
	dir := t.TempDir()
	for name, script := range builderScripts {
		if err := writeFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh := func(name string, args ...string) error {
		return exec.CommandContext(context.Background(), filepath.Join(dir, name), args...).Run()
	}
	source, metadata, out, release := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	connection := []byte(`{"address":"127.0.0.1:1"}`)
	for file, text := range map[string][]byte{
		filepath.Join(source, "connection.json"): connection,
		filepath.Join(metadata, "metadata.json"): []byte(`{"label":"a_1","type":"ccaas"}`),
	} {
		if err := writeFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(sh("detect", source, metadata), sh("build", source, metadata, out), sh("release", out, release)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(release, "chaincode", "server", "connection.json")); err != nil || !bytes.Equal(got, connection) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := writeFile(filepath.Join(metadata, "metadata.json"), []byte(`{"type":"golang"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if sh("detect", source, metadata) == nil {
		t.Error("took a package of another type")
	}
}
