package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

type counts struct{ passed, failed int }

// event is one line of go test -json.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
}

// follow reads events to their end, shows them and counts.
func follow(in io.Reader, show func(event)) (counts, error) {
	var total counts
	failing := map[string]bool{} // packages with a test that failed
	for dec := json.NewDecoder(in); ; {
		var e event
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return total, nil
		} else if err != nil {
			return total, fmt.Errorf("read go test's events: %w", err)
		}
		show(e)
		switch {
		case e.Action == "pass" && e.Test != "":
			total.passed++
		case e.Action == "fail" && (e.Test != "" || !failing[e.Package]):
			total.failed++
			failing[e.Package] = true
		}
	}
}

// printerTo returns a function that prints all output if live; otherwise the last line of each package, the build's
// output, and the output of tests that failed or, if their package failed, did not end.
func printerTo(out io.Writer, live bool) func(event) {
	if live {
		return func(e event) { fmt.Fprint(out, e.Output) }
	}
	held := map[string]*heldOutput{} // by package
	return func(e event) {
		if held[e.Package] == nil {
			held[e.Package] = &heldOutput{tests: map[string]string{}}
		}
		switch e.Action {
		case "output":
			if e.Test == "" && closes(e.Output) {
				fmt.Fprint(out, e.Output)
				return
			}
			held[e.Package].add(e.Test, e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "fail":
			fmt.Fprint(out, held[e.Package].take(e.Test))
		case "pass", "skip":
			held[e.Package].take(e.Test)
		}
	}
}

// heldOutput keeps what the tests of a package printed until they end. The package's own output has the empty name.
type heldOutput struct {
	tests map[string]string
}

func (h *heldOutput) add(test, output string) { h.tests[test] += output }

// take returns the output of a test and forgets it; of the package: all that is left.
func (h *heldOutput) take(test string) string {
	if test != "" {
		output := h.tests[test]
		delete(h.tests, test)
		return output
	}
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h.tests)) {
		all.WriteString(h.tests[name])
	}
	clear(h.tests)
	return all.String()
}

// closes reports whether a line is the last one of a package.
func closes(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t")
}
