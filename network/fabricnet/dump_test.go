package fabricnet

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each orderer that runs leaves its stacks, also a paused one, and they are no panic in its log.
func TestDump(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "listens")
	logs, err := r.Logs()
	if err != nil {
		t.Fatal(err)
	}
	p, q := r.starts("orderer1"), r.starts("orderer3")
	if err := r.Pause("orderer3"); err != nil {
		t.Fatal(err)
	}
	files, err := r.Dump("orderer1", "orderer2", "orderer3")
	want := []string{r.path("logs", "orderer1.goroutines"), r.path("logs", "orderer3.goroutines")}
	if err != nil || !slices.Equal(files, want) {
		t.Fatalf("got %q, %v; want %q", files, err, want)
	}
	r.gone("dump", p, q)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(text), "[select (no cases)]") || !strings.Contains(string(text), "fabricnet.listen(") {
			t.Errorf("%s: %v\n%s", f, err, text)
		}
	}
	if found, err := logs.Panics(); err != nil || len(found) > 0 {
		t.Errorf("panics: %q, %v", found, err)
	}
	if text := tail(r.path("logs", "orderer3.log"), 9); text != "ready" {
		t.Errorf("the log: %q", text)
	}
	r.starts("orderer3")
}

// What has no stacks is named, and does not hide those of others.
func TestDumpWithoutStacks(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "net"), "sleeps")
	p := r.starts("orderer1")
	files, err := r.Dump("orderer9", "orderer1")
	if len(files) != 0 || err == nil || !strings.Contains(err.Error(), `no orderer "orderer9"`) || !strings.Contains(err.Error(), "orderer1.log has none") {
		t.Errorf("got %q, %v", files, err)
	}
	r.gone("dump", p)
	if files, err = r.Dump("orderer1"); len(files) != 0 || err != nil {
		t.Errorf("of one that does not run: %q, %v", files, err)
	}
}
