package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// report has the fields of a Ginkgo suite's JSON report that are used here.
type report struct {
	SpecialSuiteFailureReasons []string
	SpecReports                []struct {
		LeafNodeType string
		State        string
	}
}

// readSpecs counts the specs of a report. A failure outside of a spec, such as in BeforeSuite, counts as one.
func readSpecs(path string) (counts, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return counts{}, err
	}
	var reports []report
	if err := json.Unmarshal(b, &reports); err != nil {
		return counts{}, fmt.Errorf("read %s: %w", path, err)
	}
	var total counts
	for _, r := range reports {
		total.failed += len(r.SpecialSuiteFailureReasons)
		for _, s := range r.SpecReports {
			switch s.State {
			case "passed":
				if s.LeafNodeType == "It" {
					total.passed++
				}
			case "failed", "panicked", "interrupted", "aborted", "timedout":
				total.failed++
			}
		}
	}
	return total, nil
}
