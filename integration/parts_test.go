package integration_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
)

// part limits a run to one part of make test-kafka.
var part = flag.String("part", "", "part of the suite, as named in parts_test.go and the Makefile; all of it when empty")

// parts maps a part to the files with its specs. The part rest has those of all other files.
var parts = map[string][]string{
	"brokers":  {"kafka_test.go"},
	"links":    {"links_test.go"},
	"loss":     {"loss_test.go"},
	"slow":     {"slow_test.go"},
	"golden":   {"golden_test.go"},
	"lines":    {"lines_test.go"},
	"takeover": {"takeover_test.go"},
	"recovery": {"fork_test.go", "recovery_test.go", "recreated_test.go", "upgrade_test.go"},
}

const rest = "orders"

// narrow limits a configuration to the specs of a part.
func narrow(c *types.SuiteConfig, part string) error {
	files, ok := parts[part]
	switch {
	case part == "":
	case part == rest:
		c.SkipFiles = append(slices.Clone(c.SkipFiles), patterns(slices.Concat(slices.Collect(maps.Values(parts))...))...)
	case ok:
		c.FocusFiles = patterns(files)
	default:
		return fmt.Errorf("there is no part %q; there are %s and %s", part, strings.Join(slices.Sorted(maps.Keys(parts)), ", "), rest)
	}
	return nil
}

// patterns returns expressions that match these file names exactly.
func patterns(files []string) (all []string) {
	for _, f := range files {
		all = append(all, "/"+regexp.QuoteMeta(f)+"$")
	}
	return all
}

// Every spec is in exactly one part, and the Makefile runs all parts.
func TestPartsHaveEverySpecOnce(t *testing.T) {
	configured, reporter := GinkgoConfiguration()
	// A preview leaves its configuration to the next one, and to the suite itself.
	defer PreviewSpecs("as it was", configured, reporter)
	preview := func(part string) map[string]bool {
		c := configured
		c.LabelFilter, c.FocusStrings, c.SkipStrings, c.FocusFiles, c.SkipFiles = "", nil, nil, nil, nil
		if err := narrow(&c, part); err != nil {
			t.Fatal(err)
		}
		return chosen(PreviewSpecs(part, c, reporter))
	}
	whole, in := preview(""), map[string][]string{}
	for _, part := range ofMakefile(t) {
		specs := preview(part)
		if len(specs) == 0 {
			t.Errorf("part %s has no spec", part)
		}
		for spec := range specs {
			in[spec] = append(in[spec], part)
		}
	}
	for spec := range whole {
		if len(in[spec]) != 1 {
			t.Errorf("%q is in the parts %q of the Makefile, want one", spec, in[spec])
		}
	}
	for part, files := range parts {
		for _, f := range files {
			if _, err := os.Stat(f); err != nil {
				t.Errorf("part %s: %v", part, err)
			}
		}
	}
	if len(whole) < 40 {
		t.Errorf("the preview has only %d specs", len(whole))
	}
}

// chosen returns the specs of a preview that would run.
func chosen(r Report) map[string]bool {
	all := map[string]bool{}
	for _, s := range r.SpecReports {
		if s.LeafNodeType == types.NodeTypeIt && s.State.Is(types.SpecStatePassed) {
			all[s.FullText()] = true
		}
	}
	return all
}

// ofMakefile returns the parts that make test-kafka and make lines run.
func ofMakefile(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range regexp.MustCompile(`(?m)^(?:LINE_)?SUITE_PARTS +:= (.+)$`).FindAllSubmatch(text, -1) {
		all = append(all, strings.Fields(string(line[1]))...)
	}
	if len(all) == 0 {
		t.Fatal("the Makefile has no SUITE_PARTS")
	}
	return all
}

// Every test that the Makefile names exists: a command that selects none proves nothing.
func TestTestsOfTheMakefileExist(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var functions bytes.Buffer
	for _, folder := range []string{".", "apache", "../chain/verdict"} {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			functions.Write(source)
		}
	}
	named := regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(string(text), -1)
	if len(named) < 4 {
		t.Errorf("the Makefile names only the tests %q", named)
	}
	for _, name := range named {
		if !strings.Contains(functions.String(), "\nfunc "+name) {
			t.Errorf("the Makefile selects tests that begin with %s, and there is none", name)
		}
	}
}

// The timeout of a spec includes the BeforeAll that runs ahead of the first one, which has a timeout of its own
// and compiles and starts a network: it cannot have less.
func TestTimeoutsLeaveBeforeAllOut(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\tBeforeAll(")) && bytes.Contains(text, []byte("}, SpecTimeout(")) {
			t.Errorf("%s has BeforeAll and SpecTimeout: give its specs a NodeTimeout", f)
		}
	}
}
