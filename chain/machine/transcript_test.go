package machine

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rules of this package are shown by testdata/*.txt. Each transcript opens
// with prose that says which rule it shows; then come inputs, one to a line, and
// indented below each the effects and the state after it. After a change, regenerate
// the indented lines and read the difference:
//
//	go test ./chain/machine -run Transcript -rewrite
var rewrite = flag.Bool("rewrite", false, "write the effects and states of the transcripts again")

const (
	leastTranscripts = 130
	leastProse       = 40 // bytes
)

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < leastTranscripts {
		t.Errorf("%d transcripts, want at least %d", len(files), leastTranscripts)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			checkTranscript(t, file)
		})
	}
}

func checkTranscript(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	if n := len(prose(want)); n < leastProse {
		t.Errorf("opens with %d bytes of prose, want at least %d", n, leastProse)
	}
	got := (&script{t: t}).play(want)
	if !strings.Contains(got, "    -> ") {
		t.Error("shows no state")
	}
	switch {
	case got == want:
	case *rewrite:
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("differs from what the machine does now:\n%s", got)
	}
}

// prose is the comment that a transcript opens with.
func prose(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		b.WriteString(rest)
	}
	return b.String()
}
