package main

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const before = `package server

import (
	"fmt"
	"os"
)

`

// hardwired is a main like that of Fabric 3.1: the map is a literal, and there is no switch on Consensus.Type.
const hardwired = before + `func fill(d *cluster.PredicateDialer, c *localconfig.TopLevel, provider metrics.Provider, csp bccsp.BCCSP) *multichannel.Registrar {
	r := multichannel.NewRegistrar()
	all := map[string]consensus.Consenter{"etcdraft": etcdraft.New()}
	r.Initialize(all)
	return r
}
`

func TestPatchHardwiredMain(t *testing.T) {
	got := patched(t, hardwired)
	for _, want := range []string{
		`kafkaplugin "github.com/fabric-kafka/orderer/plugin"`,
		"kafkaplugin.Register(all, kafkaplugin.Host{Consensus: c.Consensus, Metrics: provider, Crypto: csp, " +
			"Cluster: kafkaplugin.Cluster{Dialer: d, Settings: c.General.Cluster, TLS: c.General.TLS, Address: c.General.ListenAddress, Port: c.General.ListenPort}, LedgerDir: c.FileLedger.Location}",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Index(got, "kafkaplugin.Register") > strings.Index(got, "r.Initialize(all)") {
		t.Error("the plugin registers after the registrar has been given the map")
	}
	if !strings.Contains(got, "\tr.Initialize(all)\n\tkafkaplugin.Started(all)\n") {
		t.Errorf("the plugin is not called after the registrar has started:\n%s", got)
	}
	if strings.Contains(got, "kafkaHealth") {
		t.Error("passes on an operations system that this main does not create")
	}
	if strings.Contains(got, "kafkaplugin.Type") {
		t.Error("allows a type although this main never checks it")
	}
}

func TestPatchNamesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct{ text, missing string }{
		"no call":   {before + "func fill() {}\n", "registrar.Initialize(consenters)"},
		"no config": {strings.Replace(hardwired, "c *localconfig.TopLevel, ", "", 1), "parameter of type localconfig.TopLevel in function fill"},
		"no dialer": {strings.Replace(hardwired, "d *cluster.PredicateDialer, ", "", 1), "parameter of type cluster.PredicateDialer"},
		"no crypto": {strings.Replace(hardwired, ", csp bccsp.BCCSP", "", 1), "parameter of type bccsp.BCCSP"},
	} {
		_, err := patchMain("some/main.go", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.missing) || !strings.Contains(err.Error(), "some/main.go") {
			t.Errorf("%s: got %v, want it to name some/main.go and %q", name, err, c.missing)
		}
	}
	if _, err := patchMain("some/main.go", []byte("not go")); err == nil {
		t.Error("patched a file that is not Go")
	}
}

// The main of the Fabric that go.mod requires.
func TestPatchPinnedMain(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", fabricModule).Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), mainFile))
	if err != nil {
		t.Fatal(err)
	}
	got := patched(t, string(text))
	for _, want := range []string{
		"kafkaplugin.Register(consenters, kafkaplugin.Host{Consensus: conf.Consensus, Metrics: metricsProvider, Crypto: bccsp, " +
			"Cluster: kafkaplugin.Cluster{Dialer: clusterDialer, Settings: conf.General.Cluster, TLS: conf.General.TLS, Address: conf.General.ListenAddress, Port: conf.General.ListenPort}, LedgerDir: conf.FileLedger.Location, Health: kafkaHealth}",
		"var kafkaHealth kafkaplugin.HealthRegistry\n\n// Main is",
		"opsSystem := newOperationsSystem(conf.Operations, conf.Metrics)\n\tkafkaHealth = opsSystem\n",
		"registrar.Initialize(consenters)\n\tkafkaplugin.Started(consenters)\n",
		"if consenterType == kafkaplugin.Type {\n\t\tconsenterType = \"etcdraft\"\n\t}\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if lines := strings.Count(got, "\n") - strings.Count(string(text), "\n"); lines > 14 {
		t.Errorf("%d lines were added: something else changed", lines)
	}
}

func patched(t *testing.T, text string) string {
	t.Helper()
	got, err := patchMain("main.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "main.go", got, 0); err != nil {
		t.Fatalf("the patched main does not parse: %v", err)
	}
	return string(got)
}

// The tree is copied once, writable, without what is not compiled.
func TestMaterialize(t *testing.T) {
	origin, root := t.TempDir(), t.TempDir()
	write := func(file, text string) {
		t.Helper()
		if err := writeIfChanged(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(origin, "cmd", "a.go"), "package a")
	write(filepath.Join(origin, "docs", "long.md"), "text")
	write(filepath.Join(root, "go.mod"), "module x\n")
	write(filepath.Join(root, "go.sum"), "sums\n")
	if err := os.Chmod(filepath.Join(origin, "cmd"), 0o555); err != nil {
		t.Fatal(err)
	}
	s := newSource("v1", origin, filepath.Join(t.TempDir(), "work"), root)
	if err := s.materialize(); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(s.tree, "cmd", "a.go")
	write(copied, "changed")
	if err := s.materialize(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(copied); err != nil || string(text) != "changed" {
		t.Errorf("the tree was copied again: %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(s.tree, "docs")); err == nil {
		t.Error("docs were copied")
	}
	mod, err := os.ReadFile(s.modFile())
	if want := "replace " + fabricModule + ` => "../tree"`; err != nil || !strings.Contains(string(mod), want) {
		t.Errorf("go.mod lacks %q: %s, %v", want, mod, err)
	}
	if sum, err := os.ReadFile(filepath.Join(s.work, "go.sum")); err != nil || string(sum) != "sums\n" {
		t.Errorf("go.sum: %q, %v", sum, err)
	}
}

func TestVersionConst(t *testing.T) {
	got, err := versionConst(filepath.Join("..", "version.go"))
	if err != nil || got == "" {
		t.Fatalf("got %q, %v", got, err)
	}
}
