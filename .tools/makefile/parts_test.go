package makefile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// apacheTests has a test for each part, and one that belongs to none.
const apacheTests = `package apache

import ("flag"; "testing")

var _ = flag.String("kafka", "", "")

func TestConformance(t *testing.T) {}
func TestAccess(t *testing.T) {}
func TestRow01(t *testing.T) {}
func TestOfNoPart(t *testing.T) {}
`

// suite is a suite with one spec in each part, except that links has none and that of golden fails.
const suite = `package integration

import ("flag"; "os"; "strings"; "testing")

var (
	part    = flag.String("part", "", "")
	brokers = flag.String("brokers", "", "")
	port    = flag.String("base-port", "", "")
	report  = flag.String("ginkgo.json-report", "", "")
	filter  = flag.String("ginkgo.label-filter", "", "")
	_       = flag.Bool("ginkgo.v", false, "")
	_       = flag.String("ginkgo.timeout", "", "")
)

func TestIntegration(t *testing.T) {
	t.Log("part", *part, "brokers", *brokers, "port", *port, "filter", *filter)
	spec := "{\"LeafNodeType\":\"It\",\"State\":\"passed\"}"
	switch {
	case strings.Contains(*part, "links"):
		spec = ""
	case strings.Contains(*part, "golden"):
		spec = "{\"LeafNodeType\":\"It\",\"State\":\"failed\"}"
		t.Fail()
	}
	if err := os.WriteFile(*report, []byte("[{\"SpecReports\":["+spec+"]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
}
`

// testKafka runs make test-kafka.
func testKafka(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	return run(t, append([]string{"test-kafka"}, args...)...)
}

// run runs make in a module of these two packages, and of a builder that has nothing to build.
func run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.CopyFS(filepath.Join(dir, ".tools", "gotest"), os.DirFS("../gotest")),
		os.CopyFS(filepath.Join(dir, ".tools", "parts"), os.DirFS("../parts"))); err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"Makefile": string(makefile), "go.mod": "module example.com/m\n\ngo 1.24\n", ".tools/go.mod": "module example.com/m/tools\n\ngo 1.26\n",
		"integration/apache/apache_test.go": apacheTests, "integration/suite_test.go": suite,
		"plugin/builder/main.go": "package main\n\nfunc main() {}\n",
	} {
		file = filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("make", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "GOFLAGS=", "GOWORK=off")
	text, err := c.CombinedOutput()
	return string(text), err
}

// results returns the report at the end of make test-kafka, without times.
func results(out string) string {
	_, out, _ = strings.Cut(out, "== left out: ")
	out = regexp.MustCompile(`(?m)^(make: |exit status ).*\n`).ReplaceAllString(out, "")
	out = regexp.MustCompile(` +\d+ s  `).ReplaceAllString(out, "  ")
	return regexp.MustCompile(` +`).ReplaceAllString(out, " ")
}

// All parts run even if one fails and another is empty; a test that no part names runs with the rows.
func TestKafkaRunsAllParts(t *testing.T) {
	t.Parallel()
	out, err := testKafka(t, "VERSION=4", "NO_ROOT=1", "BASE_PORT=12000")
	want := `VERSION is set: nothing ran on 3.9; NO_ROOT is set: no disk was filled
contract 4 1 passed 0 failed ok
access 4 1 passed 0 failed ok
rows 4 2 passed 0 failed ok
brokers 4 1 passed 0 failed ok
links 4 0 passed 0 failed FAILED: no test ran
slow 4 1 passed 0 failed ok
loss 4 1 passed 0 failed ok
golden 4 0 passed 1 failed FAILED: tests failed
recovery 4 1 passed 0 failed ok
orders 4 1 passed 0 failed ok
`
	if got := results(out); got != want || err == nil {
		t.Errorf("%v\ngot\n%swant\n%s\nin\n%s", err, got, want, out)
	}
	if says := "part loss brokers apache:4 port 12000 filter !none && !root"; !strings.Contains(out, says) {
		t.Errorf("%q is not in\n%s", says, out)
	}
}

func TestKafkaRunsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	out, err := testKafka(t, "PART=rows")
	want := `PART is set: without contract, access, brokers, links, slow, loss, golden, recovery, orders
rows 3.9 2 passed 0 failed ok
rows 4 2 passed 0 failed ok
`
	if got := results(out); got != want || err != nil {
		t.Errorf("%v\ngot\n%swant\n%s\nin\n%s", err, got, want, out)
	}
	if out, err := testKafka(t, "PART=row"); err == nil || !strings.Contains(out, `there is no part "row"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// Specs that need the source tree of a release, which these targets do not have, are left out: they would fail.
func TestIntegrationNeedsNoTree(t *testing.T) {
	t.Parallel()
	for brokers, filter := range map[string]string{"": "!kafka", "apache:3.9": "!lines"} {
		args := []string{"integration", "NO_ROOT=1"}
		if brokers != "" {
			args = append(args, "BROKERS="+brokers)
		}
		out, err := run(t, args...)
		if says := "filter " + filter + " && !root"; err != nil || !strings.Contains(out, says) {
			t.Errorf("%v: %q is not in\n%s", err, says, out)
		}
	}
}
