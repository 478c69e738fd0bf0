package fabricnet

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A panic is found once, whatever the process writes after it, and earlier ones are not.
func TestPanics(t *testing.T) {
	n := &Network{dir: t.TempDir(), options: Options{Orderers: 3}}
	write := func(name, text string) {
		t.Helper()
		file := n.path(logFile(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("orderer1", "panic: of another day\n")
	logs, err := n.Logs()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		orderer, text string
		want          []string
	}{
		{"orderer1", "2026-01-01 INFO starting\nnothing of a panic: here\n", nil},
		{"orderer2", "INFO stopping\npanic: send on closed channel\n\ngoroutine 7 [running]:\npanic: again\n", []string{"orderer2: panic: send on closed channel"}},
		{"orderer2", "INFO starting\npan", nil},
		{"orderer2", "ic: in two parts", []string{"orderer2: panic: in two parts"}},
		{"orderer2", "\nINFO\n", nil},
		{"orderer3", "fatal error: concurrent map writes\n", []string{"orderer3: fatal error: concurrent map writes"}},
		{"orderer3", "==================\nWARNING: DATA RACE\nRead at 0x1\n", []string{"orderer3: WARNING: DATA RACE"}},
		{"orderer1", "SIGSEGV: segmentation violation\n", []string{"orderer1: SIGSEGV: segmentation violation"}},
	} {
		write(c.orderer, c.text)
		if got, err := logs.Panics(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("after %q: got %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}
