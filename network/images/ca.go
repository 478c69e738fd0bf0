package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

// caTags have Go's own code look up hosts and users, and leave out of SQLite what loads libraries: a static binary with
// the C library can do neither.
const caTags = "netgo,osusergo,sqlite_omit_load_extension"

// ca writes a certificate authority, built from a source tree, and the shell that compose files of test-network
// start it with.
func ca(ctx context.Context, r *run, t *tree) (label, error) {
	if r.fabricCA == "" {
		return label{}, errors.New("an image of Fabric CA is built from its sources; unpack a release, and name the folder with --fabric-ca")
	}
	if runtime.GOOS != "linux" || r.platform != native {
		return label{}, fmt.Errorf("the image of Fabric CA is compiled with C code, so it is made on Linux and for this architecture only, not on %s for %s; use the image hyperledger/fabric-ca there",
			runtime.GOOS, r.platform)
	}
	version, err := caVersion(r.fabricCA)
	if err != nil {
		return label{}, err
	}
	for _, name := range []string{"fabric-ca-server", "fabric-ca-client"} {
		if err := r.caBuild(ctx, name, version, t); err != nil {
			return label{}, err
		}
	}
	return label{title: "Fabric CA", version: version}, errors.Join(r.shell(ctx, t), t.folder("/etc/hyperledger/fabric-ca-server", 0o777))
}

// caBuild compiles a command of the tree into the image.
func (r *run) caBuild(ctx context.Context, name, version string, t *tree) error {
	to, err := filepath.Abs(filepath.Join(t.root, "usr", "local", "bin", name))
	if err != nil {
		return err
	}
	stamp := "-X github.com/hyperledger/fabric-ca/lib/metadata.Version=v" + version
	_, err = r.outputWith(ctx, []string{"CGO_ENABLED=1", "GOWORK=off", "GOFLAGS="}, "go", "-C", r.fabricCA, "build", "-trimpath", "-buildvcs=false", "-tags", caTags,
		"-ldflags", "-s -w -linkmode external -extldflags -static "+stamp, "-o", to, "./cmd/"+name)
	if err != nil {
		return fmt.Errorf("%w; it needs gcc and the static C library, Debian's gcc and libc6-dev", err)
	}
	return nil
}

// caRelease finds the version in the Makefile of Fabric CA, which stamps the binaries with it.
var caRelease = regexp.MustCompile(`(?m)^BASE_VERSION \?= v(\S+)$`)

// caVersion returns the version of a source tree.
func caVersion(tree string) (string, error) {
	makefile := filepath.Join(tree, "Makefile")
	text, err := os.ReadFile(makefile)
	if err != nil {
		return "", fmt.Errorf("%w; --fabric-ca takes the source tree of a release of Fabric CA", err)
	}
	found := caRelease.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s has no BASE_VERSION; --fabric-ca takes the source tree of a release of Fabric CA", makefile)
	}
	return string(found[1]), nil
}
