package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"
)

// platformPattern is the form in which container engines name platforms, without a variant.
var platformPattern = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)

// environment returns the variables of go that the flags ask for.
func (b *builder) environment() ([]string, error) {
	var all []string
	if b.static {
		all = append(all, "CGO_ENABLED=0")
	}
	if b.platform == "" {
		return all, nil
	}
	if !platformPattern.MatchString(b.platform) {
		return nil, fmt.Errorf("--platform %s: want OS/ARCHITECTURE, for instance linux/arm64", b.platform)
	}
	system, arch, _ := strings.Cut(b.platform, "/") // the pattern has the slash
	return append(all, "GOOS="+system, "GOARCH="+arch), nil
}

// buildFile is beside the binaries.
const buildFile = "build.json"

// build is the content of buildFile: what those who pack the binaries label them with.
type build struct {
	Fabric   string `json:"fabric"`   // version of Fabric
	Plugin   string `json:"plugin"`   // version of the plugin
	Commit   string `json:"commit"`   // ours, as the orderer shows it
	Platform string `json:"platform"` // OS/ARCHITECTURE

	Options []string `json:"options,omitempty"` // names of options, such as memo-verify
}

// describe writes what the binaries in a folder were built from, and for which platform.
func (p *project) describe(s *source, out string) error {
	target, err := p.output(p.root, "go", "env", "GOOS", "GOARCH")
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(build{s.version, p.version, p.commit, strings.Join(strings.Fields(target), "/"), s.options.Names()}, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(out, buildFile), append(text, '\n'), 0o644)
}
