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
	commit   string // of the checkout, with a digest of what is compiled if that is not committed

	environment []string // of go, besides the operator's
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
		return fmt.Errorf("there is no go.mod here; run this inside a checkout of %s", ourModule)
	}
	p.root = filepath.Dir(file)
	name, err := p.output(p.root, "go", "list", "-m")
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if name != ourModule {
		return fmt.Errorf("%s is of module %s; run this inside a checkout of %s", file, name, ourModule)
	}
	if p.version, err = versionConst(filepath.Join(p.root, "plugin", "version.go")); err != nil {
		return err
	}
	p.commit, err = p.stamped(ourModule + "/plugin")
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

// moduleSource returns the Fabric that our go.mod requires.
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

// output runs a command and returns what it prints; its error includes what the command wrote to standard error.
func (p *project) output(dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(p.ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GO111MODULE=on", "GOFLAGS=-mod=readonly", "GIT_OPTIONAL_LOCKS=0") // whatever the operator has set for other modules
	c.Env = append(c.Env, p.environment...)
	if dir != "" {
		c.Env = append(c.Env, "PWD="+dir) // so that go uses the name of a folder that is a link
	}
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
