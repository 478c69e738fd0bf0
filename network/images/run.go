package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// run holds the flags of one run.
type run struct {
	engine     string
	platform   string
	base       string
	fabric     string
	fabricCA   string
	repository string
	work       string
	sbom       bool
	progress   io.Writer

	wanted   []string // names of images
	compiled *built   // once it is
}

// native is the platform of images for this machine.
const native = "linux/" + runtime.GOARCH

// content writes what an image holds into a tree, and returns its labels, one of which is the version to tag it with.
type content func(ctx context.Context, r *run, t *tree) (label, error)

// contents are the images by name.
var contents = map[string]content{
	"orderer":   orderer,
	"broker":    broker,
	"peer":      peer,
	"chaincode": chaincode,
	"busybox":   busybox,
	"ca":        ca,
}

func names() []string { return slices.Sorted(maps.Keys(contents)) }

// label says what an image was made from.
type label struct {
	title    string
	version  string // also a tag
	revision string // our commit
	fabric   string // version of Fabric, if it is in the image
}

// arguments returns the flags of a build that set the labels.
func (l label) arguments() []string {
	var all []string
	for _, pair := range [][2]string{
		{"org.opencontainers.image.title", l.title},
		{"org.opencontainers.image.version", l.version},
		{"org.opencontainers.image.revision", l.revision},
		{"org.opencontainers.image.licenses", "Apache-2.0"},
		{"org.hyperledger.fabric.version", l.fabric},
	} {
		if pair[1] != "" {
			all = append(all, "--label", pair[0]+"="+pair[1])
		}
	}
	return all
}

// all builds images, one after the other.
func (r *run) all(ctx context.Context, wanted []string) error {
	if _, err := os.Stat(filepath.Join("network", "images")); err != nil {
		return fmt.Errorf("%w; run this in the top folder of a checkout", err)
	}
	r.wanted = wanted
	if r.platform == "" {
		r.platform = native
	}
	if err := r.checkEngine(ctx); err != nil {
		return err
	}
	free, err := r.lock()
	if err != nil {
		return err
	}
	defer free()
	for _, name := range wanted {
		began := time.Now()
		image, err := r.build(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(r.progress, "%6.1fs  %s\n", time.Since(began).Seconds(), image)
	}
	return nil
}

// lock waits until no other run uses the folder, until free is called or this process ends.
func (r *run) lock() (free func(), err error) {
	if err := os.MkdirAll(r.work, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(r.work, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", r.work, err), f.Close())
	}
	return func() { f.Close() }, nil
}

// checkEngine returns an error unless the engine answers, since building takes minutes before it is needed.
func (r *run) checkEngine(ctx context.Context) error {
	if r.engine == "none" {
		return nil
	}
	if _, err := r.output(ctx, r.engine, "info"); err != nil {
		return fmt.Errorf("%w\nstart the engine, or name another one with --engine; --engine none only writes the folders", err)
	}
	return nil
}

// folder returns the folder for the images of the platform: that of --work for this machine's, since users name it.
func (r *run) folder() string {
	if r.platform == native {
		return r.work
	}
	return filepath.Join(r.work, strings.ReplaceAll(r.platform, "/", "-"))
}

// build writes an image's content and has the engine pack it; it returns what was made.
func (r *run) build(ctx context.Context, name string) (string, error) {
	folder := filepath.Join(r.folder(), name)
	t, err := newTree(folder)
	if err != nil {
		return "", err
	}
	l, err := contents[name](ctx, r, t)
	if err != nil {
		return "", err
	}
	if l.revision == "" {
		l.revision = r.checkout(ctx)
	}
	text, err := os.ReadFile(filepath.Join("network", "images", name, "Dockerfile"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "Dockerfile"), text, 0o644); err != nil {
		return "", err
	}
	if r.engine == "none" {
		return folder, nil
	}
	image := r.repository + "/" + name
	return image + ":" + l.version, r.pack(ctx, image, folder, text, l)
}

// checkout returns the commit of this checkout, for images without a program that plugin/builder has stamped; empty if it
// is not a git checkout.
func (r *run) checkout(ctx context.Context) string {
	commit, err := r.output(ctx, "git", "describe", "--always", "--exclude=*", "--dirty")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(commit))
}

// pack has the engine build an image from a folder.
func (r *run) pack(ctx context.Context, image, folder string, dockerfile []byte, l label) error {
	args := []string{"build", "--platform", r.platform, "--tag", image + ":" + l.version, "--tag", image + ":latest"}
	if strings.Contains(string(dockerfile), "ARG BASE") {
		args = append(args, "--build-arg", "BASE="+r.base)
	}
	_, err := r.output(ctx, r.engine, append(append(args, l.arguments()...), folder)...)
	return err
}

// output runs a command and returns what it prints; its error includes what the command wrote to standard error.
func (r *run) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	return r.outputWith(ctx, nil, name, args...)
}

func (r *run) outputWith(ctx context.Context, environment []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), environment...)
	out, err := c.Output()
	if err == nil {
		return out, nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, exit.Stderr) // jlink prints errors on the standard output
	}
	return nil, fmt.Errorf("%s: %w (is it installed and on the PATH?)", name, err)
}

// readJSON reads a file of JSON.
func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
