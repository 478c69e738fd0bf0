package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	ourModule    = "github.com/fabric-kafka/orderer"
	fabricModule = "github.com/hyperledger/fabric"
)

// project is our own module, which the binaries are compiled from.
type project struct {
	ctx      context.Context
	progress io.Writer
	root     string // folder of go.mod
	version  string // of the plugin
	commit   string // of the checkout, and what is compiled if that is in no commit
}

type step struct {
	name string
	run  func() error
}

func (p *project) runSteps(steps []step) error {
	for _, s := range steps {
		began := time.Now()
		if err := s.run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(p.progress, "%6.1fs  %s\n", time.Since(began).Seconds(), s.name)
	}
	return nil
}

// locate finds our module from the working directory.
func (p *project) locate() error {
	file, err := p.output("", "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	if file == "" || file == os.DevNull {
		return fmt.Errorf("run this inside of a checkout of %s: there is no go.mod here", ourModule)
	}
	p.root = filepath.Dir(file)
	name, err := p.output(p.root, "go", "list", "-m")
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if name != ourModule {
		return fmt.Errorf("run this inside of a checkout of %s; %s is of %s", ourModule, file, name)
	}
	if p.version, err = versionConst(filepath.Join(p.root, "plugin", "version.go")); err != nil {
		return err
	}
	p.commit, err = p.stamped()
	return err
}

var versionPattern = regexp.MustCompile(`(?m)^const Version = "([^"]+)"$`)

func versionConst(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	m := versionPattern.FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s has no line: const Version = \"...\"", file)
	}
	return string(m[1]), nil
}

// moduleSource is the Fabric that our go.mod requires.
func (p *project) moduleSource(work string) (*source, error) {
	out, err := p.output(p.root, "go", "mod", "download", "-json", fabricModule)
	if err != nil {
		return nil, fmt.Errorf("%w (is the module proxy reachable? see go env GOPROXY)", err)
	}
	var module struct{ Version, Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return nil, err
	}
	return newSource(module.Version, module.Dir, work, p.root), nil
}

// origin says what an orderer was made of.
func (p *project) origin(s *source) string {
	return fmt.Sprintf("%s with fabric-kafka %s (%s)", s.version, p.version, p.commit)
}

// compileOrderer builds the orderer with the patched main.
func (p *project) compileOrderer(s *source, out string) error {
	return p.compile(s, out, []string{"-overlay", s.overlayFile()}, "orderer")
}

// compileTools builds commands as they are.
func (p *project) compileTools(s *source, out string, names []string) error {
	return p.compile(s, out, nil, names...)
}

func (p *project) compile(s *source, out string, flags []string, names ...string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	ldflags := fmt.Sprintf("-s -w -X '%[1]s/common/metadata.Version=%[2]s' -X '%[1]s/common/metadata.CommitSHA=%[3]s'",
		fabricModule, p.origin(s), p.commit)
	args := []string{"build", "-modfile", s.modFile(), "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", out + string(filepath.Separator)}
	args = append(args, flags...)
	for _, name := range names {
		args = append(args, fabricModule+"/cmd/"+name)
	}
	_, err := p.output(p.root, "go", args...)
	return err
}

// output runs a command and returns what it prints; its error has what the command complained of.
func (p *project) output(dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(p.ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=readonly") // whatever the operator has set for other modules
	out, err := c.Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	return "", fmt.Errorf("%s: %w (is it installed and on the PATH?)", name, err)
}
