// Package mutants proves the checkers of the simulation: each mutant is one deliberate defect in the source, which
// some checker must catch, or a unit test where the simulation has a model of the code. A mutant is compiled with an overlay that has the defect (go build -overlay): nothing of
// it is in the product.
package mutants

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is a defect and what must catch it.
type Mutant struct {
	Defect
	Tests []string // packages, one of whose unit tests must catch it; a checker of the simulation if empty
}

// Defect is a change: in File, Old is replaced by New. Old must occur exactly once, so
// that a mutant cannot outlive the code that it changes.
type Defect struct {
	Name     string
	Sentence string // what the mutant does wrong
	File     string // below the root of the repository
	Old, New string
}

// All returns all mutants.
func All() []Mutant {
	var all []Mutant
	for _, d := range slices.Concat(strictRules, cutting, remembering, sessionDecisions, clientAnswers, models) {
		all = append(all, Mutant{Defect: d})
	}
	for _, d := range refusals {
		all = append(all, Mutant{d, []string{"./chain/form", "./chain/verdict", "./chain/handover", "./chain"}})
	}
	return all
}

// apply writes the mutated file into dir and returns the paths of both.
func (m Defect) apply(root, dir string) (original, mutated string, err error) {
	original = filepath.Join(root, m.File)
	source, err := os.ReadFile(original)
	if err != nil {
		return "", "", err
	}
	text, err := m.mutate(string(source))
	if err != nil {
		return "", "", err
	}
	mutated = filepath.Join(dir, filepath.Base(m.File))
	return original, mutated, os.WriteFile(mutated, []byte(text), 0o644)
}

func (m Defect) mutate(source string) (string, error) {
	if n := strings.Count(source, m.Old); n != 1 {
		return "", fmt.Errorf("mutant %s: its text occurs %d times in %s, want once; update the mutant", m.Name, n, m.File)
	}
	return strings.Replace(source, m.Old, m.New, 1), nil
}
