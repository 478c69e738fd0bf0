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

// root is the root of the repository, relative to this package.
const root = "../.."

// rows is the number of rows of the fault matrix.
const rows = 64

// onBrokers lists the rows that must also be tested on brokers of Apache Kafka.
var onBrokers = []int{1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 14, 15, 17, 24, 27, 33, 34, 35, 51, 59, 62, 63}

// onBoth marks the rows of the table with a test that runs on both versions of Apache Kafka.
const onBoth = "both"

var (
	tableLine = regexp.MustCompile(`(?m)^\| (\d+) \| .+ \| (.+) \| (.+) \|$`)
	quoted    = regexp.MustCompile("`([^`]+)`")
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	spec      = regexp.MustCompile(`\bIt\("([^"]+)"`)
	rowOf     = regexp.MustCompile(`^TestRow(\d\d)`)
)

// The table in integration/README.md has every row of the fault matrix and
// names only tests that exist; each test named after a row is in that row.
func TestMatrixTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "integration", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	existing := tests(t)
	table := map[int][]string{}
	for _, line := range tableLine.FindAllStringSubmatch(string(text), -1) {
		row, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := table[row]; twice {
			t.Errorf("row %d appears twice", row)
		}
		table[row] = []string{}
		for _, name := range quoted.FindAllStringSubmatch(line[2], -1) {
			table[row] = append(table[row], name[1])
			if !slices.Contains(existing, name[1]) {
				t.Errorf("row %d names the test %q, which does not exist", row, name[1])
			}
		}
		if fault := versionsFault(table[row], line[3]); fault != "" {
			t.Errorf("row %d: %s", row, fault)
		}
		if len(table[row]) == 0 && !strings.HasPrefix(line[2], "none: ") {
			t.Errorf("row %d names neither a test nor a reason", row)
		}
	}
	if len(table) != rows {
		t.Errorf("the table has %d rows, want %d", len(table), rows)
	}
	for _, row := range onBrokers {
		if !slices.ContainsFunc(table[row], onKafka) {
			t.Errorf("row %d names neither a spec nor a test of integration/apache", row)
		}
	}
	for _, name := range existing {
		of := rowOf.FindStringSubmatch(name[strings.LastIndex(name, ".")+1:])
		if of == nil {
			continue
		}
		if row, _ := strconv.Atoi(of[1]); !slices.Contains(table[row], name) {
			t.Errorf("row %d does not name %s", row, name)
		}
	}
}

// versionsFault returns what is wrong with the last column of a row with these tests, or "" if it is right.
func versionsFault(tests []string, versions string) string {
	runs := slices.ContainsFunc(tests, onKafka)
	switch {
	case runs && versions != onBoth:
		return fmt.Sprintf("one of its tests runs on Apache Kafka: the table has %q, want %q", versions, onBoth)
	case !runs && versions == onBoth:
		return "none of its tests is a spec or in integration/apache"
	case !runs && len(strings.Fields(versions)) < 4:
		return fmt.Sprintf("%q is not a reason for a row that does not run on Apache Kafka", versions)
	}
	return ""
}

func TestVersionsFault(t *testing.T) {
	spec, other := []string{"TestRow01", "is a spec"}, []string{"TestRow01", "integration/sim.TestRow01"}
	for _, c := range []struct {
		tests    []string
		versions string
		fault    string
	}{
		{spec, onBoth, ""},
		{[]string{"integration/apache.TestRow01"}, onBoth, ""},
		{other, "the simulation only: for this reason", ""},
		{spec, "the simulation only: for this reason", "runs on Apache Kafka"},
		{other, onBoth, "none of its tests"},
		{nil, onBoth, "none of its tests"},
		{other, "4 only", "not a reason"},
	} {
		if got := versionsFault(c.tests, c.versions); (got == "") != (c.fault == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%q of %q: %q, want %q", c.versions, c.tests, got, c.fault)
		}
	}
}

// onKafka reports whether make test-kafka runs a test of the table on both versions of Apache
// Kafka: a spec, whose name is a sentence, or a test of integration/apache.
func onKafka(name string) bool {
	return strings.Contains(name, " ") || strings.HasPrefix(name, "integration/apache.")
}

// tests returns every name that the table may use: of specs, of the test functions
// of this package, and of those of other packages with the package as prefix.
func tests(t *testing.T) (all []string) {
	t.Helper()
	for _, pkg := range []string{"chain", "chain/session", "chain/log/kafka", "chain/log/kafka/producer", "chain/log/kafka/reader", "chain/machine", "integration/sim", "integration/apache", "integration/matrix"} {
		for _, name := range find(t, pkg, testFunc) {
			if pkg != "integration/matrix" {
				name = fmt.Sprintf("%s.%s", pkg, name)
			}
			all = append(all, name)
		}
	}
	return append(all, find(t, "integration", spec)...)
}

// find returns all matches of the first group of a pattern in the test files of a package.
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
