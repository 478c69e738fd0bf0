package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is where the binaries go and the tags that they are built with.
type target struct {
	out  string
	tags []string // those that the user asks for, such as pkcs11
}

// origin names what an orderer was built from, and the options.
func (p *project) origin(s *source) string {
	origin := fmt.Sprintf("%s with fabric-kafka %s (%s)", s.version, p.version, p.commit)
	if names := s.options.Names(); len(names) > 0 {
		origin += ", " + strings.Join(names, ", ")
	}
	return origin
}

// fabricCommit returns the commit that Fabric's binaries show: that of its tree if there is one, otherwise ours.
func (p *project) fabricCommit(s *source) string {
	if s.release != nil {
		return s.commit
	}
	return p.commit
}

// compileOrderer builds the orderer with the patched main.
func (p *project) compileOrderer(s *source, t target) error {
	flags := append(s.moduleFlags(), "-overlay", s.overlayFile())
	return p.compile(s.module(), t, append(s.tags(), t.tags...), append(flags, stampFlags(p.origin(s), p.fabricCommit(s))...), fabricModule+"/cmd/orderer")
}

// compileTools builds commands unchanged, those of a tree with the tree's own modules.
func (p *project) compileTools(s *source, t target, names []string) error {
	if slices.Contains(names, operatorTool) {
		if err := p.compileOperatorTool(t); err != nil {
			return err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == operatorTool })
	}
	if len(names) == 0 {
		return nil
	}
	if s.release == nil {
		return p.compile(s.module(), t, t.tags, append(s.moduleFlags(), stampFlags(p.origin(s), p.fabricCommit(s))...), commands(names)...)
	}
	mode := "-mod=readonly"
	if s.release.vendored() {
		mode = "-mod=vendor"
	}
	return p.compile(s.origin, t, t.tags, append([]string{mode}, stampFlags(s.version, p.fabricCommit(s))...), commands(names)...)
}

// compileOperatorTool builds osnkafka, which does not depend on the Fabric that the orderer is built from: it shows
// the plugin's version, our commit and the Fabric module of go.mod.
func (p *project) compileOperatorTool(t target) error {
	commit, err := p.stamped(packageOf(operatorTool))
	if err != nil {
		return err
	}
	return p.compile(p.root, t, t.tags, stampFlags(p.version, commit), packageOf(operatorTool))
}

func commands(names []string) []string {
	var packages []string
	for _, name := range names {
		packages = append(packages, packageOf(name))
	}
	return packages
}

func (s *source) moduleFlags() []string { return []string{"-modfile", s.modFile()} }

// stampFlags returns the flags that let a command print its version and commit.
func stampFlags(version, commit string) []string {
	return []string{"-ldflags", fmt.Sprintf("-s -w -X '%[1]s/common/metadata.Version=%[2]s' -X '%[1]s/common/metadata.CommitSHA=%[3]s'",
		fabricModule, version, commit)}
}

// compile builds packages in a folder, and moves the binaries to t.out when all are complete.
func (p *project) compile(dir string, t target, tags, flags []string, packages ...string) error {
	if err := os.MkdirAll(t.out, 0o755); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(t.out, ".partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", partial + string(filepath.Separator)}, flags...)
	if len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if _, err := p.output(dir, "go", append(args, packages...)...); err != nil {
		return err
	}
	built, err := os.ReadDir(partial)
	if err != nil {
		return err
	}
	for _, b := range built {
		if err := os.Rename(filepath.Join(partial, b.Name()), filepath.Join(t.out, b.Name())); err != nil {
			return err
		}
	}
	return nil
}
