package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// The version is that of the release; a folder that is no source tree of Fabric CA is refused.
func TestVersionOfFabricCA(t *testing.T) {
	for makefile, want := range map[string]string{
		"PROJECT_NAME = fabric-ca\n\nBASE_VERSION ?= v1.5.17\n": "1.5.17",
		"BASE_VERSION ?= v1.6.0-rc1\n":                          "1.6.0-rc1",
		"PROJECT_NAME = fabric\n":                               "",
	} {
		tree := t.TempDir()
		checktest.Must(t, os.WriteFile(filepath.Join(tree, "Makefile"), []byte(makefile), 0o644))
		if got, err := caVersion(tree); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", makefile, got, err, want)
		}
	}
	if _, err := caVersion(t.TempDir()); err == nil {
		t.Error("an empty folder is accepted")
	}
}

// The image of Fabric CA needs a source tree, and this machine's compiler.
func TestFabricCAIsRefused(t *testing.T) {
	other := map[bool]string{true: "arm64", false: "amd64"}[runtime.GOARCH == "amd64"]
	for name, r := range map[string]*run{
		"without a tree":       {platform: native},
		"for another platform": {platform: "linux/" + other, fabricCA: "."},
	} {
		if _, err := ca(context.Background(), r, nil); err == nil {
			t.Errorf("%s, it is accepted", name)
		}
	}
}
