package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// result is the outcome of a part on a version.
type result struct {
	part, version  string
	passed, failed int
	took           time.Duration
	fault          string // empty: it passed
}

func (r *result) String() string { return r.line(0, 0) }

// line returns a line of the report; part and version are the minimum widths of the columns.
func (r *result) line(part, version int) string {
	outcome := "ok"
	if r.fault != "" {
		outcome = "FAILED: " + r.fault
	}
	return fmt.Sprintf("%-*s %-*s %4d passed %3d failed %5.0f s  %s", max(part, 10), r.part, max(version, 6), r.version, r.passed, r.failed, r.took.Seconds(), outcome)
}

// all runs what was chosen, prints the report, and reports whether everything passed.
func (r runner) all(ctx context.Context, c choice) bool {
	results := c.results()
	for _, one := range results {
		if ctx.Err() == nil {
			r.one(ctx, one)
		}
	}
	left := c.leftOut()
	if r.leftOut != "" {
		left = append(left, r.leftOut)
	}
	if len(left) == 0 {
		left = []string{"nothing"}
	}
	fmt.Fprintf(r.out, "== left out: %s\n", strings.Join(left, "; "))
	part, version, passed := 0, 0, true
	for _, one := range results {
		part, version = max(part, len(one.part)), max(version, len(one.version))
	}
	for _, one := range results {
		fmt.Fprintln(r.out, one.line(part, version))
		passed = passed && one.fault == ""
	}
	return passed
}

// one runs a part.
func (r runner) one(ctx context.Context, p *result) {
	fmt.Fprintf(r.out, "== %s on %s\n", p.part, p.version)
	began := time.Now()
	err := os.Remove(r.counts)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = r.run(ctx, r.dir, "part-"+p.part, "VERSION="+p.version, "COUNTS="+r.counts)
	}
	p.took = time.Since(began)
	counted := p.count(r.counts)
	p.fault = p.judge(ctx, err, counted)
	fmt.Fprintln(r.out, "==", p)
}

// judge returns why a part has not passed; an empty string if it has.
func (r *result) judge(ctx context.Context, ran, counted error) string {
	switch {
	case ctx.Err() != nil:
		return "interrupted"
	case r.failed > 0:
		return "tests failed"
	case counted == nil && r.passed == 0:
		return "no test ran"
	case ran != nil:
		return ran.Error()
	case counted != nil:
		return counted.Error()
	}
	return ""
}

// count reads the counts of a part.
func (r *result) count(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read its counts: %w", err)
	}
	var name string
	if _, err := fmt.Sscan(string(text), &name, &r.passed, &r.failed); err != nil {
		return fmt.Errorf("read its counts %q: %w", text, err)
	}
	return nil
}
