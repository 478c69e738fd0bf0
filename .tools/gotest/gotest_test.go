package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const events = `
{"Action":"output","Package":"p","Test":"TestA","Output":"noise of A\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"reason of B\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"stack of TestHangs\n"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"pass","Package":"q","Test":"TestC/one"}
{"Action":"pass","Package":"q","Test":"TestC"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
{"ImportPath":"r","Action":"build-output","Output":"r/x.go:1: broken\n"}
{"Action":"output","Package":"r","Output":"FAIL\tr [build failed]\n"}
{"Action":"fail","Package":"r"}
`

func TestFollowCountsTestsAndBrokenPackages(t *testing.T) {
	var out bytes.Buffer
	got, err := follow(strings.NewReader(events), printerTo(&out, false))
	if want := (counts{passed: 3, failed: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	want := "reason of B\nFAIL\tp\t0.1s\nFAIL\nstack of TestHangs\nok  \tq\t0.1s\nr/x.go:1: broken\nFAIL\tr [build failed]\n"
	if out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestSpecsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	text := `[{"SpecReports":[
		{"LeafNodeType":"BeforeSuite","State":"passed"}, {"LeafNodeType":"It","State":"passed"},
		{"LeafNodeType":"It","State":"timedout"}, {"LeafNodeType":"It","State":"skipped"}, {"LeafNodeType":"AfterSuite","State":"failed"}]}]`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readSpecs(path)
	if want := (counts{passed: 1, failed: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestNothingTestedIsAFailure(t *testing.T) {
	o := options{name: "unit", counts: filepath.Join(t.TempDir(), "counts")}
	if code, err := conclude(o, counts{}, 0, &bytes.Buffer{}); code == 0 || err == nil {
		t.Errorf("got code %d, %v", code, err)
	}
	if b, err := os.ReadFile(o.counts); err != nil || string(b) != "unit 0 0\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestCountsAreAppended(t *testing.T) {
	o := options{name: "unit", counts: filepath.Join(t.TempDir(), "counts")}
	for range 2 {
		if code, err := conclude(o, counts{passed: 2}, 1, &bytes.Buffer{}); code != 1 || err != nil {
			t.Fatalf("got code %d, %v", code, err)
		}
	}
	if b, err := os.ReadFile(o.counts); err != nil || string(b) != "unit 2 1\nunit 2 1\n" {
		t.Errorf("got %q, %v", b, err)
	}
}
