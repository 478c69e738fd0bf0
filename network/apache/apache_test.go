package apache

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for number, want := range map[string]string{"": Versions[0].Number, "4": Versions[0].Number, "3.9": Versions[1].Number, "3.9.2": "3.9.2"} {
		if v, err := Find(number); err != nil || v.Number != want {
			t.Errorf("%q: %s, %v; want %s", number, v.Number, err, want)
		}
	}
	for _, number := range []string{"3", "3.8", "40", "4.", "4.4.0.1"} {
		if v, err := Find(number); number != "3" && err == nil {
			t.Errorf("%q is %s", number, v.Number)
		}
	}
}

// A version's number is that of the jars in its pom.
func TestPomsHaveTheirVersions(t *testing.T) {
	for _, v := range Versions {
		_, after, found := bytes.Cut(v.pom, []byte("<artifactId>kafka_2.13</artifactId>"))
		if !found || !bytes.HasPrefix(bytes.TrimSpace(after), []byte("<version>"+v.Number+"</version>")) {
			t.Errorf("the pom of %s has another version: %.60s", v.Number, bytes.TrimSpace(after))
		}
	}
}

// Without Java or Maven the error names what to install, and the alternative.
func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Install(t.Context(), Versions[0], t.TempDir(), io.Discard)
	checkRemedy(t, err, "needs Java")

	old := filepath.Join(t.TempDir(), "java")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(old)+":/bin")
	_, err = Install(t.Context(), Versions[0], t.TempDir(), io.Discard)
	checkRemedy(t, err, "needs Java 17 or later, this is 8")

	if err := os.WriteFile(old, []byte("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(old))
	_, err = Install(t.Context(), Versions[0], t.TempDir(), io.Discard)
	checkRemedy(t, err, "mvn")
}

// The newest epoch counts: a node that was down still records an earlier controller.
func TestController(t *testing.T) {
	c := &Cluster{Dir: t.TempDir(), Nodes: []Node{{ID: 1}, {ID: 2}, {ID: 3}}}
	states := []string{`{"leaderId":1,"leaderEpoch":3}`, `{"leaderId":3,"leaderEpoch":4,"data_version":1}`, `{"leaderId":-1,"leaderEpoch":3}`}
	for i, n := range c.Nodes {
		folder := filepath.Join(c.folder(n), "data", "__cluster_metadata-0")
		if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, "quorum-state"), []byte(states[i]), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.Controller(); err != nil || n.ID != 3 {
		t.Errorf("got node %d, %v; want 3", n.ID, err)
	}
}

func checkRemedy(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "apt-get install") || !strings.Contains(err.Error(), "embedded") {
		t.Errorf("got %v, want it to say %q and what to do", err, says)
	}
}
