package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// The modes in an image do not depend on the umask of whoever builds it: a container may run as any user.
func TestTreeHasItsModes(t *testing.T) {
	tree, err := newTree(t.TempDir())
	checktest.Must(t, err)
	private := filepath.Join(t.TempDir(), "private")
	checktest.Must(t, os.WriteFile(private, []byte("x"), 0o600))
	checktest.Must(t, tree.common())
	checktest.Must(t, tree.folder("/var/data", 0o777))
	checktest.Must(t, tree.copy("/usr/bin/x", private, 0o755))
	checktest.Must(t, tree.text("/etc/x", nil, 0o644))
	for path, want := range map[string]fs.FileMode{
		"tmp": fs.ModeDir | fs.ModeSticky | 0o777, "root": fs.ModeDir | 0o755, "var": fs.ModeDir | 0o755,
		"var/data": fs.ModeDir | 0o777, "usr/bin/x": 0o755, "etc/x": 0o644,
	} {
		info, err := os.Stat(filepath.Join(tree.root, path))
		checktest.Must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestTreeStartsEmpty(t *testing.T) {
	folder := t.TempDir()
	tree, err := newTree(folder)
	checktest.Must(t, err)
	checktest.Must(t, tree.text("/old", nil, 0o644))
	tree, err = newTree(folder)
	checktest.Must(t, err)
	if left, err := os.ReadDir(tree.root); err != nil || len(left) > 0 {
		t.Errorf("the tree has %v, %v", left, err)
	}
}

// Every image has a Dockerfile that takes nothing but the tree, and runs nothing.
func TestDockerfiles(t *testing.T) {
	for _, name := range names() {
		text, err := os.ReadFile(filepath.Join(name, "Dockerfile"))
		checktest.Must(t, err)
		if !strings.Contains(string(text), "\nCOPY root/ /\n") || strings.Contains(string(text), "\nRUN ") {
			t.Errorf("%s/Dockerfile copies more than root, or runs something:\n%s", name, text)
		}
	}
}

func TestLabels(t *testing.T) {
	got := label{title: "T", version: "1.2.3", revision: "abc"}.arguments()
	want := []string{"--label", "org.opencontainers.image.title=T", "--label", "org.opencontainers.image.version=1.2.3",
		"--label", "org.opencontainers.image.revision=abc", "--label", "org.opencontainers.image.licenses=Apache-2.0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A broker's image holds this machine's libraries.
func TestBrokerOfAnotherPlatformIsRefused(t *testing.T) {
	other := map[bool]string{true: "arm64", false: "amd64"}[runtime.GOARCH == "amd64"]
	r := &run{platform: "linux/" + other, progress: io.Discard}
	if _, err := broker(context.Background(), r, nil); err == nil {
		t.Errorf("a broker for %s is accepted", r.platform)
	}
}

// What a dynamically linked program needs is found and copied, with what that needs.
func TestCopiesLibraries(t *testing.T) {
	if runtime.GOOS != "linux" || triplets[runtime.GOARCH] == "" {
		t.Skip("needs Linux, on an architecture that images of brokers are made for")
	}
	program, err := exec.LookPath("ls")
	checktest.Must(t, err)
	tree, err := newTree(t.TempDir())
	checktest.Must(t, err)
	l := &libraries{tree: tree, folders: []string{"/lib/" + triplets[runtime.GOARCH], "/usr/lib/" + triplets[runtime.GOARCH], "/lib64", "/usr/lib64"},
		own: map[string]bool{}, copied: map[string]bool{}}
	checktest.Must(t, l.add(program))
	var copied []string
	checktest.Must(t, filepath.WalkDir(tree.root, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			copied = append(copied, d.Name())
		}
		return err
	}))
	for _, want := range []string{"libc.so", "ld-linux"} {
		if !slices.ContainsFunc(copied, func(name string) bool { return strings.HasPrefix(name, want) }) {
			t.Errorf("%s is not among %q", want, copied)
		}
	}
	l.folders = nil
	l.copied = map[string]bool{}
	if err := l.add(program); err == nil {
		t.Error("no error names a library that is missing")
	}
}

// An image without a program that plugin/builder stamps names the commit of the checkout.
func TestEveryImageNamesOurCommit(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	dir := t.TempDir()
	engine, seen := filepath.Join(dir, "engine"), filepath.Join(dir, "arguments")
	checktest.Must(t, os.WriteFile(engine, []byte("#!/bin/sh\necho \"$@\" >"+seen+"\n"), 0o755))
	r := &run{engine: engine, platform: native, repository: "mine", work: dir, progress: io.Discard}
	_, err := r.build(t.Context(), "chaincode")
	checktest.Must(t, err)
	got, err := os.ReadFile(seen)
	checktest.Must(t, err)
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	label := "--label org.opencontainers.image.revision="
	if err == nil && !strings.Contains(string(got), label+strings.TrimSpace(string(commit))) {
		t.Errorf("the engine gets %s, without %s%s", got, label, commit)
	}
	if err != nil && strings.Contains(string(got), label) {
		t.Errorf("outside of a checkout, the engine gets %s", got)
	}
}
