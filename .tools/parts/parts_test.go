package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// makes is a make whose parts write these counts and return these errors.
type makes struct {
	counts map[string]string
	errs   map[string]error
	ran    []string
	then   func()
}

func (m *makes) run(_ context.Context, _ string, args ...string) error {
	what := args[0] + " " + args[1]
	m.ran = append(m.ran, what)
	if m.then != nil {
		defer m.then()
	}
	if text, ok := m.counts[what]; ok {
		if err := os.WriteFile(strings.TrimPrefix(args[2], "COUNTS="), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return m.errs[what]
}

// report runs parts with a make, and returns what is printed after the last one.
func report(ctx context.Context, t *testing.T, m *makes, c choice) (string, bool) {
	t.Helper()
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := runner{counts: filepath.Join(t.TempDir(), "counts"), leftOut: "NO_ROOT is set", out: &out, run: m.run}
	passed := r.all(ctx, c)
	_, last, _ := strings.Cut(out.String(), "== left out: ")
	return regexp.MustCompile(` +\d+ s  `).ReplaceAllString(last, " N s "), passed
}

var both = choice{allParts: []string{"a", "b"}, allVersions: []string{"3.9", "4"}}

// A make that fails fails its part, whatever was counted.
func TestFailedMakeFailsAPart(t *testing.T) {
	m := &makes{counts: map[string]string{"part-a VERSION=3.9": "a 3 0\n"}, errs: map[string]error{"part-a VERSION=3.9": errors.New("exit status 2")}}
	got, passed := report(t.Context(), t, m, choice{allParts: []string{"a"}, allVersions: []string{"3.9"}})
	if passed || !strings.Contains(got, "FAILED: exit status 2") {
		t.Errorf("passed: %v, got %s", passed, got)
	}
}

func TestAllRunThoughOneFails(t *testing.T) {
	m := &makes{
		counts: map[string]string{"part-a VERSION=3.9": "a 2 1\n", "part-a VERSION=4": "a 3 0\n", "part-b VERSION=4": "b 0 0\n"},
		errs:   map[string]error{"part-a VERSION=3.9": errors.New("exit status 2")},
	}
	got, passed := report(t.Context(), t, m, both)
	want := `NO_ROOT is set
a          3.9       2 passed   1 failed N s FAILED: tests failed
b          3.9       0 passed   0 failed N s FAILED: read its counts: open FILE: no such file or directory
a          4         3 passed   0 failed N s ok
b          4         0 passed   0 failed N s FAILED: no test ran
`
	if got = regexp.MustCompile(`open \S+:`).ReplaceAllString(got, "open FILE:"); got != want || passed {
		t.Errorf("passed: %v, got\n%s\nwant\n%s", passed, got, want)
	}
}

// What runs once runs after the others, for all versions.
func TestPartsThatRunOnce(t *testing.T) {
	m := &makes{counts: map[string]string{"part-a VERSION=/trees/v2.5.16": "a 2 0\n", "part-compare VERSION=all": "compare 1 0\n"}}
	c := choice{allParts: []string{"a"}, once: []string{"compare"}, allVersions: []string{"/trees/v2.5.16"}}
	got, passed := report(t.Context(), t, m, c)
	want := `NO_ROOT is set
a          /trees/v2.5.16    2 passed   0 failed N s ok
compare    all               1 passed   0 failed N s ok
`
	if got != want || !passed {
		t.Errorf("passed: %v, got\n%s\nwant\n%s", passed, got, want)
	}
	c.parts = []string{"compare"}
	if got, _ := report(t.Context(), t, m, c); !strings.HasPrefix(got, "PART is set: without a; NO_ROOT is set\ncompare ") {
		t.Errorf("got\n%s", got)
	}
	c.parts = []string{"a"}
	if got, _ := report(t.Context(), t, m, c); !strings.HasPrefix(got, "PART is set: without compare; NO_ROOT is set\na ") {
		t.Errorf("got\n%s", got)
	}
}

func TestChosenPartsRunAlone(t *testing.T) {
	m := &makes{counts: map[string]string{"part-b VERSION=4.4.0": "b 3 0\n"}}
	c := both
	c.parts, c.versions = []string{"b"}, []string{"4.4.0"}
	got, passed := report(t.Context(), t, m, c)
	want := "VERSION is set: nothing ran on 3.9; PART is set: without a; NO_ROOT is set\nb          4.4.0     3 passed   0 failed N s ok\n"
	if got != want || !passed || len(m.ran) != 1 {
		t.Errorf("passed: %v, ran %v, got\n%s\nwant\n%s", passed, m.ran, got, want)
	}
}

func TestFailedTestsFailAPart(t *testing.T) {
	m := &makes{counts: map[string]string{"part-a VERSION=3.9": "a 3 1\n"}}
	got, passed := report(t.Context(), t, m, choice{allParts: []string{"a"}, allVersions: []string{"3.9"}})
	if passed || !strings.Contains(got, "FAILED: tests failed") {
		t.Errorf("passed: %v, got %s", passed, got)
	}
}

func TestAnInterruptIsReported(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := &makes{counts: map[string]string{"part-a VERSION=3.9": "a 3 0\n"}, then: cancel}
	got, passed := report(ctx, t, m, both)
	if passed || len(m.ran) != 1 || strings.Count(got, "FAILED: interrupted\n") != 1 || strings.Count(got, "FAILED: not run\n") != 3 {
		t.Errorf("passed: %v, ran %v, got %s", passed, m.ran, got)
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	for says, change := range map[string]func(*choice){
		`no part "c"; there are a, b`:       func(c *choice) { c.parts = []string{"a", "c"} },
		`no version "3"; there are 3.9, 4`:  func(c *choice) { c.versions = []string{"3"} },
		`no version "40"; there are 3.9, 4`: func(c *choice) { c.versions = []string{"40"} },
	} {
		c := both
		if change(&c); c.check() == nil || !strings.Contains(c.check().Error(), says) {
			t.Errorf("got %v, want %s", c.check(), says)
		}
	}
}
