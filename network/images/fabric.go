package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// built is what plugin/builder writes beside the binaries.
type built struct {
	dir                    string // of the binaries
	Fabric, Plugin, Commit string
}

// compile has plugin/builder make static binaries, once for all images of the run.
func (r *run) compile(ctx context.Context) (built, error) {
	if r.compiled != nil {
		return *r.compiled, nil
	}
	b := built{dir: filepath.Join(r.folder(), "bin")}
	args := []string{"run", "./plugin/builder", "--static", "--platform", r.platform, "--out", b.dir}
	if r.fabric != "" {
		args = append(args, "--fabric", r.fabric)
	}
	if slices.Contains(r.wanted, "peer") {
		args = append(args, "--with", "peer")
	}
	if _, err := r.output(ctx, "go", args...); err != nil {
		return built{}, err
	}
	if err := readJSON(filepath.Join(b.dir, "build.json"), &b); err != nil {
		return built{}, err
	}
	r.compiled = &b
	return b, nil
}

// goBuild compiles one of our commands for the image's platform.
func (r *run) goBuild(ctx context.Context, pkg, to string) error {
	system, arch, _ := strings.Cut(r.platform, "/") // plugin/builder checks its form
	_, err := r.outputWith(ctx, []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + arch},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", to, pkg)
	return err
}

const (
	configFolder = "/etc/hyperledger/fabric"
	dataFolder   = "/var/hyperledger/production"
)

func orderer(ctx context.Context, r *run, t *tree) (label, error) {
	b, err := r.compile(ctx)
	if err != nil {
		return label{}, err
	}
	roots, err := authorities()
	if err != nil {
		return label{}, err
	}
	err = errors.Join(
		t.common(),
		t.folder(dataFolder, 0o777),
		t.folder(dataFolder+"/orderer", 0o777),
		t.copy("/usr/local/bin/orderer", filepath.Join(b.dir, "orderer"), 0o755),
		t.copy(configFolder+"/orderer.yaml", filepath.Join(b.dir, "sampleconfig", "orderer.yaml"), 0o644),
		t.copy("/etc/ssl/certs/ca-certificates.crt", roots, 0o644),
		t.copy("/usr/share/doc/fabric-kafka/LICENSE", "LICENSE", 0o644),
	)
	if err == nil && r.sbom {
		err = r.list(ctx, filepath.Join(b.dir, "orderer"), t)
	}
	return label{"Fabric orderer with the kafka plugin", b.Plugin, b.Commit, b.Fabric}, err
}

// list writes the modules in a binary into the image, and into the image's folder.
func (r *run) list(ctx context.Context, binary string, t *tree) error {
	out, err := r.output(ctx, "go", "tool", "-modfile=.tools/go.mod", "cyclonedx-gomod", "bin", "-json", binary)
	if err != nil {
		return err
	}
	return errors.Join(
		t.text("/usr/share/doc/fabric-kafka/sbom.cdx.json", out, 0o644),
		os.WriteFile(filepath.Join(t.root, "..", "sbom.cdx.json"), out, 0o644),
	)
}

// bundles are where systems keep the certificates of public authorities.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

// authorities returns the file with the certificates of public authorities, against which an orderer verifies brokers
// unless TLS.RootCAs names others.
func authorities() (string, error) {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return file, nil
	}
	for _, file := range bundles {
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("none of %s exists; install the package ca-certificates, or set SSL_CERT_FILE to a file with public certificate authorities",
		strings.Join(bundles, ", "))
}

// builderFolder is where core.yaml names the external builder for chaincode that runs as a service.
const builderFolder = "/opt/hyperledger/ccaas_builder/bin/"

func peer(ctx context.Context, r *run, t *tree) (label, error) {
	b, err := r.compile(ctx)
	if err != nil {
		return label{}, err
	}
	builder := filepath.Join(b.dir, "ccaas")
	if err := r.goBuild(ctx, "./network/images/ccaas", builder); err != nil {
		return label{}, err
	}
	err = errors.Join(
		t.common(),
		t.folder(dataFolder, 0o777),
		t.copy("/usr/local/bin/peer", filepath.Join(b.dir, "peer"), 0o755),
		t.copy(configFolder+"/core.yaml", filepath.Join(b.dir, "sampleconfig", "core.yaml"), 0o644),
		t.copy(builderFolder+"detect", builder, 0o755),
		t.link(builderFolder+"build", "detect"),
		t.link(builderFolder+"release", "detect"),
	)
	return label{"Fabric peer", strings.TrimPrefix(b.Fabric, "v"), b.Commit, b.Fabric}, err
}

func chaincode(ctx context.Context, r *run, t *tree) (label, error) {
	err := r.goBuild(ctx, "./network/chaincode", filepath.Join(t.root, "usr", "local", "bin", "chaincode"))
	return label{title: "Sample chaincode as a service", version: "1"}, err
}

func busybox(ctx context.Context, r *run, t *tree) (label, error) {
	return label{title: "Busybox", version: "host"}, r.shell(ctx, t)
}

// shell adds this machine's busybox, with links for its commands.
func (r *run) shell(ctx context.Context, t *tree) error {
	const shell = "/bin/busybox"
	applets, err := r.output(ctx, shell, "--list")
	if err != nil {
		return fmt.Errorf("%w; install the package busybox-static", err)
	}
	if libraries, err := needed(shell); err != nil || len(libraries) > 0 {
		return errors.Join(err, fmt.Errorf("%s needs libraries (%s); install the package busybox-static", shell, strings.Join(libraries, ", ")))
	}
	err = errors.Join(t.common(), t.copy(shell, shell, 0o755))
	for applet := range strings.FieldsSeq(string(applets)) {
		if linkErr := t.link("/bin/"+applet, "busybox"); linkErr != nil && !errors.Is(linkErr, fs.ErrExist) {
			err = errors.Join(err, linkErr)
		}
	}
	return err
}
