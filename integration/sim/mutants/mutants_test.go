package mutants

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMutantsFitTheCode: every mutant changes its file, and names are unique.
func TestMutantsFitTheCode(t *testing.T) {
	all := All()
	if len(all) < 25 {
		t.Errorf("%d mutants, want at least 25", len(all))
	}
	names := map[string]bool{}
	for _, m := range all {
		if names[m.Name] || m.Sentence == "" {
			t.Errorf("mutant %s is listed twice, or has no sentence", m.Name)
		}
		names[m.Name] = true
		source, err := os.ReadFile(filepath.Join("..", "..", "..", m.File))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := m.mutate(string(source)); err != nil || text == string(source) {
			t.Errorf("%s changes nothing: %v", m.Name, err)
		}
	}
}
