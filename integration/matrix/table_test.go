package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the repository's, as tests see it.
const root = "../.."

// rows is how many the fault matrix has.
const rows = 64

// onBrokers are those that must be shown on brokers of Apache Kafka too.
var onBrokers = []int{1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 15, 17, 24, 27, 33, 34, 35, 51, 59, 62, 63}

// onBoth is what the table says of a row with a test that runs on both versions of Apache Kafka.
const onBoth = "both"

var (
	tableLine = regexp.MustCompile(`(?m)^\| (\d+) \| .+ \| (.+) \| (.+) \|$`)
	quoted    = regexp.MustCompile("`([^`]+)`")
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	spec      = regexp.MustCompile(`\bIt\("([^"]+)"`)
	rowOf     = regexp.MustCompile(`^TestRow(\d\d)`)
)

// The table in integration/README.md has every row of the fault matrix, and
// names only tests that there are; a test that is named after a row is in it.
func TestMatrixTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "integration", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := tests(t)
	table := map[int][]string{}
	for _, line := range tableLine.FindAllStringSubmatch(string(text), -1) {
		row, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := table[row]; twice {
			t.Errorf("row %d is there twice", row)
		}
		table[row] = []string{}
		for _, name := range quoted.FindAllStringSubmatch(line[2], -1) {
			table[row] = append(table[row], name[1])
			if !slices.Contains(there, name[1]) {
				t.Errorf("row %d names the test %q, which does not exist", row, name[1])
			}
		}
		if fault := versionsFault(table[row], line[3]); fault != "" {
			t.Errorf("row %d: %s", row, fault)
		}
		if len(table[row]) == 0 && !strings.HasPrefix(line[2], "none: ") {
			t.Errorf("row %d names no test, and no reason", row)
		}
	}
	if len(table) != rows {
		t.Errorf("the table has %d rows, want %d", len(table), rows)
	}
	for _, row := range onBrokers {
		if !slices.ContainsFunc(table[row], onKafka) {
			t.Errorf("row %d names no spec and no test of integration/apache", row)
		}
	}
	for _, name := range there {
		of := rowOf.FindStringSubmatch(name[strings.LastIndex(name, ".")+1:])
		if of == nil {
			continue
		}
		if row, _ := strconv.Atoi(of[1]); !slices.Contains(table[row], name) {
			t.Errorf("row %d does not name %s", row, name)
		}
	}
}

// versionsFault returns what is wrong with what a row says of Apache Kafka, by its tests; nothing if it is true.
func versionsFault(tests []string, says string) string {
	runs := slices.ContainsFunc(tests, onKafka)
	switch {
	case runs && says != onBoth:
		return fmt.Sprintf("a test of it runs on Apache Kafka, and the table says %q, not %q", says, onBoth)
	case !runs && says == onBoth:
		return "none of its tests is a spec or of integration/apache"
	case !runs && len(strings.Fields(says)) < 4:
		return fmt.Sprintf("%q is no reason for a row that does not run on Apache Kafka", says)
	}
	return ""
}

func TestVersionsFault(t *testing.T) {
	spec, other := []string{"TestRow01", "is a spec"}, []string{"TestRow01", "integration/sim.TestRow01"}
	for _, c := range []struct {
		tests []string
		says  string
		fault string
	}{
		{spec, onBoth, ""},
		{[]string{"integration/apache.TestRow01"}, onBoth, ""},
		{other, "the simulation alone: for this reason", ""},
		{spec, "the simulation alone: for this reason", "runs on Apache Kafka"},
		{other, onBoth, "none of its tests"},
		{nil, onBoth, "none of its tests"},
		{other, "4 only", "no reason"},
	} {
		if got := versionsFault(c.tests, c.says); (got == "") != (c.fault == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%q of %q: %q, want %q", c.says, c.tests, got, c.fault)
		}
	}
}

// onKafka reports whether a test of the table runs on Apache Kafka, on both versions by
// make test-kafka: a spec, which is a sentence, or one of the package that needs no orderers.
func onKafka(name string) bool {
	return strings.Contains(name, " ") || strings.HasPrefix(name, "integration/apache.")
}

// tests are the names of all that the table may name: of functions, with the
// package before all but those of this one, and of specs.
func tests(t *testing.T) (all []string) {
	t.Helper()
	for _, pkg := range []string{"chain", "chain/session", "chain/log/kafka", "chain/machine", "integration/sim", "integration/apache", "integration/matrix"} {
		for _, name := range find(t, pkg, testFunc) {
			if pkg != "integration/matrix" {
				name = fmt.Sprintf("%s.%s", pkg, name)
			}
			all = append(all, name)
		}
	}
	return append(all, find(t, "integration", spec)...)
}

// find returns what the first group of a pattern matches in a package's tests.
func find(t *testing.T, pkg string, pattern *regexp.Regexp) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pkg, len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pattern.FindAllStringSubmatch(string(content), -1) {
			all = append(all, match[1])
		}
	}
	return all
}
