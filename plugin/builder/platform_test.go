package main

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func TestEnvironmentOfAPlatform(t *testing.T) {
	for _, c := range []struct {
		b    builder
		want []string
	}{
		{builder{}, nil},
		{builder{static: true}, []string{"CGO_ENABLED=0"}},
		{builder{platform: "linux/arm64"}, []string{"GOOS=linux", "GOARCH=arm64"}},
		{builder{static: true, platform: "darwin/amd64"}, []string{"CGO_ENABLED=0", "GOOS=darwin", "GOARCH=amd64"}},
	} {
		got, err := c.b.environment()
		checktest.Must(t, err)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.b, got, c.want)
		}
	}
	for _, bad := range []string{"linux", "linux/arm/v7", "arm64/", "linux/arm64 CC=x", "Linux/arm64"} {
		b := builder{platform: bad}
		if _, err := b.environment(); err == nil {
			t.Errorf("--platform %q is accepted", bad)
		}
	}
}

// Compiles for a platform other than this one.
func TestCompilesForAnotherPlatform(t *testing.T) {
	root := checkout(t, t.TempDir())
	put(t, filepath.Join(root, "tool", "main.go"), "package main\n\nfunc main() {}\n")
	p := newProject(t)
	p.environment = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=s390x"}
	checktest.Must(t, p.locate())
	out := t.TempDir()
	checktest.Must(t, p.compile(root, target{out: out}, nil, nil, ourModule+"/tool"))
	header := read(t, filepath.Join(out, "tool"))[:20]
	if machine := header[18:20]; header[:4] != "\x7fELF" || machine != "\x00\x16" { // EM_S390, big-endian
		t.Errorf("the binary begins with %q", header)
	}
	checktest.Must(t, p.describe(&source{version: "v1"}, out))
	var got build
	checktest.Must(t, json.Unmarshal([]byte(read(t, filepath.Join(out, buildFile))), &got))
	if want := (build{"v1", "1.2.3", p.commit, "linux/s390x", nil}); !reflect.DeepEqual(got, want) {
		t.Errorf("%s has %+v, want %+v", buildFile, got, want)
	}

	p.environment = []string{"GOOS=linux", "GOARCH=vax"}
	if err := p.compile(root, target{out: out}, nil, nil, ourModule+"/tool"); err == nil {
		t.Error("compiled for linux/vax")
	}
}
